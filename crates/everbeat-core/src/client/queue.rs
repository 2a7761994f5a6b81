//! The bounded queue in front of the connections: messages wait here while none stands.

use core::fmt;

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use super::SendError;
use crate::config::{ConfigError, defaults};
use crate::message::Message;

/// How much may wait to be sent, and what happens when more is offered
///
/// ```
/// use everbeat_core::client::Queue;
///
/// assert_eq!(Queue::default(), Queue::bounded(1_024, 1 << 20));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Queue {
    messages: usize,
    bytes: usize,
    wait: bool,
}

impl Queue {
    /// At most so many messages and bytes of payload; `send` refuses what does not fit
    #[must_use]
    pub const fn bounded(messages: usize, bytes: usize) -> Self {
        Self { messages, bytes, wait: false }
    }

    /// `send` waits for room instead of refusing
    #[must_use]
    pub const fn or_wait(mut self) -> Self {
        self.wait = true;
        self
    }

    pub(super) const fn waits(&self) -> bool {
        self.wait
    }

    /// Whether a message of this size fits into an empty queue
    pub(super) fn takes(&self, message: &Message) -> bool {
        message.len() <= self.bytes
    }

    /// Checks that something fits
    pub(super) fn check(self) -> Result<Self, ConfigError> {
        if self.messages == 0 || self.bytes == 0 {
            return Err(ConfigError::new(
                "queue",
                format_args!("is bounded to {self}: nothing would ever fit"),
            ));
        }
        Ok(self)
    }
}

/// 1,024 messages and 1 MiB
impl Default for Queue {
    fn default() -> Self {
        Self::bounded(defaults::QUEUE_MESSAGES, defaults::QUEUE_BYTES)
    }
}

impl fmt::Display for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} messages, {} bytes", self.messages, self.bytes)
    }
}

/// The queue itself; allocates on first use
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    messages: VecDeque<Message>,
    bytes: usize,
}

impl Outbox {
    pub(crate) fn push(&mut self, message: Message, limit: &Queue) -> Result<(), SendError> {
        if !limit.takes(&message) {
            return Err(SendError::TooLarge { message, queue: *limit });
        }
        if !self.fits(message.len(), limit) {
            return Err(SendError::Full { message, queue: *limit });
        }
        self.bytes += message.len();
        self.messages.push_back(message);
        Ok(())
    }

    /// Takes a message for which [`has_room`](Self::has_room) has said yes, however large: what is
    /// in the queue exceeds its limit by this one message at most
    pub(crate) fn push_over(&mut self, message: Message) {
        self.bytes += message.len();
        self.messages.push_back(message);
    }

    /// Whether the limit is not reached yet
    pub(crate) fn has_room(&self, limit: &Queue) -> bool {
        self.messages.len() < limit.messages && self.bytes < limit.bytes
    }

    /// Whether there is room for another message of so many bytes
    pub(super) fn fits(&self, bytes: usize, limit: &Queue) -> bool {
        self.messages.len() < limit.messages && self.bytes + bytes <= limit.bytes
    }

    pub(crate) fn pop(&mut self) -> Option<Message> {
        let message = self.messages.pop_front()?;
        self.bytes -= message.len();
        Some(message)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    pub(crate) fn drain(&mut self) -> Vec<Message> {
        self.bytes = 0;
        core::mem::take(&mut self.messages).into()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_impossible_queue_is_refused_by_name() {
        assert_eq!(Queue::bounded(0, 1).check().unwrap_err().setting(), "queue");
        assert_eq!(Queue::bounded(1, 0).check().unwrap_err().setting(), "queue");
    }

    proptest! {
        /// Against a plain vector whose size is summed anew at every step.
        #[test]
        fn agrees_with_a_naive_model(
            (messages, bytes) in (1_usize..8, 1_usize..64),
            steps in proptest::collection::vec(prop_oneof![
                (0_usize..80).prop_map(Some), Just(None)
            ], 0..200),
        ) {
            let limit = Queue::bounded(messages, bytes);
            let (mut outbox, mut model) = (Outbox::default(), Vec::<usize>::new());
            for step in steps {
                match step {
                    Some(size) => {
                        let sum: usize = model.iter().sum();
                        let fits = model.len() < messages && sum + size <= bytes;
                        let offered = Message::from(std::vec![0; size]);
                        match outbox.push(offered.clone(), &limit) {
                            Ok(()) => {
                                prop_assert!(fits);
                                model.push(size);
                            }
                            Err(error) => {
                                prop_assert!(!fits);
                                let too_large = matches!(error, SendError::TooLarge { .. });
                                prop_assert_eq!(too_large, size > bytes);
                                prop_assert_eq!(error.into_message(), offered);
                            }
                        }
                    }
                    None => {
                        let expected = (!model.is_empty()).then(|| model.remove(0));
                        prop_assert_eq!(outbox.pop().map(|message| message.len()), expected);
                    }
                }
                prop_assert_eq!(outbox.is_empty(), model.is_empty());
            }
            let left: Vec<usize> = outbox.drain().iter().map(Message::len).collect();
            prop_assert_eq!(left, model);
        }
    }
}
