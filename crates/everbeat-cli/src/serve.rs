//! `everbeat serve`: everbeat's own server with a handler that echoes or broadcasts, with its expiry
//! and limits as arguments, for trying clients against.

mod figures;
mod metrics;
mod told;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::ValueEnum;
use everbeat_core::time::Timer;
use everbeat_core::{Cause, Event, Message};
use everbeat_metrics::ServerMetrics;
use everbeat_tokio::Server;
use everbeat_tokio::server::builder::BindError;
use everbeat_tokio::server::{AcceptError, Accepted, Connection, Expire, Limits};
use everbeat_tokio::transport::tls::ServerTls;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};

use crate::exit::{Exit, Failure};
use crate::listen::{cannot, resolve};
use crate::output::Output;
use crate::span;

use figures::Figures;
use told::{News, Told};

/// How much news may wait to be written; what is more is counted, for a server must not wait for a
/// terminal
const NEWS: usize = 1_024;

/// What is done with a message
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Mode {
    /// It goes back to who sent it
    Echo,
    /// It goes to everybody
    Broadcast,
    /// Nothing
    Sink,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where to listen; port 0 is one that is free
    #[arg(value_name = "HOST:PORT", default_value = "127.0.0.1:9001")]
    address: String,

    /// What is done with a message
    #[arg(short, long, value_enum, default_value = "echo")]
    mode: Mode,

    /// The silence that is answered with a Ping; 25s by default
    #[arg(short, long, value_name = "TIME", value_parser = span::parse)]
    interval: Option<Duration>,

    /// How long an answer to a Ping is waited for; 20s by default
    #[arg(long, value_name = "TIME", value_parser = span::parse)]
    timeout: Option<Duration>,

    /// A promise: who is silent is expired within this time
    #[arg(long, value_name = "TIME", value_parser = span::parse, conflicts_with = "no_beat")]
    silent: Option<Duration>,

    /// Never Ping, and expire nobody for silence: a server to find fault with
    #[arg(long, conflicts_with_all = ["interval", "timeout"])]
    no_beat: bool,

    /// Expire who sends and is sent no message for this long
    #[arg(long, value_name = "TIME", value_parser = span::parse)]
    idle: Option<Duration>,

    /// Send everybody away after this long, times 0.9 to 1
    #[arg(long, value_name = "TIME", value_parser = span::parse)]
    age: Option<Duration>,

    /// The most connections
    #[arg(long, value_name = "N", default_value_t = Limits::CONNECTIONS)]
    connections: usize,

    /// The most connections from one address
    #[arg(long, value_name = "N")]
    per_address: Option<u32>,

    /// The most upgrades in a second; who is too many is answered 503 with a Retry-After
    #[arg(long, value_name = "N")]
    upgrades_per_second: Option<u32>,

    /// The longest message, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 16 << 20)]
    max_message: usize,

    /// Speak TLS, with this certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "key")]
    cert: Option<PathBuf>,

    /// The private key of --cert (PEM)
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,

    /// Write the server's figures each time that this has passed
    #[arg(long, value_name = "TIME", value_parser = span::parse)]
    figures: Option<Duration>,

    /// Serve what is counted for Prometheus, at http://HOST:PORT/metrics: to whoever reaches it, numbers
    /// of all connections and of none alone
    #[arg(long, value_name = "HOST:PORT")]
    metrics: Option<String>,

    /// No line for each connection that comes or goes
    #[arg(short, long)]
    quiet: bool,
}

pub(crate) async fn run(args: Args, output: &mut Output) -> Result<Exit, Failure> {
    let (news, mut heard) = mpsc::channel(NEWS);
    let figures = Arc::new(Figures::default());
    let page = match &args.metrics {
        None => None,
        Some(at) => Some(metrics::listen(at).await?),
    };
    let server = bind(&args).await?;
    let address = server.acceptor().local_address()?;
    let (registry, wheel) = (server.registry(), server.wheel().clone());
    let mut told = Told::new(output, args.quiet);
    told.listening(address, args.cert.is_some(), page.as_ref().map(|page| page.address))?;
    let counted = page.as_ref().map(|page| page.counted.clone());
    if let Some(page) = page {
        let (counted, registry, wheel) = (page.counted.clone(), registry.clone(), wheel.clone());
        // As of the scrape: whoever asks every few seconds has a look as often.
        tokio::spawn(page.serve(move || counted.sample(&registry, wheel.now())));
    }

    let tell = Tell { news, figures: figures.clone(), counted: counted.clone() };
    let expired = tell.clone();
    let server = server.on_expire(move |handle, rule| {
        expired.figures.expired(rule);
        expired.news(News::Expired { id: handle.id(), rule });
    });
    let stop = server.handle();
    let mode = args.mode;
    let handler =
        move |connection: Connection, peer: Accepted| serve(connection, peer, mode, tell.clone());
    let mut serving = tokio::spawn(async move {
        let served = match counted {
            None => server.serve_with(handler).await,
            Some(counted) => server.serve_with(counted.observe(handler)).await,
        };
        served.to_string()
    });

    let mut clock = interval(args.figures.unwrap_or(Duration::from_secs(3_600)));
    clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
    clock.tick().await;
    let mut terminated = std::pin::pin!(terminated());
    let mut stopping = false;
    loop {
        tokio::select! {
            Some(news) = heard.recv() => told.news(&news)?,
            _ = clock.tick(), if args.figures.is_some() => {
                told.figures(&figures.look(&registry, wheel.now()))?;
            }
            () = &mut terminated, if !stopping => {
                stopping = true;
                stop.shutdown();
            }
            served = &mut serving => {
                while let Ok(news) = heard.try_recv() {
                    told.news(&news)?;
                }
                let served = served.map_err(|error| Failure::Io(io::Error::other(error)))?;
                told.served(&served, figures.unheard())?;
                return Ok(Exit::Fine);
            }
        }
    }
}

