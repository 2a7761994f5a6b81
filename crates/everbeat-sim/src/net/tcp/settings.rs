//! How a direction of a link is set.

use std::time::Duration;

/// How a direction of a link is set; a new wire begins with the link's settings
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) delay: Duration,
    pub(crate) jitter: Duration,
    /// Bytes a second; 0 is without limit
    pub(crate) rate: u64,
    /// How likely a packet is lost
    pub(crate) loss: f64,
    /// How many bytes the sender's kernel keeps until they are acknowledged
    pub(crate) buffer: usize,
    /// How many bytes the reader's kernel keeps until they are read; as the buffer if not set
    pub(crate) window: Option<usize>,
    /// What enters waits
    pub(crate) held: bool,
    /// What enters is lost
    pub(crate) parted: bool,
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
            loss: 0.0,
            buffer: 64 << 10,
            window: None,
            held: false,
            parted: false,
            stalled: false,
            mute: false,
        }
    }
}

/// The payload of a packet on an ordinary road
const PACKET: usize = 1_400;

impl Settings {
    /// The most bytes that travel as one
    ///
    /// Where packets are lost, a packet. With a rate, what passes in a fiftieth of a second, but at
    /// least a packet, unless that takes more than a tenth: the reader must see a slow message
    /// grow, and the sender hear of it before its timeout.
    pub(crate) fn grain(&self) -> usize {
        let Some(rate) = usize::try_from(self.rate).ok().filter(|rate| *rate > 0) else {
            return if self.loss > 0.0 { PACKET } else { usize::MAX };
        };
        let packet = (rate / 10).clamp(1, PACKET);
        if self.loss > 0.0 { packet } else { packet.max(rate / 50) }
    }

    /// How long so many bytes occupy the road
    pub(crate) fn transmission(&self, bytes: usize) -> Duration {
        if self.rate == 0 || bytes == 0 {
            return Duration::ZERO;
        }
        let nanos = bytes as u128 * 1_000_000_000 / u128::from(self.rate);
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// How many bytes the reader's kernel keeps until they are read
    pub(crate) fn window(&self) -> usize {
        self.window.unwrap_or(self.buffer)
    }
}
