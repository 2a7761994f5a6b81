//! The dial hook: asks a proxy for the host, and gives the stream that leads there.

use std::time::Duration;

use everbeat_tokio::Cause;
use everbeat_tokio::client::Dialing;
use everbeat_tokio::transport::Tcp;
use futures_util::{AsyncReadExt, AsyncWriteExt};

/// The longest answer that is taken, in bytes
const LONGEST: usize = 8 << 10;
/// How many headers it may have
const HEADERS: usize = 64;
/// The longest that a proxy keeps us away: a wrong unit is not to do it for good
const A_DAY: Duration = Duration::from_secs(24 * 60 * 60);

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Which proxy, and who we are to it
#[derive(Clone)]
pub(crate) struct Tunnel {
    pub(crate) host: String,
    pub(crate) port: u16,
    /// The value of `Proxy-Authorization`, such as `Basic dXNlcjpwYXNzd29yZA==`
    pub(crate) credentials: String,
}

impl Tunnel {
    /// Opens a tunnel; the client bounds the time of all of it
    ///
    /// The proxy resolves the host's name: we never ask for it.
    pub(crate) async fn open(self, dialing: Dialing) -> Result<Tcp, BoxError> {
        let mut stream = dialing.tcp(&self.host, self.port).await?;
        let (host, credentials) = (dialing.authority(), self.credentials);
        let request = format!(
            "CONNECT {host} HTTP/1.1\r\nHost: {host}\r\nProxy-Authorization: {credentials}\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await?;
        stream.flush().await?;

        // Byte by byte: what is behind the blank line is the host's, and not ours to read.
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            if head.len() == LONGEST {
                return Err(format!("the proxy's answer is over {LONGEST} bytes").into());
            }
            let mut byte = [0];
            stream.read_exact(&mut byte).await?;
            head.extend(byte);
        }
        let mut headers = [httparse::EMPTY_HEADER; HEADERS];
        let mut answer = httparse::Response::new(&mut headers);
        answer.parse(&head)?;
        match answer.code {
            Some(200..=299) => Ok(stream),
            Some(status) => {
                // As if the server itself had said it: 407 is not tried again, 503 is
                Err(Cause::Rejected { status, retry_after: retry_after(&answer) }.into())
            }
            None => Err("the proxy's answer has no status".into()),
        }
    }
}

/// The `Retry-After` in seconds, if there is one; a day at most, for the client does as it is told
fn retry_after(answer: &httparse::Response<'_, '_>) -> Option<Duration> {
    let header = answer.headers.iter().find(|it| it.name.eq_ignore_ascii_case("retry-after"))?;
    let seconds = std::str::from_utf8(header.value).ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(A_DAY))
}
