//! `everbeat doctor`: finds out what a server and the road to it do with a connection, within a budget
//! of time, and says what to set.
//!
//! The probes are edges that open connections and note what they see; what it means is decided in
//! `ladder`, `findings` and `advice`, which are pure.

mod advice;
mod beyond;
mod findings;
mod frame;
mod hold;
mod ladder;
mod probes;
mod report;
mod rows;
mod visit;
mod wire;

use std::time::Duration;

use crate::exit::{Exit, Failure};
use crate::header::Stdin;
use crate::output::Output;
use crate::span;
use crate::target::Target;

use findings::{Beaten, Untried};
use ladder::Silence;
use visit::Visit;

/// The shortest budget: less says nothing of anybody's limit
const SHORTEST: Duration = Duration::from_secs(2);

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    target: Target,

    /// How long silences are tried, in all; limits beyond it are not found. Default: 150s, past the
    /// limits of common proxies
    #[arg(short, long, value_name = "TIME", default_value = "150s", value_parser = budget)]
    budget: Duration,

    /// Send no message: no answer then about pieces, and none that an application may mind
    #[arg(long)]
    no_messages: bool,

    /// Break no rule on purpose: some servers lock out who does
    #[arg(long)]
    polite: bool,

    /// A promise that the recommendation is to keep: whatever is gone is noticed within this time
    #[arg(long, value_name = "TIME", value_parser = span::parse)]
    detect_within: Option<Duration>,
}

fn budget(text: &str) -> Result<Duration, String> {
    let budget = span::parse(text)?;
    if budget < SHORTEST { Err("2s is the least".into()) } else { Ok(budget) }
}

pub(crate) async fn run(mut args: Args, output: &mut Output) -> Result<Exit, Failure> {
    args.target.read_headers(Stdin::Unused)?;
    // A promise that cannot be is told before minutes are spent.
    if let Some(promise) = args.detect_within {
        let client = everbeat_core::config::HeartbeatConfig::CLIENT;
        client.detect_within(promise).map_err(|error| Failure::usage(&error))?;
    }
    if !output.is_json() {
        // Minutes without a word look like a program that hangs.
        output.note(announced(&args));
    }
    let mut visit = Visit::new(&args, output);
    let interrupted = tokio::select! {
        examined = visit.examine(&args) => {
            examined?;
            false
        }
        _ = tokio::signal::ctrl_c() => true,
    };
    let Visit { output, mut found, let_in, .. } = visit;
    if interrupted {
        if !let_in {
            return Ok(Exit::Undecided);
        }
        let why = "interrupted".to_owned();
        found.untried.push(Untried { what: "all the rest".into(), why, asks: true });
    }
    let url = args.target.shown();
    let advice =
        advice::advise(&url, &found, args.detect_within).map_err(|error| Failure::usage(&error))?;
    report::write(output, &url, &found, &advice)
}

/// What is about to happen, and how long it takes
fn announced(args: &Args) -> String {
    let questions = probes::longest(!args.no_messages, !args.polite);
    let [questions, budget] = [questions, args.budget].map(span::Span);
    format!(
        "asks first: seconds, or up to {questions} of a server that answers late or never; \
         then tries silences of up to {budget} (--budget)"
    )
}

/// Whether a beat helped
fn helped(beaten: &Beaten) -> bool {
    beaten.end == Silence::Survived
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::{Cli, Command};

    fn said(flags: &[&str]) -> String {
        let line = [&["everbeat", "doctor", "ws://a/"], flags].concat();
        match Cli::parse_from(line).command {
            Command::Doctor(args) => announced(&args),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn it_says_how_long_it_takes_with_its_questions() {
        // Eight Pings of 5 s and three at once of 1 s, 7 s for pieces, six ends of 2 s
        let all = said(&[]);
        assert!(all.contains(" 60 s of a server ") && all.contains("up to 150 s ("), "{all}");
        let few = said(&["--no-messages", "--polite", "--budget", "10s"]);
        assert!(few.contains(" 47 s of a server ") && few.contains("up to 10 s ("), "{few}");
    }
}
