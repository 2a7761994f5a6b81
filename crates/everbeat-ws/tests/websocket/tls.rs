//! TLS over in-memory streams: contents, counts, back-pressure, ends, and every bad handshake.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake};
use std::thread::{self, Thread};

use everbeat_core::transport::{Incoming, Outgoing, Transport};
use everbeat_core::{Cause, Message};
use everbeat_ws::connect::Request;
use everbeat_ws::tls::{ClientTls, ServerTls, TlsError};
use everbeat_ws::upgrade::UpgradeError;
use everbeat_ws::{Error, Settings, WebSocket};
use futures_util::AsyncWriteExt;
use futures_util::future::{Either, join, select};

use crate::certificates::{Authority, Certified};
use crate::stops::{Stops, until_whole};
use crate::support::{End, close, duplex, flush, message, now, ready, recv, run, send, start};

type Ends = (WebSocket<End>, WebSocket<End>);
type Failed = (UpgradeError, Option<UpgradeError>);

fn request(host: &str) -> Request {
    Request::to(format!("wss://{host}/feed")).build().unwrap()
}

fn server_tls(certified: &Certified) -> ServerTls {
    ServerTls::from_pem(&certified.certificate, &certified.key).unwrap()
}

fn pair() -> (ClientTls, ServerTls) {
    let authority = Authority::new();
    (ClientTls::roots(authority.root()).unwrap(), server_tls(&authority.certify("localhost")))
}

/// A client and a server over a stream of so many bytes, cut as the seed says
fn ends(capacity: usize, seed: Option<u64>) -> Ends {
    over(duplex(capacity, seed))
}

/// A client and a server over a stream that takes so many bytes at once, from now on
///
/// Not from the beginning: a server that cannot get rid of its tickets reads no request, and a
/// client that cannot get rid of its request reads no tickets.
fn narrow_ends(capacity: usize) -> Ends {
    let (near, far) = duplex(1 << 16, None);
    let narrow = near.narrow();
    let (mut client, server) = over((near, far));
    assert!(now(recv(&mut client)).is_none(), "tickets alone");
    narrow(capacity);
    (client, server)
}

fn over((near, far): (End, End)) -> Ends {
    let (trust, certificate) = pair();
    let request = request("localhost");
    let (client, server) = run(join(
        WebSocket::connect_tls(near, &request, trust, Settings::default()),
        WebSocket::accept_tls(far, certificate, Settings::default()),
    ));
    (client.unwrap(), server.unwrap().0)
}

/// What a handshake fails with, at the client and at the server
fn failed(host: &str, trust: ClientTls, certified: &Certified) -> Failed {
    let (near, far) = duplex(1 << 16, None);
    let request = request(host);
    let (client, server) = run(join(
        WebSocket::connect_tls(near, &request, trust, Settings::default()),
        WebSocket::accept_tls(far, server_tls(certified), Settings::default()),
    ));
    (client.map(drop).unwrap_err(), server.map(drop).err())
}

#[test]
fn messages_come_through_however_the_stream_is_cut() {
    for seed in 0..8 {
        let (mut client, mut server) = ends(3_000, Some(seed));
        run(async {
            for size in [0, 1, 16_384, 70_000, 300_000] {
                let payload = Message::from(vec![size as u8; size]);
                let (sent, heard) =
                    join(send(&mut client, payload.clone()), message(&mut server)).await;
                sent.unwrap();
                assert_eq!(heard, payload);
                let (sent, heard) =
                    join(send(&mut server, payload.clone()), message(&mut client)).await;
                sent.unwrap();
                assert_eq!(heard, payload);
            }
        });
    }
}

#[test]
fn bytes_count_below_tls_and_from_the_first() {
    let (mut client, mut server) = ends(1 << 20, None);
    // The handshake is more than the upgrade's two heads
    assert!(client.sent() > 300 && server.sent() > 600, "{} {}", client.sent(), server.sent());
    assert_eq!(client.sent(), server.received());
    let before = client.sent();
    run(async {
        send(&mut client, Message::from(vec![0; 1_000])).await.unwrap();
        message(&mut server).await;
    });
    // A frame's header and mask, a record's header and tag: not the payload alone
    assert!(client.sent() > before + 1_000 + 8 + 5 + 16, "{}", client.sent() - before);
    assert_eq!(client.sent(), server.received());
}

#[test]
fn a_full_socket_stops_a_sender_and_holds_little() {
    let (mut client, _server) = ends(4_096, None);
    let mut taken = 0;
    while now(ready(&mut client)).is_some() {
        start(&mut client, Outgoing::Message(Message::from(vec![0; 1_024]))).unwrap();
        assert!(now(flush(&mut client)).is_none_or(|flushed| flushed.is_ok()));
        taken += 1_024;
        assert!(taken < 1 << 20, "nothing stops it");
    }
    // rustls's 64 KiB and ours, and what the stream took
    assert!(taken <= (64 << 10) + (64 << 10) + 8_192, "{taken}");
}

