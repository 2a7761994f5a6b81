//! Why a mailbox did not take a message.

use std::error::Error;
use std::fmt;

use everbeat_core::Message;

/// Why a message was not taken, with the message
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum MailboxError {
    /// The connection does not keep up with what others send it
    Full {
        /// The message
        message: Message,
        /// How many messages fit
        messages: usize,
        /// How many bytes of payload fit
        bytes: usize,
    },
    /// The peer reads too slowly, and is being let go for it
    TooSlow {
        /// The message
        message: Message,
        /// How many bytes may wait before it is
        limit: usize,
    },
    /// The connections together do not keep up with what others send them
    FullInAll {
        /// The message
        message: Message,
        /// How many bytes of payload may wait for all
        limit: usize,
    },
    /// The message alone is larger than the mailbox
    TooLarge {
        /// The message
        message: Message,
        /// How many bytes of payload fit
        limit: usize,
    },
    /// The connection has ended
    Ended {
        /// The message
        message: Message,
    },
}

impl MailboxError {
    /// The message that was not taken
    #[must_use]
    pub fn into_message(self) -> Message {
        match self {
            Self::Full { message, .. }
            | Self::TooSlow { message, .. }
            | Self::FullInAll { message, .. }
            | Self::TooLarge { message, .. }
            | Self::Ended { message } => message,
        }
    }
}

impl fmt::Display for MailboxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full { messages, bytes, .. } => write!(
                f,
                "the connection's mailbox is full: it holds {messages} messages and {bytes} bytes \
                 (`queued` moves the limits)"
            ),
            Self::TooSlow { limit, .. } => write!(
                f,
                "the peer reads too slowly: more than {limit} bytes wait for it (`behind` moves the \
                 limit)"
            ),
            Self::FullInAll { limit, .. } => write!(
                f,
                "the server's mailboxes are full: they hold {limit} bytes in all (`queued_in_all` \
                 moves the limit)"
            ),
            Self::TooLarge { message, limit } => write!(
                f,
                "a message of {} bytes is larger than the mailbox of {limit} bytes (`queued` \
                 moves the limit)",
                message.len()
            ),
            Self::Ended { .. } => f.write_str("the connection has ended"),
        }
    }
}

impl Error for MailboxError {}
