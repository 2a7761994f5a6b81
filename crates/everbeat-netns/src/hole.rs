//! What is lost on a road, or refused, as rules of the router's packet filter. Pure.

use std::fmt::Write;

/// Which packets are lost
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a test names what it wants to see lost")]
pub enum Lost {
    /// Each
    All,
    /// TCP's that carry payload, so that bare acknowledgements pass: the sender's bytes do not get out,
    /// and it goes on hearing
    Payload,
}

/// Where the rules are
const CHAIN: &str = "inet everbeat holes";
/// The lengths that TCP's header can have, in words of four bytes
const HEADERS: std::ops::RangeInclusive<u32> = 5..=15;

/// Nothing is lost yet
pub(crate) const NONE: &str = "\
table inet everbeat {
    chain holes {
        type filter hook forward priority 0; policy accept;
    }
}
";

/// Who comes from that host by TCP is told that nobody is there
pub(crate) fn refuse(from: &str) -> String {
    format!("add rule {CHAIN} iifname \"{from}\" meta l4proto tcp reject with tcp reset\n")
}

/// Nothing is lost any more
pub(crate) fn repair() -> String {
    format!("flush chain {CHAIN}\n")
}

/// What comes from one host and goes to the other is lost, beside what is lost already; all of these
/// ways at once
pub(crate) fn lose(ways: &[(&str, &str)], lost: Lost) -> String {
    let mut rules = String::new();
    for (from, to) in ways {
        let mut rule = |which: &str| {
            // Nothing that is written into a string fails.
            _ = writeln!(rules, "add rule {CHAIN} iifname \"{from}\" oifname \"{to}\" {which}drop");
        };
        match lost {
            Lost::All => rule(""),
            // A packet is longer than its headers. The filter cannot subtract, and TCP's header has
            // few lengths; IPv4's has no options here, and IPv6's is not counted.
            Lost::Payload => HEADERS.for_each(|words| {
                rule(&format!("ip length > {} tcp doff {words} ", 20 + 4 * words));
                rule(&format!("ip6 length > {} tcp doff {words} ", 4 * words));
            }),
        }
    }
    rules
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hole_has_its_direction() {
        let rules = lose(&[("client", "server")], Lost::All);
        assert_eq!(
            rules,
            "add rule inet everbeat holes iifname \"client\" oifname \"server\" drop\n"
        );
    }

    #[test]
    fn payload_is_what_is_longer_than_the_headers() {
        let rules = lose(&[("a", "b"), ("b", "a")], Lost::Payload);
        assert_eq!(rules.lines().count(), 2 * 2 * 11);
        // Timestamps make TCP's header 32 bytes long.
        assert!(rules.contains("iifname \"a\" oifname \"b\" ip length > 52 tcp doff 8 drop\n"));
        assert!(rules.contains("iifname \"b\" oifname \"a\" ip6 length > 32 tcp doff 8 drop\n"));
    }
}
