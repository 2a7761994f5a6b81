//! Who comes to the server: those who behave, and those for whom one has metrics.

use std::net::SocketAddr;
use std::time::Duration;

use everbeat_metrics::ClientMetrics;
use everbeat_tokio::Client;
use everbeat_tokio::client::{ClientBuilder, Connector};
use everbeat_tokio::reconnect::Backoff;
use everbeat_tokio::transport::TokioTimer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{interval, sleep};

use super::Result;

pub(crate) const INTERVAL: Duration = Duration::from_millis(500);
pub(crate) const TIMEOUT: Duration = Duration::from_secs(1);

/// A Pong that nobody has asked for (RFC 6455, section 5.5.3): masked, empty
const PONG: &[u8] = &[0x8a, 0x80, 0, 0, 0, 0];

/// All of them, for as long as the runtime lives
pub(crate) fn come(server: SocketAddr, elsewhere: SocketAddr) {
    for _ in 0..8 {
        tokio::spawn(live(client(server)));
    }
    tokio::spawn(async move {
        loop {
            tokio::spawn(falter(server));
            tokio::spawn(live(client(elsewhere).retry_first(true)));
            sleep(Duration::from_secs(2)).await;
        }
    });
    tokio::spawn(async {
        loop {
            sleep(Duration::from_secs(5)).await;
            block();
        }
    });
}

fn client(server: SocketAddr) -> ClientBuilder<Connector, TokioTimer> {
    Client::builder(&format!("ws://{server}/"))
        .interval(INTERVAL)
        .timeout(TIMEOUT)
        .backoff(Backoff::full_jitter(Duration::from_millis(50)..=Duration::from_millis(500)))
}

/// Says something ten times a second, for as long as the client lives
async fn live(builder: ClientBuilder<Connector, TokioTimer>) -> Result {
    let mut client = builder.build()?;
    let mut metrics = ClientMetrics::new();
    let mut clock = interval(Duration::from_millis(100));
    let mut said = 0;
    loop {
        tokio::select! {
            // Cancel safe: no event is lost if the clock wins.
            event = client.next() => match event {
                Some(event) => metrics.event(&event),
                None => break,
            },
            _ = clock.tick() => {
                said += 1;
                // A queue that is full waits for a connection; what is refused is not accepted.
                _ = client.try_send(format!("hello {said}"));
                if said % 10 == 0 {
                    metrics.sample(&client);
                }
            }
        }
    }
    metrics.sample(&client);
    Ok(())
}

/// A peer by hand, which answers no Ping: it says something when it is suspected already, and then
/// nothing any more
async fn falter(server: SocketAddr) -> Result {
    let mut stream = TcpStream::connect(server).await?;
    let request = format!(
        "GET / HTTP/1.1\r\nHost: {server}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    // The first Ping comes after up to half a second, and a third of its timeout later it is late.
    sleep(INTERVAL + TIMEOUT / 3 + Duration::from_millis(200)).await;
    stream.write_all(PONG).await?;
    let mut read = [0; 1_024];
    while stream.read(&mut read).await? > 0 {}
    Ok(())
}

/// Blocks the thread that everybody shares
#[expect(clippy::disallowed_methods, reason = "it shows what that does")]
fn block() {
    std::thread::sleep(Duration::from_millis(1_600));
}
