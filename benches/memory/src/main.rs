//! Idle connections in one process, and what of the heap they hold, each block named by its call stack:
//! what `cargo xtask memory` counts. Every byte is an asked-for one; what an allocator adds is not
//! counted, nor what was there before: a few connections come and go first, so that what all of them
//! share is there. The other side is raw sockets, which hold nothing.
//!
//! One measurement a process. Prints one object: what an idle connection holds, part by part. If a burst
//! was wanted, it is what has come to be since the burst began and is still there after the silence, of
//! which two parts are told apart: what threads keep for the next burst, whosever it is, and the wheel's
//! chunks, from one to another of which goes whoever is armed anew.

#![expect(clippy::disallowed_methods, reason = "it waits for real sockets")]

mod args;
mod crowd;
mod heap;
mod hosts;
mod parts;
mod secrets;

use std::collections::BTreeMap;
use std::io::{Write, stderr, stdout};
use std::net::{TcpListener, TcpStream};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Result, ensure};
use everbeat_core::Message;
use everbeat_load::upgrade;
use everbeat_support::exit;
use serde_json::json;

use crate::args::{Args, Side, USAGE};
use crate::crowd::{Crowd, Wire};
use crate::heap::{LOOK, PATIENCE, Point, Watch};
use crate::hosts::{Clients, Host};

/// Who comes and goes before anything is counted
const WARM: usize = 64;
/// Beside the two sockets of a connection
const OTHER_DESCRIPTORS: u64 = 100;

fn main() -> ExitCode {
    match args::parse(std::env::args().skip(1)) {
        Ok(args) => match run(&args) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => exit::failure("measurement of memory", &error),
        },
        Err(problem) => exit::usage(&problem, USAGE),
    }
}

fn run(args: &Args) -> Result<()> {
    rlimit::increase_nofile_limit(2 * args.connections as u64 + OTHER_DESCRIPTORS)?;
    let points = match args.side {
        Side::Server => server(args, None, plain),
        Side::Client => clients(args),
        #[cfg(feature = "tls")]
        Side::Wss => {
            let secrets = secrets::Secrets::new()?;
            let for_server = Some(secrets.clone());
            server(args, for_server, move |host| {
                secrets::secure(&secrets, TcpStream::connect(host.address)?)
            })
        }
        #[cfg(not(feature = "tls"))]
        Side::Wss => anyhow::bail!("built without the feature `tls`"),
    }?;
    let parts = parts::sum(&points, args.connections);
    if let Some(name) = &args.stacks {
        show(&points, name, args.connections);
    }
    let bytes = |of: &dyn Fn(&str) -> bool| {
        parts.iter().filter(|part| of(part.name)).fold(0.0, |sum, part| sum + part.bytes)
    };
    let of_its_own = |name: &str| ![parts::ROOM, parts::WHEEL].contains(&name);
    let object = json!({
        "connections": args.connections,
        "bytes": bytes(&|_| true),
        "left": args.burst.map(|_| bytes(&of_its_own)),
        "room_blocks": args.burst.map(|_| parts::blocks_of(&points, parts::ROOM)),
        "parts": parts,
    });
    writeln!(stdout(), "{object}")?;
    // The runtimes' threads are not waited for.
    Ok(())
}

fn plain(host: &Host) -> Result<TcpStream> {
    Ok(TcpStream::connect(host.address)?)
}

/// A function of its own, for its name: the buffer ends up where threads keep room
#[inline(never)]
fn what_is_said_to_all(bytes: usize) -> Message {
    Message::Binary(vec![7; bytes].into())
}

/// A server, and raw clients
fn server<W: Wire>(
    args: &Args,
    secrets: Option<secrets::Secrets>,
    connect: impl Fn(&Host) -> Result<W>,
) -> Result<Vec<Point>> {
    let host = hosts::start(args.runtime, args.burst.is_some(), secrets)?;
    let mut crowd = Crowd::new(args.connections.max(WARM), true);
    let come = |crowd: &mut Crowd<W>, count| {
        (0..count).try_for_each(|_| {
            let mut peer = connect(&host)?;
            upgrade::ask(&mut peer)?;
            crowd.join(peer)
        })
    };
    let burst = |crowd: &mut Crowd<W>| {
        crowd.burst(args.bytes)?;
        (host.say_all)(what_is_said_to_all(args.bytes))?;
        crowd.hear_all(args.bytes)
    };
    come(&mut crowd, WARM)?;
    if args.burst.is_some() {
        burst(&mut crowd)?;
    }
    crowd.leave();
    // Served by other threads, in real time: what is counted begins when the last of them has gone.
    let begun = Instant::now();
    while (host.connections)() > 0 {
        ensure!(begun.elapsed() < PATIENCE, "they do not leave within {PATIENCE:?}");
        std::thread::sleep(LOOK);
    }

    let mut watch = Watch::begin()?;
    come(&mut crowd, args.connections)?;
    watch.settled(&mut crowd, args.connections)?;
    if let Some(silence) = args.burst {
        watch.end()?;
        watch = Watch::begin()?;
        burst(&mut crowd)?;
        crowd.idle(silence)?;
        watch.settled(&mut crowd, args.connections)?;
    }
    ensure!((host.connections)() == args.connections, "somebody has gone");
    watch.end()
}

/// Clients, and raw servers
fn clients(args: &Args) -> Result<Vec<Point>> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("ws://{}/feed", listener.local_addr()?).leak();
    let clients = Clients::on(args.runtime)?;
    // They come back, so that those who warm up stay: the crowd of the others is counted alone.
    let (mut warm, mut crowd) = (Crowd::new(WARM, false), Crowd::new(args.connections, false));
    let come = |crowd: &mut Crowd<TcpStream>, count| {
        (0..count).try_for_each(|_| {
            clients.spawn(url);
            crowd.join(upgrade::grant(&listener)?)
        })
    };
    come(&mut warm, WARM)?;
    let watch = Watch::begin()?;
    come(&mut crowd, args.connections)?;
    watch.settled(&mut crowd, args.connections)?;
    watch.end()
}

/// The stacks of a part, the dearest first
fn show(points: &[Point], name: &str, connections: usize) {
    let mut stacks = BTreeMap::new();
    for point in points.iter().filter(|point| parts::of(&point.stack) == Some(name)) {
        *stacks.entry(point.stack.join("\n    ")).or_insert(0) += point.bytes;
    }
    let mut stacks = stacks.into_iter().collect::<Vec<_>>();
    stacks.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
    for (stack, bytes) in stacks {
        let each = bytes as f64 / connections as f64;
        _ = writeln!(stderr(), "{each:.2} bytes of {name}:\n    {stack}\n");
    }
}
