//! Against this machine's kernel, in network namespaces that these tests make: each lives as long as
//! its thread. They want root, and `ip`; without, they say so and prove nothing.

use std::fs;
use std::io::Write;
use std::net::IpAddr;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use everbeat_core::cause::Verdict;
use everbeat_core::client::{Hint, Hints};
use everbeat_tokio::{Cause, Client, Event, Server};
use nix::sched::{CloneFlags, unshare};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::sockopt::set_socket_recv_buffer_size;

use super::socket::Socket;
use super::{STEP, STEPS, Source, Watch};
use crate::Watcher;

/// Far more than anything here takes
const GUARD: Duration = Duration::from_secs(20);
/// The same, for a call to the kernel
const LONG: Timespec = Timespec { tv_sec: 20, tv_nsec: 0 };

/// Runs in a namespace of its own, where only a loopback is, and that is down
fn in_a_namespace(test: impl FnOnce() + Send + 'static) {
    let ended = thread::spawn(move || {
        let ours = unshare(CloneFlags::CLONE_NEWNET).map_err(|error| error.to_string());
        let has_ip = || match Command::new("ip").arg("-V").output() {
            Ok(_) => Ok(()),
            Err(error) => Err(format!("`ip`: {error}")),
        };
        match ours.and_then(|()| has_ip()) {
            Ok(()) => test(),
            // Not by a macro, whose words nobody would see.
            Err(why) => _ = writeln!(std::io::stderr(), "SKIPPED, no namespace of our own: {why}"),
        }
    });
    if let Err(panic) = ended.join() {
        std::panic::resume_unwind(panic);
    }
}

fn ip(line: &str) {
    let output = Command::new("ip").args(line.split_whitespace()).output().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "ip {line}: {complaint}");
}

/// A wire whose other end is here too, with a carrier
fn wire(name: &str) {
    ip(&format!("link add {name} type veth peer name {name}-far"));
    // No address of its own accord: one that comes later would be news.
    ip(&format!("link set {name} addrgenmode none"));
    ip(&format!("link set {name}-far up"));
    ip(&format!("link set {name} up"));
}

/// What is told, until the watch is dropped
fn watch() -> (Watch, Receiver<Hint>) {
    let (sender, hints) = mpsc::channel();
    let watch = Watch::start(move |hint| _ = sender.send(hint)).unwrap();
    (watch, hints)
}

fn next(hints: &Receiver<Hint>) -> Hint {
    hints.recv_timeout(GUARD).expect("a hint is due")
}

fn gone(ip: &str) -> Hint {
    Hint::AddressGone(ip.parse::<IpAddr>().unwrap())
}

#[test]
fn an_address_comes_and_goes() {
    in_a_namespace(|| {
        wire("eth0");
        let (_watch, hints) = watch();
        ip("addr add 192.0.2.1/24 dev eth0");
        assert_eq!(next(&hints), Hint::NetworkChanged);
        ip("addr add 2001:db8::1/64 dev eth0 nodad");
        assert_eq!(next(&hints), Hint::NetworkChanged);
        ip("addr del 192.0.2.1/24 dev eth0");
        assert_eq!(next(&hints), gone("192.0.2.1"));
        ip("addr del 2001:db8::1/64 dev eth0");
        assert_eq!([next(&hints), next(&hints)], [gone("2001:db8::1"), Hint::Offline]);
    });
}

#[test]
fn a_link_goes_down_and_up_and_is_removed() {
    in_a_namespace(|| {
        wire("eth0");
        ip("addr add 192.0.2.1/24 dev eth0");
        ip("route add default via 192.0.2.9 dev eth0");
        let (_watch, hints) = watch();
        ip("link set eth0-far down");
        assert_eq!(next(&hints), Hint::Offline);
        ip("link set eth0-far up");
        assert_eq!(next(&hints), Hint::Online);
        // The kernel takes the route with it, and does not say so.
        ip("link set eth0 down");
        assert_eq!(next(&hints), Hint::Offline);
        ip("link set eth0 up");
        assert_eq!(next(&hints), Hint::Online);
        ip("route add default via 192.0.2.9 dev eth0");
        assert_eq!(next(&hints), Hint::NetworkChanged);
        ip("link del eth0");
        assert_eq!([next(&hints), next(&hints)], [gone("192.0.2.1"), Hint::Offline]);
    });
}

