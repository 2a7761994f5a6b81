//! What is read of a `TCP_INFO`, and real sockets on the scale of what was sent.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};

use rustix::time::{ClockId, clock_gettime};
use socket2::{Domain, SockFilter, Socket, Type};

use super::*;

/// A `TCP_INFO` as the kernel writes it, with a number of its own at each place
fn written() -> Vec<u8> {
    let mut bytes = (0..=u8::MAX).cycle().take(LENGTH).collect::<Vec<_>>();
    let mut put = |at: usize, number: &[u8]| bytes[at..at + number.len()].copy_from_slice(number);
    put(STATE, &[1]);
    put(UNACKED, &2u32.to_ne_bytes());
    put(LAST_ACK_RECV, &2_500u32.to_ne_bytes());
    put(BYTES_ACKED, &(5u64 << 32).to_ne_bytes());
    put(SEGS_IN, &9u32.to_ne_bytes());
    put(NOTSENT_BYTES, &70_000u32.to_ne_bytes());
    put(SND_MSS, &1_448u32.to_ne_bytes());
    put(SND_WND, &64_000u32.to_ne_bytes());
    bytes
}

fn info() -> Info {
    Info::parse(&written()).unwrap()
}

#[test]
fn what_is_used_is_read() {
    let expected = Info {
        state: 1,
        unacked: 2,
        acknowledged: 5 << 32,
        waiting: 70_000,
        segment: 1_448,
        window: Some(64_000),
        last_acknowledged: Duration::from_millis(2_500),
    };
    assert_eq!(info(), expected);
    // A newer kernel tells more
    assert_eq!(Info::parse(&[written(), vec![7; 100]].concat()), Some(expected));
}

#[test]
fn an_older_kernel_tells_nothing() {
    for length in 0..NEEDED {
        assert_eq!(Info::parse(&written()[..length]), None, "{length} bytes");
    }
    for length in NEEDED..LENGTH {
        let without = Info { window: None, ..info() };
        assert_eq!(Info::parse(&written()[..length]), Some(without), "{length} bytes");
    }
}

#[test]
fn what_waits_for_a_window_is_told_from_what_our_own_kernel_cannot_send() {
    let waiting = |info| Road { base: Base::new(0) }.place(&info, 6 << 32).waiting;
    let idle = Info { unacked: 0, ..info() };
    // The peer would take a segment, and nothing leaves: the address is gone, or the route.
    assert_eq!(waiting(idle), 0);
    assert_eq!(waiting(Info { window: Some(1_448), ..idle }), 0);
    assert_eq!(waiting(Info { window: Some(14), waiting: 14, ..idle }), 0);
    // It would not; or the road is full; or an old kernel does not tell.
    assert_eq!(waiting(Info { window: Some(0), ..idle }), 70_000);
    assert_eq!(waiting(Info { window: Some(1_447), ..idle }), 70_000);
    assert_eq!(waiting(Info { unacked: 1, ..idle }), 70_000);
    assert_eq!(waiting(Info { window: None, ..idle }), 70_000);
}

#[test]
fn who_counts_nothing_is_not_believed() {
    let mut poses = vec![0; LENGTH];
    poses[STATE] = 1;
    assert_eq!(Info::parse(&poses), None);
}

#[test]
fn the_scale_begins_at_the_base() {
    let place = |acknowledged: u64, sent: u64| {
        let path = Road { base: Base::new(101) }.place(&Info { acknowledged, ..info() }, sent);
        assert_eq!(path.last_acknowledged, Duration::from_millis(2_500));
        (path.acknowledged, path.unsent, path.waiting)
    };
    assert_eq!(place(101, 80_000), (0, 80_000, 70_000));
    assert_eq!(place(5_101, 80_000), (5_000, 75_000, 70_000));
    // No more waits than is unsent, and no more is acknowledged than was sent: a FIN is no byte
    assert_eq!(place(5_101, 5_010), (5_000, 10, 10));
    assert_eq!(place(5_112, 5_010), (5_010, 0, 0));
    assert_eq!(place(0, 10), (0, 10, 10));
}

#[test]
fn who_holds_nothing_has_nothing_unacknowledged() {
    let place = |info| Road { base: Base::new(1) }.place(&info, 1_000);
    let empty = Info { unacked: 0, waiting: 0, acknowledged: 11, ..info() };
    assert_eq!(place(empty), evidence(1_000, 1_000, 0, empty.last_acknowledged));
    for other in [
        Info { unacked: 1, ..empty },
        Info { waiting: 1, ..empty },
        // It gave up, and let go of what it held
        Info { state: TCP_CLOSE, ..empty },
    ] {
        assert_eq!((place(other).acknowledged, place(other).unsent), (10, 990), "{other:?}");
    }
}

/// A client's end and its server's; neither blocks
fn pair() -> [TcpStream; 2] {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (server, _) = listener.accept().unwrap();
    client.set_nonblocking(true).unwrap();
    server.set_nonblocking(true).unwrap();
    [client, server]
}

fn begin(end: &TcpStream) -> (Road, u64) {
    Road::begin(&SockRef::from(end)).unwrap()
}

fn look(road: Road, end: &TcpStream, sent: u64) -> PathEvidence {
    road.look(&SockRef::from(end), sent).unwrap()
}

