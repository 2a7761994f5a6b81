//! What `cargo xtask instructions` counts the instructions of: an echo, by `bare` or `ours`, `binary` or
//! `text`, the bytes of a message, how many in a row; or the heartbeat alone, by `heartbeat`, a duty of
//! its own, how many times.
//!
//! Nothing depends on a clock, a socket or another thread, so that the count is always the same but
//! for what random masks change.

#![expect(clippy::expect_used, reason = "a measurement that fails is to say so and stop")]

mod machine;
mod pipe;
mod sides;
mod tasks;

use std::process::ExitCode;

use async_tungstenite::WebSocketStream;
use everbeat_benches::StandingTimer;
use everbeat_core::Connection;
use everbeat_ws::WebSocket;
use futures_util::FutureExt;

use crate::machine::{Duty, Machine};
use crate::pipe::End;
use crate::sides::Side;
use crate::tasks::run_both;

/// Echoes before those that count: every pool is full by then, and everbeat's client has as much
/// that is unproven as it retains
const WARM: usize = 5_000;

fn main() -> ExitCode {
    let words = std::env::args().skip(1).collect::<Vec<_>>();
    let words = words.iter().map(String::as_str).collect::<Vec<_>>();
    if let ["heartbeat", duty, times] = words[..] {
        return match (Duty::named(duty), times.parse()) {
            (Some(duty), Ok(times)) => {
                let mut machine = Machine::new();
                machine.run(duty, WARM);
                measured_alone(&mut machine, duty, times);
                ExitCode::SUCCESS
            }
            _ => ExitCode::FAILURE,
        };
    }
    let [side, kind @ ("binary" | "text"), bytes, echoes] = words[..] else {
        return ExitCode::FAILURE;
    };
    let (Ok(bytes), Ok(echoes)) = (bytes.parse(), echoes.parse()) else {
        return ExitCode::FAILURE;
    };
    match side {
        "bare" => run::<WebSocketStream<End>>(kind, bytes, echoes),
        "ours" => {
            run::<Connection<WebSocket<End>, StandingTimer>>(kind, bytes, echoes);
        }
        _ => return ExitCode::FAILURE,
    }
    ExitCode::SUCCESS
}

fn run<S: Side>(kind: &str, bytes: usize, echoes: usize) {
    let message = match kind {
        "text" => S::text("e".repeat(bytes)),
        _ => S::binary(vec![7; bytes]),
    };
    let mut ends = S::pair().now_or_never().expect("making a pair waits for nothing");
    let heard = echo(&mut ends, &message, WARM);
    assert!(heard == Some(message.clone()), "an echo is what was sent");
    measured(&mut ends, &message, echoes);
}

/// What is counted; callgrind knows it by this name
#[inline(never)]
fn measured<S: Side>(ends: &mut [S; 2], message: &S::Message, echoes: usize) {
    echo(ends, message, echoes);
}

/// The same of the heartbeat
#[inline(never)]
fn measured_alone(machine: &mut Machine, duty: Duty, times: usize) {
    machine.run(duty, times);
}

/// One end sends a message and waits for it, the other sends back what it hears; the last one heard
fn echo<S: Side>(
    [client, server]: &mut [S; 2],
    message: &S::Message,
    echoes: usize,
) -> Option<S::Message> {
    let mut last = None;
    run_both(
        async {
            for _ in 0..echoes {
                client.send(message.clone()).await;
                last = Some(client.recv().await);
            }
        },
        async {
            for _ in 0..echoes {
                let heard = server.recv().await;
                server.send(heard).await;
            }
        },
    );
    last
}
