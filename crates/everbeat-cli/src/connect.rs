//! `everbeat connect`: lines of stdin go out as messages, messages come in as lines of stdout; a
//! connection that is lost is made again, and what may not have arrived is told.

mod told;

use std::time::Duration;

use everbeat_core::client::{Queue, SendError};
use everbeat_core::halves::{self, Receiver, Sender};
use everbeat_core::outcome::Disconnected;
use everbeat_core::transport::Endpoint;
use everbeat_core::{Cause, Client, Event, Message};
use everbeat_tokio::transport::TokioTimer;
use everbeat_tokio::transport::tls::ClientTls;
use everbeat_ws::Connector;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use crate::exit::{Exit, Failure};
use crate::header::Stdin;
use crate::lines::{self, Line};
use crate::output::Output;
use crate::road::{self, Road};
use crate::span;
use crate::target::Target;
use crate::tls;

use told::Told;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    target: Target,

    /// Send lines as binary messages; without it a line that is not UTF-8 is not sent
    #[arg(short, long)]
    binary: bool,

    /// Go on trying if there is no first connection
    #[arg(short, long)]
    retry: bool,

    /// Stay for so long behind the last line, for answers that take their time
    #[arg(short, long, value_name = "TIME", value_parser = span::parse)]
    linger: Option<Duration>,

    /// The silence that is answered with a beat
    #[arg(short, long, value_name = "TIME", value_parser = span::parse)]
    interval: Option<Duration>,

    /// A promise: whatever is gone is noticed within this time
    #[arg(long, value_name = "TIME", value_parser = span::parse)]
    detect_within: Option<Duration>,

    /// What is in between cuts who is idle for this long: beat at least twice within it
    #[arg(long, value_name = "TIME", value_parser = span::parse)]
    idle_limit: Option<Duration>,

    /// Show how the connection fares on stderr
    #[arg(short, long)]
    verbose: bool,
}

pub(crate) async fn run(mut args: Args, output: &mut Output) -> Result<Exit, Failure> {
    args.target.read_headers(Stdin::Messages)?;
    road::only(args.target.family());
    let client = client(&args)?;
    let (sender, receiver, pump) = halves::split(client, Queue::default());
    tokio::spawn(pump);
    let mut talk = Talk {
        sender,
        told: Told::new(output, args.verbose),
        binary: args.binary,
        linger: args.linger,
    };
    let end = talk.play(receiver).await?;
    talk.told.summary(&end)
}

fn client(args: &Args) -> Result<Client<Connector<Road>, TokioTimer>, Failure> {
    // Asked for what cannot be in it, before anything is dialled
    let secure = args.target.request()?.is_secure();
    let tls = secure.then(|| tls::config(&args.target)).transpose()?;
    let connector = Connector::<Road>::from_url(&args.target.url);
    let mut connector = connector.map_err(|error| Failure::usage(&error))?;
    for (name, value) in &args.target.headers {
        connector = connector.header(name, value);
    }
    connector = connector.subprotocols(&args.target.subprotocols);
    if let Some(tls) = tls {
        connector = connector.tls(ClientTls::from_rustls(tls));
    }
    let (timer, seed) = (connector.timer(), connector.seed());
    let mut builder = Client::over(connector, timer, seed)
        .retry_first(args.retry)
        .connect_timeout(args.target.connect_timeout);
    if let Some(interval) = args.interval {
        builder = builder.interval(interval);
    }
    if let Some(promise) = args.detect_within {
        builder = builder.detect_within(promise);
    }
    if let Some(limit) = args.idle_limit {
        builder = builder.idle_limit(limit);
    }
    builder.build().map_err(|error| Failure::usage(&error))
}

struct Talk<'a> {
    sender: Sender,
    told: Told<'a>,
    binary: bool,
    linger: Option<Duration>,
}

/// What is left to be done about the input
enum Input {
    Open(mpsc::Receiver<Line>),
    /// There is no more; the close is asked for then
    Over(Instant),
    Closing,
}

