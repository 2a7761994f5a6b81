//! What happens when: a radix heap, for time only goes forward and there are a hundred million events.

use everbeat_core::time::Instant;

/// What is due, the earliest first
///
/// An event lies in the bucket of the highest bit in which its time differs from the present one; so
/// it moves only when time has come near to it.
pub(super) struct Agenda {
    buckets: [Vec<Event>; BUCKETS],
    now: u64,
}

/// One for the present, and one for each bit
const BUCKETS: usize = u64::BITS as usize + 1;

/// Something that happens; of two at the same time, the order is always the same
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Event {
    pub(super) at: Instant,
    pub(super) what: What,
    pub(super) client: u32,
    /// Of which attempt
    pub(super) attempt: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// A client hears that its connection is over
    Lost,
    /// It tries again
    Begin,
    /// A SYN arrives
    Syn,
    /// A client hears that nobody listens
    Refused,
    /// That it is to come back later
    Busy,
    /// That it is connected
    Up,
    /// It has waited long enough
    GiveUp,
    /// The server has told somebody to come back
    Done,
    /// The server has done an upgrade
    Upgraded,
}

impl Agenda {
    pub(super) fn new() -> Self {
        Self { buckets: std::array::from_fn(|_| Vec::new()), now: 0 }
    }

    /// What is in the past happens now
    pub(super) fn add(&mut self, at: Instant, what: What, client: u32, attempt: u32) {
        let at = at.max(Instant::from_nanos(self.now));
        self.put(Event { at, what, client, attempt });
    }

    fn put(&mut self, event: Event) {
        let differs = u64::BITS - (event.at.as_nanos() ^ self.now).leading_zeros();
        if let Some(bucket) = self.buckets.get_mut(differs as usize) {
            bucket.push(event);
        }
    }

    pub(super) fn next(&mut self) -> Option<Event> {
        let [present, ..] = &mut self.buckets;
        if let Some(event) = present.pop() {
            return Some(event);
        }
        let place = self.buckets.iter().position(|bucket| !bucket.is_empty())?;
        let mut near = std::mem::take(self.buckets.get_mut(place)?);
        self.now = near.iter().map(|event| event.at.as_nanos()).min()?;
        // All of them differ from the new present in a lower bit
        near.drain(..).for_each(|event| self.put(event));
        // Its room is kept
        *self.buckets.get_mut(place)? = near;
        let [present, ..] = &mut self.buckets;
        present.pop()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_happens_once_and_in_order() {
        let mut rng = fastrand::Rng::with_seed(1);
        let mut agenda = Agenda::new();
        let (mut added, mut now, mut happened) = (0, Instant::ORIGIN, 0);
        for _ in 0..1_000 {
            agenda.add(Instant::from_nanos(rng.u64(..1 << 40)), What::Begin, added, 0);
            added += 1;
        }
        while let Some(event) = agenda.next() {
            assert!(event.at >= now, "{:?} after {now:?}", event.at);
            (now, happened) = (event.at, happened + 1);
            if added < 20_000 {
                let far = rng.u32(0..40);
                let later = std::time::Duration::from_nanos(rng.u64(..1 << far));
                agenda.add(now + later, What::Syn, added, 0);
                added += 1;
            }
        }
        assert_eq!(happened, added);
    }

    #[test]
    fn what_is_late_happens_now() {
        let mut agenda = Agenda::new();
        agenda.add(Instant::from_nanos(50), What::Up, 1, 1);
        agenda.next();
        agenda.add(Instant::from_nanos(7), What::Up, 2, 1);
        assert_eq!(agenda.next().map(|event| event.at), Some(Instant::from_nanos(50)));
        assert_eq!(agenda.next(), None);
    }
}
