//! What the load is told to do on its stdin, a line each, while its connections stand.

use std::time::Duration;

use everbeat_support::number;

/// An order; each is answered by one object when it is done
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is no other, and programs do each")]
pub enum Order {
    /// Everybody says so many bytes, and the next message when they have come back; of a larger crowd
    /// than [`AT_ONCE`](crate::crowd::AT_ONCE) one begins when another is done
    Echo {
        /// In a message
        bytes: usize,
        /// When it ends
        until: Until,
    },
    /// Everybody hears so many messages of this many bytes that were sent to all
    Hear {
        /// In a message
        bytes: usize,
        /// How many
        times: u64,
    },
    /// Forgets how long anybody was without a Ping
    Forget,
}

/// When an echo ends
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "by count or by time")]
pub enum Until {
    /// Each connection has said so many
    Times(u64),
    /// So much time is over, and what was said has come back; nobody begins after it
    Over(Duration),
}

/// The largest message
pub const MOST: usize = 16 << 20;

impl Order {
    /// Reads `echo BYTES times N`, `echo BYTES for MS`, `hear BYTES times N` or `forget`
    ///
    /// # Errors
    ///
    /// It is none of them, or a number is out of range; the words say which.
    pub fn parse(line: &str) -> Result<Self, String> {
        let words = line.split_whitespace().collect::<Vec<_>>();
        let bytes = |word: &str, value| number(word, value, 1..=MOST);
        let times = |value| number("times", value, 1..=u64::MAX);
        match words[..] {
            ["echo", size, "times", count] => {
                Ok(Self::Echo { bytes: bytes("echo", size)?, until: Until::Times(times(count)?) })
            }
            ["echo", size, "for", span] => {
                let over = Duration::from_millis(number("for", span, 1..=600_000)?);
                Ok(Self::Echo { bytes: bytes("echo", size)?, until: Until::Over(over) })
            }
            ["hear", size, "times", count] => {
                Ok(Self::Hear { bytes: bytes("hear", size)?, times: times(count)? })
            }
            ["forget"] => Ok(Self::Forget),
            _ => Err(format!("`{line}` is no order")),
        }
    }
}

/// The size in `broadcast BYTES`, as servers are told to say something to all
///
/// # Errors
///
/// It is another order, or no size.
pub fn broadcast(line: &str) -> Result<usize, String> {
    let size = line.strip_prefix("broadcast ").ok_or_else(|| format!("`{line}` is no order"))?;
    number("broadcast", size, 1..=MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_to_all_has_a_size() {
        assert_eq!(broadcast("broadcast 1024"), Ok(1_024));
        assert!(broadcast("broadcast 0").is_err() && broadcast("shout 1").is_err());
    }

    #[test]
    fn orders_are_read_and_what_is_none_is_named() {
        let echo = |bytes, until| Ok(Order::Echo { bytes, until });
        assert_eq!(Order::parse("echo 64 times 3"), echo(64, Until::Times(3)));
        let over = Until::Over(Duration::from_millis(250));
        assert_eq!(Order::parse(" echo 65536  for 250"), echo(65_536, over));
        assert_eq!(Order::parse("hear 1 times 9"), Ok(Order::Hear { bytes: 1, times: 9 }));
        assert_eq!(Order::parse("forget"), Ok(Order::Forget));
        for (line, named) in [
            ("shout", "shout"),
            ("echo 0 times 1", "echo"),
            ("echo 64 for 0", "for"),
            ("hear 64 times x", "times"),
        ] {
            assert!(Order::parse(line).unwrap_err().contains(named), "{line}");
        }
    }
}