impl Talk<'_> {
    /// Until the connection is over for good; how
    async fn play(&mut self, mut receiver: Receiver) -> Result<Box<Disconnected>, Failure> {
        let mut input = Input::Open(lines::read());
        let mut interrupted = std::pin::pin!(tokio::signal::ctrl_c());
        // A line that waits for room, so that no more are read meanwhile
        let mut waiting: Option<Message> = None;
        let mut up = false;
        loop {
            let (sender, offered) = (&self.sender, waiting.clone());
            tokio::select! {
                event = receiver.next() => match event {
                    Some(Event::Closed(end) | Event::GaveUp(end)) => {
                        if waiting.is_some() {
                            self.told.refused("came too late")?;
                        }
                        self.leave_unread(&mut input)?;
                        return Ok(end);
                    }
                    Some(event) => {
                        match event {
                            Event::Connected { .. } => {
                                up = true;
                                if matches!(input, Input::Over(_)) {
                                    input = self.over();
                                }
                            }
                            Event::Disconnected(_) => up = false,
                            _ => {}
                        }
                        self.told.event(event)?;
                    }
                    // The pump ends with one of the two above.
                    None => return Err(Failure::NoConnection("the client is gone".into())),
                },
                _ = &mut interrupted, if !matches!(input, Input::Closing) => {
                    self.leave_unread(&mut input)?;
                    input = self.close();
                }
                sent = sending(sender, offered), if waiting.is_some() => {
                    waiting = None;
                    if let Err(error) = sent {
                        self.told.not_sent(&error)?;
                    }
                }
                // What is queued has to go first: an end of the input closes nothing that is not there.
                line = next(&mut input),
                    if waiting.is_none() && (up || matches!(input, Input::Open(_))) => match line
                {
                    Some(Line::Text(bytes)) => match self.message(bytes) {
                        Some(message) => waiting = Some(message),
                        None => self.told.refused("is not UTF-8: --binary sends it as it is")?,
                    },
                    Some(Line::TooLong) => self.told.refused("is longer than a mebibyte")?,
                    Some(Line::Failed(error)) => {
                        self.told.refused(&format!("cannot be read: {error}"))?;
                        input = self.over();
                    }
                    None => input = match input {
                        Input::Open(_) => self.over(),
                        _ => self.close(),
                    },
                },
            }
        }
    }

    /// Tells of lines that were read ahead and will not be sent
    fn leave_unread(&mut self, input: &mut Input) -> Result<(), Failure> {
        if let Input::Open(lines) = input {
            for line in lines::rest(lines) {
                match line {
                    Line::Text(_) | Line::TooLong => self.told.refused("came too late")?,
                    Line::Failed(_) => {}
                }
            }
        }
        Ok(())
    }

    /// Asks for the polite end, which is the receiver's last event
    fn close(&self) -> Input {
        let sender = self.sender.clone();
        tokio::spawn(async move { sender.close().await });
        Input::Closing
    }

    fn over(&self) -> Input {
        Input::Over(Instant::now() + self.linger.unwrap_or_default())
    }

    fn message(&self, bytes: Vec<u8>) -> Option<Message> {
        if self.binary {
            return Some(bytes.into());
        }
        String::from_utf8(bytes).ok().map(Message::from)
    }
}

/// The next line; `None` at the end of the input, and then at the end of the time behind it
///
/// # Cancel safety
///
/// Cancel safe.
async fn next(input: &mut Input) -> Option<Line> {
    match input {
        Input::Open(lines) => lines.recv().await,
        Input::Over(until) => {
            sleep_until(*until).await;
            None
        }
        Input::Closing => std::future::pending().await,
    }
}

/// Offers a message, for as long as it takes
///
/// # Cancel safety
///
/// Cancel safe: if it is dropped, nothing was accepted.
async fn sending(sender: &Sender, message: Option<Message>) -> Result<(), SendError> {
    match message {
        Some(message) => sender.send(message).await,
        None => Ok(()),
    }
}

/// Whether an end is none that anybody has to look at
fn is_fine(cause: &Cause) -> bool {
    cause.is_polite()
}
