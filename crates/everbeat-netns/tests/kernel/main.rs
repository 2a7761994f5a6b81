//! Networks, faults and clocks on this machine's kernel. Where it does not let us, every test says so.

#![cfg(target_os = "linux")]
#![expect(clippy::disallowed_methods, reason = "nothing here is simulated")]
#![expect(clippy::unwrap_used, reason = "a failed helper fails its test")]

mod clocks;
mod faults;
mod leftovers;
mod links;
mod processes;

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use std::{fs, thread};

use everbeat_netns::{Host, Network, Tools, skipped};

const PORT: u16 = 9_001;
/// What takes longer hangs
const PATIENCE: Duration = Duration::from_secs(20);
/// For how long nothing must come where nothing can
const MOMENT: Duration = Duration::from_millis(400);

/// Whether networks can be made here; said aloud if not
fn possible(test: &str) -> Option<Tools> {
    static MISSING: OnceLock<Option<String>> = OnceLock::new();
    let tools = Tools::default();
    match MISSING.get_or_init(|| tools.missing()) {
        None => Some(tools),
        Some(why) => {
            skipped(test, why);
            None
        }
    }
}

/// Two hosts
fn network(tools: &Tools) -> (Network, Host, Host) {
    let (network, [client, server]) = Network::join(tools, ["client", "server"]).unwrap();
    (network, client, server)
}

/// A connection between them: the client's end, the server's
fn connect(client: &Host, server: &Host, to: SocketAddr) -> (TcpStream, TcpStream) {
    let listener = server.place().run(move || TcpListener::bind(to)).unwrap().unwrap();
    let near =
        client.place().run(move || TcpStream::connect_timeout(&to, PATIENCE)).unwrap().unwrap();
    (near, listener.accept().unwrap().0)
}

/// Whether a byte comes within that time
fn hears(by: &mut TcpStream, within: Duration) -> bool {
    by.set_read_timeout(Some(within)).unwrap();
    match by.read(&mut [0]) {
        Ok(length) => length == 1,
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => false,
        Err(error) => panic!("{error}"),
    }
}

/// Says a byte, and whether the other end hears it
fn passes(from: &mut TcpStream, to: &mut TcpStream, within: Duration) -> bool {
    from.write_all(b"x").unwrap();
    hears(to, within)
}

/// Waits until something is so
fn becomes(mut so: impl FnMut() -> bool) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        if so() {
            return true;
        }
        thread::sleep(Duration::from_millis(10));
    }
    false
}

/// Whether anybody on this machine is in that network: what `/proc/../ns/net` says of it
fn is_inhabited(network: &str) -> bool {
    let folders = |path: &Path| {
        let entries = fs::read_dir(path).into_iter().flatten();
        entries.filter_map(|entry| Some(entry.ok()?.path())).collect::<Vec<_>>()
    };
    let threads = folders(Path::new("/proc")).into_iter().flat_map(|it| folders(&it.join("task")));
    // Who ends meanwhile is nowhere.
    let mut networks = threads.filter_map(|thread| fs::read_link(thread.join("ns/net")).ok());
    networks.any(|inhabited| inhabited == Path::new(network))
}

/// What `/proc/../ns/net` says of a host's network
fn network_of(host: &Host) -> String {
    fs::read_link(host.place().network()).unwrap().to_string_lossy().into_owned()
}
