//! Clients with certificates, over in-memory streams however they are cut; and settings of theirs
//! that cannot be.

use std::sync::Arc;

use everbeat_ws::connect::Request;
use everbeat_ws::tls::rustls::crypto::ring;
use everbeat_ws::tls::rustls::pki_types::CertificateDer;
use everbeat_ws::tls::rustls::pki_types::pem::PemObject;
use everbeat_ws::tls::rustls::version::{TLS12, TLS13};
use everbeat_ws::tls::rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use everbeat_ws::tls::{ClientTls, Clients, ServerTls, TlsError};
use everbeat_ws::upgrade::{RequestHead, UpgradeError};
use everbeat_ws::{Settings, WebSocket};
use futures_util::future::join;

use crate::certificates::{Authority, Certified};
use crate::support::{duplex, run};

fn asking(authority: &Authority, clients: Clients) -> ServerTls {
    let server = authority.certify("localhost");
    ServerTls::from_pem(&server.certificate, &server.key).unwrap().clients(clients).unwrap()
}

fn being(authority: &Authority, certified: &Certified) -> ClientTls {
    let trust = ClientTls::roots(authority.root()).unwrap();
    trust.identity(&certified.certificate, &certified.key).unwrap()
}

/// Certificates that a server was told, each as its bytes
type Told = Vec<Vec<u8>>;

/// What both ends come to, and which certificates the server was told
fn meet(
    server: ServerTls,
    client: ClientTls,
    seed: Option<u64>,
) -> (Result<(), UpgradeError>, Result<Told, UpgradeError>) {
    let (near, far) = duplex(1 << 16, seed);
    let request = Request::to("wss://localhost/feed").build().unwrap();
    let (client, server) = run(join(
        WebSocket::connect_tls(near, &request, client, Settings::default()),
        WebSocket::accept_tls(far, server, Settings::default()),
    ));
    let told = |head: &RequestHead| head.certificates().map(<[u8]>::to_vec).collect();
    (client.map(drop), server.map(|(_, head)| told(&head)))
}

/// Certificates as whoever looks for them in a request has them
fn ders(pem: &str) -> Vec<Vec<u8>> {
    let all = CertificateDer::pem_slice_iter(pem.as_bytes());
    all.map(|certificate| certificate.unwrap().to_vec()).collect()
}

/// A client with this certificate that speaks this version only
fn speaking(
    version: &'static SupportedProtocolVersion,
    authority: &Authority,
    shown: &Certified,
) -> ClientTls {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.root().as_bytes()).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let trust = ClientTls::from_rustls(Arc::new(config));
    trust.identity(&shown.certificate, &shown.key).unwrap()
}

#[test]
fn a_server_is_told_what_a_client_shows_if_it_asks_and_nothing_otherwise() {
    let authority = Authority::new();
    let (one, certified) = (authority.certify("localhost"), authority.certify("client"));
    // What leads to its root comes behind its own.
    let certificate = format!("{}{}", certified.certificate, authority.root());
    let chain = Certified { certificate, ..certified };
    for version in [&TLS12, &TLS13] {
        let client = speaking(version, &authority, &chain);
        let serving = ServerTls::from_pem(&one.certificate, &one.key).unwrap();
        let (connected, told) = meet(serving.clone(), client.clone(), None);
        assert!(connected.is_ok(), "{version:?}: {connected:?}");
        assert_eq!(told.unwrap(), Vec::<Vec<u8>>::new(), "{version:?}: nobody was asked");
        // From here on it asks, each time.
        serving.reload(&asking(&authority, Clients::signed_by(authority.root()).unwrap()));
        for _ in 0..2 {
            let (connected, told) = meet(serving.clone(), client.clone(), None);
            assert!(connected.is_ok(), "{version:?}: {connected:?}");
            assert_eq!(told.unwrap(), ders(&chain.certificate), "{version:?}");
        }
        let nobody = ClientTls::roots(authority.root()).unwrap();
        let (_, told) = meet(serving, nobody, None);
        let told = told.unwrap_err();
        assert!(matches!(told, UpgradeError::Tls(TlsError::NoCertificate)), "{told:?}");
    }
}

#[test]
fn a_refusal_behind_the_handshake_is_one_of_tls() {
    let authority = Authority::new();
    let (good, lost) = (authority.certify("client"), authority.certify("client"));
    let clients = Clients::signed_by(authority.root()).unwrap();
    let clients = clients.revoked(authority.revoking(&[&lost])).unwrap();
    let server = asking(&authority, clients);
    for seed in (0..16).map(Some).chain([None]) {
        let (client, known) = meet(server.clone(), being(&authority, &good), seed);
        assert!(
            client.is_ok() && matches!(&known, Ok(told) if told.len() == 1),
            "{seed:?}: {client:?} {known:?}"
        );
        let (client, known) = meet(server.clone(), being(&authority, &lost), seed);
        assert!(
            matches!(known, Err(UpgradeError::Tls(TlsError::Revoked(_)))),
            "{seed:?}: {known:?}"
        );
        // The alert is written once (futures-rustls tries no second time), and a stream that takes
        // less than its few bytes loses it; a socket's send buffer has room for it
        let refused = matches!(client, Err(UpgradeError::Tls(TlsError::Refused(_))));
        let lost = seed.is_some() && matches!(client, Err(UpgradeError::End));
        assert!(refused || lost, "{seed:?}: {client:?}");
    }
}

#[test]
fn a_list_of_another_ca_lets_nobody_in() {
    let (authority, other) = (Authority::new(), Authority::new());
    let clients = Clients::signed_by(authority.root()).unwrap();
    let server = asking(&authority, clients.revoked(other.revoking(&[])).unwrap());
    let (_, known) = meet(server, being(&authority, &authority.certify("client")), None);
    let Err(UpgradeError::Tls(error)) = known else { panic!("{known:?}") };
    let words = error.classify().to_string();
    assert!(words.contains("no revocation list of its CA"), "{words}");
}

#[test]
fn what_cannot_be_said_of_clients_is_refused_by_name() {
    let authority = Authority::new();
    let (one, other) = (authority.certify("a"), authority.certify("a"));
    let clients = || Clients::signed_by(authority.root()).unwrap();
    assert_eq!(Clients::signed_by("").unwrap_err().setting(), "clients");
    assert_eq!(Clients::signed_by_file("/nowhere/a").unwrap_err().setting(), "clients");
    assert_eq!(clients().revoked("").unwrap_err().setting(), "revoked");
    assert_eq!(clients().revoked(authority.root()).unwrap_err().setting(), "revoked");
    let garbage = "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n";
    let server = ServerTls::from_pem(&one.certificate, &one.key).unwrap();
    let error = server.clients(clients().revoked(garbage).unwrap()).unwrap_err();
    assert_eq!(error.setting(), "revoked");
    let trust = || ClientTls::roots(authority.root()).unwrap();
    let setting = |certificate: &str, key: &str| {
        trust().identity(certificate, key).map(drop).unwrap_err().setting()
    };
    assert_eq!(setting("", &one.key), "certificate");
    assert_eq!(setting(&one.certificate, ""), "key");
    assert_eq!(setting(&one.certificate, &other.key), "key");
    let missing = trust().identity_files("/nowhere/a", "/nowhere/b").unwrap_err();
    assert_eq!(missing.setting(), "certificate");
    let shown = format!("{:?}", being(&authority, &one));
    assert_eq!(shown, "ClientTls { trust: \"own\", identity: true }");
    let shown = format!("{:?}", clients().optional());
    assert_eq!(shown, "Clients { roots: 1, revoked: 0, optional: true }");
}
