//! What happens when: a calendar, for time only goes forward and there are a hundred million events.

use everbeat_core::time::Instant;

/// What is due, the earliest first, by the millisecond
pub(super) struct Agenda {
    since: Instant,
    /// Each in no order, until its time comes
    later: Vec<Vec<Event>>,
    /// Which of them is the present one, latest first
    place: usize,
    present: Vec<Event>,
    /// Emptied ones, whose room is used again
    empty: Vec<Vec<Event>>,
}

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
    pub(super) const fn new(since: Instant) -> Self {
        Self { since, later: Vec::new(), place: 0, present: Vec::new(), empty: Vec::new() }
    }

    /// What is in the past happens now
    pub(super) fn add(&mut self, at: Instant, what: What, client: u32, attempt: u32) {
        let event = Event { at, what, client, attempt };
        let place = at.saturating_duration_since(self.since).as_millis() as usize;
        if place <= self.place {
            let behind = self.present.partition_point(|other| other.at > at);
            self.present.insert(behind, event);
            return;
        }
        if place >= self.later.len() {
            self.later.resize_with(place + 1, Vec::new);
        }
        if let Some(bucket) = self.later.get_mut(place) {
            if bucket.capacity() == 0 {
                *bucket = self.empty.pop().unwrap_or_default();
            }
            bucket.push(event);
        }
    }

    pub(super) fn next(&mut self) -> Option<Event> {
        while self.present.is_empty() {
            self.place += 1;
            let next = std::mem::take(self.later.get_mut(self.place)?);
            if next.is_empty() {
                continue;
            }
            self.empty.push(std::mem::replace(&mut self.present, next));
            self.present.sort_unstable_by_key(|event| std::cmp::Reverse(event.at));
        }
        self.present.pop()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_happens_once_and_in_order() {
        let mut rng = fastrand::Rng::with_seed(1);
        let mut agenda = Agenda::new(Instant::ORIGIN);
        let (mut added, mut now, mut happened) = (0, Instant::ORIGIN, 0);
        for _ in 0..1_000 {
            agenda.add(Instant::from_nanos(rng.u64(..1 << 33)), What::Begin, added, 0);
            added += 1;
        }
        while let Some(event) = agenda.next() {
            assert!(event.at >= now, "{:?} after {now:?}", event.at);
            (now, happened) = (event.at, happened + 1);
            if added < 20_000 {
                let far = rng.u32(0..35);
                let later = std::time::Duration::from_nanos(rng.u64(..1 << far));
                agenda.add(now + later, What::Syn, added, 0);
                added += 1;
            }
        }
        assert_eq!(happened, added);
    }

    #[test]
    fn what_is_late_happens_now() {
        let mut agenda = Agenda::new(Instant::ORIGIN);
        agenda.add(Instant::from_nanos(50), What::Up, 1, 1);
        agenda.next();
        agenda.add(Instant::from_nanos(7), What::Up, 2, 1);
        assert_eq!(agenda.next().map(|event| event.client), Some(2));
        assert_eq!(agenda.next(), None);
    }
}
