//! Linux and Android: `TCP_INFO` (`linux/tcp.h`), whose layout has only ever grown at its end.

use std::time::Duration;

use everbeat_core::transport::PathEvidence;
use socket2::{Protocol, SockRef};

use super::evidence::{Base, evidence};
use crate::reviewed;

// Where the numbers stand
const STATE: usize = 0;
const SND_MSS: usize = 16;
const UNACKED: usize = 24;
const LAST_ACK_RECV: usize = 56;
const BYTES_ACKED: usize = 120;
const SEGS_IN: usize = 140;
const NOTSENT_BYTES: usize = 144;
/// How much is needed; Linux 4.6 was the first to tell all of it
const NEEDED: usize = NOTSENT_BYTES + 4;
/// Told since Linux 5.4, and done without before
const SND_WND: usize = 228;
/// How much is asked for
const LENGTH: usize = SND_WND + 4;

/// A state of a connection: it is over
const TCP_CLOSE: u8 = 7;

/// How often the two numbers that the scale is made of are read until they belong together: each try
/// fails if an acknowledgement comes in its midst
const TRIES: usize = 16;

/// A TCP connection, and where its scale begins
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Road {
    /// What the kernel had counted as acknowledged there
    base: Base,
}

impl Road {
    /// From now on, and how many bytes of an earlier time the kernel still holds
    pub(in super::super) fn begin(tcp: &SockRef<'_>) -> Option<(Self, u64)> {
        // Of several paths under one connection (MPTCP), and of one that goes beside TCP (SMC), this
        // tells what became of the first.
        if tcp.protocol().ok()? != Some(Protocol::TCP) {
            return None;
        }
        for _ in 0..TRIES {
            let info = Info::of(tcp)?;
            if info.holds_nothing() {
                return Some((Self { base: Base::new(info.acknowledged) }, 0));
            }
            let held = reviewed::queued(tcp)?;
            if Info::of(tcp)?.acknowledged == info.acknowledged {
                return Some((Self { base: Base::new(info.acknowledged) }, held));
            }
        }
        None
    }

    /// What became of the bytes that were sent by now
    pub(in super::super) fn look(self, tcp: &SockRef<'_>, sent: u64) -> Option<PathEvidence> {
        Some(self.place(&Info::of(tcp)?, sent))
    }

    fn place(self, info: &Info, sent: u64) -> PathEvidence {
        let acknowledged = match info.holds_nothing() {
            // By whatever way it went, beside TCP too (a redirection of BPF's).
            true => sent,
            false => info.acknowledged.saturating_sub(self.base.get()),
        };
        // Bytes that wait for us are late on the road, for it is theirs to leave on.
        let waiting = if info.cannot_send() { 0 } else { info.waiting.into() };
        evidence(sent, acknowledged, waiting, info.last_acknowledged)
    }
}

/// What is used of a `TCP_INFO`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Info {
    state: u8,
    /// Segments on the road
    unacked: u32,
    /// Bytes that were acknowledged, a SYN and a FIN as one each
    acknowledged: u64,
    /// Bytes that have not left
    waiting: u32,
    /// How much a segment carries
    segment: u32,
    /// How much the peer would take, where that is told
    window: Option<u32>,
    last_acknowledged: Duration,
}

impl Info {
    fn of(tcp: &SockRef<'_>) -> Option<Self> {
        Self::parse(reviewed::tcp_info(tcp, &mut [0; LENGTH])?)
    }

    /// Reads what the kernel wrote; `None` if it is too old, or only poses as Linux
    fn parse(bytes: &[u8]) -> Option<Self> {
        let number = |at: usize| Some(u32::from_ne_bytes(*bytes.get(at..)?.first_chunk()?));
        if bytes.len() < NEEDED {
            return None;
        }
        // gVisor gives the whole length, and zero for what it does not count. No connection was made
        // without a segment of the peer's.
        if number(SEGS_IN)? == 0 {
            return None;
        }
        Some(Self {
            state: *bytes.get(STATE)?,
            unacked: number(UNACKED)?,
            acknowledged: u64::from_ne_bytes(*bytes.get(BYTES_ACKED..)?.first_chunk()?),
            waiting: number(NOTSENT_BYTES)?,
            segment: number(SND_MSS)?,
            window: number(SND_WND),
            last_acknowledged: Duration::from_millis(number(LAST_ACK_RECV)?.into()),
        })
    }

    /// Whether our own kernel cannot send: nothing is on the road although the peer would take what
    /// waits, for the address or the route is gone
    fn cannot_send(&self) -> bool {
        self.unacked == 0 && self.window.is_some_and(|room| room >= self.waiting.min(self.segment))
    }

    /// Whether all that was given to the kernel is acknowledged; one that gave up has let go of it
    const fn holds_nothing(&self) -> bool {
        self.unacked == 0 && self.waiting == 0 && self.state != TCP_CLOSE
    }
}

#[cfg(test)]
mod tests;
