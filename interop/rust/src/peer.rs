//! A peer for `cargo xtask interop`: speaks the words of ../../README.md on stdin and stdout, and what it
//! does on the wire is each library's own.

mod actix;
mod awc;
mod axum;
mod converse;
mod fast;
mod options;
mod rocket;
mod tcp;
mod tls;
mod tungstenite;
mod words;

use std::future::Future;

use anyhow::{Result, bail};
use serde_json::json;

pub(crate) use self::options::{Options, Role};
use self::words::{Commands, say};

/// What a connection of it needs to know
#[derive(Clone, Debug)]
struct Peer {
    options: Options,
    commands: Commands,
}

impl Peer {
    fn is_server(&self) -> bool {
        matches!(self.options.role, Role::Server(_))
    }
}

/// Until stdin ends
pub(crate) fn run(library: String, options: Options) -> std::io::Result<()> {
    let commands = Commands::default();
    let peer = Peer { options, commands: commands.clone() };
    std::thread::spawn(move || {
        if let Err(error) = play(&library, peer) {
            say(json!({ "failed": format!("{error:#}") }));
        }
    });
    commands.obey()
}

fn play(library: &str, peer: Peer) -> Result<()> {
    match (library, peer.options.role.clone()) {
        ("tokio-tungstenite", Role::Server(at)) => on_tokio(tungstenite::serve(at, peer)),
        ("tokio-tungstenite", Role::Client(url)) => on_tokio(tungstenite::dial(url, peer)),
        ("fastwebsockets", Role::Server(at)) => on_tokio(fast::serve(at, peer)),
        ("fastwebsockets", Role::Client(url)) => on_tokio(fast::dial(url, peer)),
        ("axum", Role::Server(at)) => on_tokio(axum::serve(at, peer)),
        ("rocket_ws", Role::Server(at)) => on_tokio(rocket::serve(at, peer)),
        ("actix-ws", Role::Server(at)) => actix::serve(&at, peer),
        ("awc", Role::Client(url)) => actix_web::rt::System::new().block_on(awc::dial(url, peer)),
        (other, _) => bail!("`{other}` is none, or has not this role"),
    }
}

/// On one thread
fn on_tokio(peer: impl Future<Output = Result<()>>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(peer)
}
