//! `everbeat proxy`: the fault proxy of everbeat's own tests as a program, for other people's: faults
//! by a schedule, by a seed, and by lines on stdin or a control socket while it runs.

mod control;
mod plan;
mod words;

use std::time::Duration;

use everbeat_faults::{Direction, Fault, Proxy, Schedule};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, sleep_until};

use crate::exit::{Exit, Failure};
use crate::lines::{self, Line};
use crate::listen::{at_home, cannot, resolve};
use crate::output::{Output, Tone};
use crate::span::{self, Span, seconds};

use words::Command;

/// How long an end that was ordered waits, so that whoever ordered it hears of it
const PARTING: Duration = Duration::from_millis(50);

#[derive(Debug, clap::Args)]
#[command(after_help = words::HELP)]
pub(crate) struct Args {
    /// Where to listen; port 0 is one that is free
    #[arg(value_name = "HOST:PORT")]
    listen: String,

    /// Who is behind it
    #[arg(value_name = "SERVER:PORT")]
    upstream: String,

    /// A fault at a time from the start, such as "5s black-hole both"; repeat it for more
    #[arg(long = "at", value_name = "TIME FAULT", value_parser = words::timed)]
    steps: Vec<(Duration, Fault)>,

    /// Faults by a seed: the same seed, the same faults at the same times
    #[arg(long, value_name = "NUMBER", conflicts_with = "steps")]
    seed: Option<u64>,

    /// How long there are faults by the seed; then everything is healed
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = span::parse, requires = "seed")]
    lasting: Duration,

    /// Take commands at this address too, a line each, as on stdin; of whoever reaches it, for no
    /// password is asked: only loopback, unless --control-anywhere is said
    #[arg(long, value_name = "HOST:PORT")]
    control: Option<String>,

    /// Let --control listen where others than this machine can reach it
    #[arg(long, requires = "control")]
    control_anywhere: bool,

    /// Say what the schedule is, and do nothing
    #[arg(long)]
    dry_run: bool,
}

pub(crate) async fn run(args: Args, output: &mut Output) -> Result<Exit, Failure> {
    let schedule = match args.seed {
        Some(seed) => plan::by_seed(seed, args.lasting),
        None => args.steps.iter().copied().collect(),
    };
    if args.dry_run {
        for &(time, fault) in schedule.steps() {
            say(output, time, fault)?;
        }
        return Ok(Exit::Fine);
    }
    let [listen, upstream] = [resolve(&args.listen).await?, resolve(&args.upstream).await?];
    let control = match &args.control {
        None => None,
        Some(at) => Some(at_home(resolve(at).await?, args.control_anywhere)?),
    };
    let proxy =
        Proxy::bind(listen, upstream).await.map_err(|error| cannot(&args.listen, &error))?;
    let (address, seed) = (proxy.address(), args.seed);
    output.line(format_args!("listening on {address}, before {upstream}"))?;
    let mut event = json!({ "event": "listening", "address": address.to_string(), "seed": seed });
    let orders = match control {
        None => control::nowhere(),
        Some(at) => {
            let listening = control::listen(at).await;
            let (at, orders) =
                listening.map_err(|error| cannot(&format!("--control {at}"), &error))?;
            output.line(format_args!("taking commands on {at}"))?;
            event["control"] = at.to_string().into();
            orders
        }
    };
    output.event(&event)?;
    Running { proxy, start: Instant::now(), output }.play(&schedule, orders).await
}

fn say(output: &mut Output, time: Duration, fault: Fault) -> Result<(), Failure> {
    let tone = if fault == Fault::Heal { Tone::Good } else { Tone::Doubtful };
    let said = output.paint(tone, fault);
    output.line(format_args!("{:>8}  {said}", Span(time).to_string()))?;
    let fault = fault.to_string();
    output.event(&json!({ "event": "fault", "at_s": seconds(time), "fault": fault }))
}

