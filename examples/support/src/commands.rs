//! What a parent says to a process of its own, on its stdin.

use std::io::{BufRead, stdin};
use std::thread;

use tokio::sync::mpsc;

/// The parent's commands, a line each; `None` once it has closed our stdin
///
/// A thread reads them, for not every runtime has a stdin.
#[must_use]
pub fn commands() -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel(16);
    thread::spawn(move || {
        for line in stdin().lock().lines().map_while(Result::ok) {
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    receiver
}
