//! Many connections at once, a task each on one thread: what one of them is, and how they come.

use std::cell::RefCell;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use tokio::net::{TcpSocket, TcpStream};

use crate::counts::Counts;
use crate::ears::Ears;
use crate::{frames, source, upgrade};

/// How many connect at a time: so many that it does not take long, so few that nobody waits
const TOGETHER: usize = 64;

/// What one read takes at most: a burst's whole message
const ROOM: usize = 128 << 10;

thread_local! {
    /// What was heard, and what answers it: all connections of a thread share the room for it
    static ROOMS: RefCell<(Vec<u8>, Vec<u8>)> = RefCell::new((vec![0; ROOM], Vec::new()));
}

/// What each connection has to say
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a crowd does one or the other")]
pub enum Words {
    /// Nothing; it answers Pings
    None,
    /// So many bytes in a message, and the next one when so many have come back
    Echo {
        /// In a message
        bytes: usize,
        /// How often
        times: u64,
    },
}

/// Has so many connect, each of whom says these words and then answers Pings until its end
///
/// Comes back when all of them stand, or were told not to. It is for a runtime of one thread.
///
/// # Cancel safety
///
/// Dropped, it lets nobody else connect; who stands does so until the runtime ends.
pub async fn come(
    address: SocketAddr,
    words: Words,
    counts: &Arc<Counts>,
    all: usize,
    told: impl Fn(anyhow::Error) + Clone + Send + 'static,
) {
    let comers = (0..TOGETHER.min(all)).map(|first| {
        let (counts, told) = (counts.clone(), told.clone());
        tokio::spawn(async move {
            for who in (first..all).step_by(TOGETHER) {
                match Peer::connect(address, who, counts.clone()).await {
                    Ok(peer) => drop(tokio::spawn(live(peer, words, told.clone()))),
                    Err(error) => told(error.context("a connection did not come to be")),
                }
            }
        })
    });
    for comer in comers.collect::<Vec<_>>() {
        if let Err(error) = comer.await {
            told(error.into());
        }
    }
}

async fn live(mut peer: Peer, words: Words, told: impl Fn(anyhow::Error)) {
    let end = peer.live(words).await;
    peer.counts.closed(peer.who);
    if let Err(error) = end {
        told(error);
    }
}

/// One connection
#[derive(Debug)]
struct Peer {
    who: usize,
    stream: TcpStream,
    ears: Ears,
    counts: Arc<Counts>,
}

impl Peer {
    async fn connect(address: SocketAddr, who: usize, counts: Arc<Counts>) -> Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(source::of(who))?;
        let stream = socket.connect(address).await?;
        stream.set_nodelay(true)?;
        let mut peer = Self { who, stream, ears: Ears::default(), counts };
        peer.say(upgrade::request().as_bytes()).await?;
        let mut answer = Vec::new();
        let head = loop {
            peer.stream.readable().await?;
            let read = ROOMS.with_borrow_mut(|(room, _)| {
                let count = peer.stream.try_read(room)?;
                answer.extend_from_slice(&room[..count]);
                io::Result::Ok(count)
            });
            match read {
                Ok(0) => bail!("it was closed in the upgrade"),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
                Err(error) => return Err(error.into()),
            }
            if let Some(head) = upgrade::granted(&answer)? {
                break head;
            }
        };
        peer.counts.connected(who);
        let mut answers = Vec::new();
        let heard = peer.ears.hear(&answer[head..], &mut answers)?;
        peer.counts.pings(who, heard.pings);
        peer.say(&answers).await?;
        peer.counts.answered(heard.pings);
        Ok(peer)
    }

    /// Until its end, which is an error but for whom the server lets go between messages
    async fn live(&mut self, words: Words) -> Result<()> {
        if let Words::Echo { bytes, times } = words {
            let message = frames::message(bytes);
            for _ in 0..times {
                self.say(&message).await?;
                let mut left = bytes;
                while left > 0 {
                    let payload = self.hear().await?.context("closed in an echo")?;
                    ensure!(payload <= left, "more comes back than was said");
                    left -= payload;
                }
                self.counts.echo();
            }
        }
        while self.hear().await?.is_some() {}
        Ok(())
    }

    /// Waits for bytes and answers the Pings among them; how many belong to messages
    async fn hear(&mut self) -> Result<Option<usize>> {
        loop {
            self.stream.readable().await?;
            let Some((pings, payload, unsaid)) = self.turn()? else { return Ok(None) };
            self.say(&unsaid).await?;
            self.counts.answered(pings);
            if pings > 0 || payload > 0 {
                return Ok(Some(payload));
            }
        }
    }

    /// What can be done at once: Pings, bytes of messages, and what the kernel did not take of the
    /// answers; `None` at the end
    fn turn(&mut self) -> Result<Option<(u64, usize, Vec<u8>)>> {
        ROOMS.with_borrow_mut(|(room, answers)| {
            answers.clear();
            let count = match self.stream.try_read(room) {
                Ok(0) => return Ok(None),
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
                Err(error) if is_end(&error) => return Ok(None),
                Err(error) => return Err(error.into()),
            };
            let heard = self.ears.hear(&room[..count], answers)?;
            self.counts.pings(self.who, heard.pings);
            let said = match answers.is_empty() {
                true => 0,
                false => match self.stream.try_write(answers) {
                    Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
                    Err(error) if is_end(&error) => return Ok(None),
                    said => said?,
                },
            };
            Ok(Some((heard.pings, heard.payload, answers[said..].to_vec())))
        })
    }

    async fn say(&self, mut bytes: &[u8]) -> Result<()> {
        while !bytes.is_empty() {
            self.stream.writable().await?;
            match self.stream.try_write(bytes) {
                Ok(said) => bytes = &bytes[said..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

/// A peer that has gone while it was spoken to
fn is_end(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe)
}