/// Writes until nothing more is taken; how much was
fn fill(mut end: &TcpStream) -> u64 {
    let mut sent = 0;
    while let Ok(more) = end.write(&[7; 65_536]) {
        sent += more as u64;
    }
    sent
}

/// Waits until a condition holds, while the peer reads or does not
fn until(what: &str, mut reader: Option<&TcpStream>, mut holds: impl FnMut() -> bool) {
    let mut room = vec![0; 65_536];
    // 20 s, far more than anything here needs
    for _ in 0..4_000 {
        if holds() {
            return;
        }
        while reader.as_mut().is_some_and(|peer| peer.read(&mut room).is_ok_and(|count| count > 0))
        {
        }
        std::thread::park_timeout(Duration::from_millis(5));
    }
    panic!("{what}: it never holds");
}

#[test]
fn what_nobody_reads_waits_and_what_is_read_is_acknowledged() {
    // A client's SYN counts for its kernel, a server's does not
    for client in [true, false] {
        let [one, other] = pair();
        let (end, peer) = if client { (one, other) } else { (other, one) };
        let (road, held) = begin(&end);
        assert_eq!((held, look(road, &end, 0).unsent), (0, 0));
        let sent = fill(&end);
        // Once the window is shut, nothing is on the road
        until("all that is left waits", None, || {
            let path = look(road, &end, sent);
            path.waiting > 0 && path.acknowledged + path.waiting == sent
        });
        let (path, left) = (look(road, &end, sent), reviewed::queued(&SockRef::from(&end)));
        assert_eq!(Some(path.unsent), left, "of {sent}, client: {client}");
        until("all acknowledged", Some(&peer), || look(road, &end, sent).unsent == 0);
        assert_eq!(look(road, &end, sent).acknowledged, sent);
    }
}

#[test]
fn a_socket_with_a_past_begins_at_what_is_not_acknowledged() {
    let [mut end, peer] = pair();
    end.write_all(&[7; 5_000]).unwrap();
    until("the past acknowledged", Some(&peer), || begin(&end).1 == 0);
    let (road, _) = begin(&end);
    // And now a past of which nobody has read
    let past = fill(&end);
    let (later, held) = begin(&end);
    assert!((1..past).contains(&held), "{held} of {past}");
    let (before, after) = (look(road, &end, past), look(later, &end, held));
    assert_eq!((before.acknowledged, before.unsent), (past - after.unsent, after.unsent));
    until("the past read", Some(&peer), || look(later, &end, held).unsent == 0);
    let sent = held + fill(&end);
    let path = look(later, &end, sent);
    assert!(path.acknowledged >= held && path.unsent > 0, "{path:?} of {held} and {sent}");
    until("all acknowledged", Some(&peer), || look(later, &end, sent).acknowledged == sent);
}

#[test]
fn when_it_was_last_acknowledged_is_told() {
    const WHILE: Duration = Duration::from_millis(100);
    // The kernel counts in ticks of up to 10 ms
    const TICK: Duration = Duration::from_millis(11);
    let now = || Duration::try_from(clock_gettime(ClockId::Monotonic)).unwrap();
    let [mut end, peer] = pair();
    let (road, _) = begin(&end);
    let silent = now();
    until("a while", None, || now() - silent > WHILE);
    let told = look(road, &end, 0).last_acknowledged;
    assert!(told + TICK >= WHILE, "{told:?}: nothing was heard since the beginning");
    let said = now();
    end.write_all(b"hello").unwrap();
    until("all acknowledged", Some(&peer), || look(road, &end, 5).unsent == 0);
    let told = look(road, &end, 5).last_acknowledged;
    assert!(told <= now() - said + TICK, "{told:?}: longer ago than what it acknowledges");
    // What is said into a hole is acknowledged by nobody
    SockRef::from(&peer).attach_filter(&[SockFilter::new(0x06, 0, 0, 0)]).unwrap();
    let swallowed = now();
    until("a while", None, || now() - swallowed > WHILE);
    end.write_all(b"hello?").unwrap();
    let path = look(road, &end, 11);
    assert!(path.last_acknowledged + TICK >= WHILE, "{path:?}");
    assert_eq!((path.acknowledged, path.unsent, path.waiting), (5, 6, 0));
}

#[test]
fn a_fin_is_no_byte() {
    let [end, peer] = pair();
    let (road, _) = begin(&end);
    let sent = fill(&end);
    end.shutdown(Shutdown::Write).unwrap();
    let path = look(road, &end, sent);
    assert!(path.acknowledged + path.unsent == sent && path.waiting <= path.unsent, "{path:?}");
    until("all acknowledged", Some(&peer), || look(road, &end, sent).unsent == 0);
    assert_eq!(look(road, &end, sent).acknowledged, sent);
}

#[test]
fn what_was_never_connected_tells_nothing() {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP)).unwrap();
    assert!(Road::begin(&SockRef::from(&socket)).is_none());
}

#[cfg(target_os = "linux")]
#[test]
fn of_several_paths_nothing_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let Ok(socket) = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::MPTCP)) else {
        eprintln!("SKIPPED: this kernel has no MPTCP");
        return;
    };
    socket.connect(&listener.local_addr().unwrap().into()).unwrap();
    assert!(Road::begin(&SockRef::from(&socket)).is_none());
}
