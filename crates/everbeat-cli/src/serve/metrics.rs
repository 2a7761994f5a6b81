//! What Prometheus asks: one page over HTTP/1.1, by hand, for a web framework would be more than all
//! of `serve`. It answers one question a connection, of bounded size and in bounded time.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use everbeat_metrics::{Kind, METRICS, ServerMetrics, describe};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use crate::exit::Failure;
use crate::listen::{cannot, resolve};

/// The only page
pub(super) const PATH: &str = "/metrics";
/// Far more than the head of a scrape has, in bytes
const HEAD: usize = 8 << 10;
/// Far longer than a scrape takes
const PATIENCE: Duration = Duration::from_secs(5);
/// Who asks more often than this at one time waits
const AT_ONCE: usize = 8;
/// How long a listener that failed is left alone
const PAUSE: Duration = Duration::from_millis(50);

/// A page that is listened for, and not yet answered
pub(super) struct Page {
    pub(super) address: SocketAddr,
    /// Made behind the recorder, for it counts nothing otherwise
    pub(super) counted: ServerMetrics,
    listener: TcpListener,
    exporter: PrometheusHandle,
}

/// Listens at `HOST:PORT`, and has what is counted from now on on the page
///
/// Anywhere, unlike `proxy --control`: it takes no orders and names nobody, and who scrapes is often
/// another machine.
pub(super) async fn listen(at: &str) -> Result<Page, Failure> {
    let listening = TcpListener::bind(resolve(at).await?).await;
    let listener = listening.map_err(|error| cannot(&format!("--metrics {at}"), &error))?;
    let address = listener.local_addr()?;
    let exporter = install().map_err(|error| Failure::Io(io::Error::other(error)))?;
    describe();
    Ok(Page { address, counted: ServerMetrics::new(), listener, exporter })
}

/// Installs the recorder, with histograms that have buckets: those can be summed over processes,
/// which percentiles cannot
fn install() -> Result<PrometheusHandle, BuildError> {
    let mut builder = PrometheusBuilder::new();
    for metric in METRICS.iter().filter(|metric| metric.kind == Kind::Histogram) {
        let name = Matcher::Full(metric.name.to_owned());
        builder = builder.set_buckets_for_metric(name, metric.buckets)?;
    }
    builder.install_recorder()
}

impl Page {
    /// Answers each scrape by what there is, of which `sample` takes a look first
    pub(super) async fn serve(self, sample: impl Fn() + Send + Sync + 'static) {
        let Self { listener, exporter, .. } = self;
        let (sample, places) = (Arc::new(sample), Arc::new(Semaphore::new(AT_ONCE)));
        loop {
            let Ok(place) = places.clone().acquire_owned().await else { return };
            let Ok((stream, _)) = listener.accept().await else {
                // Out of descriptors, most often: asked again at once it would say so at once.
                sleep(PAUSE).await;
                continue;
            };
            let (exporter, sample) = (exporter.clone(), sample.clone());
            tokio::spawn(async move {
                // Who hung up, or took too long, is not interested.
                _ = timeout(PATIENCE, answer(stream, &exporter, &*sample)).await;
                drop(place);
            });
        }
    }
}

async fn answer(
    mut stream: TcpStream,
    exporter: &PrometheusHandle,
    sample: &(impl Fn() + Sync),
) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        if head.len() > HEAD || stream.read_buf(&mut head).await? == 0 {
            return Ok(());
        }
    }
    let (status, page) = if asks_for_it(&head) {
        sample();
        exporter.run_upkeep();
        ("200 OK", exporter.render())
    } else {
        ("404 Not Found", format!("the page is {PATH}\n"))
    };
    let length = page.len();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(page.as_bytes()).await?;
    stream.shutdown().await
}

/// `GET /metrics HTTP/1.1`, whatever is asked of it
fn asks_for_it(head: &[u8]) -> bool {
    let path = head.strip_prefix(b"GET ").and_then(|rest| rest.strip_prefix(PATH.as_bytes()));
    path.is_some_and(|rest| rest.starts_with(b" ") || rest.starts_with(b"?"))
}

#[test]
fn one_page_is_there_with_or_without_a_query() {
    for (head, asked) in [
        ("GET /metrics HTTP/1.1\r\n", true),
        ("GET /metrics?name[]=up HTTP/1.1\r\n", true),
        ("GET /metrics/ HTTP/1.1\r\n", false),
        ("GET / HTTP/1.1\r\n", false),
        ("POST /metrics HTTP/1.1\r\n", false),
    ] {
        assert_eq!(asks_for_it(head.as_bytes()), asked, "{head}");
    }
}
