//! What `connect` says: messages on stdout, all else on stderr, or events of JSON on stdout; and at the
//! end what became of what was sent.

use everbeat_core::client::SendError;
use everbeat_core::outcome::Disconnected;
use everbeat_core::{Event, Message};
use serde_json::{Value, json};

use super::is_fine;
use crate::exit::{Exit, Failure};
use crate::output::{Output, Tone};
use crate::span::{Span, seconds};

pub(super) struct Told<'a> {
    output: &'a mut Output,
    verbose: bool,
    connected: u64,
    sent_back: u64,
    unconfirmed: u64,
    refused: u64,
}

impl<'a> Told<'a> {
    pub(super) fn new(output: &'a mut Output, verbose: bool) -> Self {
        Self { output, verbose, connected: 0, sent_back: 0, unconfirmed: 0, refused: 0 }
    }

    pub(super) fn event(&mut self, event: Event) -> Result<(), Failure> {
        match event {
            Event::Message(message) => self.message(&message),
            Event::Connected { attempt, took, .. } => {
                self.connected += 1;
                self.remark(format_args!("connected after {}, attempt {attempt}", Span(took)));
                let event =
                    json!({ "event": "connected", "attempt": attempt, "took_s": seconds(took) });
                self.output.event(&event)
            }
            Event::Suspect { silent_for, evidence } => {
                self.remark(format_args!("suspect: {evidence}"));
                let event = json!({ "event": "suspect", "silent_s": seconds(silent_for) });
                self.output.event(&event)
            }
            Event::Alive => {
                self.remark(format_args!("alive: heard again"));
                self.output.event(&json!({ "event": "alive" }))
            }
            Event::Stalled { stalled_for, slept_for } => {
                self.remark(format_args!("we did not run for {}", Span(stalled_for + slept_for)));
                let [stalled, slept] = [stalled_for, slept_for].map(seconds);
                self.output
                    .event(&json!({ "event": "stalled", "stalled_s": stalled, "slept_s": slept }))
            }
            Event::Disconnected(end) => {
                // Of interest without being asked for: it explains a pause, and what was lost.
                let said = self.output.paint(Tone::Doubtful, &end);
                self.output.note(said);
                self.lost("disconnected", &end)
            }
            _ => Ok(()),
        }
    }

    fn message(&mut self, message: &Message) -> Result<(), Failure> {
        if self.output.is_json() {
            let mut event = shown(message);
            event["event"] = "message".into();
            return self.output.event(&event);
        }
        self.output.raw(message.as_bytes())
    }

    fn remark(&mut self, words: std::fmt::Arguments<'_>) {
        if self.verbose {
            let words = self.output.paint(Tone::Faint, words);
            self.output.note(words);
        }
    }

    /// A line that was never a message
    pub(super) fn refused(&mut self, why: &str) -> Result<(), Failure> {
        self.refused += 1;
        self.output.note(format_args!("not sent: the line {why}"));
        self.output.event(&json!({ "event": "refused", "why": why }))
    }

    /// A message that the client did not take
    pub(super) fn not_sent(&mut self, error: &SendError) -> Result<(), Failure> {
        self.refused += 1;
        self.output.note(format_args!("not sent: {error}"));
        self.output.event(&json!({ "event": "refused", "why": error.to_string() }))
    }

    /// What the end of a connection leaves, message by message
    fn lost(&mut self, name: &str, end: &Disconnected) -> Result<(), Failure> {
        self.sent_back += end.unsent.len() as u64;
        self.unconfirmed += end.unconfirmed.count;
        for (fate, messages) in
            [("unsent", &end.unsent), ("unconfirmed", &end.unconfirmed.messages)]
        {
            for message in messages {
                self.output.note(format_args!("{fate}: {message}"));
            }
        }
        let told = end.unconfirmed.messages.len() as u64;
        if end.unconfirmed.count > told {
            let more = end.unconfirmed.count - told;
            self.output.note(format_args!("unconfirmed: {more} older ones, not kept"));
        }
        let [unsent, unconfirmed] = [&end.unsent, &end.unconfirmed.messages]
            .map(|messages| messages.iter().map(shown).collect::<Vec<_>>());
        self.output.event(&json!({
            "event": name,
            "cause": end.cause.to_string(),
            "retry_in_s": end.retry_in.map(seconds),
            "unsent": unsent,
            "unconfirmed": unconfirmed,
            "unconfirmed_count": end.unconfirmed.count,
        }))
    }

    /// The end, and the exit code that says it
    pub(super) fn summary(&mut self, end: &Disconnected) -> Result<Exit, Failure> {
        let fine = is_fine(&end.cause);
        if self.connected == 0 && !fine {
            self.lost("end", end)?;
            return Err(Failure::NoConnection(end.cause.to_string()));
        }
        if self.verbose || !fine {
            let tone = if fine { Tone::Faint } else { Tone::Bad };
            let said = self.output.paint(tone, &end.cause);
            self.output.note(said);
        }
        self.lost("end", end)?;
        let (unsent, unconfirmed) = (self.sent_back + self.refused, self.unconfirmed);
        if unsent + unconfirmed > 0 {
            self.output.note(format_args!("{unsent} unsent, {unconfirmed} unconfirmed in all"));
        }
        match fine && unsent + unconfirmed == 0 {
            true => Ok(Exit::Fine),
            false => Ok(Exit::Lost),
        }
    }
}

/// A message for a program: text as it is, bytes in hexadecimal
fn shown(message: &Message) -> Value {
    match message {
        Message::Text(text) => json!({ "text": &**text }),
        Message::Binary(bytes) => {
            let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            json!({ "binary": digits })
        }
    }
}

#[cfg(test)]
mod tests {
    use everbeat_core::Cause;

    use super::*;

    #[test]
    fn a_message_is_told_whole() {
        assert_eq!(shown(&"é".into()), json!({ "text": "é" }));
        assert_eq!(shown(&vec![0, 255].into()), json!({ "binary": "00ff" }));
    }

    #[test]
    fn a_polite_end_is_fine_and_no_other() {
        assert!(is_fine(&Cause::ClosedByUs));
        assert!(!is_fine(&Cause::TimedOut { limit: std::time::Duration::ZERO }));
    }
}