#[test]
fn what_tls_holds_is_written_by_who_only_reads() {
    // Of the Pong's record the stream takes a few bytes at a time
    let (mut client, mut server) = narrow_ends(16);
    run(async {
        start(&mut client, Outgoing::Ping(*b"abcdefgh")).unwrap();
        let pinged = join(flush(&mut client), recv(&mut server)).await;
        assert!(matches!(pinged, (Ok(()), Some(Ok(Incoming::Ping(_))))), "{pinged:?}");
        // The server owes the Pong, and does nothing but read
        let (hears, reads) = (pin!(recv(&mut client)), pin!(recv(&mut server)));
        let Either::Left((heard, _)) = select(hears, reads).await else { panic!("the server") };
        assert!(matches!(heard, Some(Ok(Incoming::Pong(_)))), "{heard:?}");
    });
}

#[test]
fn a_close_is_polite_and_an_end_without_one_is_an_end() {
    let (mut client, mut server) = narrow_ends(16);
    run(async {
        start(&mut client, Outgoing::Close(None)).unwrap();
        let server_side = async {
            assert!(matches!(recv(&mut server).await, Some(Ok(Incoming::Close(None)))));
            close(&mut server).await
        };
        let (client, server) = join(close(&mut client), server_side).await;
        client.unwrap();
        server.unwrap();
    });

    // The server is gone behind its Close, without close_notify
    let (mut client, mut server) = ends(1 << 16, None);
    run(async {
        start(&mut client, Outgoing::Close(None)).unwrap();
        flush(&mut client).await.unwrap();
        recv(&mut server).await.unwrap().unwrap();
        flush(&mut server).await.unwrap();
        drop(server);
        close(&mut client).await.unwrap();
    });

    let (mut client, server) = ends(1 << 16, None);
    drop(server);
    let heard = run(recv(&mut client));
    assert!(matches!(heard, Some(Err(Error::End))), "{heard:?}");
}

#[test]
fn each_bad_certificate_has_its_error() {
    let authority = Authority::new();
    let trust = || ClientTls::roots(authority.root()).unwrap();
    let good = authority.certify("localhost");

    let (client, server) =
        failed("localhost", trust(), &authority.certify_between("localhost", 1990, 2000));
    assert!(matches!(client, UpgradeError::Tls(TlsError::Expired(_))), "{client:?}");
    assert!(
        matches!(server, Some(UpgradeError::Tls(TlsError::Refused(_) | TlsError::End))),
        "{server:?}"
    );
    told(&client, "has expired");

    let (client, _) =
        failed("localhost", trust(), &authority.certify_between("localhost", 4000, 4010));
    assert!(matches!(client, UpgradeError::Tls(TlsError::NotYetValid(_))), "{client:?}");

    for other in ["example.com", "127.0.0.1", "[::1]"] {
        let (client, _) = failed(other, trust(), &good);
        assert!(matches!(client, UpgradeError::Tls(TlsError::WrongName(_))), "{client:?}");
        told(&client, "another name");
    }

    let stranger = ClientTls::roots(Authority::new().root()).unwrap();
    for trust in [stranger, ClientTls::platform()] {
        let (near, far) = duplex(1 << 16, None);
        let request = request("localhost");
        // The platform's roots come from a thread, which the executor of these tests cannot await
        let (client, _) = waiting(join(
            WebSocket::connect_tls(near, &request, trust, Settings::default()),
            WebSocket::accept_tls(far, server_tls(&good), Settings::default()),
        ));
        let client = client.map(drop).unwrap_err();
        // A machine without any root says so
        let typed =
            matches!(&client, UpgradeError::Tls(TlsError::UnknownIssuer(_) | TlsError::Roots(_)));
        assert!(typed, "{client:?}");
        told(&client, "");
    }
}

/// As `openssl req -x509` makes them
#[test]
fn a_certificate_that_is_its_own_ca_is_told_in_words() {
    let own = Authority::self_signed("localhost");
    let (client, _) = failed("localhost", ClientTls::roots(&own.certificate).unwrap(), &own);
    assert!(matches!(client, UpgradeError::Tls(TlsError::Certificate(_))), "{client:?}");
    told(&client, "the certificate is not good: it is a CA's, and used as a peer's");
    let stranger = ClientTls::roots(Authority::new().root()).unwrap();
    let (client, _) = failed("localhost", stranger, &Authority::new().certify("localhost"));
    told(&client, "issuer is not known here: the CA that signed it has to be among the roots");
}

