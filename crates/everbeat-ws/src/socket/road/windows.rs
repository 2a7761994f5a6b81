//! Windows 10 and Server 2016: `SIO_TCP_INFO`. Written from its documentation, and not run by
//! anybody yet.
//!
//! What is sent again counts again, or does not, which is not said: so it may seem that more is
//! acknowledged than is, never less. Then the program's clock decides, which is the longer one. When
//! the last acknowledgement came is not told: news came just now, at the latest.

use std::mem::offset_of;
use std::time::Duration;

use everbeat_core::transport::PathEvidence;
use socket2::SockRef;
use windows_sys::Win32::Networking::WinSock::TCP_INFO_v0;

use super::evidence::{Base, evidence};
use crate::reviewed;

/// A TCP connection, and where its scale begins
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Road {
    /// What had been sent and acknowledged there
    base: Base,
}

impl Road {
    /// From now on, and how many bytes of an earlier time the system still holds, as far as they have
    /// left
    pub(in super::super) fn begin(tcp: &SockRef<'_>) -> Option<(Self, u64)> {
        let info = Info::of(tcp)?;
        Some((Self { base: Base::new(info.acknowledged()) }, info.in_flight))
    }

    /// What became of the bytes that were sent by now
    pub(in super::super) fn look(self, tcp: &SockRef<'_>, sent: u64) -> Option<PathEvidence> {
        let info = Info::of(tcp)?;
        let acknowledged = info.acknowledged().saturating_sub(self.base.get());
        let waiting = if info.shut { sent.saturating_sub(acknowledged) } else { 0 };
        Some(evidence(sent, acknowledged, waiting, Duration::ZERO))
    }
}

/// What is used of a `TCP_INFO_v0`
struct Info {
    out: u64,
    in_flight: u64,
    /// The peer takes nothing now
    shut: bool,
}

impl Info {
    fn of(tcp: &SockRef<'_>) -> Option<Self> {
        let bytes = reviewed::tcp_info(tcp)?;
        let number = |at: usize| Some(u32::from_ne_bytes(*bytes.get(at..)?.first_chunk()?));
        let out = bytes.get(offset_of!(TCP_INFO_v0, BytesOut)..)?.first_chunk()?;
        Some(Self {
            out: u64::from_ne_bytes(*out),
            in_flight: number(offset_of!(TCP_INFO_v0, BytesInFlight))?.into(),
            shut: number(offset_of!(TCP_INFO_v0, SndWnd))? == 0,
        })
    }

    const fn acknowledged(&self) -> u64 {
        self.out.saturating_sub(self.in_flight)
    }
}
