//! macOS and its kin: `TCP_CONNECTION_INFO`. Written from Apple's headers, and not run by anybody
//! yet.
//!
//! The kernel tells how much it holds, which is all that is not acknowledged, so that no base is
//! needed. When it last had an acknowledgement it does not tell: news came just now, at the latest.

use std::mem::offset_of;
use std::time::Duration;

use everbeat_core::transport::PathEvidence;
use libc::tcp_connection_info;
use socket2::SockRef;

use super::evidence::evidence;
use crate::reviewed;

const SND_WND: usize = offset_of!(tcp_connection_info, tcpi_snd_wnd);
const SND_SBBYTES: usize = offset_of!(tcp_connection_info, tcpi_snd_sbbytes);
/// How much is asked for
const LENGTH: usize = SND_SBBYTES + 4;

/// A TCP connection
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Road;

impl Road {
    /// From now on, and how many bytes of an earlier time the kernel still holds
    pub(in super::super) fn begin(tcp: &SockRef<'_>) -> Option<(Self, u64)> {
        Some((Self, Info::of(tcp)?.held))
    }

    /// What became of the bytes that were sent by now
    pub(in super::super) fn look(self, tcp: &SockRef<'_>, sent: u64) -> Option<PathEvidence> {
        let Info { held, shut } = Info::of(tcp)?;
        let waiting = if shut { held } else { 0 };
        Some(evidence(sent, sent.saturating_sub(held), waiting, Duration::ZERO))
    }
}

/// What is used of a `tcp_connection_info`
struct Info {
    /// Bytes that are not acknowledged, whether they have left or not
    held: u64,
    /// The peer takes nothing now
    shut: bool,
}

impl Info {
    fn of(tcp: &SockRef<'_>) -> Option<Self> {
        let mut room = [0; LENGTH];
        let bytes = reviewed::tcp_info(tcp, &mut room)?;
        let number = |at: usize| Some(u32::from_ne_bytes(*bytes.get(at..)?.first_chunk()?));
        Some(Self { held: number(SND_SBBYTES)?.into(), shut: number(SND_WND)? == 0 })
    }
}
