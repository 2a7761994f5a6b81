//! Who is let in now, and when the others are to come back: work is let in as fast as it is done,
//! and who finds more than a moment's work before him is given a slot later on.

use std::time::Duration;

use everbeat_core::time::Instant;

/// Lets in as many as can be served, and gives the others slots
///
/// A server that can do so many upgrades a second, and is asked for more, has a queue. Whoever waits
/// in it longer than his patience is gone when his turn comes, and his upgrade is done for nobody: a
/// queue of 20 s of work before clients with a timeout of 10 s serves nobody at all, and never ends.
/// So nobody waits. While there is at most a quarter of a second of work, one is let in; else he is
/// told, in whole seconds, when there is a slot.
///
/// Slots are handed out at 0.9 times the capacity. The rest is for those who come unannounced, and
/// the reason why who comes back at his slot gets in, if all do so. Browsers do not: their scripts see
/// neither the status nor the header, and come when they like. Each of them that is refused has a slot
/// that it does not use. So no slot is far ([`LATEST`](Self::LATEST)), and all are void once their
/// owners have not come and the server has nothing to do.
///
/// ```
/// use everbeat_core::time::Instant;
/// use everbeat_server::storm::{Slots, Turn};
///
/// let mut slots = Slots::new(100);
/// let now = Instant::ORIGIN;
/// let turns: Vec<_> = (0..1_000).map(|_| slots.handle_arrival(now)).collect();
/// assert_eq!(turns.iter().filter(|turn| **turn == Turn::Now).count(), 26);
/// // 974 others, at 90 a second
/// assert_eq!(turns[999], Turn::After { seconds: 12 });
/// ```
#[derive(Clone, Debug)]
pub struct Slots {
    /// How long one upgrade takes
    each: Duration,
    /// How much work may wait
    room: Duration,
    /// Until when there is work
    busy_until: Instant,
    /// The slot that was handed out last
    handed_out: Instant,
}

/// What one who arrives is told
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Turn {
    /// Come in
    Now,
    /// Come back
    After {
        /// In so many seconds, 1 or more
        seconds: u32,
    },
}

impl Slots {
    /// The latest slot that is handed out, in 30 s: whoever asks again and again only to be refused, as
    /// a browser does, must not move the slots of those who obey far behind the work
    ///
    /// Who would have a later one is given one of the same 30 s once more: then there are two for it,
    /// and one is told again to come later. A crowd of more than that asks once in 30 s, each, until
    /// it is through.
    pub const LATEST: Duration = Duration::from_secs(30);

    /// How much work may wait: short before everybody's patience, and long enough to keep a server
    /// busy
    const QUEUED: Duration = Duration::from_millis(250);
    /// And so many upgrades at least: fewer than that would be refused by chance
    const FEWEST: u32 = 8;
    /// How long nobody has come who has a slot until nobody will: a second by which slots are rounded
    /// up, one by which their owners spread, one for their way
    const IDLE: Duration = Duration::from_secs(3);

    /// For a server that can do so many upgrades a second; 0 counts as 1
    #[must_use]
    pub fn new(capacity: u32) -> Self {
        let each = Duration::from_secs(1) / capacity.max(1);
        Self {
            each,
            room: Self::QUEUED.max(each * Self::FEWEST),
            busy_until: Instant::ORIGIN,
            handed_out: Instant::ORIGIN,
        }
    }

    /// Whether one who arrives now would be told to come back
    #[must_use]
    pub fn is_full(&self, now: Instant) -> bool {
        self.full_until() > now
    }

    /// From when on one who arrives is let in, if nobody else is before
    #[must_use]
    pub fn full_until(&self) -> Instant {
        self.busy_until - self.room
    }

