//! An HTTP proxy that takes CONNECT, from those who know its password, to hosts on loopback.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

use crate::story::Result;

pub(crate) const PASSWORD: &str = "Basic ZXZlcmJlYXQ6c2VjcmV0";

/// The longest line of a request, and how many there may be
const LONGEST: usize = 1 << 10;
const LINES: usize = 32;
/// How long a client may take to ask, and a host to be reached
const PATIENCE: Duration = Duration::from_secs(5);

/// A proxy; dropped, it is gone with all that went through it
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    /// To whom it opened tunnels
    opened: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Proxy {
    pub(crate) async fn listen(address: &str) -> Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let opened = Arc::new(Mutex::new(Vec::new()));
        let task = tokio::spawn(take(listener, opened.clone()));
        Ok(Self { address, opened, task })
    }

    pub(crate) fn opened(&self) -> Vec<String> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes it down with all that goes through it
    pub(crate) async fn stop(mut self) {
        self.task.abort();
        _ = (&mut self.task).await;
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn take(listener: TcpListener, opened: Arc<Mutex<Vec<String>>>) {
    // Dropped with this task, and then all of them end.
    let mut tunnels = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => _ = tunnels.spawn(serve(stream, opened.clone())),
                // Out of descriptors, perhaps
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            },
            Some(_) = tunnels.join_next() => {}
        }
    }
}

async fn serve(stream: TcpStream, opened: Arc<Mutex<Vec<String>>>) {
    let mut client = BufReader::new(stream);
    let (status, host) = match timeout(PATIENCE, ask(&mut client)).await {
        Ok(Ok((authority, host))) => {
            opened.lock().unwrap_or_else(PoisonError::into_inner).push(authority);
            ("200 Connection established", Some(host))
        }
        Ok(Err(status)) => (status, None),
        Err(_) => ("408 Request Timeout", None),
    };
    let answer = match status {
        "407 Proxy Authentication Required" => "Proxy-Authenticate: Basic realm=\"loopback\"\r\n",
        _ => "",
    };
    let answer = format!("HTTP/1.1 {status}\r\n{answer}\r\n");
    if client.get_mut().write_all(answer.as_bytes()).await.is_ok() {
        if let Some(mut host) = host {
            // However it ends, both ends hear of it as this is dropped.
            _ = copy_bidirectional(&mut client, &mut host).await;
        }
    }
}

/// What a client asks for, and the stream that leads there; or the status that refuses it
async fn ask(
    client: &mut BufReader<TcpStream>,
) -> std::result::Result<(String, TcpStream), &'static str> {
    const BAD: &str = "400 Bad Request";
    let mut authority = None;
    let mut known = false;
    for number in 0..LINES {
        let line = line(client).await.ok_or(BAD)?;
        if number == 0 {
            let mut words = line.split(' ');
            match (words.next(), words.next(), words.next()) {
                (Some("CONNECT"), Some(asked), Some("HTTP/1.1")) => {
                    authority = Some(asked.to_owned());
                }
                (Some(_), Some(_), Some("HTTP/1.1")) => return Err("405 Method Not Allowed"),
                _ => return Err(BAD),
            }
        } else if line.is_empty() {
            let authority = authority.ok_or(BAD)?;
            if !known {
                return Err("407 Proxy Authentication Required");
            }
            let host = reach(&authority).await?;
            return Ok((authority, host));
        } else if let Some((name, value)) = line.split_once(':') {
            known |= name.eq_ignore_ascii_case("proxy-authorization") && value.trim() == PASSWORD;
        }
    }
    Err("431 Request Header Fields Too Large")
}

/// The next line, without its end
async fn line(client: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = Vec::new();
    while line.len() < LONGEST {
        let here = client.fill_buf().await.ok()?;
        let end = here.iter().position(|byte| *byte == b'\n');
        let taken = end.map_or(here.len(), |end| end + 1);
        if taken == 0 {
            return None;
        }
        line.extend_from_slice(&here[..taken]);
        client.consume(taken);
        if end.is_some() {
            let line = String::from_utf8(line).ok()?;
            return Some(line.trim_end_matches(['\r', '\n']).to_owned());
        }
    }
    None
}

/// A connection to a host on loopback, and to nobody else
async fn reach(authority: &str) -> std::result::Result<TcpStream, &'static str> {
    let addresses = tokio::net::lookup_host(authority).await.map_err(|_| "502 Bad Gateway")?;
    let own: Vec<SocketAddr> = addresses.filter(|address| address.ip().is_loopback()).collect();
    if own.is_empty() {
        return Err("403 Forbidden");
    }
    TcpStream::connect(&*own).await.map_err(|_| "502 Bad Gateway")
}