#[test]
fn a_default_route_comes_changes_and_goes() {
    in_a_namespace(|| {
        wire("eth0");
        ip("addr add 192.0.2.1/24 dev eth0");
        ip("addr add 2001:db8::1/64 dev eth0 nodad");
        let (_watch, hints) = watch();
        for (route, family) in [("192.0.2.9", "-4"), ("2001:db8::9", "-6")] {
            ip(&format!("{family} route add default via {route} dev eth0"));
            assert_eq!(next(&hints), Hint::NetworkChanged);
            ip(&format!("{family} route replace default via {route}9 dev eth0"));
            assert_eq!(next(&hints), Hint::NetworkChanged);
        }
        // Neither is the last one: who talks to a neighbour needs none.
        for family in ["-4", "-6"] {
            ip(&format!("{family} route del default"));
            assert_eq!(next(&hints), Hint::NetworkChanged);
        }
        ip("route add default via 192.0.2.9 dev eth0");
        assert_eq!(next(&hints), Hint::NetworkChanged);
    });
}

#[test]
fn containers_come_and_go_and_what_flaps_is_told_to_nobody() {
    in_a_namespace(|| {
        wire("eth0");
        ip("addr add 192.0.2.1/24 dev eth0");
        ip("route add default via 192.0.2.9 dev eth0");
        let (_watch, hints) = watch();
        ip("link add docker0 type bridge");
        ip("addr add 172.17.0.1/16 dev docker0");
        ip("link set docker0 up");
        for round in 0..3 {
            wire(&format!("c{round}"));
            ip(&format!("link set c{round}-far master docker0"));
            ip("addr del 192.0.2.1/24 dev eth0");
            ip("addr add 192.0.2.1/24 dev eth0");
            ip("route add default via 192.0.2.9 dev eth0");
            ip(&format!("link del c{round}"));
        }
        ip("route add 198.51.100.0/24 via 192.0.2.8");
        assert_eq!(hints.recv_timeout(STEP * STEPS * 3), Err(RecvTimeoutError::Timeout));
        ip("link del docker0");
        assert_eq!(next(&hints), gone("172.17.0.1"));
        assert_eq!(hints.try_recv().ok(), None);
    });
}

/// What was heard and what the kernel says when it is asked are the same, after each of many changes
#[test]
fn who_listens_knows_as_much_as_who_asks() {
    in_a_namespace(|| {
        let mut listening = Socket::open().unwrap();
        let mut view = listening.ask().unwrap();
        for line in [
            "link set lo up",
            "link add eth0 type veth peer name eth1",
            "link set eth0 up",
            "link set eth1 up",
            "addr add 192.0.2.1/24 dev eth0",
            "addr add 192.0.2.2/24 dev eth0",
            "addr add 198.51.100.1/24 dev eth0",
            "addr add 2001:db8::1/64 dev eth0 nodad",
            "addr add 192.0.2.1/32 dev lo",
            "route add default via 192.0.2.9 dev eth0 src 192.0.2.2",
            "route add default via 192.0.2.8 dev eth0 metric 100 src 198.51.100.1",
            "route append default via 192.0.2.7 dev eth0 metric 100",
            "route add default via 192.0.2.7 dev eth0 table 1000",
            "route add default metric 7 nexthop via 192.0.2.9 dev eth0 nexthop via 192.0.2.8 dev eth0",
            "-6 route add default via 2001:db8::9 dev eth0",
            "-6 route append default via 2001:db8::8 dev eth0",
            "-6 route append default via 2001:db8::7 dev eth0",
            "-6 route del default via 2001:db8::8 dev eth0",
            "-6 route replace default via 2001:db8::6 dev eth0",
            "route add unreachable default metric 9999",
            "route add default via inet6 fe80::1 dev eth0 metric 77",
            "route replace default via 192.0.2.7 dev eth0",
            "addr del 198.51.100.1/24 dev eth0",
            "addr del 192.0.2.1/24 dev eth0",
            "route replace default via 198.51.100.7 dev eth0 onlink",
            "link set eth0 down",
            "link set eth0 up",
            "addr add 192.0.2.3/24 dev eth0",
            "addr add 203.0.113.3/24 dev eth1",
            "route add default via 192.0.2.9 dev eth0",
            "route add default via 203.0.113.9 dev eth1 metric 5",
            "-6 route add default via fe80::9 dev eth1",
            "link add br0 type bridge",
            "link set eth1 master br0",
            "link set eth1 nomaster",
            "link set eth1 down",
            "addr flush dev eth0",
            "link set eth1 up",
            "addr add 203.0.113.4/24 dev eth0",
            "route add default via 203.0.113.9 dev eth0 metric 5",
            "link del eth0",
        ] {
            ip(line);
            // Carriers and link-local addresses change by themselves a little later, which is news; what
            // was heard of them and what is asked are the same in the end, or never.
            loop {
                let doubt = listening.drain(&mut view).unwrap();
                assert!(!doubt.lost);
                if doubt.routes {
                    view = listening.ask().unwrap();
                }
                let asked = Socket::open().unwrap().ask().unwrap();
                if view == asked {
                    break;
                }
                let news =
                    poll(&mut [PollFd::new(&listening, PollFlags::IN)], Some(&LONG)).unwrap();
                assert!(news > 0, "after `ip {line}`: {view:?}, and there is {asked:?}");
            }
        }
    });
}