    /// Somebody asks for an upgrade
    ///
    /// Who is refused adds nothing to the work, and takes nobody's turn.
    pub fn handle_arrival(&mut self, now: Instant) -> Turn {
        if !self.is_full(now) {
            let idle = now.saturating_duration_since(self.busy_until);
            if idle > Self::IDLE.max(self.each * Self::FEWEST) {
                self.handed_out = self.busy_until;
            }
            self.busy_until = self.busy_until.max(now) + self.each;
            return Turn::Now;
        }
        // 9 for every 10 that could be served
        let apart = self.each * 10 / 9;
        let mut slot = self.handed_out.max(self.busy_until) + apart;
        if slot.saturating_duration_since(now) > Self::LATEST {
            slot = self.busy_until + apart;
        }
        self.handed_out = slot;
        let nanos = slot.saturating_duration_since(now).as_nanos().div_ceil(1_000_000_000);
        Turn::After { seconds: u32::try_from(nanos).unwrap_or(u32::MAX).max(1) }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn at(seconds: f64) -> Instant {
        Instant::from_origin(Duration::from_secs_f64(seconds))
    }

    /// Numbers that look random, from 0 to 1
    fn noise(seed: u64) -> impl FnMut() -> f64 {
        let mut state = seed;
        move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 11) as f64 / (1_u64 << 53) as f64
        }
    }

    /// A crowd that arrives within so many seconds and comes back when it is told to, up to a second
    /// later: when each got in, and how often it was told to come back
    fn crowd(slots: &mut Slots, count: u32, within: f64) -> Vec<(f64, u32)> {
        let mut noise = noise(7);
        let mut waiting = BTreeMap::new();
        for client in 0..count {
            waiting.insert((at(noise() * within), client), 0);
        }
        let mut done = Vec::new();
        while let Some(((now, client), told)) = waiting.pop_first() {
            match slots.handle_arrival(now) {
                Turn::Now => done.push((now.since_origin().as_secs_f64(), told)),
                Turn::After { seconds } => {
                    let back = now + SECOND * seconds + SECOND.mul_f64(noise());
                    waiting.insert((back, client), told + 1);
                }
            }
        }
        done
    }

    #[test]
    fn who_comes_back_at_his_slot_gets_in() {
        for capacity in [50, 200, 1_000] {
            let count = capacity * 20;
            let done = crowd(&mut Slots::new(capacity), count, 1.0);
            let again = done.iter().filter(|(_, told)| *told > 1).count();
            assert!(again * 200 <= done.len(), "{again} of {count} at {capacity} twice");
            let last = done.last().unwrap().0;
            let ideal = f64::from(count) / f64::from(capacity);
            assert!(last <= ideal / 0.9 + 3.0, "{last} s where {ideal} s were possible");
        }
    }

    #[test]
    fn no_more_are_let_in_than_can_be_served() {
        let capacity = 200;
        let done = crowd(&mut Slots::new(capacity), 12_000, 5.0);
        let mut seconds = BTreeMap::<u64, u32>::new();
        for (when, _) in done {
            *seconds.entry(when as u64).or_default() += 1;
        }
        let most = seconds.values().max().unwrap();
        assert!(*most <= capacity * 5 / 4 + 1, "{most} in one second");
    }

    #[test]
    fn a_refusal_takes_nobodys_turn() {
        let mut slots = Slots::new(10);
        let begun = |slots: &mut Slots, now| {
            std::iter::from_fn(|| Some(slots.handle_arrival(now)))
                .take(1_000)
                .filter(|turn| *turn == Turn::Now)
                .count()
        };
        assert_eq!(begun(&mut slots, at(100.0)), 9);
        // The work of half a second has been done, by whomever it was that asked
        assert_eq!(begun(&mut slots, at(100.5)), 5);
    }

    #[test]
    fn slots_end_after_a_while_and_begin_again() {
        let mut slots = Slots::new(100);
        let mut told = Vec::new();
        for _ in 0..20_000 {
            if let Turn::After { seconds } = slots.handle_arrival(at(1.0)) {
                told.push(seconds);
            }
        }
        let latest = *told.iter().max().unwrap();
        assert_eq!(u64::from(latest), Slots::LATEST.as_secs());
        // Some thousands fit, whatever was asked for: each second as often as another
        let often = |second: u32| told.iter().filter(|told| **told == second).count();
        let each = 20_000 / latest as usize;
        let about = each * 9 / 10..=each * 6 / 5;
        assert!((2..latest).all(|second| about.contains(&often(second))), "{}", often(9));
    }

    /// When the 99th of 100 got in, of those who obey and of those who try
    /// again within 2 s whatever they are told: 8,000 clients, half and half, 40 s of work
    fn mixed(slots: &mut Slots) -> [f64; 2] {
        let mut noise = noise(7);
        let mut waiting: BTreeMap<_, _> =
            (0..8_000).map(|client| ((at(100.0 + noise()), client), ())).collect();
        let mut took = [Vec::new(), Vec::new()];
        while let Some(((now, client), ())) = waiting.pop_first() {
            let obeys = client % 2 == 0;
            let back = match slots.handle_arrival(now) {
                Turn::Now => {
                    took[usize::from(!obeys)].push(now.since_origin().as_secs_f64() - 100.0);
                    continue;
                }
                Turn::After { seconds } if obeys => f64::from(seconds) + noise(),
                Turn::After { .. } => 2.0 * noise(),
            };
            waiting.insert((now + SECOND.mul_f64(back), client), ());
        }
        took.map(|took| took[took.len() * 99 / 100])
    }

    #[test]
    fn who_obeys_is_back_hardly_later_than_if_nobody_did_otherwise() {
        let [obedient, naive] = mixed(&mut Slots::new(200));
        assert!(obedient <= 40.0 * 1.5, "{obedient} s, and {naive} s for who does not obey");
    }

    /// So many a second, of whom nobody comes back, for two minutes
    fn flood(slots: &mut Slots, rate: u32) {
        for n in 0..rate * 120 {
            slots.handle_arrival(at(100.0 + f64::from(n) / f64::from(rate)));
        }
    }

    #[test]
    fn slots_that_nobody_came_for_are_void() {
        for capacity in [1, 10, 200, 5_000] {
            let mut slots = Slots::new(capacity);
            flood(&mut slots, capacity * 5);
            // Its work is done after 8 s at the latest, and so long nobody comes
            let after = at(220.0 + 8.0 + 8.0_f64.max(8.0 / f64::from(capacity)) + 0.1);
            let room = (capacity / 4).max(8);
            let turns: Vec<_> = (0..room + 3).map(|_| slots.handle_arrival(after)).collect();
            let told = turns.iter().filter(|turn| **turn != Turn::Now).count();
            assert_eq!(told, 2, "at {capacity} a second");
            let last = turns[turns.len() - 1];
            let soonest = (slots.room.as_secs_f64() + 3.3 / f64::from(capacity)).ceil() as u32;
            assert_eq!(last, Turn::After { seconds: soonest }, "at {capacity} a second");
        }
    }

    /// Slots are told in whole seconds, and who has one comes up to a second later: until the first
    /// does, the server has nothing to do
    #[test]
    fn slots_are_not_void_before_their_owners_can_come() {
        for capacity in [1, 3, 50, 200, 5_000] {
            let mut slots = Slots::new(capacity);
            let told = |slots: &mut Slots, now| loop {
                if let Turn::After { seconds } = slots.handle_arrival(now) {
                    break seconds;
                }
            };
            let first = told(&mut slots, at(100.0));
            let mut last = first;
            for _ in 0..capacity * 5 {
                last = told(&mut slots, at(100.0));
            }
            let back = at(101.2 + f64::from(first));
            let again = told(&mut slots, back);
            assert!(last - first >= 5 && again + first + 1 >= last, "{first} {last} {again}");
        }
    }

    proptest! {
        /// Whatever arrives when: what is let in is never more than the capacity and the room, and
        /// everybody else is told a time that is bounded.
        #[test]
        fn the_work_is_bounded_and_so_is_the_wait(
            capacity in 0_u32..5_000,
            gaps in proptest::collection::vec(0_u64..200, 1..400),
        ) {
            let mut slots = Slots::new(capacity);
            let begin = at(50.0);
            let (mut now, mut begun) = (begin, 0_u32);
            for gap in gaps {
                now += Duration::from_micros(gap * gap);
                match slots.handle_arrival(now) {
                    Turn::Now => begun += 1,
                    Turn::After { seconds } => {
                        prop_assert!((1..=30).contains(&seconds));
                        prop_assert!(slots.is_full(now));
                    }
                }
                let rate = f64::from(capacity.max(1));
                let elapsed = now.saturating_duration_since(begin).as_secs_f64();
                let most = rate * elapsed + (rate / 4.0).max(8.0) + 2.0;
                prop_assert!(f64::from(begun) <= most, "{begun} of {most}");
            }
        }
    }
}
