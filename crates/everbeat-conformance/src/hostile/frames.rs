//! Frames that break a rule or a limit, and floods of them.

use everbeat_core::cause::Cause;
use everbeat_ws::{Acceptor, Runtime, Settings};

use super::peer::{client, granting, masked, plain, server, upgraded};
use super::server_side::{acceptor, connected, end_of, served};

/// What a frame is, the close code that it earns, and what the cause says
type Case = (Vec<u8>, u16, &'static str);

/// Bytes that neither side may send; `frame` adds the mask, or none
fn common(frame: fn(u8, &[u8]) -> Vec<u8>) -> Vec<Case> {
    let two = |first, second: u8| [frame(first, b"a"), frame(second, b"b")].concat();
    let mut cases = vec![
        (frame(0x83, b""), 1002, "opcode 3"),
        (frame(0x8f, b""), 1002, "opcode 15"),
        (frame(0x09, b""), 1002, "control frame in fragments"),
        (frame(0x89, &[0; 126]), 1002, "control frame of 126 bytes"),
        (frame(0x80, b"a"), 1002, "continuation without a beginning"),
        (frame(0x00, b"a"), 1002, "continuation without a beginning"),
        (two(0x01, 0x81), 1002, "inside a fragmented one"),
        (two(0x02, 0x01), 1002, "inside a fragmented one"),
        (frame(0x88, &[3]), 1002, "Close frame of one byte"),
        (frame(0x88, &[3, 238]), 1002, "code 1006"),
        (frame(0x81, b"\xc0\x80"), 1007, "not UTF-8"),
        (frame(0x88, b"\x03\xe8\xff"), 1007, "not UTF-8"),
    ];
    // Each reserved bit, and all of them
    cases.extend([0xc1, 0xa1, 0x91, 0xf1].map(|first| (frame(first, b"a"), 1002, "reserved bit")));
    cases
}

fn told(cause: &Cause) -> (u16, &str) {
    match cause {
        Cause::Violation { code, detail } => (code.0, detail),
        other => panic!("{other:?}"),
    }
}

/// That the cause says what it must, and the wire the same
fn check(bytes: &[u8], ended: Result<(), Cause>, heard: &(u16, String), code: u16, detail: &str) {
    let cause = ended.expect_err("a violation");
    let (told, why) = told(&cause);
    assert_eq!((told, heard.0), (code, code), "{bytes:02x?}: {cause}");
    assert!(why.contains(detail), "{bytes:02x?}: {cause}");
    assert_eq!(heard.1, why, "the wire says why");
}

pub(super) async fn of_clients<R: Runtime>() {
    let limits = Settings::default().max_frame(1_000).max_message(1_500);
    let mut cases = common(masked);
    cases.push((plain(0x81, b"a"), 1002, "without mask"));
    cases.push((masked(0x82, &[0; 1_001])[..8].to_vec(), 1009, "`max_frame`"));
    let long = [masked(0x02, &[0; 900]), masked(0x80, &[0; 900])].concat();
    cases.push((long, 1009, "`max_message`"));
    let (mut acceptor, address) = acceptor::<R>(limits).await;
    for (bytes, code, detail) in cases {
        let sent = bytes.clone();
        let peer = client(address, move |peer| {
            let mut peer = upgraded(peer);
            peer.say(&sent);
            peer.close()
        });
        let ended = end_of::<R>(served(&mut acceptor).await).await;
        check(&bytes, ended, &peer.join().unwrap(), code, detail);
    }
}

pub(super) async fn of_servers<R: Runtime>() {
    let mut cases = common(plain);
    cases.push((masked(0x81, b"a"), 1002, "with mask"));
    for (bytes, code, detail) in cases {
        let sent = bytes.clone();
        let (url, peer) = server(move |peer| {
            let mut peer = granting(peer);
            peer.say(&sent);
            peer.close()
        });
        let ended = end_of::<R>(connected::<R>(&url).await).await;
        check(&bytes, ended, &peer.join().unwrap(), code, detail);
    }
}

const FLOOD: usize = 10_000;

pub(super) async fn ping_flood_of_a_client<R: Runtime>() {
    let (mut acceptor, address) = acceptor::<R>(Settings::default()).await;
    let peer = client(address, |peer| {
        let mut peer = upgraded(peer);
        peer.say(&masked(0x89, b"flood").repeat(FLOOD));
        peer.close()
    });
    let ended = end_of::<R>(served(&mut acceptor).await).await;
    check(b"flood", ended, &peer.join().unwrap(), 1008, "`ping_limit`");
}

pub(super) async fn ping_flood_of_a_server<R: Runtime>() {
    let (url, peer) = server(|peer| {
        let mut peer = granting(peer);
        peer.say(&plain(0x89, b"flood").repeat(FLOOD));
        peer.close()
    });
    let ended = end_of::<R>(connected::<R>(&url).await).await;
    check(b"flood", ended, &peer.join().unwrap(), 1008, "`ping_limit`");
}

/// As many Pings as are allowed, then a Close: never more Pongs than Pings, the newest among them
pub(super) async fn pongs_are_merged<R: Runtime>() {
    const MOST: u8 = 20;
    let (mut acceptor, address) = acceptor::<R>(Settings::default()).await;
    let peer = client(address, |peer| {
        let mut peer = upgraded(peer);
        let pings: Vec<u8> = (1..=MOST).flat_map(|number| masked(0x89, &[number])).collect();
        peer.say(&[pings, masked(0x88, &[3, 232])].concat());
        let mut pongs = Vec::new();
        loop {
            match peer.frame() {
                (0x8a, payload) => pongs.push(payload[0]),
                (0x88, _) => return pongs,
                // Its own Ping, at a random time
                (0x89, _) => {}
                other => panic!("{other:?}"),
            }
        }
    });
    end_of::<R>(served(&mut acceptor).await).await.unwrap();
    let pongs = peer.join().unwrap();
    assert!(pongs.is_sorted_by(|a, b| a < b), "{pongs:?}");
    assert_eq!(pongs.last(), Some(&MOST));
}

/// Random bytes where frames should be: a violation or a cut, in either role, and never a panic
pub(super) async fn garbage<R: Runtime>() {
    let mut acceptor = acceptor::<R>(Settings::default().max_message(1 << 16)).await;
    for seed in 0..40 {
        let mut garbage = vec![0; 4_096];
        fastrand::Rng::with_seed(seed).fill(&mut garbage);
        garbage_of_a_client(&mut acceptor.0, acceptor.1, garbage.clone()).await;
        let (url, peer) = server(move |peer| {
            let mut peer = granting(peer);
            peer.say(&garbage);
            peer.end();
            peer.hear();
        });
        let ended = end_of::<R>(connected::<R>(&url).await).await;
        peer.join().unwrap();
        assert_ends_badly(seed, ended);
    }
}

async fn garbage_of_a_client<R: Runtime>(
    acceptor: &mut Acceptor<R>,
    address: std::net::SocketAddr,
    garbage: Vec<u8>,
) {
    let peer = client(address, move |peer| {
        let mut peer = upgraded(peer);
        peer.say(&garbage);
        peer.end();
        peer.hear();
    });
    let ended = end_of::<R>(served(acceptor).await).await;
    peer.join().unwrap();
    assert_ends_badly(0, ended);
}

fn assert_ends_badly(seed: u64, ended: Result<(), Cause>) {
    assert!(
        matches!(ended, Err(Cause::Violation { .. } | Cause::Cut { .. } | Cause::Closed { .. })),
        "seed {seed}: {ended:?}"
    );
}
