//! Other people's WebSockets in Rust, one a process, each as its library's documentation recommends: a
//! peer that converses, or a server for benchmarks that says messages back and pings once a beat. Says
//! where it listens; ends with its stdin.

#![expect(clippy::disallowed_methods, reason = "nothing here is simulated")]

mod actix;
mod args;
mod axum;
mod fast;
mod peer;
mod recipe;
mod tungstenite;

use std::future::Future;
use std::io::{Read, stdin};
use std::net::{SocketAddr, TcpListener};
use std::process::ExitCode;

use anyhow::{Result, bail};
use socket2::{Domain, Socket, Type};

use crate::args::{Args, Wanted};

/// Beside a connection's own: what the process has open anyway
const OTHER_DESCRIPTORS: u64 = 64;
/// So many can wait to be let in
const BACKLOG: i32 = 4_096;

fn main() -> ExitCode {
    let args = match args::parse(std::env::args().skip(1)) {
        Ok(Wanted::Bench(args)) => args,
        Ok(Wanted::Peer(library, options)) => {
            return match peer::run(library, options) {
                Ok(()) => ExitCode::SUCCESS,
                Err(_) => ExitCode::FAILURE,
            };
        }
        Ok(Wanted::Version(library)) => {
            println!("{}", version(&library).unwrap_or("unknown"));
            return ExitCode::SUCCESS;
        }
        Err(problem) => {
            eprintln!("{problem}\n\n{}", args::USAGE);
            return ExitCode::from(3);
        }
    };
    std::thread::spawn(move || {
        if let Err(error) = serve(&args) {
            println!("lost {error:#}");
        }
    });
    // Asleep in the kernel until the end.
    _ = stdin().read_to_end(&mut Vec::new());
    ExitCode::SUCCESS
}

/// The newest of that name that is built in
fn version(name: &str) -> Option<&'static str> {
    let packages = include_str!("../Cargo.lock").split("[[package]]");
    let named = format!("name = \"{name}\"");
    let package = packages.filter(|package| package.lines().any(|line| line == named)).last()?;
    package.lines().find_map(|line| line.strip_prefix("version = \"")?.strip_suffix('"'))
}

fn serve(args: &Args) -> Result<()> {
    rlimit::increase_nofile_limit(args.connections + OTHER_DESCRIPTORS)?;
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())?;
    socket.listen(BACKLOG)?;
    let listener = TcpListener::from(socket);
    println!("listening {}", listener.local_addr()?);
    let Args { beat, buffer, .. } = *args;
    match &*args.library {
        "async-tungstenite" => on_tokio(tungstenite::asynchronous(listener, beat, buffer)),
        "async-std" => async_std::task::block_on(tungstenite::async_std(listener, beat, buffer)),
        "tokio-tungstenite" => on_tokio(tungstenite::tokio(listener, beat, buffer)),
        "fastwebsockets" => on_tokio(fast::serve(listener, beat)),
        "axum" => on_tokio(axum::serve(listener, beat, buffer)),
        "actix-ws" => actix::serve(listener, beat),
        other => bail!("no library is called `{other}`"),
    }
}

/// On one thread
fn on_tokio(server: impl Future<Output = Result<()>>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(tokio::task::LocalSet::new().run_until(server))
}
