//! Good streams in any pieces, over real sockets, on any runtime, either role, plain and through TLS:
//! random frames of every kind up to 200 KB, which a peer in raw bytes says in chunks of 1 byte to
//! 100 KB, while it reads as slowly as it likes. Our side echoes; contents and order are checked.
//!
//! A stream is all drawn from its seed, but for when the kernel passes on which bytes.

mod cuts;
mod hears;
mod ours;
mod peer;
mod says;
mod wire;

use std::fmt;
use std::net::TcpListener;
use std::ops::AddAssign;
use std::thread::{self, JoinHandle};

use everbeat_core::transport::{Attempt, Connect};
use everbeat_ws::accept::AcceptSettings;
use everbeat_ws::{Acceptor, Connector, Role, Runtime, Settings};
use fastrand::Rng;

use crate::line::{Line, lines};
use crate::server_side::{Socket, accept};

use peer::Peer;
use wire::Identity;

/// How many messages a stream has
const MESSAGES: u64 = 40;

/// How many streams a line of the contract is: each role, plain and through TLS, twice
const FEW: u64 = 8;

/// What a stream is, as its seed says
#[derive(Clone, Copy, Debug)]
pub struct Stream {
    seed: u64,
    /// Ours
    role: Role,
    tls: bool,
}

/// What went through
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "sums, and there are no others")]
pub struct Tally {
    /// Messages that were sent and came back
    pub messages: u64,
    /// Their bytes, one way
    pub bytes: u64,
    /// Pings of either side that were answered
    pub pongs: u64,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, more: Self) {
        self.messages += more.messages;
        self.bytes += more.bytes;
        self.pongs += more.pongs;
    }
}

impl Stream {
    /// The stream of a seed
    #[must_use]
    pub const fn drawn(seed: u64) -> Self {
        let role = if seed & 1 == 0 { Role::Server } else { Role::Client };
        Self { seed, role, tls: seed & 2 != 0 }
    }

    /// Plays it on a runtime, of which this is a task
    ///
    /// # Panics
    ///
    /// Something was not as it must be; the stream's seed is said.
    pub async fn play<R: Runtime>(self) -> Tally {
        let (ours, theirs) = match self.role {
            Role::Server => self.serve::<R>().await,
            Role::Client => self.dial::<R>().await,
        };
        // Who fails hangs up, so that the other's end comes as well
        match (ours, theirs.join()) {
            (Ok(pongs), Ok(Ok(mut tally))) => {
                tally.pongs += pongs;
                tally
            }
            (ours, theirs) => panic!("{self}: we: {ours:?}; the peer: {theirs:?}"),
        }
    }

    /// How we cut what we say
    fn fragment(rng: &mut Rng) -> Option<usize> {
        match rng.u8(..4) {
            0 => None,
            1 => Some(rng.usize(100..70_000)),
            _ => Some(Settings::FRAGMENT),
        }
    }

    async fn serve<R: Runtime>(self) -> (Result<u64, String>, Theirs) {
        let mut rng = Rng::with_seed(self.seed);
        let mut settings = AcceptSettings::default().fragment(Self::fragment(&mut rng));
        if self.tls {
            settings = settings.tls(Identity::get().server());
        }
        let mut acceptor = Acceptor::<R>::bind("127.0.0.1:0", settings).await.unwrap();
        let address = acceptor.local_address().unwrap();
        let peer = thread::spawn(move || {
            Peer::dial(address, self.tls, Rng::with_seed(!self.seed)).play(MESSAGES)
        });
        let websocket = accept(&mut acceptor).await.map(|(websocket, ..)| websocket);
        (echo::<R, _>(websocket, rng).await, peer)
    }

    async fn dial<R: Runtime>(self) -> (Result<u64, String>, Theirs) {
        let mut rng = Rng::with_seed(self.seed);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let scheme = if self.tls { "wss" } else { "ws" };
        let url = format!("{scheme}://{}/", listener.local_addr().unwrap());
        let peer = thread::spawn(move || {
            Peer::accept(&listener, self.tls, Rng::with_seed(!self.seed)).play(MESSAGES)
        });
        let mut connector = Connector::<R>::new(&url).unwrap().fragment(Self::fragment(&mut rng));
        if self.tls {
            connector = connector.tls(Identity::get().client());
        }
        let websocket = connector.connect(Attempt::first()).await;
        (echo::<R, _>(websocket, rng).await, peer)
    }
}

/// The peer's thread
type Theirs = JoinHandle<Result<Tally, String>>;

async fn echo<R: Runtime, E: fmt::Debug>(
    websocket: Result<Socket<R>, E>,
    rng: Rng,
) -> Result<u64, String> {
    let mut websocket = websocket.map_err(|error| format!("no WebSocket: {error:?}"))?;
    ours::echo(&mut websocket, Some(rng)).await
}

impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let role = match self.role {
            Role::Server => "server",
            Role::Client => "client",
        };
        let road = if self.tls { "through TLS" } else { "plain" };
        write!(f, "the stream of seed {}, we are the {role}, {road}", self.seed)
    }
}

/// What every runtime must keep
pub(crate) fn lines<R: Runtime>() -> Vec<Line> {
    lines![
        "streams of any frames in any pieces keep contents and order" => few::<R>,
        "a conversation that is cut at any byte comes out the same" => cuts::at_every_byte::<R>,
    ]
}

async fn few<R: Runtime>() {
    let mut tally = Tally::default();
    for seed in 0..FEW {
        tally += Stream::drawn(seed).play::<R>().await;
    }
    assert_eq!(tally.messages, FEW * MESSAGES);
}
