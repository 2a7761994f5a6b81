//! A handler runs in the span of its request.

use std::cell::RefCell;

use everbeat_hyper::Sockets;
use tokio::io::AsyncReadExt;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::set_default;
use tracing::{Event, Instrument, Metadata, Subscriber};
use tracing_core::span::Current;

use crate::support::{By, Peer, ask, masked, serve, soon};

type Span = (u64, &'static Metadata<'static>);

thread_local! {
    /// The spans that this thread is in, the innermost last
    static INSIDE: RefCell<Vec<Span>> = const { RefCell::new(Vec::new()) };
    static MADE: RefCell<Vec<Span>> = const { RefCell::new(Vec::new()) };
    /// The name of the span in which each event of the handler came
    static SAID: RefCell<Vec<&'static str>> = const { RefCell::new(Vec::new()) };
}

/// Knows which span is the current one of its thread, which the whole test has
struct Listener;

impl Subscriber for Listener {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "test"
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        MADE.with_borrow_mut(|made| {
            let id = made.len() as u64 + 1;
            made.push((id, attributes.metadata()));
            Id::from_u64(id)
        })
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {
        let innermost = INSIDE.with_borrow(|inside| inside.last().map(|(_, it)| it.name()));
        SAID.with_borrow_mut(|said| said.push(innermost.unwrap_or("none")));
    }

    fn enter(&self, span: &Id) {
        let made = MADE.with_borrow(|made| made[span.into_u64() as usize - 1]);
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

// One thread, so that its subscriber sees all of it
#[tokio::test(flavor = "current_thread")]
async fn what_a_handler_says_is_said_in_the_span_of_its_request() {
    let _listening = set_default(Listener);
    let sockets = Sockets::new().unwrap();
    let address = serve(By::Hyper, move |mut request, _| {
        let sockets = sockets.clone();
        let span = tracing::info_span!(target: "test", "request");
        let answer = async move {
            sockets
                .accept(&mut request, |mut connection| {
                    tracing::info!(target: "test", "it begins");
                    async move {
                        connection.send("hello").await?;
                        tracing::info!(target: "test", "it has waited");
                        connection.recv().await?;
                        tracing::info!(target: "test", "it was woken");
                        Ok(())
                    }
                })
                .await
        };
        answer.instrument(span)
    })
    .await;
    let (mut peer, _) = Peer::asked(address, &ask("/", "")).await;
    peer.frame().await;
    peer.say(&masked(0x81, b"hello")).await;
    // It has returned, and its connection is gone with it
    assert!(soon(peer.0.read_u8()).await.is_err());
    assert_eq!(SAID.take(), ["request"; 3]);
}
