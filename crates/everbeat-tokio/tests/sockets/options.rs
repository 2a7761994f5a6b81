//! TCP options, read back from the kernel: the settings reach the sockets of either role.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use everbeat_tokio::Tokio;
use everbeat_tokio::transport::{Accept, Attempt, Connect, Settings, Socket, Tcp, TokioTimer};
use everbeat_ws::{Acceptor, Connector, Runtime};
use tokio::join;

use crate::peer::soon;

thread_local! {
    /// The sockets that this test's runtime has lent, in the order in which they came to be
    static LENT: RefCell<Vec<socket2::Socket>> = const { RefCell::new(Vec::new()) };
}

fn noted(stream: Tcp) -> Tcp {
    let socket = stream.tcp(|tcp| tcp.try_clone()).unwrap().unwrap();
    LENT.with_borrow_mut(|lent| lent.push(socket));
    stream
}

/// Tokio, and a second descriptor for each of its sockets
#[derive(Clone, Default)]
struct Noting;

impl Runtime for Noting {
    type Timer = TokioTimer;
    type Stream = Tcp;
    type Listener = <Tokio as Runtime>::Listener;

    fn timer(&self) -> TokioTimer {
        TokioTimer::new()
    }

    async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        Runtime::resolve(&Tokio, host, port).await
    }

    async fn dial(&self, address: SocketAddr) -> io::Result<Tcp> {
        Tokio.dial(address).await.map(noted)
    }

    fn adopt(&self, listener: std::net::TcpListener) -> io::Result<Self::Listener> {
        Tokio.adopt(listener)
    }

    fn poll_accept(
        &self,
        listener: &mut Self::Listener,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<(Tcp, SocketAddr)>> {
        let (stream, peer) = ready!(Tokio.poll_accept(listener, cx))?;
        Poll::Ready(Ok((noted(stream), peer)))
    }

    fn local_address(&self, listener: &Self::Listener) -> io::Result<SocketAddr> {
        Tokio.local_address(listener)
    }
}

/// What a socket's kernel was told: `TCP_NODELAY`, `TCP_USER_TIMEOUT`, `TCP_NOTSENT_LOWAT`
#[derive(Clone, Copy, Debug, PartialEq)]
struct Options {
    nodelay: bool,
    user_timeout: Option<Duration>,
    /// 0 is the system's
    notsent_lowat: u32,
}

/// Those of both ends of a connection, by default or with these for the last two
async fn options(set: Option<(Option<Duration>, Option<u32>)>) -> Vec<Options> {
    LENT.take();
    let settings = Settings::default();
    let settings = match set {
        Some((timeout, lowat)) => settings.user_timeout(timeout).notsent_lowat(lowat),
        None => settings,
    };
    let mut acceptor = Acceptor::<Noting>::bind("127.0.0.1:0", settings).await.unwrap();
    let url = format!("ws://{}/", acceptor.local_address().unwrap());
    let connector = Connector::<Noting>::new(&url).unwrap();
    let mut connector = match set {
        Some((timeout, lowat)) => connector.user_timeout(timeout).notsent_lowat(lowat),
        None => connector,
    };
    let (client, server) = soon(async {
        join!(connector.connect(Attempt::first()), async {
            poll_fn(|cx| Pin::new(&mut acceptor).poll_accept(cx)).await.unwrap().await
        })
    })
    .await;
    drop((client.unwrap(), server.unwrap()));
    let options = LENT.take().into_iter().map(|tcp| Options {
        nodelay: tcp.tcp_nodelay().unwrap(),
        user_timeout: tcp.tcp_user_timeout().unwrap().filter(|timeout| !timeout.is_zero()),
        notsent_lowat: tcp.tcp_notsent_lowat().unwrap(),
    });
    options.collect()
}

#[tokio::test]
async fn both_ends_have_their_options() {
    let expected =
        |user_timeout, notsent_lowat| [Options { nodelay: true, user_timeout, notsent_lowat }; 2];
    let timeout = Some(Duration::from_millis(90_500));
    assert_eq!(options(Some((timeout, Some(16_384)))).await, expected(timeout, 16_384));
    let default = expected(Some(Duration::from_secs(30)), 128 << 10);
    assert_eq!(options(None).await, default, "the default");
    assert_eq!(options(Some((None, None))).await, expected(None, 0), "the system's");
}
