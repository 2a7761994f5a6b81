//! One direction of a wire: bytes that wait, fly and have landed, in order. Decides when they
//! arrive and how many may be under way; pure, and asks nobody for the time.

use std::collections::VecDeque;
use std::time::Duration;

use everbeat_core::time::Instant;

use super::error::PipeError;
use super::frame::Frame;
use super::host::Reply;

/// How a direction of a link is set; a new wire begins with the link's settings
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) delay: Duration,
    pub(crate) jitter: Duration,
    /// Bytes a second; 0 is without limit
    pub(crate) rate: u64,
    /// How many bytes may be taken from the writer and not yet by the reader
    pub(crate) buffer: usize,
    /// What enters waits
    pub(crate) held: bool,
    /// The reader does not read
    pub(crate) stalled: bool,
    /// The reader answers neither Ping nor Close
    pub(crate) mute: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            // Not zero: two ends that answer each other at once would stop time.
            delay: Duration::from_millis(1),
            jitter: Duration::ZERO,
            rate: 0,
            buffer: 64 << 10,
            held: false,
            stalled: false,
            mute: false,
        }
    }
}

impl Settings {
    /// The most bytes that travel as one
    ///
    /// With a rate, a packet, or what passes in a tenth of a second if that is less: the reader
    /// must see a slow message grow.
    fn grain(&self) -> usize {
        match usize::try_from(self.rate) {
            Ok(0) | Err(_) => usize::MAX,
            Ok(rate) => (rate / 10).clamp(1, 1_400),
        }
    }

