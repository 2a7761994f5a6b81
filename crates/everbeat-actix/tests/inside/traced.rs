//! A handler runs in the span of its request, though on another thread.

use std::cell::RefCell;
use std::sync::Mutex;

use actix_web::{App, HttpResponse, HttpServer, web};
use everbeat_actix::{Connection, Sockets, Upgrade};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::set_global_default;
use tracing::{Event, Instrument, Metadata, Subscriber};
use tracing_core::span::Current;

use crate::support::{ask, asked, frame, masked, soon};

type Span = (u64, &'static Metadata<'static>);

thread_local! {
    /// The spans that this thread is in, the innermost last
    static INSIDE: RefCell<Vec<Span>> = const { RefCell::new(Vec::new()) };
}

static MADE: Mutex<Vec<Span>> = Mutex::new(Vec::new());
/// The name of the span in which each event of the handler came
static SAID: Mutex<Vec<&str>> = Mutex::new(Vec::new());

/// Knows which span is the current one of each thread; hears this test alone
struct Listener;

impl Subscriber for Listener {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "test"
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let mut made = MADE.lock().unwrap();
        let id = made.len() as u64 + 1;
        made.push((id, attributes.metadata()));
        Id::from_u64(id)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {
        let innermost = INSIDE.with_borrow(|inside| inside.last().map(|(_, it)| it.name()));
        SAID.lock().unwrap().push(innermost.unwrap_or("none"));
    }

    fn enter(&self, span: &Id) {
        let made = MADE.lock().unwrap()[span.into_u64() as usize - 1];
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

async fn talk(mut connection: Connection) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    tracing::info!(target: "test", "it begins");
    connection.send("hello").await?;
    tracing::info!(target: "test", "it has waited");
    connection.recv().await?;
    tracing::info!(target: "test", "it was woken");
    Ok(())
}

async fn route(upgrade: Upgrade) -> HttpResponse {
    let span = tracing::info_span!(target: "test", "request");
    upgrade.on_connection(talk).instrument(span).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_handler_says_is_said_in_the_span_of_its_request() {
    set_global_default(Listener).unwrap();
    let data = web::Data::new(Sockets::<()>::new().unwrap());
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let app = move || App::new().app_data(data.clone()).route("/", web::get().to(route));
    let http = HttpServer::new(app).workers(1).disable_signals().listen(listener).unwrap().run();
    tokio::spawn(http);
    soon(async {
        let mut peer = TcpStream::connect(address).await.unwrap();
        let answer = asked(&mut peer, &ask("/", &[])).await;
        assert!(answer.starts_with("HTTP/1.1 101"), "{answer}");
        assert_eq!(frame(&mut peer).await, (1, b"hello".to_vec()));
        peer.write_all(&masked(1, b"hello")).await.unwrap();
        // Whose handler has returned is let go
        assert!(peer.read_u8().await.is_err());
    })
    .await;
    assert_eq!(*SAID.lock().unwrap(), ["request"; 3]);
}
