//! An application of actix's with a server of everbeat's behind its routes, and raw peers.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use everbeat_actix::server::Expire;
use everbeat_actix::{Connection, Handle, Requests, Settings, Sockets, Upgrade};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Far above what loopback needs, so that only a test that hangs meets it
pub(crate) async fn soon<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(30), future).await.expect("it hangs")
}

/// Within how long a silent peer is gone
pub(crate) const PROMISE: Duration = Duration::from_secs(2);

/// What an application has besides
struct Greeting {
    word: &'static str,
    served: Arc<AtomicUsize>,
}

pub(crate) struct Inside {
    pub(crate) address: SocketAddr,
    pub(crate) sockets: Sockets<String>,
    /// How often the handler was called
    pub(crate) served: Arc<AtomicUsize>,
    /// How many connections actix has
    pub(crate) open: Arc<AtomicUsize>,
    /// Its signal, also when it is dropped
    pub(crate) stop: Option<oneshot::Sender<()>>,
    pub(crate) http: JoinHandle<io::Result<()>>,
}

/// In actix's data of a connection, and dropped with it
struct Open(Arc<AtomicUsize>);

impl Open {
    fn new(count: Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Greets by the application's state, and echoes
async fn echo(
    mut connection: Connection,
    me: Handle<String>,
    greeting: web::Data<Greeting>,
) -> Result<(), Failure> {
    greeting.served.fetch_add(1, Ordering::Relaxed);
    me.tag("echo")?;
    connection.send(format!("{}, {}", greeting.word, me.facts().principal)).await?;
    while let Some(message) = connection.recv().await? {
        connection.send(message).await?;
    }
    Ok(())
}

/// Lets in who says a name, as any other route would decide it
async fn route(
    request: HttpRequest,
    greeting: web::Data<Greeting>,
    upgrade: Upgrade<String>,
) -> HttpResponse {
    match request.headers().get("x-user").and_then(|user| user.to_str().ok()) {
        Some(user) => {
            let user = user.to_owned();
            upgrade.on_connection_as(user, |connection, me| echo(connection, me, greeting)).await
        }
        None => HttpResponse::Unauthorized().finish(),
    }
}

/// Answers 500 where the 101 should be, as a layer may
async fn otherwise(greeting: web::Data<Greeting>, upgrade: Upgrade<String>) -> HttpResponse {
    let user = "nobody".to_owned();
    upgrade.on_connection_as(user, |connection, me| echo(connection, me, greeting)).await;
    HttpResponse::InternalServerError().finish()
}

/// An application whose silent peers are gone soon
pub(crate) fn start() -> Inside {
    let server = Requests::new()
        .websocket(Settings::default().max_message(2 << 20))
        .server()
        .unwrap()
        .expire(Expire::default().silent(PROMISE))
        .build()
        .unwrap();
    start_with(Sockets::over(server).unwrap())
}

/// Two workers, so that connections come from both
pub(crate) fn start_with(sockets: Sockets<String>) -> Inside {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (served, open) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let data = web::Data::new(sockets.clone());
    let greeting = web::Data::new(Greeting { word: "hello", served: served.clone() });
    let (count, stopping) = (open.clone(), sockets.clone());
    let (stop, stopped) = oneshot::channel::<()>();
    let http = HttpServer::new(move || {
        App::new()
            .app_data(data.clone())
            .app_data(greeting.clone())
            .route("/echo", web::route().to(route))
            .route("/otherwise", web::get().to(otherwise))
            .route("/nothing", web::get().to(|| async { "no WebSocket" }))
    })
    .workers(2)
    .on_connect(move |io, connection| {
        connection.insert(Open::new(count.clone()));
        everbeat_actix::on_connect(io, connection);
    })
    .shutdown_signal(async move {
        stopping.stop_on(stopped).await;
        stopping.closed().await;
    })
    .shutdown_timeout(5)
    .listen(listener)
    .unwrap()
    .run();
    Inside { address, sockets, served, open, stop: Some(stop), http: tokio::spawn(http) }
}

/// A good request, with these headers in place of its own
pub(crate) fn ask(path: &str, changed: &[(&str, &str)]) -> String {
    let good = [
        ("Host", "test"),
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("X-User", "raw"),
    ];
    let mut request = format!("GET {path} HTTP/1.1\r\n");
    let rest = changed.iter().filter(|(name, _)| good.iter().all(|(known, _)| known != name));
    for (name, value) in good.iter().chain(rest) {
        let value = changed.iter().find(|(other, _)| other == name).map_or(value, |(_, it)| it);
        if !value.is_empty() {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
    }
    request + "\r\n"
}

/// The head that a server answers with
pub(crate) async fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

/// The head that a server answers this with
pub(crate) async fn asked(stream: &mut TcpStream, ask: &str) -> String {
    stream.write_all(ask.as_bytes()).await.unwrap();
    head(stream).await
}

/// A raw peer that is connected, and has heard its greeting
pub(crate) async fn raw(inside: &Inside) -> TcpStream {
    let mut stream = TcpStream::connect(inside.address).await.unwrap();
    let head = asked(&mut stream, &ask("/echo", &[])).await;
    assert!(head.starts_with("HTTP/1.1 101"), "{head}");
    assert_eq!(frame(&mut stream).await, (1, b"hello, raw".to_vec()));
    stream
}

/// The next frame of the server's, which has no mask
pub(crate) async fn frame(stream: &mut TcpStream) -> (u8, Vec<u8>) {
    let (opcode, length) = (stream.read_u8().await.unwrap(), stream.read_u8().await.unwrap());
    assert!(length < 126);
    let mut payload = vec![0; usize::from(length)];
    stream.read_exact(&mut payload).await.unwrap();
    (opcode & 0x0f, payload)
}

/// A whole frame; its mask is zeros, which leave the payload as it is
pub(crate) fn masked(opcode: u8, payload: &[u8]) -> Vec<u8> {
    assert!(payload.len() < 126);
    [&[0x80 | opcode, 0x80 | payload.len() as u8, 0, 0, 0, 0], payload].concat()
}