struct Running<'a> {
    proxy: Proxy,
    start: Instant,
    output: &'a mut Output,
}

impl Running<'_> {
    async fn play(
        mut self,
        schedule: &Schedule,
        mut orders: control::Orders,
    ) -> Result<Exit, Failure> {
        let mut steps = schedule.steps().iter();
        let mut next = steps.next();
        let mut typed = Some(lines::read());
        let mut interrupted = std::pin::pin!(tokio::signal::ctrl_c());
        loop {
            let due = next.map_or(self.start, |&(time, _)| self.start + time);
            tokio::select! {
                biased;
                _ = &mut interrupted => return Ok(Exit::Fine),
                () = sleep_until(due), if next.is_some() => {
                    if let Some(&(_, fault)) = next {
                        self.proxy.inject(fault);
                        say(self.output, self.start.elapsed(), fault)?;
                    }
                    next = steps.next();
                }
                Some(order) = orders.recv() => {
                    let answer = self.obey_line(&order.line).await?;
                    let over = answer.is_none();
                    order.answer(answer.unwrap_or_else(|| words::done("quit")));
                    if over {
                        // For the answer to be written: it is another task's.
                        sleep(PARTING).await;
                        return Ok(Exit::Fine);
                    }
                }
                line = recv(&mut typed) => match line {
                    Some(Line::Text(line)) => {
                        match self.obey_line(&String::from_utf8_lossy(&line)).await? {
                            None => return Ok(Exit::Fine),
                            Some(answer) => self.tell(&answer)?,
                        }
                    }
                    Some(Line::TooLong) => self.tell(&words::refused("the line is too long"))?,
                    // The end of stdin is no order: a proxy in the background has none.
                    Some(Line::Failed(_)) | None => typed = None,
                },
            }
        }
    }

    /// Does what a line says; what to answer, or nothing if it is to end
    async fn obey_line(&mut self, line: &str) -> Result<Option<Value>, Failure> {
        Ok(Some(match words::command(line) {
            Err(why) => words::refused(why),
            Ok(Command::Nothing) => words::done("nothing"),
            Ok(Command::Quit) => return Ok(None),
            Ok(Command::Help) => json!({ "event": "help", "help": words::HELP }),
            Ok(Command::List) => self.list(),
            Ok(Command::Fault(fault)) => {
                self.proxy.inject(fault);
                say(self.output, self.start.elapsed(), fault)?;
                words::done(fault)
            }
            Ok(Command::On(id, fault)) => {
                match self.proxy.connections().iter().find(|relay| relay.id() == id) {
                    None => words::refused(format_args!("no connection {id} is open")),
                    Some(relay) => {
                        relay.inject(fault);
                        let mut answer = words::done(fault);
                        answer["connection"] = id.into();
                        answer
                    }
                }
            }
            Ok(Command::To(upstream)) => match resolve(&upstream).await {
                Err(why) => words::refused(why),
                Ok(address) => {
                    self.proxy.redirect(address);
                    words::done(format_args!("to {address}"))
                }
            },
        }))
    }

    fn list(&self) -> Value {
        let open: Vec<_> = self
            .proxy
            .connections()
            .iter()
            .map(|relay| {
                let carried = |direction| relay.carried(direction);
                json!({
                    "connection": relay.id(),
                    "bytes_to_server": carried(Direction::ToServer),
                    "bytes_to_client": carried(Direction::ToClient),
                })
            })
            .collect();
        json!({ "event": "accepted", "accepted": self.proxy.accepted(), "open": open })
    }

    /// An answer to stdin's line; a fault that was injected has been said already
    fn tell(&mut self, answer: &Value) -> Result<(), Failure> {
        self.output.line(words::answer(answer))?;
        self.output.event(answer)
    }
}

async fn recv(lines: &mut Option<tokio::sync::mpsc::Receiver<Line>>) -> Option<Line> {
    match lines {
        Some(lines) => lines.recv().await,
        None => std::future::pending().await,
    }
}
