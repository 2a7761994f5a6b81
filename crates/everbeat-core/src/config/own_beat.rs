//! A beat of one's own: the message that is sent in place of a Ping, and how its answer is known.

use core::fmt;

use alloc::sync::Arc;

use crate::message::Message;

/// A message of the application's protocol as the beat, such as `{"op":"ping"}`
///
/// For APIs that ask for one, and for transports that [cannot
/// ping](crate::transport::Transport::can_ping). It goes wherever a Ping would, in either role, and
/// no Ping is sent then. Its answer is what a Pong is: it is not handed to the application, gives a
/// round trip, and proves that the messages before it were delivered. Neither counts as a message
/// of the application: not for the idle time, nor among the delivered, unconfirmed or retained.
///
/// What is different from a Ping:
///
/// - It cannot overtake. Behind a large message it waits; as long as the operating system takes
///   bytes meanwhile, nobody is suspected.
/// - Answers look alike, so they belong to the beats in their order. The peer must answer each, and
///   say the same for no other reason: an answer that comes while a beat is out counts as its own.
///   One that comes when none is out is not handed to the application either, and proves nothing.
/// - `is_answer` is asked of every message that comes in: let it be quick, and let it not panic.
///
/// Cloning is cheap. `Debug` shows the message's size alone, for it may hold a secret.
///
/// ```
/// use everbeat_core::config::OwnBeat;
///
/// let beat = OwnBeat::new(r#"{"op":"ping"}"#, |message| {
///     message.as_text().is_some_and(|text| text.starts_with(r#"{"op":"pong""#))
/// });
/// assert!(beat.is_answer(&r#"{"op":"pong","at":7}"#.into()));
/// assert_eq!(format!("{beat:?}"), "OwnBeat(13 bytes)");
/// ```
#[derive(Clone)]
pub struct OwnBeat(Arc<Parts<Matcher>>);

type Matcher = dyn Fn(&Message) -> bool + Send + Sync;

struct Parts<F: ?Sized> {
    message: Message,
    is_answer: F,
}

impl OwnBeat {
    /// Beats with `message`; `is_answer` tells its answers from all else that the peer says
    #[must_use]
    pub fn new(
        message: impl Into<Message>,
        is_answer: impl Fn(&Message) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(Parts { message: message.into(), is_answer }))
    }

    /// What is sent
    #[must_use]
    pub fn message(&self) -> &Message {
        &self.0.message
    }

    /// Whether this is its answer
    #[must_use]
    pub fn is_answer(&self, message: &Message) -> bool {
        (self.0.is_answer)(message)
    }
}

impl fmt::Debug for OwnBeat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OwnBeat({} bytes)", self.message().len())
    }
}
