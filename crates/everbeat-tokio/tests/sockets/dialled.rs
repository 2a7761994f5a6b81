//! Streams that a hook of the application's has opened: what it is told, what runs over them, and what
//! its errors become.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use everbeat_conformance::certificates::Authority;
use everbeat_tokio::client::{AttemptError, ConnectError, Dialing};
use everbeat_tokio::server::{Acceptor, Connection};
use everbeat_tokio::transport::tls::{ClientTls, ServerTls};
use everbeat_tokio::transport::{Transport, WebSocket, adopt};
use everbeat_tokio::{Cause, Client, Event, Message, Server};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, copy_bidirectional, duplex};
use tokio::net::TcpStream;

use crate::peer::soon;
use crate::whole::echo;

/// The URL of a host that nobody can resolve
fn nowhere(url: &str) -> String {
    let port = url.trim_end_matches('/').rsplit(':').next().unwrap();
    let scheme = url.split(':').next().unwrap();
    format!("{scheme}://inside.invalid:{port}/")
}

/// A tunnel in memory to a port of loopback, as a proxy in this process would open it
async fn tunnel(port: u16) -> std::io::Result<DuplexStream> {
    let mut far = TcpStream::connect(("127.0.0.1", port)).await?;
    let (near, mut inside) = duplex(4096);
    tokio::spawn(async move { copy_bidirectional(&mut inside, &mut far).await });
    Ok(near)
}

/// Says hello over whatever it is, hears it again, and closes
macro_rules! hello {
    ($client:expr) => {
        soon(async {
            let mut client = $client;
            client.send("hello").await.unwrap();
            loop {
                match client.next().await.unwrap() {
                    Event::Message(message) => break assert_eq!(message, Message::from("hello")),
                    Event::Connected { .. } => {}
                    other => panic!("{other:?}"),
                }
            }
            assert_eq!(client.close().await.cause, Cause::ClosedByUs);
        })
        .await
    };
}

#[tokio::test]
async fn the_hook_is_told_the_host_and_everything_runs_over_its_stream() {
    let url = nowhere(&echo().await);
    let told = Arc::new(Mutex::new(Vec::new()));
    let tells = told.clone();
    let client = Client::builder(&url).connector(|websocket| {
        websocket.dial(move |dialing: Dialing| {
            let told = (dialing.authority(), dialing.is_secure(), dialing.attempt().number);
            tells.lock().unwrap().push(told);
            async move { tunnel(dialing.port()).await.map(adopt) }
        })
    });
    hello!(client.connect().await.unwrap());
    let authority = url.split('/').nth(2).unwrap().to_owned();
    assert_eq!(*told.lock().unwrap(), [(authority, false, 1)]);
}

#[tokio::test]
async fn tls_is_spoken_over_the_hooks_stream_to_the_urls_host() {
    let authority = Authority::new();
    let certified = authority.certify("inside.invalid");
    let tls = ServerTls::from_pem(certified.certificate, certified.key).unwrap();
    let server = Server::builder().listener(|it| it.tls(tls)).bind("127.0.0.1:0").await.unwrap();
    let url = format!("wss://{}/", server.acceptor().local_address().unwrap());
    tokio::spawn(server.serve(|mut connection: Connection| async move {
        while let Some(message) = connection.recv().await? {
            connection.send(message).await?;
        }
        Ok(())
    }));
    let trusting = |roots: String, url: &str| {
        let trust = ClientTls::roots(roots).unwrap();
        Client::builder(url).connector(|websocket| {
            websocket.tls(trust).dial(|dialing: Dialing| async move {
                assert!(dialing.is_secure());
                tunnel(dialing.port()).await.map(adopt)
            })
        })
    };
    hello!(trusting(authority.root(), &nowhere(&url)).connect().await.unwrap());
    // For another name, or of another authority, there is no TLS, whoever opened the stream
    let other_name = nowhere(&url).replace("inside", "outside");
    for (roots, url) in [(authority.root(), other_name), (Authority::new().root(), nowhere(&url))] {
        let refused = soon(trusting(roots, &url).connect()).await.unwrap_err();
        assert!(matches!(refused, ConnectError::Failed(Cause::Unreachable { .. })), "{refused}");
    }
}

