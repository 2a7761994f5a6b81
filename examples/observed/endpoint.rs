//! What Prometheus asks: one page over HTTP/1.1, by hand, for a web framework would be more than all
//! of it. It answers one question a connection, of bounded size and in bounded time.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use everbeat_metrics::{Kind, METRICS};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use super::Result;

/// Far more than the head of a scrape has
const HEAD: usize = 8 << 10;
/// Far longer than a scrape takes
const PATIENCE: Duration = Duration::from_secs(5);
/// Who asks more often than this at one time waits
const AT_ONCE: usize = 8;

/// Installs the recorder, with histograms that have buckets: those can be summed over processes,
/// which percentiles cannot
pub(crate) fn install() -> Result<PrometheusHandle> {
    let mut builder = PrometheusBuilder::new();
    for metric in METRICS.iter().filter(|metric| metric.kind == Kind::Histogram) {
        let name = Matcher::Full(metric.name.to_owned());
        builder = builder.set_buckets_for_metric(name, metric.buckets)?;
    }
    Ok(builder.install_recorder()?)
}

/// Answers each scrape by what there is, of which `sample` takes a look first
pub(crate) async fn serve(
    listener: TcpListener,
    exporter: PrometheusHandle,
    sample: impl Fn() + Send + Sync + 'static,
) {
    let (sample, places) = (Arc::new(sample), Arc::new(Semaphore::new(AT_ONCE)));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else {
            // Out of descriptors, say: somebody will let go of one.
            sleep(Duration::from_millis(100)).await;
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

async fn answer(
    mut stream: TcpStream,
    exporter: &PrometheusHandle,
    sample: &(impl Fn() + Sync),
) -> Result {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        if head.len() > HEAD || stream.read_buf(&mut head).await? == 0 {
            return Ok(());
        }
    }
    let (status, page) = if head.starts_with(b"GET /metrics ") {
        sample();
        exporter.run_upkeep();
        ("200 OK", exporter.render())
    } else {
        ("404 Not Found", "the page is /metrics\n".to_owned())
    };
    let length = page.len();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(page.as_bytes()).await?;
    Ok(stream.shutdown().await?)
}

/// Scrapes as Prometheus does
pub(crate) async fn ask(address: SocketAddr) -> Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET /metrics HTTP/1.1\r\nHost: {address}\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut answer)).await??;
    let (head, page) = answer.split_once("\r\n\r\n").ok_or("no HTTP")?;
    match head.starts_with("HTTP/1.1 200 ") {
        true => Ok(page.to_owned()),
        false => Err(head.to_owned().into()),
    }
}