/// A certificate that is not good is worth another attempt, later, and told in a sentence
fn told(error: &UpgradeError, words: &str) {
    let Cause::Unreachable { detail } = error.classify() else { panic!("{error:?}") };
    assert!(detail.contains(words), "{detail}");
}

/// Runs a future that another thread may wake
fn waiting<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Arc::new(Unpark(thread::current())).into();
    let mut future = pin!(future);
    loop {
        let mut cx = Context::from_waker(&waker);
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return output;
        }
        thread::park();
    }
}

#[test]
fn an_address_is_a_name_too() {
    let authority = Authority::new();
    for (host, name) in [("127.0.0.1", "127.0.0.1"), ("[::1]", "::1")] {
        let (near, far) = duplex(1 << 16, None);
        let trust = ClientTls::roots(authority.root()).unwrap();
        let request = request(host);
        let (client, server) = run(join(
            WebSocket::connect_tls(near, &request, trust, Settings::default()),
            WebSocket::accept_tls(far, server_tls(&authority.certify(name)), Settings::default()),
        ));
        client.unwrap();
        server.unwrap();
    }
}

#[test]
fn garbage_is_not_tls() {
    let (trust, certificate) = pair();
    let mut rng = fastrand::Rng::with_seed(7);
    for round in 0..200 {
        let mut bytes: Vec<u8> = (0..rng.usize(1..600)).map(|_| rng.u8(..)).collect();
        if round % 2 == 0 {
            // A record's header that can be, with a garbled handshake in it
            bytes.splice(..0, [0x16, 3, 1, 0, 40]);
        }
        let garbled = |error: UpgradeError| {
            let typed = matches!(
                error,
                UpgradeError::Tls(
                    TlsError::NotTls | TlsError::Protocol(_) | TlsError::End | TlsError::Refused(_)
                )
            );
            assert!(typed, "{round}: {error:?}");
        };
        let (near, mut far) = duplex(1 << 16, None);
        let server = run(async {
            far.write_all(&bytes).await.unwrap();
            far.close().await.unwrap();
            WebSocket::accept_tls(near, certificate.clone(), Settings::default()).await
        });
        garbled(server.map(drop).unwrap_err());
        let (near, mut far) = duplex(1 << 16, None);
        let client = run(async {
            far.write_all(&bytes).await.unwrap();
            far.close().await.unwrap();
            let request = request("localhost");
            WebSocket::connect_tls(near, &request, trust.clone(), Settings::default()).await
        });
        garbled(client.map(drop).unwrap_err());
    }
}

#[test]
fn plain_and_tls_do_not_meet() {
    let (trust, certificate) = pair();
    let (near, far) = duplex(1 << 16, None);
    let plain = Request::to("ws://localhost/").build().unwrap();
    let (client, server) = run(join(
        WebSocket::connect(near, &plain, Settings::default()),
        WebSocket::accept_tls(far, certificate, Settings::default()),
    ));
    let (client, server) = (client.map(drop).unwrap_err(), server.map(drop).unwrap_err());
    assert!(matches!(client, UpgradeError::SpeaksTls), "{client:?}");
    assert!(client.to_string().contains("wss://"), "{client}");
    assert!(matches!(server, UpgradeError::Tls(TlsError::NotTls)), "{server:?}");

    let (near, far) = duplex(1 << 16, None);
    let request = request("localhost");
    let (client, server) = run(join(
        WebSocket::connect_tls(near, &request, trust, Settings::default()),
        WebSocket::accept(far, Settings::default()),
    ));
    let (client, server) = (client.map(drop).unwrap_err(), server.map(drop).unwrap_err());
    assert!(matches!(client, UpgradeError::Tls(TlsError::NotTls)), "{client:?}");
    assert!(matches!(client.classify(), Cause::NotWebSocket { .. }));
    assert!(matches!(server, UpgradeError::SpeaksTls), "{server:?}");
    assert!(client.to_string().contains("ws://"), "{client}");
}

#[test]
fn a_tls_handshake_may_stop_at_every_byte() {
    let (trust, certificate) = pair();
    let request = request("localhost");
    let server = until_whole(|bytes| {
        let (near, far) = duplex(1 << 16, None);
        let near = Stops::after(bytes, near);
        run(async {
            let server = async {
                WebSocket::accept_tls(near, certificate.clone(), Settings::default())
                    .await
                    .map(drop)
            };
            let client = WebSocket::connect_tls(far, &request, trust.clone(), Settings::default());
            join(server, client).await.0
        })
    });
    let client = until_whole(|bytes| {
        let (near, far) = duplex(1 << 16, None);
        let near = Stops::after(bytes, near);
        run(async {
            let client = async {
                let tls = trust.clone();
                WebSocket::connect_tls(near, &request, tls, Settings::default()).await.map(drop)
            };
            let server = WebSocket::accept_tls(far, certificate.clone(), Settings::default());
            join(client, server).await.0
        })
    });
    assert!(server > 400 && client > 600, "{server} {client}");
}