#[tokio::test]
async fn a_stream_of_the_runtimes_own_keeps_its_evidence_and_another_has_none() {
    let url = echo().await;
    let direct = Client::builder(&url).connector(|websocket| {
        websocket.dial(|dialing: Dialing| async move {
            let stream = dialing.tcp(dialing.host(), dialing.port()).await?;
            Ok::<_, AttemptError>(stream)
        })
    });
    let mut direct = soon(direct.connect()).await.unwrap();
    assert!(matches!(direct.next().await, Some(Event::Connected { .. })));
    let transport: &WebSocket = direct.connection().unwrap().transport();
    assert_eq!(transport.path().is_some(), cfg!(any(target_os = "linux", target_os = "android")));

    let around = Client::builder(&url).connector(|websocket| {
        websocket.dial(|dialing: Dialing| async move { tunnel(dialing.port()).await.map(adopt) })
    });
    let around = soon(around.connect()).await.unwrap();
    assert!(around.connection().unwrap().transport().path().is_none());
}

/// How a client fails whose hook ends so
async fn failed<S, E>(dial: impl Fn() -> Result<S, E> + Send + Sync + 'static) -> Cause
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    E: Into<Box<dyn std::error::Error + Send + Sync>> + Send + 'static,
{
    let client = Client::builder("ws://inside.invalid/").connector(|websocket| {
        websocket.dial(move |_: Dialing| {
            let dialled = dial();
            async move { dialled.map(adopt) }
        })
    });
    match soon(client.connect()).await {
        Err(ConnectError::Failed(cause)) => cause,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_hooks_errors_are_causes() {
    let refused = Cause::Rejected { status: 407, retry_after: None };
    let told = refused.clone();
    assert_eq!(failed::<DuplexStream, _>(move || Err(told.clone())).await, refused);

    let cause = failed::<DuplexStream, _>(|| Err("the proxy is asleep")).await;
    let Cause::Unreachable { detail } = &cause else { panic!("{cause:?}") };
    assert!(detail.contains("dial hook") && detail.contains("the proxy is asleep"), "{detail}");

    // A stream that leads nowhere
    let cause = failed::<_, std::io::Error>(|| Ok(duplex(16).0)).await;
    assert!(matches!(cause, Cause::Cut { .. }), "{cause:?}");
}

#[tokio::test]
async fn what_our_own_dialling_says_goes_through_the_hook() {
    // A port that was free a moment ago
    let gone = Acceptor::bind("127.0.0.1:0", everbeat_tokio::transport::Settings::default());
    let address = gone.await.unwrap().local_address().unwrap();
    let client = Client::builder("ws://inside.invalid/").connector(move |websocket| {
        websocket.dial(move |dialing: Dialing| async move {
            dialing.tcp("127.0.0.1", address.port()).await
        })
    });
    let failed = soon(client.connect()).await.unwrap_err().to_string();
    assert!(failed.contains(&address.to_string()), "{failed}");
    assert!(!failed.contains("hook"), "{failed}");
}

#[tokio::test(start_paused = true)]
async fn a_hook_that_hangs_has_the_time_of_an_attempt_and_no_more() {
    let limit = Duration::from_secs(3);
    let client = Client::builder("ws://inside.invalid/").connect_timeout(limit);
    let client = client.connector(|websocket| {
        websocket.dial(|_: Dialing| async {
            std::future::pending::<()>().await;
            Ok::<_, std::io::Error>(adopt(duplex(16).0))
        })
    });
    let began = tokio::time::Instant::now();
    let failed = client.connect().await.unwrap_err();
    assert_eq!(failed, ConnectError::Failed(Cause::TimedOut { limit }));
    assert_eq!(began.elapsed(), limit);
}
