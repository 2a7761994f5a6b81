//! TLS that is wrong, cut or not TLS at all, in either role.

use everbeat_core::cause::{Cause, Cut};
use everbeat_core::transport::{Attempt, Connect, Transport};
use everbeat_ws::accept::{AcceptError, AcceptSettings};
use everbeat_ws::connect::ConnectError;
use everbeat_ws::tls::{ClientTls, ServerTls};
use everbeat_ws::{Acceptor, Connector, Runtime};

use super::peer::{ASK, client, server};
use super::server_side::{Socket, accept, both};
use crate::certificates::{Authority, Certified};

/// Bytes that no TLS handshake begins with
const GARBAGE: [&[u8]; 4] = [
    b"\0\0\0\0\0\0\0\0",
    b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    // A handshake record that is longer than a record may be, and one of a version that never was
    b"\x16\x03\x01\xff\xff\x01\0\0\x01",
    b"\x16\x09\x09\0\x02\x01\0",
];

fn trusting(authority: &Authority) -> ClientTls {
    ClientTls::roots(authority.root()).unwrap()
}

async fn acceptor<R: Runtime>(shown: Certified) -> (Acceptor<R>, std::net::SocketAddr) {
    let tls = ServerTls::from_pem(shown.certificate, shown.key).unwrap();
    let settings = AcceptSettings::default().tls(tls);
    let acceptor = Acceptor::<R>::bind("127.0.0.1:0", settings).await.unwrap();
    let address = acceptor.local_address().unwrap();
    (acceptor, address)
}

async fn attempt<R: Runtime>(url: &str, tls: ClientTls) -> Result<Socket<R>, ConnectError> {
    Connector::<R>::new(url).unwrap().tls(tls).connect(Attempt::first()).await
}

/// What both sides of one handshake come to
async fn handshake<R: Runtime>(
    trust: ClientTls,
    shown: Certified,
    host: &str,
) -> (Result<(), ConnectError>, Result<(), AcceptError>) {
    let (mut acceptor, address) = acceptor::<R>(shown).await;
    let url = format!("wss://{host}:{}/", address.port());
    let dialing = attempt::<R>(&url, trust);
    let (dialed, accepted) = both(dialing, accept(&mut acceptor)).await;
    (dialed.map(drop), accepted.map(drop))
}

pub(super) async fn certificates<R: Runtime>() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let good = || authority.certify("127.0.0.1");
    let (dialed, accepted) = handshake::<R>(trusting(&authority), good(), "127.0.0.1").await;
    dialed.unwrap();
    accepted.unwrap();
    let bad = [
        (authority.certify_between("127.0.0.1", 2001, 2002), "has expired"),
        (authority.certify_between("127.0.0.1", 3001, 3002), "is not valid yet"),
        (authority.certify("example.com"), "is for another name"),
        (stranger.certify("127.0.0.1"), "issuer is not known"),
    ];
    for (shown, told) in bad {
        let (dialed, accepted) = handshake::<R>(trusting(&authority), shown, "127.0.0.1").await;
        let cause = dialed.expect_err(told).classify();
        assert!(
            matches!(&cause, Cause::Unreachable { detail } if detail.contains(told)),
            "{cause}"
        );
        let cause = accepted.expect_err(told).classify();
        assert!(cause.to_string().contains("refused the TLS handshake"), "{cause}");
    }
}

pub(super) async fn garbage_of_clients<R: Runtime>() {
    let authority = Authority::new();
    let (mut acceptor, address) = acceptor::<R>(authority.certify("127.0.0.1")).await;
    for garbage in GARBAGE.into_iter().chain([ASK.as_bytes()]) {
        let peer = client(address, move |mut peer| {
            peer.say(garbage);
            peer.end();
            peer.hear()
        });
        let cause = accept(&mut acceptor).await.map(drop).expect_err("garbage").classify();
        assert!(matches!(cause, Cause::NotWebSocket { .. }), "{garbage:?}: {cause:?}");
        let told = peer.join().unwrap();
        assert!(!told.starts_with(b"HTTP"), "no plain answer at a port for TLS");
    }
}

pub(super) async fn garbage_of_servers<R: Runtime>() {
    let page = b"HTTP/1.1 400 Bad Request\r\n\r\n";
    for garbage in GARBAGE.into_iter().chain([&page[..]]) {
        let (url, peer) = server(move |mut peer| {
            peer.say(garbage);
            peer.end();
            peer.hear()
        });
        let trust = trusting(&Authority::new());
        let failed = attempt::<R>(&url.replace("ws://", "wss://"), trust).await.map(drop);
        let cause = failed.expect_err("garbage").classify();
        assert!(matches!(cause, Cause::NotWebSocket { .. }), "{garbage:?}: {cause:?}");
        let hello = peer.join().unwrap();
        assert!(!contains(&hello, b"GET /"), "nothing of the request without TLS");
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// A client's hello, cut behind each of its bytes
pub(super) async fn hellos_that_stop<R: Runtime>() {
    let authority = Authority::new();
    let (url, hearing) = server(|mut peer| peer.record());
    let heard = attempt::<R>(&url.replace("ws://", "wss://"), trusting(&authority)).await;
    assert!(heard.is_err());
    let hello = hearing.join().unwrap();
    let (mut acceptor, address) = acceptor::<R>(authority.certify("127.0.0.1")).await;
    assert!(hello.len() > 100, "{hello:?}");
    for cut in 0..hello.len() {
        let part = hello[..cut].to_vec();
        let peer = client(address, move |mut peer| {
            peer.say(&part);
            peer.end();
            peer.hear();
        });
        let cause = accept(&mut acceptor).await.map(drop).expect_err("half a hello").classify();
        assert!(matches!(cause, Cause::Cut { how: Cut::End, .. }), "{cut}: {cause:?}");
        peer.join().unwrap();
    }
}

/// A server's flight, cut behind each of its bytes by a proxy in between
pub(super) async fn flights_that_stop<R: Runtime>() {
    let authority = Authority::new();
    let trust = trusting(&authority);
    let (mut acceptor, address) = acceptor::<R>(authority.certify("127.0.0.1")).await;
    let mut cut = 0;
    loop {
        let (url, proxy) = server(move |peer| peer.relay(address, cut));
        let url = url.replace("ws://", "wss://");
        let (dialed, accepted) =
            both(attempt::<R>(&url, trust.clone()), accept(&mut acceptor)).await;
        if let Ok(mut whole) = dialed {
            assert!(cut > 500, "{cut} bytes cannot have been enough");
            std::pin::Pin::new(&mut whole).abort();
            drop(accepted);
            proxy.join().unwrap();
            return;
        }
        let cause = dialed.map(drop).expect_err("half a flight").classify();
        assert!(matches!(cause, Cause::Cut { how: Cut::End | Cut::Reset, .. }), "{cut}: {cause:?}");
        drop(accepted);
        proxy.join().unwrap();
        cut += 1;
    }
}
