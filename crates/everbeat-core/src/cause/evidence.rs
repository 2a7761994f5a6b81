//! On what evidence a connection was judged: facts at the moment of the verdict, printable as part
//! of a sentence.

use core::fmt;
use core::time::Duration;

use crate::transport::PathEvidence;

/// What was known of a connection when it was suspected, declared dead, or ended
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Evidence {
    /// How long nothing had been heard, not a byte
    pub silent_for: Duration,
    /// Pings sent since something was last heard
    pub pings_unanswered: u32,
    /// Whether those were beats of one's own ([`OwnBeat`](crate::config::OwnBeat)), and no Pings
    pub own_beat: bool,
    /// How long the operating system had not taken a byte of a Ping that waited to be written
    pub write_blocked_for: Option<Duration>,
    /// How late our own timer was when it was looked at: our stall, not the peer's
    pub timer_late: Duration,
    /// How long our own process or machine did not run while a silence was judged, since anything was
    /// last heard: it is not held against the peer, and a promise is late by it; also what had passed
    /// of a silence when it was asked anew ([`Connection::probe`](crate::Connection::probe))
    pub stalled_for: Duration,
    /// How long the machine had slept since then while the clock stood still, as far as the platform
    /// tells ([`Timer::slept`](crate::time::Timer::slept))
    pub slept_for: Duration,
    /// The machine has our end's address no more ([`Hint::AddressGone`](crate::client::Hint))
    pub address_gone: bool,
    /// What the kernel knew of the road, where the platform tells
    pub path: Option<PathEvidence>,
    /// Bytes received over the connection's life
    pub received: u64,
    /// Bytes the operating system took over the connection's life; 0 if the transport cannot tell
    pub sent: u64,
}

/// `nothing heard for 2.3 s, 1 Ping unanswered, our own timer was 40 ms late`
impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "nothing heard for {}", Span(self.silent_for))?;
        let beat = if self.own_beat { "beat" } else { "Ping" };
        match self.pings_unanswered {
            0 => {}
            1 => write!(f, ", 1 {beat} unanswered")?,
            many => write!(f, ", {many} {beat}s unanswered")?,
        }
        if self.address_gone {
            f.write_str(", our address is gone")?;
        }
        if let Some(blocked) = self.write_blocked_for {
            write!(f, ", our writes blocked for {}", Span(blocked))?;
        }
        if let Some(path) = self.path {
            if path.unsent > 0 {
                write!(f, ", kernel holds {} B", path.unsent)?;
            }
            let last = Span(path.last_acknowledged);
            write!(f, ", last acknowledgement {last} ago")?;
        }
        if self.stalled_for >= Self::WORTH_A_WORD {
            write!(f, ", we did not run for {}", Span(self.stalled_for))?;
        }
        if self.slept_for > Duration::ZERO {
            write!(f, ", the machine slept for {}", Span(self.slept_for))?;
        }
        if self.timer_late >= Self::WORTH_A_WORD {
            write!(f, ", our own timer was {} late", Span(self.timer_late))?;
        }
        Ok(())
    }
}

impl Evidence {
    /// A timer's granularity is no evidence; more than this is
    const WORTH_A_WORD: Duration = Duration::from_millis(100);
}

/// A duration as people read it: `340 ms`, `2.3 s`, `25 s`
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span(pub(crate) Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.as_millis();
        match millis {
            0..=999 => write!(f, "{millis} ms"),
            1_000..=99_999 => write!(f, "{}.{} s", millis / 1_000, millis % 1_000 / 100),
            _ => write!(f, "{} s", millis / 1_000),
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn reads_as_a_sentence() {
        let evidence = Evidence {
            silent_for: Duration::from_millis(2_340),
            pings_unanswered: 1,
            write_blocked_for: Some(Duration::from_millis(900)),
            timer_late: Duration::from_millis(250),
            stalled_for: Duration::from_millis(1_250),
            slept_for: Duration::from_secs(3_600),
            path: Some(PathEvidence {
                unsent: 312,
                last_acknowledged: Duration::from_millis(2_400),
                ..PathEvidence::default()
            }),
            ..Evidence::default()
        };
        assert_eq!(
            evidence.to_string(),
            "nothing heard for 2.3 s, 1 Ping unanswered, our writes blocked for 900 ms, \
             kernel holds 312 B, last acknowledgement 2.4 s ago, we did not run for 1.2 s, the machine slept for 3600 s, our own timer was 250 ms late"
        );
        let own = Evidence { pings_unanswered: 2, own_beat: true, ..Evidence::default() };
        assert_eq!(own.to_string(), "nothing heard for 0 ms, 2 beats unanswered");
        let gone = Evidence { address_gone: true, ..Evidence::default() };
        assert_eq!(gone.to_string(), "nothing heard for 0 ms, our address is gone");
    }
}
