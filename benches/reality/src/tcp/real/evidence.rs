//! What `ss` tells of a socket: the kernel's `TCP_INFO`, for who has no unsafe code to ask for it.

use std::time::Duration;

use anyhow::{Context, Result};
use everbeat_core::transport::PathEvidence;

/// Reads the line of one socket
pub(super) fn parse(line: &str) -> Result<PathEvidence> {
    let mut words = line.split_whitespace();
    // State, bytes that nobody read, bytes that are not acknowledged.
    let queued = words.nth(2).context("it has no third word")?;
    let number = |name: &str| {
        let value = words.clone().find_map(|word| word.strip_prefix(name));
        value.map(str::parse::<u64>).transpose().with_context(|| name.to_owned())
    };
    let mut evidence = PathEvidence::default();
    evidence.unsent = queued.parse().with_context(|| queued.to_owned())?;
    // What is nothing is not told.
    evidence.acknowledged = number("bytes_acked:")?.unwrap_or_default();
    evidence.last_acknowledged = Duration::from_millis(number("lastack:")?.unwrap_or_default());
    Ok(evidence)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "ESTAB 0      100    10.99.0.1:56138 10.99.0.2:9001  cubic wscale:7,7 \
        rto:464 backoff:1 rtt:30.509/0.906 mss:1448 cwnd:1 bytes_sent:800 bytes_retrans:200 \
        bytes_acked:501 bytes_received:500 unacked:1 retrans:1/2 lost:1 lastsnd:33 lastrcv:1036 \
        lastack:1037 pacing_rate 1Mbps";

    #[test]
    fn a_line_is_read() {
        let evidence = parse(LINE).unwrap();
        assert_eq!((evidence.acknowledged, evidence.unsent), (501, 100));
        assert_eq!(evidence.last_acknowledged, Duration::from_millis(1_037));
    }

    #[test]
    fn what_is_not_told_is_nothing() {
        let evidence = parse("ESTAB 0 0 10.99.0.1:1 10.99.0.2:2 cubic rto:1000").unwrap();
        assert_eq!(evidence, PathEvidence::default());
    }

    #[test]
    fn what_is_no_line_is_refused() {
        for line in ["", "ESTAB 0", "ESTAB 0 many", &LINE.replace("acked:501", "acked:x")] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
