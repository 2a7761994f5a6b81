//! What Prometheus asks: one page, as it is in an application of axum's.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use everbeat_metrics::{Kind, METRICS};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::Result;

/// What Prometheus calls the format of the page
const FORMAT: &str = "text/plain; version=0.0.4";
/// Far longer than a scrape takes
const PATIENCE: Duration = Duration::from_secs(5);

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
pub(crate) fn page(
    exporter: PrometheusHandle,
    sample: impl Fn() + Clone + Send + Sync + 'static,
) -> Router {
    let page = async move || {
        sample();
        exporter.run_upkeep();
        ([(CONTENT_TYPE, FORMAT)], exporter.render())
    };
    Router::new().route("/metrics", get(page))
}

/// Scrapes as Prometheus does
pub(crate) async fn ask(address: SocketAddr) -> Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET /metrics HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut answer)).await??;
    let (head, page) = answer.split_once("\r\n\r\n").ok_or("no HTTP")?;
    match head.starts_with("HTTP/1.1 200 ") {
        true => Ok(page.to_owned()),
        false => Err(head.to_owned().into()),
    }
}
