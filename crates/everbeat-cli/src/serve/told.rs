//! What `serve` says: who comes and goes, who was expired by which rule, and the figures.

use std::net::SocketAddr;

use everbeat_core::cause::Expired;
use serde_json::json;

use super::figures::Look;
use super::metrics;
use crate::exit::Failure;
use crate::output::{Output, Tone};
use crate::span::{Millis, Span, seconds};

/// What a handler has to tell
#[derive(Debug)]
pub(super) enum News {
    Came {
        id: u64,
        peer: SocketAddr,
    },
    Went {
        id: u64,
        how: String,
    },
    Expired {
        id: u64,
        rule: Expired,
    },
    /// Its message was for nobody
    Refused {
        id: u64,
        why: String,
    },
}

pub(super) struct Told<'a> {
    output: &'a mut Output,
    quiet: bool,
}

impl<'a> Told<'a> {
    pub(super) fn new(output: &'a mut Output, quiet: bool) -> Self {
        Self { output, quiet }
    }

    pub(super) fn listening(
        &mut self,
        address: SocketAddr,
        secure: bool,
        metrics: Option<SocketAddr>,
    ) -> Result<(), Failure> {
        let url = format!("{}://{address}/", if secure { "wss" } else { "ws" });
        self.output.line(format_args!("listening on {url}"))?;
        let mut event = json!({ "event": "listening", "url": url });
        if let Some(at) = metrics {
            let page = format!("http://{at}{}", metrics::PATH);
            self.output.line(format_args!("metrics at {page}"))?;
            event["metrics"] = page.into();
        }
        self.output.event(&event)
    }

    pub(super) fn news(&mut self, news: &News) -> Result<(), Failure> {
        if self.quiet {
            return Ok(());
        }
        match news {
            News::Came { id, peer } => {
                self.output.line(format_args!("{id} came from {peer}"))?;
                self.output.event(&json!({ "event": "came", "id": id, "peer": peer.to_string() }))
            }
            News::Went { id, how } => {
                self.output.line(format_args!("{id} went: {how}"))?;
                self.output.event(&json!({ "event": "went", "id": id, "how": how }))
            }
            News::Refused { id, why } => {
                self.output.line(format_args!("{id} not broadcast: {why}"))?;
                self.output.event(&json!({ "event": "refused", "id": id, "why": why }))
            }
            News::Expired { id, rule } => {
                let rule = rule.to_string();
                let said = self.output.paint(Tone::Doubtful, format_args!("expired: {rule}"));
                self.output.line(format_args!("{id} {said}"))?;
                self.output.event(&json!({ "event": "expired", "id": id, "rule": rule }))
            }
        }
    }

    pub(super) fn figures(&mut self, look: &Look) -> Result<(), Failure> {
        let Look { served, messages, bytes, left_out, expired, round_trip, now } = look;
        let trips = round_trip.map(|trips| [trips.p50, trips.p99].map(Millis));
        let trips_said = match trips {
            Some([p50, p99]) => format!("{p50} ms (half), {p99} ms (99 %)"),
            None => "none yet".to_owned(),
        };
        let (open, silent) = (now.connections, Span(now.silent_for.max));
        let mut line = format!(
            "{open} open of {served}, {messages} messages ({bytes} bytes), \
             round trips {trips_said}, silent for {silent} at most"
        );
        if *left_out > 0 {
            line.push_str(&format!(", {left_out} left out of broadcasts"));
        }
        for (rule, count) in expired {
            line.push_str(&format!(", {count} expired: {rule}"));
        }
        self.output.line(line)?;
        self.output.event(&json!({
            "event": "figures",
            "open": open,
            "served": served,
            "messages": messages,
            "bytes": bytes,
            "left_out": left_out,
            "expired": expired,
            "round_trip_p50_ms": trips.map(|[p50, _]| p50.number()),
            "round_trip_p99_ms": trips.map(|[_, p99]| p99.number()),
            "silent_max_s": seconds(now.silent_for.max),
            "age_max_s": seconds(now.age.max),
            "queued_max_bytes": now.queued_bytes.max,
        }))
    }

    pub(super) fn served(&mut self, served: &str, unheard: u64) -> Result<(), Failure> {
        self.output.line(served)?;
        if unheard > 0 {
            self.output.note(format_args!("{unheard} lines were left out: they came too fast"));
        }
        self.output.event(&json!({ "event": "served", "how": served, "unheard": unheard }))
    }
}
