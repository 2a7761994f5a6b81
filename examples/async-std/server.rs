//! A server that ticks and echoes: every connection gets a tick each second, and its own
//! messages back.
//!
//! ```sh
//! cargo run --example async-std-server -- 127.0.0.1:9001     # in one terminal
//! cargo run --example async-std-client -- 127.0.0.1:9001     # in another
//! ```
//!
//! Stop the client with Ctrl-Z: its socket stays open, but it answers no Ping, and within three
//! seconds its connection is expired. Let it run again with `fg`: it notices, and comes back. Kill
//! it instead, and the kernel tells at once. Stop this server with Ctrl-C, and every client is told
//! that it goes away.
//!
//! With `--connections N` it stops once N connections have come and gone.

#![expect(clippy::print_stdout, reason = "an example talks to whoever runs it")]

use std::pin::pin;
use std::time::Duration;

use async_signal::{Signal, Signals};
use async_std::channel::bounded;
use async_std::stream::StreamExt;
use async_std::task;
use everbeat_async_std::server::Connection;
use everbeat_async_std::{Cause, Server};
use futures_util::future::{Either, select};

const SECOND: Duration = Duration::from_secs(1);

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

fn main() -> Result {
    task::block_on(run())
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
    task::spawn(async move {
        let mut left = connections;
        while left != Some(0) {
            match select(pin!(goes.recv()), interrupts.next()).await {
                Either::Left((Ok(()), _)) => left = left.map(|left| left - 1),
                _ => break,
            }
        }
        stop.shutdown();
    });

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
    let mut clock = Box::pin(task::sleep(Duration::ZERO));
    let mut ticks = 0;
    loop {
        // Cancel safe: no message is lost if the clock wins.
        let heard = match select(pin!(connection.recv()), &mut clock).await {
            Either::Left((message, _)) => Some(message),
            Either::Right(_) => None,
        };
        match heard {
            Some(message) => match message? {
                Some(message) => connection.send(message).await?,
                None => return Ok(()),
            },
            None => {
                clock.set(task::sleep(SECOND));
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
