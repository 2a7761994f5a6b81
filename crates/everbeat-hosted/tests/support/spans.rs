//! What a handler says, and in which span it is said: for the tests of servers that everbeat is hosted by,
//! which take this file in by its path.

use std::cell::RefCell;
use std::error::Error;
use std::sync::{Arc, Mutex};

use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Span, Subscriber};
use tracing_core::span::Current;

use crate::core::Connection;
use crate::core::time::Timer;
use crate::core::transport::Transport;

type Made = (u64, &'static Metadata<'static>);

thread_local! {
    /// The spans that this thread is in, the innermost last
    static INSIDE: RefCell<Vec<Made>> = const { RefCell::new(Vec::new()) };
}

/// The name of the span in which each event of [`talk`] came
pub(crate) type Said = Arc<Mutex<Vec<&'static str>>>;

/// What must have been said of one connection
pub(crate) const ALL: [&str; 3] = ["request"; 3];

/// The span of a request, as an application would make one
pub(crate) fn request() -> Span {
    tracing::info_span!(target: "test", "request")
}

/// A handler that says something when it is called, behind a wait, and when its peer has said something
pub(crate) fn talk<T: Transport, K: Timer>(
    mut connection: Connection<T, K>,
) -> impl Future<Output = Result<(), Box<dyn Error + Send + Sync>>> {
    tracing::info!(target: "test", "it begins");
    async move {
        connection.send("hello").await?;
        tracing::info!(target: "test", "it has waited");
        connection.recv().await?;
        tracing::info!(target: "test", "it was woken");
        Ok(())
    }
}

/// Knows which span is the current one of each thread; hears the above alone
#[derive(Default)]
pub(crate) struct Listener {
    made: Mutex<Vec<Made>>,
    pub(crate) said: Said,
}

impl Subscriber for Listener {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "test"
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let mut made = self.made.lock().unwrap();
        let id = made.len() as u64 + 1;
        made.push((id, attributes.metadata()));
        Id::from_u64(id)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {
        let innermost = INSIDE.with_borrow(|inside| inside.last().map(|(_, it)| it.name()));
        self.said.lock().unwrap().push(innermost.unwrap_or("none"));
    }

    fn enter(&self, span: &Id) {
        let made = self.made.lock().unwrap()[span.into_u64() as usize - 1];
        INSIDE.with_borrow_mut(|inside| inside.push(made));
    }

    fn exit(&self, _: &Id) {
        INSIDE.with_borrow_mut(|inside| _ = inside.pop());
    }

    fn current_span(&self) -> Current {
        INSIDE.with_borrow(|inside| match inside.last() {
            Some((id, metadata)) => Current::new(Id::from_u64(*id), metadata),
            None => Current::none(),
        })
    }
}
