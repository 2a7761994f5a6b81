//! The servers: each keeps what it received of which client, and answers some of it. Expiry is the
//! library's.

use std::error::Error;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use everbeat_core::time::Timer;
use everbeat_core::transport::Transport;
use everbeat_core::{Connection, Event};
use everbeat_server::{Accepted, Handler, Registry, Served, Server, ServerHandle};
use everbeat_support::account::numbered;
use everbeat_ws::accept::Facts;
use everbeat_ws::upgrade::RequestHead;
use everbeat_ws::{Acceptor, Settings};
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::args::Broken;
use crate::books::Books;
use crate::ends::{End, How, Side};
use crate::runtimes::{Everbeat, Part};
use crate::settings;

/// How often a message is forgotten, when one must be
const FORGOTTEN: u64 = 10;
/// What each connection leaves behind, when it must
const WASTED: usize = 4 << 10;

/// A server that listens
#[derive(Debug)]
pub(crate) struct Listening {
    pub(crate) address: SocketAddr,
    pub(crate) registry: Registry<Facts>,
    pub(crate) handle: ServerHandle,
    pub(crate) served: oneshot::Receiver<Served<Facts>>,
}

/// One server
#[derive(Debug)]
pub(crate) struct Hosting {
    pub(crate) books: Arc<Books>,
    pub(crate) seed: u64,
    pub(crate) told: oneshot::Sender<anyhow::Result<Listening>>,
}

impl Part for Hosting {
    async fn play<R: Everbeat>(self, spawner: R::Counting) {
        let Self { books, seed, told } = self;
        let server = match bind::<R>(spawner, seed).await {
            Ok(server) => server,
            Err(error) => return drop(told.send(Err(error))),
        };
        let (done, served) = oneshot::channel();
        let listening = server.acceptor().local_address().map(|address| Listening {
            address,
            registry: server.registry(),
            handle: server.handle(),
            served,
        });
        if told.send(listening.map_err(Into::into)).is_ok() {
            // Whoever does not wait for it does not want to know.
            _ = done.send(server.serve_with(Host(books)).await);
        }
    }
}

async fn bind<R: Everbeat>(
    spawner: R::Counting,
    seed: u64,
) -> anyhow::Result<Server<Acceptor<R>, R::Timer, R::Counting>> {
    let acceptor = Acceptor::<R>::bind("127.0.0.1:0", Settings::default()).await?;
    let server = Server::over(acceptor, R::default().timer(), spawner, seed)
        .interval(settings::INTERVAL)
        .timeout(settings::TIMEOUT);
    Ok(server.build()?)
}

/// Serves every connection alike
#[derive(Debug)]
pub(crate) struct Host(Arc<Books>);

type Ended = Box<dyn Error + Send + Sync>;

impl<T, K> Handler<T, K, Accepted<Facts, RequestHead>> for Host
where
    T: Transport,
    K: Timer,
    Connection<T, K>: Send + 'static,
{
    type Error = Ended;
    type Future = Pin<Box<dyn Future<Output = Result<(), Ended>> + Send>>;

    fn handle(
        &self,
        connection: Connection<T, K>,
        accepted: Accepted<Facts, RequestHead>,
    ) -> Self::Future {
        let number = self.0.join();
        let client = accepted.request.path().trim_start_matches('/').parse();
        let books = self.0.clone();
        Box::pin(async move {
            serve(connection, number, client?, &books).await;
            Ok(())
        })
    }
}

async fn serve<T: Transport, K: Timer>(
    mut connection: Connection<T, K>,
    number: u64,
    client: usize,
    books: &Books,
) {
    if books.broken == Some(Broken::Memory) {
        std::mem::forget(vec![1_u8; WASTED]);
    }
    let mut answered = 0;
    while let Some(event) = connection.next().await {
        match event {
            Event::Message(message) => {
                let id = numbered(&message).unwrap_or(0);
                let forgotten =
                    books.broken == Some(Broken::Lose) && id % FORGOTTEN == FORGOTTEN / 2;
                if let Some(mut received) = books.received(client).filter(|_| !forgotten) {
                    received.account.messages.push((number, id));
                }
                // A connection that takes no answer has ended, which is the next event.
                if id % settings::ANSWER_EVERY == 0 && connection.send(id.to_string()).await.is_ok()
                {
                    answered += 1;
                }
            }
            Event::Disconnected(end) => {
                let how = How::from(&end.cause);
                let end_seen = End { at: Instant::now(), side: Side::Server, how, up: true };
                if let Some(mut received) = books.received(client) {
                    received.account.answered += answered;
                    received.account.proven += connection.delivered();
                    received.account.unproven += end.unconfirmed.count + end.unsent.len() as u64;
                    received.ends.push(end_seen);
                }
            }
            _ => {}
        }
    }
}
