//! `everbeat ping`: beats at an interval, a line for each answer, and figures at the end; how long an
//! answer takes, whether it comes, and what is gone if it does not.

mod beats;
mod figures;
mod report;
mod watched;

use std::time::Duration;

use everbeat_core::Cause;
use everbeat_core::config::HeartbeatConfig;
use everbeat_core::time::{Instant, Timer};
use everbeat_tokio::Tokio;
use everbeat_tokio::transport::{Stream, TokioTimer, WebSocket};

use crate::dial;
use crate::exit::{Exit, Failure};
use crate::header::Stdin;
use crate::output::Output;
use crate::span;
use crate::target::Target;

use figures::Figures;
use report::Report;
use watched::{Step, Watched};

/// The shortest time between beats: below it a beat is a load and no question
const SHORTEST: Duration = Duration::from_millis(10);
/// How long the answers that are out are waited for at a Ctrl-C
const GRACE: Duration = Duration::from_secs(1);

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    target: Target,

    /// Stop after so many beats; without it, at Ctrl-C
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,

    /// The time from beat to beat, 10ms at least; many servers end a connection that beats more than
    /// ten times a second for long
    #[arg(short, long, value_name = "TIME", default_value = "1s", value_parser = interval)]
    interval: Duration,

    /// How long a silence is borne before the connection is called dead; by default 10s (20s at
    /// most) for the road and 20s for the program behind it
    #[arg(short = 'W', long, value_name = "TIME", value_parser = span::parse)]
    timeout: Option<Duration>,

    /// Only the figures, no line per beat
    #[arg(short, long)]
    quiet: bool,
}

fn interval(text: &str) -> Result<Duration, String> {
    let interval = span::parse(text)?;
    if interval < SHORTEST { Err("10ms is the least".into()) } else { Ok(interval) }
}

pub(crate) async fn run(mut args: Args, output: &mut Output) -> Result<Exit, Failure> {
    args.target.read_headers(Stdin::Unused)?;
    let figures = Figures::new().map_err(|error| Failure::usage(&error))?;
    let clocks = match args.timeout {
        None => HeartbeatConfig::CLIENT,
        Some(timeout) => {
            HeartbeatConfig::CLIENT.with_timeout(timeout).map_err(|error| Failure::usage(&error))?
        }
    };
    // The beats are ours: the heartbeat is to send none of its own.
    let clocks = clocks
        .with_interval(Duration::from_secs(24 * 60 * 60))
        .map_err(|error| Failure::usage(&error))?;

    let opened = dial::open(&args.target).await?;
    let url = args.target.shown();
    let mut report = Report::new(output, &url, args.quiet);
    report.open(&opened)?;
    let timer = TokioTimer::new();
    let watched = Watched::new(opened.websocket, clocks, timer, Tokio.seed());
    let mut pinging = Pinging { watched, timer, figures, next: timer.now(), left: args.count };
    let ended = pinging.play(&args, &mut report).await?;
    pinging.end(ended, &mut report).await
}

struct Pinging {
    watched: Watched<WebSocket<Stream>>,
    timer: TokioTimer,
    figures: Figures,
    /// When the next beat is due, or the last answer
    next: Instant,
    left: Option<u64>,
}

impl Pinging {
    /// Beats until the connection or the work ends; why, if it was the connection
    async fn play(
        &mut self,
        args: &Args,
        report: &mut Report<'_>,
    ) -> Result<Option<Cause>, Failure> {
        let mut interrupted = std::pin::pin!(tokio::signal::ctrl_c());
        loop {
            if self.left == Some(0) && self.watched.out() == 0 {
                return Ok(None);
            }
            let step = tokio::select! {
                biased;
                // First: a server that never stops talking is to keep nobody here.
                _ = &mut interrupted => {
                    if self.left == Some(0) {
                        return Ok(None);
                    }
                    // What is out is not lost yet; who is in a hurry interrupts again.
                    self.left = Some(0);
                    self.next = self.timer.now() + GRACE;
                    interrupted.set(tokio::signal::ctrl_c());
                    continue;
                }
                step = self.watched.next(self.next) => step,
            };
            match step {
                Step::Due if self.left == Some(0) => return Ok(None),
                Step::Due => {
                    if let Err(cause) = self.watched.beat() {
                        return Ok(Some(cause));
                    }
                    self.left = self.left.map(|left| left - 1);
                    self.schedule(args);
                }
                Step::Answered(answered) => {
                    self.figures.note(answered.round_trip);
                    report.answered(answered)?;
                }
                Step::Unsolicited => report.remark("unsolicited", "a Pong that answers no beat")?,
                Step::Pinged => report.remark("pinged", "the server's own Ping")?,
                Step::Said(bytes) => report.said(bytes)?,
                Step::Suspect(evidence) => report.suspect(&evidence)?,
                Step::Alive => report.remark("alive", "heard again")?,
                Step::Ended(cause) => return Ok(Some(cause)),
            }
        }
    }

    /// The next beat's time, by the clock and not by the last beat's lateness; behind the last beat, how
    /// long its answer is waited for
    fn schedule(&mut self, args: &Args) {
        let now = self.timer.now();
        if self.left == Some(0) {
            // Longer than either clock: a peer that is gone is then said to be.
            let patience = args.timeout.unwrap_or_else(|| HeartbeatConfig::CLIENT.timeout());
            self.next = now + patience + Duration::from_secs(1);
            return;
        }
        self.next += args.interval;
        // What was missed is not made up for: a burst would measure itself.
        if self.next < now {
            self.next = now;
        }
    }

    async fn end(mut self, ended: Option<Cause>, report: &mut Report<'_>) -> Result<Exit, Failure> {
        let totals = self.watched.totals();
        if let Some(cause) = &ended {
            report.ended(cause)?;
        }
        report.summary(totals, &self.figures)?;
        if ended.is_none() {
            self.watched.close().await;
        }
        match (ended, totals.lost) {
            (None, 0) => Ok(Exit::Fine),
            _ => Ok(Exit::Lost),
        }
    }
}