#[test]
fn more_changes_than_the_queue_holds_are_asked_for_anew() {
    in_a_namespace(|| {
        wire("eth0");
        let mut socket = Socket::open().unwrap();
        let mut view = socket.ask().unwrap();
        set_socket_recv_buffer_size(&socket, 1).unwrap();
        for last in 1..=100 {
            ip(&format!("addr add 192.0.2.{last}/24 dev eth0"));
        }
        ip("addr add 198.51.100.1/24 dev eth0");
        let mut stale = view.clone();
        assert!(socket.drain(&mut stale).unwrap().lost);
        assert!(!stale.has("198.51.100.1".parse().unwrap()));
        // And so does the thread: what it missed it has learnt, or it could not say what is gone.
        ip("addr flush dev eth0");
        for last in 1..=100 {
            ip(&format!("addr add 192.0.2.{last}/24 dev eth0"));
        }
        ip("addr add 198.51.100.1/24 dev eth0");
        view.addresses.clear();
        let (sender, hints) = mpsc::channel();
        let _watch = Watch::spawn(socket, view, move |hint| _ = sender.send(hint)).unwrap();
        assert_eq!(next(&hints), Hint::NetworkChanged);
        ip("addr del 198.51.100.1/24 dev eth0");
        assert_eq!(next(&hints), gone("198.51.100.1"));
    });
}

#[test]
fn the_thread_sleeps_without_an_end_and_ends_when_it_is_dropped() {
    in_a_namespace(|| {
        wire("eth0");
        let (sender, threads) = mpsc::channel();
        let own = move |_| _ = sender.send(fs::read_link("/proc/thread-self").unwrap());
        let watch = Watch::start(own).unwrap();
        ip("addr add 192.0.2.1/24 dev eth0");
        let folder = Path::new("/proc").join(threads.recv_timeout(GUARD).unwrap());
        assert_eq!(fs::read_to_string(folder.join("comm")).unwrap().trim(), "everbeat-watch");
        // The call's number, the descriptors, how many of them: and no time at which it would wake.
        let sleeps_for_good = || {
            let call = fs::read_to_string(folder.join("syscall")).unwrap();
            call.split_whitespace().nth(3) == Some("0x0")
        };
        let mut looks = 0;
        while !sleeps_for_good() {
            looks += 1;
            assert!(looks < 2_000, "it never does");
            thread::park_timeout(Duration::from_millis(10));
        }
        drop(watch);
        assert_eq!(threads.recv_timeout(GUARD), Err(RecvTimeoutError::Disconnected));
    });
}

/// From the kernel to the end of a connection, which by its beats alone would take longer than we wait
#[test]
fn a_connection_dies_with_its_address() {
    in_a_namespace(|| {
        ip("link set lo up");
        wire("eth0");
        ip("addr add 192.0.2.1/24 dev eth0");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let ended = async {
            let server = Server::bind("192.0.2.1:0").await.unwrap();
            let url = format!("ws://{}/", server.acceptor().local_address().unwrap());
            drop(tokio::spawn(server.serve(|mut connection| async move {
                while connection.recv().await?.is_some() {}
                Ok(())
            })));
            let hints = Hints::new();
            let _watcher = Watcher::new(&hints).unwrap();
            let mut client = Client::builder(&url).hints(&hints).connect().await.unwrap();
            assert!(matches!(client.next().await, Some(Event::Connected { .. })));
            ip("addr del 192.0.2.1/24 dev eth0");
            loop {
                if let Some(Event::Disconnected(end)) = client.next().await {
                    return end.cause;
                }
            }
        };
        let ended = runtime.block_on(async { tokio::time::timeout(GUARD, ended).await });
        let Ok(Cause::Dead { verdict, .. }) = ended else { panic!("{ended:?}") };
        assert_eq!(verdict, Verdict::Path);
    });
}
