//! One direction of a wire: packets that wait, fly and arrive, in order. Decides when they arrive
//! and which are lost; pure, and asks nobody for the time.

use std::collections::VecDeque;
use std::time::Duration;

use everbeat_core::time::Instant;

use super::packet::{Load, Packet};
use super::settings::Settings;

/// One direction of a wire
#[derive(Debug)]
pub(crate) struct Road {
    pub(crate) settings: Settings,
    /// What enters vanishes, for ever
    cut: bool,
    waiting: VecDeque<Packet>,
    flying: VecDeque<Flight>,
    /// When the last byte that left will have passed the narrowest place
    free_at: Instant,
    last_arrival: Instant,
    /// When somebody will look for arrivals, at the latest
    watched: Instant,
}

#[derive(Debug)]
struct Flight {
    /// When it will have passed the narrowest place
    passes: Instant,
    arrives: Instant,
    packet: Packet,
}

impl Road {
    pub(crate) const fn new(settings: Settings) -> Self {
        Self {
            settings,
            cut: false,
            waiting: VecDeque::new(),
            flying: VecDeque::new(),
            free_at: Instant::ORIGIN,
            last_arrival: Instant::ORIGIN,
            watched: Instant::NEVER,
        }
    }

    /// Takes a packet from a kernel; hands it back if it is lost
    pub(crate) fn enter(
        &mut self,
        packet: Packet,
        now: Instant,
        rng: &mut fastrand::Rng,
    ) -> Option<Packet> {
        if self.cut || self.settings.parted {
            return Some(packet);
        }
        if self.settings.held {
            self.waiting.push_back(packet);
            return None;
        }
        self.depart(packet, now, rng)
    }

    /// As [`enter`](Self::enter), for what befalls the wire itself: it knows no hold and no loss
    pub(crate) fn strike(&mut self, load: Load, now: Instant) {
        let arrival = now + self.settings.delay;
        let arrives = if let Load::Reset = load {
            // It waits for nobody: what would come later is lost.
            self.waiting.clear();
            self.flying.retain(|flight| flight.arrives <= arrival);
            arrival
        } else {
            arrival.max(self.last_arrival)
        };
        self.fly(now, arrives, Packet { ack: None, load });
    }

    /// Lets the waiting go; what of it is lost
    pub(crate) fn release(&mut self, now: Instant, rng: &mut fastrand::Rng) -> Vec<Packet> {
        self.settings.held = false;
        let waiting = std::mem::take(&mut self.waiting);
        waiting.into_iter().filter_map(|packet| self.depart(packet, now, rng)).collect()
    }

    /// What enters from now on vanishes, for ever, and so does what has not passed
    pub(crate) fn cut(&mut self, now: Instant) {
        self.cut = true;
        self.part(now);
    }

    /// The road is gone: so is what waits, and what has not passed the narrowest place
    pub(crate) fn part(&mut self, now: Instant) {
        self.waiting.clear();
        self.flying.retain(|flight| flight.passes <= now);
        self.free_at = self.free_at.min(now);
        self.last_arrival = self.flying.back().map_or(Instant::ORIGIN, |flight| flight.arrives);
    }

    /// Takes the next packet that has arrived by `now`
    pub(crate) fn pop_arrived(&mut self, now: Instant) -> Option<Packet> {
        self.flying.front().filter(|flight| flight.arrives <= now)?;
        self.flying.pop_front().map(|flight| flight.packet)
    }

    /// Somebody has looked
    pub(crate) fn looked(&mut self, now: Instant) {
        if self.watched <= now {
            self.watched = Instant::NEVER;
        }
    }

    /// When somebody has to look for arrivals, if nobody will by then
    pub(crate) fn watch(&mut self) -> Option<Instant> {
        let arrives = self.flying.front()?.arrives;
        (arrives < self.watched).then(|| {
            self.watched = arrives;
            arrives
        })
    }

