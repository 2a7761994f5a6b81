//! What the tester says on our stdin: one line of JSON a command, in the words of
//! `interop/README.md`. A thread reads them, for no runtime agrees with another about stdin.

use std::io::stdin;
use std::thread;

use futures_channel::mpsc;
use serde::Deserialize;

use crate::note::{Note, Payload};

/// What the tester wants of the newest connection
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Command {
    /// Send a message
    Send(Payload),
    /// Close politely
    Close { code: u16, reason: String },
}

/// The commands to come; the end of stdin ends them
///
/// The channel has no bound: a tester waits for what a command does before it gives the next few.
pub(crate) fn listen() -> mpsc::UnboundedReceiver<Command> {
    let (sender, receiver) = mpsc::unbounded();
    thread::spawn(move || {
        for line in stdin().lines().map_while(Result::ok) {
            match serde_json::from_str(&line) {
                // Refused only once the program ends.
                Ok(command) => drop(sender.unbounded_send(command)),
                Err(error) => Note::Failed(format!("`{line}` is no command: {error}")).write(),
            }
        }
    });
    receiver
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read() {
        let read = |line| serde_json::from_str::<Command>(line).unwrap();
        assert_eq!(read(r#"{"send":{"text":"é"}}"#), Command::Send(Payload::Text("é".into())));
        let bytes = Command::Send(Payload::Binary("00ff".into()));
        assert_eq!(read(r#"{"send":{"binary":"00ff"}}"#), bytes);
        let close = Command::Close { code: 1000, reason: "bye".into() };
        assert_eq!(read(r#"{"close":{"code":1000,"reason":"bye"}}"#), close);
        assert!(serde_json::from_str::<Command>(r#"{"ping":""}"#).is_err());
    }
}
