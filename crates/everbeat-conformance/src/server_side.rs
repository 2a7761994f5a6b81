//! Our side of a check: one accepted connection, one attempt, or a server that echoes.

use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::task::Poll;

use everbeat_core::Connection;
use everbeat_core::cause::Cause;
use everbeat_core::config::ConnectionConfig;
use everbeat_core::time::Wheel;
use everbeat_core::transport::{Accept, Attempt, Connect};
use everbeat_server::handled::Handled;
use everbeat_server::{Accepted, Handler};
use everbeat_ws::accept::{AcceptError, Facts};
use everbeat_ws::connect::ConnectError;
use everbeat_ws::upgrade::{Hook, RequestHead};
use everbeat_ws::{Acceptor, Connector, Runtime, Settings, WebSocket};

pub(super) type Socket<R> = WebSocket<<R as Runtime>::Stream>;
pub(super) type Ours<R> = Connection<Socket<R>, <R as Runtime>::Timer>;

/// An acceptor of its own port
pub(super) async fn acceptor<R: Runtime>(settings: Settings) -> (Acceptor<R>, SocketAddr) {
    let acceptor = Acceptor::<R>::bind("127.0.0.1:0", settings).await.unwrap();
    let address = acceptor.local_address().unwrap();
    (acceptor, address)
}

/// The next upgrade, to its end
pub(super) async fn accept<R: Runtime, H: Hook>(
    acceptor: &mut Acceptor<R, H>,
) -> Result<(Socket<R>, Facts<H::Principal>, RequestHead), AcceptError> {
    let mut acceptor = pin!(acceptor);
    let upgrade = poll_fn(|cx| Pin::new(&mut **acceptor).poll_accept(cx)).await.unwrap();
    upgrade.await
}

/// The connection of a client that is good so far
pub(super) async fn served<R: Runtime>(acceptor: &mut Acceptor<R>) -> Ours<R> {
    let (websocket, ..) = accept(acceptor).await.unwrap();
    Connection::new(websocket, R::default().timer(), ConnectionConfig::server(), 1)
}

/// One attempt
pub(super) async fn attempt<R: Runtime>(url: &str) -> Result<Socket<R>, ConnectError> {
    Connector::<R>::new(url).unwrap().connect(Attempt::first()).await
}

/// The connection to a server that is good so far
pub(super) async fn connected<R: Runtime>(url: &str) -> Ours<R> {
    let websocket = attempt::<R>(url).await.unwrap();
    Connection::new(websocket, R::default().timer(), ConnectionConfig::client(), 1)
}

/// Reads to the end; why it was not a polite one
pub(super) async fn end_of<R: Runtime>(mut connection: Ours<R>) -> Result<(), Cause> {
    while connection.recv().await?.is_some() {}
    Ok(())
}

/// Sends every message back
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "it has nothing to tell")]
pub struct Echo;

impl<T, K> Handler<Handled<T>, Wheel<K>, Accepted<Facts, RequestHead>> for Echo
where
    T: everbeat_core::transport::Transport + Send + Unpin + 'static,
    K: everbeat_core::time::Timer + Send + Sync + 'static,
    Connection<Handled<T>, Wheel<K>>: Send + Unpin,
{
    type Error = Cause;
    type Future = Pin<Box<dyn Future<Output = Result<(), Cause>> + Send>>;

    fn handle(
        &self,
        mut connection: Connection<Handled<T>, Wheel<K>>,
        _: Accepted<Facts, RequestHead>,
    ) -> Self::Future {
        Box::pin(async move {
            while let Some(message) = connection.recv().await? {
                connection.send(message).await?;
            }
            Ok(())
        })
    }
}

/// Drives two futures to their ends
pub(super) async fn both<A: Future, B: Future>(a: A, b: B) -> (A::Output, B::Output) {
    let (mut a, mut b) = (pin!(a), pin!(b));
    let (mut first, mut second) = (None, None);
    poll_fn(|cx| {
        if first.is_none() {
            if let Poll::Ready(done) = a.as_mut().poll(cx) {
                first = Some(done);
            }
        }
        if second.is_none() {
            if let Poll::Ready(done) = b.as_mut().poll(cx) {
                second = Some(done);
            }
        }
        match first.is_some() && second.is_some() {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    })
    .await;
    (first.unwrap(), second.unwrap())
}
