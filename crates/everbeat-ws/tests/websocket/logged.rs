//! What is logged on one thread. The subscriber is the process's, for one of a thread's own is not
//! seen where another thread comes upon an event first.

use std::cell::RefCell;
use std::fmt::Debug;
use std::sync::Once;

use tracing::field::Field;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::{Interest, set_global_default};
use tracing::{Event, Level, Metadata, Subscriber};

thread_local! {
    /// `None` on a thread that does not listen
    static SAID: RefCell<Option<Vec<(Level, String)>>> = const { RefCell::new(None) };
}

/// What everbeat says on this thread meanwhile
pub(crate) fn logged(run: impl FnOnce()) -> Vec<(Level, String)> {
    static LISTENING: Once = Once::new();
    LISTENING.call_once(|| set_global_default(Listener).unwrap());
    SAID.set(Some(Vec::new()));
    run();
    SAID.take().unwrap()
}

struct Listener;

impl Subscriber for Listener {
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::sometimes()
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "everbeat" && SAID.with_borrow(Option::is_some)
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut text = String::new();
        event.record(&mut |_: &Field, value: &dyn Debug| text.push_str(&format!("{value:?} ")));
        let said = (*event.metadata().level(), text);
        SAID.with_borrow_mut(|all| all.get_or_insert_default().push(said));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
