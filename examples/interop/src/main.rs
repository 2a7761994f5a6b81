//! everbeat as a peer for other people's WebSockets: a client or a server on any runtime, obedient
//! to its stdin, telling all that it sees on its stdout. `interop/README.md` says in which words.
//!
//! Written once, for every runtime; `runtimes.rs` only starts their executors.

mod args;
mod bare;
mod certificates;
mod client;
mod command;
mod fuzzed;
mod lateness;
mod note;
mod runtimes;
mod server;
mod usual;

use std::io::{Write, stderr};
use std::pin::pin;
use std::process::ExitCode;

use everbeat_server::tasks::SpawnServer;
use everbeat_ws::{Acceptor, Runtime};
use futures_util::future::select;

use crate::args::{Args, Role, Wanted};

fn main() -> ExitCode {
    let wanted = args::parse(std::env::args().skip(1));
    let ended = wanted.and_then(|wanted| match wanted {
        Wanted::Peer(args) => runtimes::run(args),
        Wanted::Usual(url) => usual::run(&url),
        Wanted::Bare(role) => bare::run(&role),
        Wanted::Certificates(folder, names) => certificates::write(&folder, &names),
    });
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Whoever does not read it has the exit code.
            _ = writeln!(stderr(), "everbeat-interop: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// All of a peer, inside a runtime; ends when its stdin does
async fn run<R>(args: Args) -> anyhow::Result<()>
where
    R: Runtime + SpawnServer<Acceptor<R>, R::Timer, server::Echo<R::Timer>>,
{
    let timer = R::default().timer();
    let commands = command::listen();
    let role = async {
        match &args.role {
            Role::Client(url) => client::run::<R>(url, &args.settings, commands).await,
            Role::Fuzzed(url) => fuzzed::run::<R>(url, &args.settings, commands).await,
            Role::Server(address) => server::run::<R>(address, &args.settings, commands).await,
        }
    };
    select(pin!(role), pin!(lateness::measure(timer))).await.factor_first().0
}
