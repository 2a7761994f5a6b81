//! The echo whose instructions `cargo xtask instructions` has counted.

#![expect(clippy::expect_used, reason = "a measurement that fails is to say so and stop")]

mod pipe;
mod sides;
mod tasks;

use async_tungstenite::WebSocketStream;
use everbeat_benches::StandingTimer;
use everbeat_core::Connection;
use everbeat_ws::WebSocket;
use futures_util::FutureExt;

use crate::pipe::End;
use crate::sides::Side;
use crate::tasks::run_both;

fn main() {
    let words = std::env::args().skip(1).collect::<Vec<_>>();
    let [side, kind, size, rounds] = &words[..] else { panic!() };
    let size = size.parse().expect("size");
    let rounds = rounds.parse().expect("rounds");
    match &**side {
        "bare" => echo::<WebSocketStream<End>>(kind, size, rounds),
        _ => echo::<Connection<WebSocket<End>, StandingTimer>>(kind, size, rounds),
    }
}

fn echo<S: Side>(kind: &str, size: usize, rounds: usize) {
    let message = match kind {
        "text" => S::text("e".repeat(size)),
        _ => S::binary(vec![7; size]),
    };
    let mut ends = S::pair().now_or_never().expect("nothing is waited for");
    echoes(&mut ends, &message, 1000);
    measured(&mut ends, &message, rounds);
}

#[inline(never)]
fn measured<S: Side>(ends: &mut [S; 2], message: &S::Message, rounds: usize) {
    echoes(ends, message, rounds);
}

fn echoes<S: Side>([client, server]: &mut [S; 2], message: &S::Message, rounds: usize) {
    run_both(
        async {
            for _ in 0..rounds {
                client.send(message.clone()).await;
                let _ = client.recv().await;
            }
        },
        async {
            for _ in 0..rounds {
                let heard = server.recv().await;
                server.send(heard).await;
            }
        },
    );
}
