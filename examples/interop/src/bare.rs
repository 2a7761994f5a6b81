//! tungstenite alone, as its examples have it: blocking, a thread a connection. It has no heartbeat and
//! knows no everbeat; what Autobahn says of it, it must say of ours.

use std::future::ready;
use std::io::{Read, stdin};
use std::net::{TcpListener, TcpStream};
use std::process::exit;
use std::thread;

use anyhow::{Context, Result, anyhow, bail};
use async_tungstenite::tungstenite::{Message, WebSocket, accept, client};

use crate::args::Role;
use crate::fuzzed;
use crate::note::Note;

/// Ends with its stdin at the latest
pub(crate) fn run(role: &Role) -> Result<()> {
    thread::spawn(|| {
        _ = stdin().read_to_end(&mut Vec::new());
        exit(0);
    });
    match role {
        Role::Server(address) => serve(address),
        Role::Fuzzed(server) => {
            smol::block_on(fuzzed::every_case(server, |url, echoes| ready(converse(&url, echoes))))
        }
        Role::Client(_) => bail!("bare is a server, or fuzzed"),
    }
}

fn serve(address: &str) -> Result<()> {
    let listener = TcpListener::bind(address)?;
    Note::Listening(listener.local_addr()?.to_string()).write();
    loop {
        let (stream, _) = listener.accept()?;
        stream.set_nodelay(true)?;
        thread::spawn(move || {
            if let Ok(socket) = accept(stream) {
                listen(socket, true);
            }
        });
    }
}

fn converse(url: &str, echoes: bool) -> Result<Option<String>> {
    let rest = url.strip_prefix("ws://").context("it speaks ws only")?;
    let stream = TcpStream::connect(rest.split('/').next().unwrap_or_default())?;
    stream.set_nodelay(true)?;
    let (socket, _) = client(url, stream).map_err(|error| anyhow!("{url}: {error}"))?;
    Ok(listen(socket, echoes))
}

/// Until the connection ends, however it does; the last text that came and was not sent back
fn listen(mut socket: WebSocket<TcpStream>, echoes: bool) -> Option<String> {
    let mut told = None;
    while let Ok(message) = socket.read() {
        match message {
            Message::Text(_) | Message::Binary(_) if echoes => match socket.send(message) {
                Ok(()) => {}
                Err(_) => break,
            },
            Message::Text(text) => told = Some(text.to_string()),
            _ => {}
        }
    }
    told
}