    fn transmission(&self, bytes: usize) -> Duration {
        if self.rate == 0 {
            return Duration::ZERO;
        }
        let nanos = bytes as u128 * 1_000_000_000 / u128::from(self.rate);
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

/// Some bytes in a row, and what they complete
#[derive(Debug)]
pub(crate) struct Parcel {
    pub(crate) bytes: usize,
    pub(crate) cargo: Cargo,
}

#[derive(Debug)]
pub(crate) enum Cargo {
    /// Bytes of a frame that ends in a later parcel
    Part,
    /// The frame's last byte
    Frame(Frame),
    /// The end of the stream
    Fin,
    /// What the reader cannot but take as an error
    Broken(PipeError),
    /// A client asks to be upgraded
    Request,
    /// A host's answer to it
    Reply(Reply),
}

/// One direction of a wire
#[derive(Debug)]
pub(crate) struct Way {
    pub(crate) settings: Settings,
    /// What enters vanishes, for ever
    cut: bool,
    waiting: VecDeque<Parcel>,
    flying: VecDeque<(Instant, Parcel)>,
    landed: VecDeque<Parcel>,
    /// Bytes that the writer got rid of and the reader has not taken
    occupied: usize,
    /// When the last byte that left will have left
    free_at: Instant,
    last_arrival: Instant,
    /// Bytes that have come to the reader's kernel, and when the last of them did
    pub(crate) came: (u64, Instant),
}

impl Way {
    pub(crate) const fn new(settings: Settings) -> Self {
        Self {
            settings,
            cut: false,
            waiting: VecDeque::new(),
            flying: VecDeque::new(),
            landed: VecDeque::new(),
            occupied: 0,
            free_at: Instant::ORIGIN,
            last_arrival: Instant::ORIGIN,
            came: (0, Instant::ORIGIN),
        }
    }

    /// How many bytes would be taken at once, as one
    pub(crate) fn room(&self) -> usize {
        self.settings.buffer.saturating_sub(self.occupied).min(self.settings.grain())
    }

    /// Takes a parcel from the writer; when it will arrive, if it is on its way and another
    /// arrival at that instant is not expected already
    pub(crate) fn enter(
        &mut self,
        parcel: Parcel,
        now: Instant,
        rng: &mut fastrand::Rng,
    ) -> Option<Instant> {
        self.occupied += parcel.bytes;
        if self.cut {
            return None;
        }
        if self.settings.held {
            self.waiting.push_back(parcel);
            return None;
        }
        self.depart(parcel, now, rng)
    }

    /// As [`enter`](Self::enter), for what befalls the wire itself: it knows no hold and no cut
    pub(crate) fn strike(&mut self, parcel: Parcel, now: Instant) -> Option<Instant> {
        self.occupied += parcel.bytes;
        let arrival = now + self.settings.delay;
        if let Cargo::Broken(PipeError::Reset) = parcel.cargo {
            // It waits for nobody: what would come later is lost.
            self.waiting.clear();
            self.flying.retain(|(at, _)| *at <= arrival);
            return self.fly(parcel, arrival);
        }
        self.fly(parcel, arrival.max(self.last_arrival))
    }

    /// Lets the waiting go; when they will arrive
    pub(crate) fn release(&mut self, now: Instant, rng: &mut fastrand::Rng) -> Vec<Instant> {
        self.settings.held = false;
        let waiting = std::mem::take(&mut self.waiting);
        waiting.into_iter().filter_map(|parcel| self.depart(parcel, now, rng)).collect()
    }

    /// What enters from now on vanishes, and so does what waits
    pub(crate) fn cut(&mut self) {
        self.cut = true;
        self.waiting.clear();
    }

    /// Takes the next parcel that has arrived by `now`
    pub(crate) fn pop_arrived(&mut self, now: Instant) -> Option<Parcel> {
        self.flying.front().filter(|(at, _)| *at <= now)?;
        let (_, parcel) = self.flying.pop_front()?;
        self.came = (self.came.0 + parcel.bytes as u64, now);
        Some(parcel)
    }

    /// Lays a parcel where the reader finds it
    pub(crate) fn land(&mut self, parcel: Parcel) {
        self.landed.push_back(parcel);
    }

    /// The reader takes the next parcel
    pub(crate) fn read(&mut self) -> Option<Parcel> {
        let parcel = self.landed.pop_front()?;
        self.occupied = self.occupied.saturating_sub(parcel.bytes);
        Some(parcel)
    }

    /// Whether there is something to read
    pub(crate) fn is_readable(&self) -> bool {
        !self.landed.is_empty()
    }

    /// Whether there are bytes that the reader never took
    pub(crate) fn has_unread_bytes(&self) -> bool {
        self.landed.iter().any(|parcel| parcel.bytes > 0)
    }

    /// Nobody will read what has landed
    pub(crate) fn discard(&mut self) {
        self.landed.clear();
    }

    /// Whether nothing is under way
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.flying.is_empty()
    }

    fn depart(&mut self, parcel: Parcel, now: Instant, rng: &mut fastrand::Rng) -> Option<Instant> {
        self.free_at = self.free_at.max(now) + self.settings.transmission(parcel.bytes);
        let jitter = match u64::try_from(self.settings.jitter.as_nanos()) {
            Ok(0) => Duration::ZERO,
            Ok(most) => Duration::from_nanos(rng.u64(0..=most)),
            Err(_) => self.settings.jitter,
        };
        let arrival = (self.free_at + self.settings.delay + jitter).max(self.last_arrival);
        self.fly(parcel, arrival)
    }

    fn fly(&mut self, parcel: Parcel, arrival: Instant) -> Option<Instant> {
        self.last_arrival = arrival;
        let expected = self.flying.back().is_some_and(|(at, _)| *at == arrival);
        self.flying.push_back((arrival, parcel));
        (!expected).then_some(arrival)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn bytes(bytes: usize) -> Parcel {
        Parcel { bytes, cargo: Cargo::Part }
    }

    fn at(ms: u32) -> Instant {
        Instant::ORIGIN + MS * ms
    }

    #[test]
    fn the_rate_is_kept_and_the_order_too() {
        let settings = Settings { rate: 1_000, delay: 5 * MS, jitter: MS, ..Settings::default() };
        let mut way = Way::new(settings);
        let mut rng = fastrand::Rng::with_seed(1);
        let mut last = Instant::ORIGIN;
        for number in 1..=100 {
            let arrival = way.enter(bytes(10), at(0), &mut rng).unwrap();
            assert!(arrival >= at(10 * number + 5) && arrival <= at(10 * number + 6));
            assert!(arrival > last);
            last = arrival;
        }
    }

    #[test]
    fn the_buffer_is_freed_by_the_reader_only() {
        let mut way = Way::new(Settings { buffer: 100, ..Settings::default() });
        let mut rng = fastrand::Rng::with_seed(1);
        assert_eq!(way.room(), 100);
        way.enter(bytes(70), at(0), &mut rng);
        assert_eq!(way.room(), 30);
        let parcel = way.pop_arrived(at(1)).unwrap();
        way.land(parcel);
        assert_eq!(way.room(), 30);
        way.read();
        assert_eq!(way.room(), 100);
    }

    #[test]
    fn what_is_cut_never_arrives_and_occupies_the_buffer_for_ever() {
        let mut way = Way::new(Settings { held: true, ..Settings::default() });
        let mut rng = fastrand::Rng::with_seed(1);
        assert_eq!(way.enter(bytes(70), at(0), &mut rng), None);
        way.cut();
        assert!(way.release(at(1), &mut rng).is_empty());
        assert_eq!(way.enter(bytes(7), at(2), &mut rng), None);
        assert_eq!((way.is_empty(), way.room()), (true, (64 << 10) - 77));
    }
}
