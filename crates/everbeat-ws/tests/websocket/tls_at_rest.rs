//! What a WebSocket over TLS holds at rest: rustls's session, in a box, and nothing of ours beyond what
//! a plain one holds.

use std::pin::Pin;
use std::sync::Arc;

use everbeat_core::Message;
use everbeat_core::transport::Transport;
use everbeat_ws::connect::Request;
use everbeat_ws::tls::rustls::client::Resumption;
use everbeat_ws::tls::rustls::crypto::ring;
use everbeat_ws::tls::rustls::pki_types::pem::PemObject;
use everbeat_ws::tls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use everbeat_ws::tls::rustls::server::NoServerSessionStorage;
use everbeat_ws::tls::rustls::{ClientConfig, RootCertStore, ServerConfig};
use everbeat_ws::tls::{ClientTls, ServerTls};
use everbeat_ws::{Settings, WebSocket};
use futures_rustls::{TlsAcceptor, TlsConnector, TlsStream};
use futures_util::future::join;
use futures_util::{AsyncReadExt, AsyncWriteExt};

use crate::certificates::Authority;
use crate::counting::LIVE;
use crate::support::{End, duplex, message, now, recv, run, send};

/// What is far more than anything keeps
const BURST: usize = 64 << 10;

/// A client's and a server's configuration that remember no session, for those are not a connection's
fn configs() -> (Arc<ClientConfig>, Arc<ServerConfig>) {
    let authority = Authority::new();
    let certified = authority.certify("localhost");
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.root().as_bytes()).unwrap()).unwrap();
    let client = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let client = client.with_safe_default_protocol_versions().unwrap();
    let mut client = client.with_root_certificates(roots).with_no_client_auth();
    client.resumption = Resumption::disabled();
    let chain = CertificateDer::from_pem_slice(certified.certificate.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(certified.key.as_bytes()).unwrap();
    let server = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let server = server.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let mut server = server.with_single_cert(vec![chain], key).unwrap();
    server.session_storage = Arc::new(NoServerSessionStorage {});
    (Arc::new(client), Arc::new(server))
}

/// The ends of a stream that has all the room that it will need
fn stretched() -> (End, End) {
    let (mut near, mut far) = duplex(1 << 20, None);
    run(async {
        for end in [&mut near, &mut far] {
            end.write_all(&vec![0; 4 * BURST]).await.unwrap();
        }
        for end in [&mut near, &mut far] {
            end.read_exact(&mut vec![0; 4 * BURST]).await.unwrap();
            assert!(now(end.read(&mut [0; 1])).is_none());
        }
    });
    (near, far)
}

/// Messages each way, of so many bytes; then both rest
fn exchange([client, server]: &mut [WebSocket<End>; 2], bytes: usize) {
    run(async {
        for _ in 0..2 {
            let said = || Message::from(vec![7; bytes]);
            let (sent, heard) = join(send(client, said()), message(server)).await;
            sent.unwrap();
            assert_eq!(heard, said());
            let (sent, heard) = join(send(server, heard), message(client)).await;
            sent.unwrap();
            assert_eq!(heard, said());
        }
    });
    for side in [client, server] {
        assert!(now(recv(side)).is_none());
        assert!(Pin::new(side).release());
    }
}

/// Two WebSockets over TLS
fn connected(
    (near, far): (End, End),
    (client, server): (Arc<ClientConfig>, Arc<ServerConfig>),
) -> [WebSocket<End>; 2] {
    let request = Request::to("wss://localhost/feed").build().unwrap();
    let (client, server) = run(join(
        WebSocket::connect_tls(near, &request, ClientTls::from_rustls(client), Settings::default()),
        WebSocket::accept_tls(far, ServerTls::from_rustls(server), Settings::default()),
    ));
    [client.unwrap(), server.unwrap().0]
}

/// What is allocated for both WebSockets, at rest and behind a burst
fn ours(configs: (Arc<ClientConfig>, Arc<ServerConfig>)) -> [i64; 2] {
    let stream = stretched();
    let before = LIVE.get();
    let mut ends = connected(stream, configs);
    [5, BURST].map(|bytes| {
        exchange(&mut ends, bytes);
        LIVE.get() - before
    })
}

/// What is allocated for the same by TLS alone, in boxes, with the same messages through it
fn theirs((client, server): (Arc<ClientConfig>, Arc<ServerConfig>)) -> i64 {
    let (near, far) = stretched();
    let name = ServerName::try_from("localhost").unwrap();
    let before = LIVE.get();
    let (client, server) = run(join(
        TlsConnector::from(client).connect(name, near),
        TlsAcceptor::from(server).accept(far),
    ));
    let mut ends: [Box<TlsStream<End>>; 2] =
        [Box::new(client.unwrap().into()), Box::new(server.unwrap().into())];
    run(async {
        let mut room = vec![0; BURST];
        for from in [0, 1, 0, 1] {
            let [one, other] = &mut ends;
            let (from, to) = if from == 0 { (one, other) } else { (other, one) };
            from.write_all(&vec![7; BURST]).await.unwrap();
            from.flush().await.unwrap();
            to.read_exact(&mut room).await.unwrap();
        }
        for end in &mut ends {
            assert!(now(end.read(&mut room)).is_none());
        }
    });
    LIVE.get() - before
}

#[test]
fn all_that_is_left_is_the_session() {
    let configs = configs();
    // The thread lends all that it ever will, and rustls makes what all share
    ours(configs.clone());
    let [rested, burst] = ours(configs.clone());
    assert_eq!(burst, rested, "nothing stays behind a burst");
    let session = theirs(configs.clone());
    println!("a client and a server at rest: {rested} bytes, of which rustls's sessions {session}");
    // In a box there are also the counters of its socket, which a plain one has in its place; and rustls
    // has a copy of the name here, and has had more records at once in one of its queues
    let (counters, rustls) = (2 * 24, 64);
    assert!(rested <= session + counters + rustls, "{rested} bytes, and rustls alone {session}");
}

#[test]
fn what_is_decrypted_and_unread_is_held() {
    /// What fills one read block with its header of eight bytes
    const FULL: usize = (16 << 10) - 8;
    let [mut client, mut server] = connected(stretched(), configs());
    run(async {
        for len in [FULL, 5] {
            send(&mut client, Message::from(vec![7; len])).await.unwrap();
        }
        // Both records are here and decrypted, and the block was full with the first
        assert_eq!(message(&mut server).await.len(), FULL);
        assert!(!Pin::new(&mut server).release(), "the second is in the session");
        assert_eq!(message(&mut server).await.len(), 5);
        assert!(Pin::new(&mut server).release());
    });
}
