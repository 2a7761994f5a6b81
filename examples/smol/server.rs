//! A server that ticks and echoes: every connection gets a tick each second, and its own
//! messages back.
//!
//! ```sh
//! cargo run --example smol-server -- 127.0.0.1:9001     # in one terminal
//! cargo run --example smol-client -- 127.0.0.1:9001     # in another
//! ```
//!
//! Stop the client with Ctrl-Z: its socket stays open, but it answers no Ping, and within three
//! seconds its connection is expired. Let it run again with `fg`: it notices, and comes back. Kill
//! it instead, and the kernel tells at once. Stop this server with Ctrl-C, and every client is told
//! that it goes away.
//!
//! With `--connections N` it stops once N connections have come and gone.

#![expect(clippy::print_stdout, reason = "an example talks to whoever runs it")]

use std::time::Duration;

use async_signal::{Signal, Signals};
use everbeat_smol::server::Connection;
use everbeat_smol::{Cause, Server};
use smol::Timer;
use smol::channel::bounded;
use smol::future::or;
use smol::stream::StreamExt;

const SECOND: Duration = Duration::from_secs(1);

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

fn main() -> Result {
    smol::block_on(run())
}

async fn run() -> Result {
    let Options { address, connections } = options()?;
    let server = Server::builder()
        .interval(Duration::from_secs(1))
        .timeout(Duration::from_secs(2))
        .bind(&address)
        .await?;
    println!("listening on {}", server.acceptor().local_address()?);

    let stop = server.handle();
    let (gone, goes) = bounded(16);
    let mut interrupts = Signals::new([Signal::Int])?;
    smol::spawn(async move {
        let mut left = connections;
        while left != Some(0) {
            let gone = async { goes.recv().await.is_ok() };
            let interrupted = async {
                interrupts.next().await;
                false
            };
            match or(gone, interrupted).await {
                true => left = left.map(|left| left - 1),
                false => break,
            }
        }
        stop.shutdown();
    })
    .detach();

    let served = server
        .serve(move |mut connection| {
            let gone = gone.clone();
            async move {
                println!("a client came");
                match talk(&mut connection).await {
                    Ok(()) => println!("a client left"),
                    Err(cause) => println!("a client is gone: {cause}"),
                }
                // Once the server stops, nobody counts any more.
                _ = gone.send(()).await;
                Ok(())
            }
        })
        .await;
    println!("{served}");
    Ok(())
}

/// Ticks and echoes until the connection ends; politely is `Ok`, anything else is the cause
async fn talk(connection: &mut Connection) -> std::result::Result<(), Cause> {
    let mut clock = Timer::after(Duration::ZERO);
    let mut ticks = 0;
    loop {
        // Cancel safe: no message is lost if the clock wins.
        let message = async { Some(connection.recv().await) };
        let tick = async {
            (&mut clock).await;
            None
        };
        let heard = or(message, tick).await;
        match heard {
            Some(message) => match message? {
                Some(message) => connection.send(message).await?,
                None => return Ok(()),
            },
            None => {
                clock.set_after(SECOND);
                ticks += 1;
                connection.send(format!("tick {ticks}")).await?;
            }
        }
    }
}

struct Options {
    address: String,
    connections: Option<u64>,
}

fn options() -> Result<Options> {
    let mut options = Options { address: "127.0.0.1:9001".into(), connections: None };
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--connections" => options.connections = Some(args.next().ok_or("how many?")?.parse()?),
            _ => options.address = arg,
        }
    }
    Ok(options)
}
