//! A server and its clients, observed: their numbers at an address that Prometheus asks.
//!
//! ```sh
//! cargo run --example observed                                        # scrapes itself, and ends
//! cargo run --example observed -- 127.0.0.1:9100 --seconds 3600       # for a Prometheus
//! ```
//!
//! Then `curl http://127.0.0.1:9100/metrics`, or add that address to the `scrape_configs` of a
//! Prometheus and give `docs/grafana/everbeat.json` to a Grafana.
//!
//! So that there is something to see, eight clients talk to the server, which lets none of its
//! connections grow old; peers come that answer no Ping, falter, and are declared dead; a client asks
//! where no WebSocket is; and once a while somebody blocks the only thread, as nobody should. At the
//! end the program scrapes itself, and fails unless each of the metrics has been seen.

#![expect(clippy::print_stdout, reason = "an example talks to whoever runs it")]

mod crowd;
mod endpoint;

use std::net::SocketAddr;
use std::time::Duration;

use everbeat_metrics::{METRICS, ServerMetrics, describe};
use everbeat_tokio::Server;
use everbeat_tokio::core::time::Timer;
use everbeat_tokio::server::{Accepted, Connection, Expire};
use everbeat_tokio::{Cause, Event};
use tokio::net::TcpListener;
use tokio::time::sleep;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Who blocks the thread is to be noticed by all, and they share it
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result {
    let Options { address, time } = options()?;
    // First, for whatever is counted takes its handles from the recorder that there is.
    let exporter = endpoint::install()?;
    describe();

    let server = Server::builder()
        .interval(crowd::INTERVAL)
        .timeout(crowd::TIMEOUT)
        .expire(Expire::default().age(Duration::from_secs(4)))
        .bind("127.0.0.1:0")
        .await?;
    let websocket = server.acceptor().local_address()?;
    let (registry, wheel, stop) = (server.registry(), server.wheel().clone(), server.handle());
    let metrics = ServerMetrics::new();
    let of_handler = metrics.clone();
    let handler = move |connection: Connection, _: Accepted| echo(connection, of_handler.clone());
    let serving = tokio::spawn(server.serve_with(metrics.observe(handler)));

    let listener = TcpListener::bind(&address).await?;
    let scraped = listener.local_addr()?;
    println!("metrics at http://{scraped}/metrics");
    // What is sampled is as of the scrape: Prometheus asks every few seconds, and so does this look.
    let sample = move || metrics.sample(&registry, wheel.now());
    tokio::spawn(axum::serve(listener, endpoint::page(exporter, sample)).into_future());
    crowd::come(websocket, scraped);

    tokio::select! {
        () = sleep(time) => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    let page = endpoint::ask(scraped).await?;
    stop.shutdown();
    println!("{}", serving.await?);
    check(&page)
}

/// Echoes; each event is counted on its way
async fn echo(
    mut connection: Connection,
    metrics: ServerMetrics,
) -> std::result::Result<(), Cause> {
    while let Some(event) = connection.next().await {
        metrics.event(&connection, &event);
        if let Event::Message(message) = event {
            // Why it could not be sent is the last event.
            _ = connection.send(message).await;
        }
    }
    Ok(())
}

/// Whether each metric has been seen, and not only as nothing
fn check(page: &str) -> Result {
    let samples = page.lines().filter(|line| line.starts_with("everbeat_"));
    println!("scraped {} samples of {} metrics", samples.count(), METRICS.len());
    for metric in METRICS {
        let of = page.lines().filter(|line| {
            let rest = line.strip_prefix(metric.name).unwrap_or_default();
            rest.starts_with([' ', '{']) || rest.starts_with("_count")
        });
        let values = of.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok());
        let values = values.collect::<Vec<_>>();
        // Nothing waits in a mailbox that nobody sends to.
        let may_be_nothing = metric.name == "everbeat_queued_bytes";
        let seen = may_be_nothing && !values.is_empty() || values.iter().any(|value| *value > 0.0);
        if !seen {
            return Err(format!("{} was scraped as {values:?}\n{page}", metric.name).into());
        }
    }
    Ok(())
}

struct Options {
    address: SocketAddr,
    time: Duration,
}

fn options() -> Result<Options> {
    let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
    let mut options = Options { address: loopback, time: Duration::from_secs(9) };
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--seconds" => {
                let seconds = args.next().ok_or("how many?")?.parse()?;
                options.time = Duration::from_secs(seconds);
            }
            address => options.address = address.parse()?,
        }
    }
    Ok(options)
}