/// A certificate of X.509 version 1, as `openssl x509 -req` makes without extensions
const VERSION_1: &str = "\
-----BEGIN CERTIFICATE-----
MIIBJDCBywIUdRk9kjK2tcSmkLbFuxKregO5sLwwCgYIKoZIzj0EAwIwFDESMBAG
A1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyNzE2NTA1MloYDzIxMjYxMTAzMTY1MDUy
WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC
AAQLPareYymMfMUmw3hhIDY/WP6Z559cFbMv/qLSagfgYgf4a7umBHnxmIVEjpR1
ZJk4AOJudZIvc/hMPkPCOBJBMAoGCCqGSM49BAMCA0gAMEUCIBvvNqEeTFjKKeEg
v0vg+HmBGr66zJ4yFdphQPNF4maCAiEAgx7njSQ1UkVKFcvUdUOaLT8sVQYocOzz
8YmX8eBYRC8=
-----END CERTIFICATE-----
";

#[test]
fn what_cannot_be_a_certificate_or_key_is_refused_by_name() {
    let authority = Authority::new();
    let (one, other) = (authority.certify("a"), authority.certify("a"));
    let setting = |certificate: &str, key: &str| {
        let error = ServerTls::from_pem(certificate, key).unwrap_err();
        assert!(!error.to_string().contains("PRIVATE"), "{error}");
        error.setting()
    };
    assert_eq!(setting("", &one.key), "certificate");
    assert_eq!(setting(&one.key, &one.key), "certificate");
    assert_eq!(setting(&one.certificate, ""), "key");
    assert_eq!(setting(&one.certificate, &one.certificate), "key");
    assert_eq!(setting(&one.certificate, &other.key), "key");
    // PEM around bytes that are no certificate, and around one of version 1: the key is good
    let pem =
        |inside| format!("-----BEGIN CERTIFICATE-----\n{inside}\n-----END CERTIFICATE-----\n");
    assert_eq!(setting(&pem("AAAA"), &one.key), "certificate");
    let old = ServerTls::from_pem(VERSION_1, &one.key).unwrap_err();
    assert_eq!(old.setting(), "certificate");
    assert!(old.to_string().contains("X.509 version 3"), "{old}");
    assert_eq!(ClientTls::roots("").unwrap_err().setting(), "roots");
    let missing = ClientTls::roots_file("/nowhere/roots.pem").unwrap_err();
    assert!(missing.to_string().contains("/nowhere/roots.pem"), "{missing}");
    assert_eq!(
        ServerTls::from_files("/nowhere/a", "/nowhere/b").unwrap_err().setting(),
        "certificate"
    );
    assert_eq!(format!("{:?}", server_tls(&one)), "ServerTls { .. }");
}

#[test]
fn files_are_read_as_memory_is() {
    let authority = Authority::new();
    let certified = authority.certify("localhost");
    let folder = std::env::temp_dir().join(format!("everbeat-tls-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let write = |name: &str, pem: &str| {
        let path = folder.join(name);
        std::fs::write(&path, pem).unwrap();
        path
    };
    let root = write("root.pem", &authority.root());
    let (certificate, key) =
        (write("a.pem", &certified.certificate), write("a.key", &certified.key));
    let made = (ClientTls::roots_file(root), ServerTls::from_files(certificate, key));
    std::fs::remove_dir_all(&folder).unwrap();
    let (near, far) = duplex(1 << 16, None);
    let request = request("localhost");
    let (client, server) = run(join(
        WebSocket::connect_tls(near, &request, made.0.unwrap(), Settings::default()),
        WebSocket::accept_tls(far, made.1.unwrap(), Settings::default()),
    ));
    client.unwrap();
    server.unwrap();
}

#[test]
fn a_key_in_the_wrong_place_is_not_shown() {
    // Both in one text whose line ends were lost on the way, given as the certificate and as roots
    let one = Authority::new().certify("a");
    let flat = format!("{}{}", one.certificate, one.key).replace('\n', " ");
    let secret = one.key.lines().nth(1).unwrap();
    let digits = secret.bytes().map(|byte| byte.to_string()).collect::<Vec<_>>().join(", ");
    for error in [
        ServerTls::from_pem(&flat, &one.key).unwrap_err(),
        ServerTls::from_pem(&one.certificate, &flat).unwrap_err(),
        ClientTls::roots(&flat).unwrap_err(),
    ] {
        for told in [error.to_string(), format!("{error:?}")] {
            let shown = told.contains(secret) || told.contains(&digits);
            assert!(!shown && told.len() < 200, "{} bytes: {told:.160}", told.len());
        }
    }
}