async fn bind(args: &Args) -> Result<Server, Failure> {
    let mut expire = Expire::default().idle(args.idle).age(args.age);
    if args.no_beat {
        expire = expire.silent(None);
    } else if let Some(promise) = args.silent {
        expire = expire.silent(promise);
    }
    let limits = Limits::default()
        .connections(args.connections)
        .per_address(args.per_address)
        .upgrades_per_second(args.upgrades_per_second);
    let tls = match (&args.cert, &args.key) {
        (Some(cert), Some(key)) => {
            Some(ServerTls::from_files(cert, key).map_err(|error| Failure::usage(&error))?)
        }
        _ => None,
    };
    let most = args.max_message;
    let mut builder = Server::builder().expire(expire).limits(limits).listener(|listener| {
        let listener = listener.max_message(most).max_frame(most);
        match tls {
            Some(tls) => listener.tls(tls),
            None => listener,
        }
    });
    if let Some(interval) = args.interval {
        builder = builder.interval(interval);
    }
    if let Some(timeout) = args.timeout {
        builder = builder.timeout(timeout);
    }
    // What is no address, and names none, is told apart from one that cannot be had.
    resolve(&args.address).await?;
    builder.bind(&args.address).await.map_err(|error| match error {
        BindError::Listen(AcceptError::Bind { address, error }) => cannot(&address, &error),
        other => Failure::usage(&other),
    })
}

/// Whom handlers tell what happens
#[derive(Clone)]
struct Tell {
    news: mpsc::Sender<News>,
    figures: Arc<Figures>,
    /// What Prometheus is told; `None` if it does not ask
    counted: Option<ServerMetrics>,
}

impl Tell {
    fn news(&self, news: News) {
        if self.news.try_send(news).is_err() {
            self.figures.note_unheard();
        }
    }
}

type Handled = Result<(), Box<dyn std::error::Error + Send + Sync>>;

async fn serve(mut connection: Connection, peer: Accepted, mode: Mode, tell: Tell) -> Handled {
    let id = peer.handle.id();
    tell.news(News::Came { id, peer: peer.facts().peer() });
    let ended = talk(&mut connection, &peer, mode, &tell).await;
    let how = match &ended {
        Ok(()) => "closed by the peer".to_owned(),
        Err(cause) => cause.to_string(),
    };
    tell.news(News::Went { id, how });
    Ok(())
}

async fn talk(
    connection: &mut Connection,
    peer: &Accepted,
    mode: Mode,
    tell: &Tell,
) -> Result<(), Cause> {
    while let Some(event) = connection.next().await {
        if let Some(counted) = &tell.counted {
            counted.event(connection, &event);
        }
        let message = match event {
            Event::Message(message) => message,
            Event::Disconnected(end) if !end.cause.is_polite() => return Err(end.cause),
            _ => continue,
        };
        tell.figures.message(message.len());
        match mode {
            // Why it could not be sent is the last event.
            Mode::Echo => _ = connection.send(message).await,
            Mode::Broadcast => broadcast(peer, message, tell).await,
            Mode::Sink => {}
        }
    }
    Ok(())
}

async fn broadcast(peer: &Accepted, message: Message, tell: &Tell) {
    match peer.handle.registry().broadcast(message).await {
        // Who does not read has a full mailbox, and goes without; who reads nothing is expired.
        Ok(left) => tell.figures.left_out(left.slow.len() + left.no_room.len()),
        Err(error) => {
            let (id, why) = (peer.handle.id(), error.to_string());
            tell.news(News::Refused { id, why });
        }
    }
}

/// Ctrl-C, or what a supervisor sends
async fn terminated() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminated) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminated.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            return;
        }
    }
    // Without a handler the signal itself ends the process, which is an end too.
    _ = tokio::signal::ctrl_c().await;
}
