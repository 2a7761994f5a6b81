//! A client that stays connected: says something every second, and prints what happens.
//!
//! ```sh
//! cargo run --example tokio-server -- 127.0.0.1:9001     # in one terminal
//! cargo run --example tokio-client -- 127.0.0.1:9001     # in another
//! ```
//!
//! Then kill the server with Ctrl-C, and start it again: the client notices, waits a little longer
//! before each attempt, comes back, and tells what became of what it had sent. Stop the server with
//! Ctrl-Z instead: its sockets stay open and its kernel goes on acknowledging, but no Ping is
//! answered; within three seconds the client has noticed that too.
//!
//! With `--messages N` it closes politely after N messages from the server.

#![expect(clippy::print_stdout, reason = "an example talks to whoever runs it")]

use std::time::Duration;

use everbeat_tokio::reconnect::Backoff;
use everbeat_tokio::{Client, Event};
use tokio::time::{MissedTickBehavior, interval};

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Result {
    let Options { address, messages } = options()?;
    let mut client = Client::builder(&format!("ws://{address}/"))
        .detect_within(Duration::from_secs(3))
        .backoff(Backoff::full_jitter(Duration::from_millis(200)..=Duration::from_secs(5)))
        .connect()
        .await?;

    let mut received = 0;
    let mut said = 0;
    let mut every_second = interval(Duration::from_secs(1));
    every_second.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while messages.is_none_or(|messages| received < messages) {
        tokio::select! {
            // Whatever wins, nothing is lost: `next` is cancel safe, and `send` is not raced.
            event = client.next() => match event {
                Some(event) => received += u64::from(show(event)),
                None => break,
            },
            _ = every_second.tick() => {
                said += 1;
                // While nobody is connected it waits in a bounded queue.
                if let Err(error) = client.send(format!("hello {said}")).await {
                    println!("not sent: {error}");
                }
            }
        }
    }

    let end = client.close().await;
    let fates = client.tally();
    println!("{}", end.cause);
    println!(
        "sent {}: {} delivered, {} unconfirmed, {} unsent",
        fates.accepted, fates.delivered, fates.unconfirmed, fates.unsent
    );
    Ok(())
}

/// Prints an event; whether it was a message
fn show(event: Event) -> bool {
    match event {
        Event::Connecting { attempt, .. } => println!("connecting (try {attempt})"),
        Event::Connected { took, .. } => println!("connected in {took:.1?}"),
        Event::Message(message) => {
            println!("> {message}");
            return true;
        }
        Event::Suspect { silent_for, .. } => println!("nothing heard for {silent_for:.1?}"),
        Event::Alive => println!("heard again"),
        Event::Stalled { stalled_for, .. } => println!("we did not run for {stalled_for:.1?}"),
        // A sentence: why, on what evidence, what became of the messages, when it is tried again.
        Event::Disconnected(end) => println!("{end}"),
        Event::GaveUp(end) | Event::Closed(end) => println!("over: {end}"),
        _ => {}
    }
    false
}

struct Options {
    address: String,
    messages: Option<u64>,
}

fn options() -> Result<Options> {
    let mut options = Options { address: "127.0.0.1:9001".into(), messages: None };
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--messages" => options.messages = Some(args.next().ok_or("how many?")?.parse()?),
            _ => options.address = arg,
        }
    }
    Ok(options)
}
