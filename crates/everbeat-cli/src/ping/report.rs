//! What `ping` says: a line per beat and the figures, for people and for programs.

use std::time::Duration;

use everbeat_core::Cause;
use everbeat_core::cause::{Evidence, Verdict};
use everbeat_core::time::{Instant, Timer};
use everbeat_tokio::transport::TokioTimer;
use serde_json::{Value, json};

use super::beats::{Answered, Totals};
use super::figures::Figures;
use crate::dial::Opened;
use crate::exit::Failure;
use crate::output::{Output, Tone};
use crate::span::{Millis, Span};

/// The longest bar of the histogram, in characters
const WIDTH: u64 = 40;

pub(super) struct Report<'a> {
    output: &'a mut Output,
    url: &'a str,
    quiet: bool,
    timer: TokioTimer,
}

impl<'a> Report<'a> {
    pub(super) fn new(output: &'a mut Output, url: &'a str, quiet: bool) -> Self {
        Self { output, url, quiet, timer: TokioTimer::new() }
    }

    fn elapsed(&self) -> Duration {
        self.timer.now().saturating_duration_since(Instant::ORIGIN)
    }

    /// An event with the time at which it was seen
    fn event(&mut self, name: &str, mut event: Value) -> Result<(), Failure> {
        if let Value::Object(fields) = &mut event {
            fields.insert("event".into(), name.into());
            fields.insert("at_ms".into(), Millis(self.elapsed()).number().into());
        }
        self.output.event(&event)
    }

    pub(super) fn open(&mut self, opened: &Opened) -> Result<(), Failure> {
        let Opened { peer, took, .. } = opened;
        let (url, took) = (self.url, Millis(*took));
        self.output.line(format_args!("beating {url} ({peer}), up after {took:.1} ms"))?;
        let event = json!({ "url": url, "peer": peer.to_string(), "took_ms": took.number() });
        self.event("open", event)
    }

    pub(super) fn answered(&mut self, answered: Answered) -> Result<(), Failure> {
        if self.quiet {
            return Ok(());
        }
        let Answered { number, round_trip, skipped } = answered;
        let took = Millis(round_trip);
        let passed = match skipped {
            0 => String::new(),
            skipped => self.output.paint(Tone::Doubtful, format_args!(", {skipped} before it not")),
        };
        self.output.line(format_args!("beat {number}: {took} ms{passed}"))?;
        let event = json!({ "beat": number, "round_trip_ms": took.number(), "skipped": skipped });
        self.event("beat", event)
    }

    /// Something that is neither good nor bad
    pub(super) fn remark(&mut self, name: &str, words: &str) -> Result<(), Failure> {
        if self.quiet {
            return Ok(());
        }
        self.output.line(self.output.paint(Tone::Faint, format_args!("  {words}")))?;
        self.event(name, json!({}))
    }

    pub(super) fn said(&mut self, bytes: usize) -> Result<(), Failure> {
        if self.quiet {
            return Ok(());
        }
        let words = format!("  a message of {bytes} bytes");
        self.output.line(self.output.paint(Tone::Faint, words))?;
        self.event("message", json!({ "bytes": bytes }))
    }

    pub(super) fn suspect(&mut self, evidence: &Evidence) -> Result<(), Failure> {
        let suspect = self.output.paint(Tone::Doubtful, "suspect");
        self.output.line(format_args!("{suspect}: {evidence}"))?;
        let silent = Millis(evidence.silent_for).number();
        self.event("suspect", json!({ "silent_ms": silent, "evidence": evidence.to_string() }))
    }

    pub(super) fn ended(&mut self, cause: &Cause) -> Result<(), Failure> {
        let verdict = match cause {
            Cause::Dead { verdict, .. } => Some(*verdict),
            _ => None,
        };
        self.output.line(self.output.paint(Tone::Bad, cause))?;
        if let Some(verdict) = verdict {
            self.output.line(format_args!("  {}", meaning(verdict)))?;
        }
        let verdict = verdict.map(|verdict| verdict.to_string());
        self.event("end", json!({ "cause": cause.to_string(), "verdict": verdict }))
    }

    pub(super) fn summary(&mut self, totals: Totals, figures: &Figures) -> Result<(), Failure> {
        let Totals { sent, answered, lost } = totals;
        let elapsed = Span(self.elapsed());
        let loss = totals.loss();
        let tone = if lost == 0 { Tone::Good } else { Tone::Bad };
        let shown = self.output.paint(tone, format_args!("{loss:.1} % lost"));
        let title = self.output.paint(Tone::Title, format_args!("--- {} ---", self.url));
        self.output.line(title)?;
        self.output.line(format_args!("{sent} sent, {answered} answered, {shown}, {elapsed}"))?;
        let mut event =
            json!({ "sent": sent, "answered": answered, "lost": lost, "loss_percent": loss });
        if let Some(summary) = figures.summary() {
            let [min, avg, max, stddev] =
                [summary.min, summary.avg, summary.max, summary.stddev].map(Millis);
            let [p50, p90, p99] = [summary.p50, summary.p90, summary.p99].map(Millis);
            let times = format!("min/avg/max/stddev {min}/{avg}/{max}/{stddev} ms");
            self.output.line(format_args!("round trip {times}"))?;
            self.output.line(format_args!("half within {p50} ms, 90 % {p90} ms, 99 % {p99} ms"))?;
            for (name, value) in [
                ("min_ms", min),
                ("avg_ms", avg),
                ("max_ms", max),
                ("stddev_ms", stddev),
                ("p50_ms", p50),
                ("p90_ms", p90),
                ("p99_ms", p99),
            ] {
                event[name] = value.number().into();
            }
            event["histogram"] = self.histogram(figures)?;
        }
        self.event("summary", event)
    }

    fn histogram(&mut self, figures: &Figures) -> Result<Value, Failure> {
        let bars = figures.bars();
        let longest = bars.iter().map(|bar| bar.count).max().unwrap_or(1).max(1);
        let mut told = Vec::new();
        for bar in bars {
            let length = bar.count * WIDTH / longest;
            // Few are not none.
            let length = if bar.count > 0 { length.max(1) } else { 0 };
            let drawn = "#".repeat(usize::try_from(length).unwrap_or_default());
            let [from, to] = [bar.from, bar.to].map(|time| format!("{}", Millis(time)));
            let count = bar.count;
            self.output.line(format_args!("{from:>9} to {to:>9} ms {count:>6} {drawn}"))?;
            let [from, to] = [bar.from, bar.to].map(|time| Millis(time).number());
            told.push(json!({ "from_ms": from, "to_ms": to, "count": count }));
        }
        Ok(told.into())
    }
}

/// A verdict for who has not read the documentation
fn meaning(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Path => "the road is gone: our bytes are not acknowledged",
        Verdict::App => "the application hangs: its kernel acknowledges, and it does not answer",
        Verdict::OneWay => "our bytes do not get out, although the server's come in",
        _ => "the kernel does not tell whether the road or the application is gone",
    }
}
