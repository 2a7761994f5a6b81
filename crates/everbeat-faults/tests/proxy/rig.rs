//! A client, a proxy and a server on loopback, and what a socket sees within a generous time.

use std::io::ErrorKind;
use std::time::Duration;

use everbeat_faults::Proxy;
use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

/// What must happen, happens within this time
pub(crate) const SOON: Duration = Duration::from_secs(10);
/// What must not happen is waited for this long
pub(crate) const WHILE: Duration = Duration::from_millis(150);

pub(crate) struct Rig {
    pub(crate) listener: TcpListener,
    pub(crate) proxy: Proxy,
}

/// What reading to the end found
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    End(Vec<u8>),
    Reset(Vec<u8>),
    /// Neither within [`WHILE`]
    Nothing(Vec<u8>),
}

impl Rig {
    pub(crate) async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Proxy::start(listener.local_addr().unwrap()).await.unwrap();
        Self { listener, proxy }
    }

    pub(crate) async fn dial(&self) -> TcpStream {
        TcpStream::connect(self.proxy.address()).await.unwrap()
    }

    /// A client and its server, connected through the proxy, proven by a byte each way
    pub(crate) async fn pair(&self) -> (TcpStream, TcpStream) {
        let mut client = self.dial().await;
        let (mut server, _) = soon(self.listener.accept()).await.unwrap();
        client.write_all(b">").await.unwrap();
        server.write_all(b"<").await.unwrap();
        assert_eq!(soon(server.read_u8()).await.unwrap(), b'>');
        assert_eq!(soon(client.read_u8()).await.unwrap(), b'<');
        (client, server)
    }
}

pub(crate) async fn soon<F: Future>(future: F) -> F::Output {
    timeout(SOON, future).await.expect("happens soon")
}

/// Reads until the end or a reset, whichever comes within [`SOON`]
pub(crate) async fn seen(socket: &mut TcpStream) -> Seen {
    read(socket, SOON).await
}

/// Reads for a while, when nothing should come
pub(crate) async fn seen_for_a_while(socket: &mut TcpStream) -> Seen {
    read(socket, WHILE).await
}

async fn read(socket: &mut TcpStream, patience: Duration) -> Seen {
    let mut all = Vec::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        match timeout(patience, socket.read(&mut buffer)).await {
            Err(_) => return Seen::Nothing(all),
            Ok(Ok(0)) => return Seen::End(all),
            Ok(Ok(count)) => all.extend_from_slice(&buffer[..count]),
            Ok(Err(error)) if error.kind() == ErrorKind::ConnectionReset => {
                return Seen::Reset(all);
            }
            Ok(Err(error)) => panic!("{error}"),
        }
    }
}

/// Ends a socket with a reset
pub(crate) fn reset(socket: TcpStream) {
    SockRef::from(&socket).set_linger(Some(Duration::ZERO)).unwrap();
}