    /// Whether nothing is under way
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.flying.is_empty()
    }

    fn depart(&mut self, packet: Packet, now: Instant, rng: &mut fastrand::Rng) -> Option<Packet> {
        // It occupies the road all the same: it is lost on the way.
        let transmission = self.settings.transmission(packet.load.bytes());
        self.free_at = self.free_at.max(now) + transmission;
        if self.settings.loss > 0.0 && rng.f64() < self.settings.loss {
            return Some(packet);
        }
        let jitter = match u64::try_from(self.settings.jitter.as_nanos()) {
            Ok(0) => Duration::ZERO,
            Ok(most) => Duration::from_nanos(rng.u64(0..=most)),
            Err(_) => self.settings.jitter,
        };
        let arrives = (self.free_at + self.settings.delay + jitter).max(self.last_arrival);
        self.fly(self.free_at, arrives, packet);
        None
    }

    fn fly(&mut self, passes: Instant, arrives: Instant, packet: Packet) {
        self.last_arrival = arrives;
        self.flying.push_back(Flight { passes, arrives, packet });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn piece(bytes: usize) -> Packet {
        let load = Load::Piece { number: 0, transmission: 0, bytes, sent: Instant::ORIGIN };
        Packet { ack: None, load }
    }

    fn at(ms: u32) -> Instant {
        Instant::ORIGIN + MS * ms
    }

    fn rng() -> fastrand::Rng {
        fastrand::Rng::with_seed(1)
    }

    #[test]
    fn the_rate_is_kept_and_the_order_too() {
        let settings = Settings { rate: 1_000, delay: 5 * MS, jitter: MS, ..Settings::default() };
        let (mut road, mut rng) = (Road::new(settings), rng());
        let mut last = Instant::ORIGIN;
        for _ in 1..=100 {
            assert!(road.enter(piece(10), at(0), &mut rng).is_none());
        }
        for number in 1..=100 {
            let arrival = road.watch().unwrap();
            assert!(arrival >= at(10 * number + 5) && arrival <= at(10 * number + 6));
            assert!(arrival > last);
            assert!(road.pop_arrived(arrival).is_some());
            road.looked(arrival);
            last = arrival;
        }
        assert!(road.is_empty());
    }

    #[test]
    fn loss_is_as_likely_as_it_is_set_and_takes_its_time_on_the_road() {
        let settings = Settings { rate: 1_000, loss: 0.25, ..Settings::default() };
        let (mut road, mut rng) = (Road::new(settings), rng());
        let lost = (0..10_000).filter(|_| road.enter(piece(1), at(0), &mut rng).is_some());
        let lost = lost.count();
        assert!((2_300..2_700).contains(&lost), "{lost}");
        assert_eq!(road.free_at, at(10_000));
    }

    #[test]
    fn what_is_behind_the_narrowest_place_when_the_road_goes_still_arrives() {
        let settings = Settings { rate: 1_000, delay: 5 * MS, ..Settings::default() };
        let (mut road, mut rng) = (Road::new(settings), rng());
        for _ in 0..10 {
            road.enter(piece(10), at(0), &mut rng);
        }
        road.settings.parted = true;
        road.part(at(25));
        assert!(road.pop_arrived(at(15)).is_some() && road.pop_arrived(at(25)).is_some());
        assert!(road.is_empty() && road.enter(piece(10), at(25), &mut rng).is_some());
        road.settings.parted = false;
        road.enter(piece(10), at(30), &mut rng);
        assert!(road.pop_arrived(at(45)).is_some(), "nobody queues behind what is gone");
    }

    #[test]
    fn what_is_cut_never_arrives() {
        let (mut road, mut rng) = (Road::new(Settings::default()), rng());
        road.settings.held = true;
        assert!(road.enter(piece(70), at(0), &mut rng).is_none());
        road.cut(at(0));
        assert!(road.release(at(1), &mut rng).is_empty());
        assert!(road.enter(piece(7), at(2), &mut rng).is_some());
        assert!(road.is_empty());
    }
}
