//! The control socket: lines of whoever connects, each answered with a line of JSON. What a line means
//! is `words`', and what is done about it the proxy's.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::sleep;

use super::words;

/// The longest line, in bytes: no command is longer
const LONGEST: u64 = 1_024;
/// The most that control it at a time; further ones wait
const MOST: usize = 16;
/// How long a listener that failed is left alone
const PAUSE: Duration = Duration::from_millis(50);

/// A line of somebody who waits for the answer
#[derive(Debug)]
pub(super) struct Order {
    pub(super) line: String,
    answer: oneshot::Sender<Value>,
}

impl Order {
    pub(super) fn answer(self, answer: Value) {
        // Who has gone meanwhile wants none.
        _ = self.answer.send(answer);
    }
}

pub(super) type Orders = mpsc::Receiver<Order>;

/// Orders of nobody
pub(super) fn nowhere() -> Orders {
    mpsc::channel(1).1
}

/// Takes orders at an address; where that is
pub(super) async fn listen(at: SocketAddr) -> io::Result<(SocketAddr, Orders)> {
    let listener = TcpListener::bind(at).await?;
    let address = listener.local_addr()?;
    let (sender, orders) = mpsc::channel(MOST);
    tokio::spawn(async move {
        let places = Arc::new(Semaphore::new(MOST));
        loop {
            let Ok(place) = places.clone().acquire_owned().await else {
                return;
            };
            let Ok((stream, _)) = listener.accept().await else {
                // Out of descriptors, most often: asked again at once it would say so at once.
                sleep(PAUSE).await;
                continue;
            };
            let sender = sender.clone();
            tokio::spawn(async move {
                // Whoever breaks off in mid-line has ordered nothing.
                _ = obey(stream, sender).await;
                drop(place);
            });
        }
    });
    Ok((address, orders))
}

/// A request's first line: any web page can make its visitor's browser send one here, with orders for
/// its content
fn is_http(line: &str) -> bool {
    line.trim_end().rsplit_once(' ').is_some_and(|(_, last)| last.starts_with("HTTP/"))
}

async fn obey(mut stream: TcpStream, orders: mpsc::Sender<Order>) -> io::Result<()> {
    let (reading, mut writing) = stream.split();
    let mut reading = BufReader::new(reading);
    loop {
        let mut line = Vec::new();
        (&mut reading).take(LONGEST).read_until(b'\n', &mut line).await?;
        let answer = if line.last() == Some(&b'\n') {
            let (answer, answered) = oneshot::channel();
            let line = String::from_utf8_lossy(&line).into_owned();
            if is_http(&line) {
                return Ok(());
            }
            if orders.send(Order { line, answer }).await.is_err() {
                return Ok(());
            }
            answered.await.unwrap_or_else(|_| words::refused("the proxy has ended"))
        } else if line.len() as u64 == LONGEST {
            words::refused(format_args!("a line has {LONGEST} bytes at most"))
        } else {
            return Ok(());
        };
        let over = line.len() as u64 == LONGEST && line.last() != Some(&b'\n');
        writing.write_all(format!("{answer}\n").as_bytes()).await?;
        if over {
            return Ok(());
        }
    }
}
