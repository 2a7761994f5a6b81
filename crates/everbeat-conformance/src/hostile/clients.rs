//! Clients that are known by their certificates, and certificates that are renewed in between.

use everbeat_core::Message;
use everbeat_core::cause::Cause;
use everbeat_core::config::ConnectionConfig;
use everbeat_core::transport::{Attempt, Connect};
use everbeat_core::{Connection, Event};
use everbeat_ws::accept::AcceptSettings;
use everbeat_ws::connect::ConnectError;
use everbeat_ws::tls::{ClientTls, Clients, ServerTls, TlsError};
use everbeat_ws::upgrade::{Reject, RequestHead, Upgrade, UpgradeRequest};
use everbeat_ws::{Acceptor, Connector, Runtime};

use super::server_side::{Ours, Socket, accept, both};
use crate::certificates::{Authority, Certified};
use crate::sets::Set;
use crate::skipped::skipped;

const HERE: &str = "127.0.0.1";

fn shown(certified: &Certified) -> ServerTls {
    ServerTls::from_pem(&certified.certificate, &certified.key).unwrap()
}

fn being(root: &str, certified: &Certified) -> ClientTls {
    let trust = ClientTls::roots(root).unwrap();
    trust.identity(&certified.certificate, &certified.key).unwrap()
}

/// A certificate's bytes, as whoever looks for them in a request has them
fn der(certified: &Certified) -> Vec<u8> {
    use everbeat_ws::tls::rustls::pki_types::{CertificateDer, pem::PemObject};
    CertificateDer::from_pem_slice(certified.certificate.as_bytes()).unwrap().to_vec()
}

fn first(head: &RequestHead) -> Option<Vec<u8>> {
    head.certificates().next().map(<[u8]>::to_vec)
}

/// A hook that finds out what the client shows
async fn who(request: UpgradeRequest) -> Result<Upgrade<Option<Vec<u8>>>, Reject> {
    Ok(Upgrade::accept(first(&request)))
}

type Known = Result<(Option<Vec<u8>>, Option<Vec<u8>>), TlsError>;

/// What a client's attempt comes to, and who it is for the hook and the handler
async fn meet<R: Runtime>(server: ServerTls, client: ClientTls) -> (Result<(), TlsError>, Known) {
    let settings = AcceptSettings::default().tls(server).upgrade(who);
    let mut acceptor = Acceptor::<R, _>::bind("127.0.0.1:0", settings).await.unwrap();
    let url = format!("wss://{HERE}:{}/", acceptor.local_address().unwrap().port());
    let (dialed, accepted) = both(attempt::<R>(&url, client), accept(&mut acceptor)).await;
    let dialed = dialed.map(drop).map_err(|error| match error {
        ConnectError::Tls(error) => error,
        other => panic!("{other:?}"),
    });
    let accepted = match accepted {
        Ok((_, facts, head)) => Ok((facts.principal, first(&head))),
        Err(everbeat_ws::accept::AcceptError::Tls(error)) => Err(error),
        Err(other) => panic!("{other:?}"),
    };
    (dialed, accepted)
}

async fn attempt<R: Runtime>(url: &str, tls: ClientTls) -> Result<Socket<R>, ConnectError> {
    Connector::<R>::new(url).unwrap().tls(tls).connect(Attempt::first()).await
}

pub(super) async fn are_known<R: Runtime>() {
    let by_openssl = Set::by_openssl(HERE);
    if by_openssl.is_none() {
        skipped("there is no openssl: nothing was tried with its certificates");
    }
    for set in [Some(Set::by_rcgen(HERE)), by_openssl].into_iter().flatten() {
        let server = || shown(&set.server).clients(Clients::signed_by(&set.root).unwrap()).unwrap();
        let (dialed, accepted) = meet::<R>(server(), being(&set.root, &set.client)).await;
        dialed.unwrap();
        let certificate = Some(der(&set.client));
        assert_eq!(accepted.unwrap(), (certificate.clone(), certificate));
        let (dialed, accepted) = meet::<R>(server(), ClientTls::roots(&set.root).unwrap()).await;
        assert!(matches!(dialed, Err(TlsError::Refused(_))), "{dialed:?}");
        assert!(matches!(accepted, Err(TlsError::NoCertificate)), "{accepted:?}");
    }
}

/// Both sides' words about a client's certificate that is not good
async fn words<R: Runtime>(server: ServerTls, client: ClientTls) -> (String, String) {
    let (dialed, accepted) = meet::<R>(server, client).await;
    let told = |error: TlsError| {
        let Cause::Unreachable { detail } = error.classify() else { panic!("{error:?}") };
        detail.to_string()
    };
    (told(dialed.unwrap_err()), told(accepted.unwrap_err()))
}

pub(super) async fn are_told_why<R: Runtime>() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let (root, server) = (authority.root(), shown(&authority.certify(HERE)));
    let clients = || Clients::signed_by(&root).unwrap();
    let asking = |clients| server.clone().clients(clients).unwrap();
    let cases = [
        (authority.certify_between("client", 2001, 2002), "has expired for it", "has expired"),
        (authority.certify_between("client", 3001, 3002), "has expired for it", "not valid yet"),
        (stranger.certify("client"), "does not trust the CA", "issuer is not known here"),
    ];
    for (client, to_client, to_server) in cases {
        let (dialed, accepted) = words::<R>(asking(clients()), being(&root, &client)).await;
        assert!(dialed.contains(to_client), "{dialed}");
        assert!(accepted.contains(to_server), "{accepted}");
    }
    let (good, lost) = (authority.certify("client"), authority.certify("client"));
    let listed = || asking(clients().revoked(authority.revoking(&[&lost])).unwrap());
    let (dialed, accepted) = words::<R>(listed(), being(&root, &lost)).await;
    assert!(dialed.contains("our certificate has been revoked"), "{dialed}");
    assert!(accepted.contains("the certificate has been revoked"), "{accepted}");
    let (dialed, accepted) = meet::<R>(listed(), being(&root, &good)).await;
    dialed.unwrap();
    assert_eq!(accepted.unwrap().0, Some(der(&good)));
}

pub(super) async fn may_be_nobody<R: Runtime>() {
    let (set, stranger) = (Set::by_rcgen(HERE), Authority::new());
    let asking = || {
        let clients = Clients::signed_by(&set.root).unwrap().optional();
        shown(&set.server).clients(clients).unwrap()
    };
    let (dialed, accepted) = meet::<R>(asking(), ClientTls::roots(&set.root).unwrap()).await;
    dialed.unwrap();
    assert_eq!(accepted.unwrap(), (None, None));
    let (dialed, accepted) = meet::<R>(asking(), being(&set.root, &set.client)).await;
    dialed.unwrap();
    assert_eq!(accepted.unwrap().0, Some(der(&set.client)));
    let unknown = being(&set.root, &stranger.certify("client"));
    let (_, accepted) = meet::<R>(asking(), unknown).await;
    assert!(matches!(accepted, Err(TlsError::UnknownIssuer(_))), "{accepted:?}");
}

pub(super) async fn reload<R: Runtime>() {
    let (old, new) = (Set::by_rcgen(HERE), Set::by_rcgen(HERE));
    let serving = shown(&old.server);
    let settings = AcceptSettings::default().tls(serving.clone());
    let mut acceptor = Acceptor::<R>::bind("127.0.0.1:0", settings).await.unwrap();
    let url = format!("wss://{HERE}:{}/", acceptor.local_address().unwrap().port());
    let trusting = |set: &Set| ClientTls::roots(&set.root).unwrap();
    // One trust for all attempts of the old: its session could be resumed
    let (old_trust, new_trust) = (trusting(&old), trusting(&new));

    let (client, server) = both(attempt::<R>(&url, old_trust.clone()), accept(&mut acceptor)).await;
    let timer = R::default().timer();
    let live = Connection::new(client.unwrap(), timer.clone(), ConnectionConfig::client(), 1);
    let held = Connection::new(server.unwrap().0, timer, ConnectionConfig::server(), 1);
    let (mut live, mut held): (Ours<R>, Ours<R>) = (live, held);

    // What cannot be used says which setting it is, and the old one stays
    let bad = ServerTls::from_pem(&new.server.certificate, &old.server.key).unwrap_err();
    assert_eq!(bad.setting(), "key");
    let (client, server) = both(attempt::<R>(&url, old_trust.clone()), accept(&mut acceptor)).await;
    assert!(client.is_ok() && server.is_ok());

    serving.reload(&shown(&new.server));
    let (client, server) = both(attempt::<R>(&url, new_trust.clone()), accept(&mut acceptor)).await;
    assert!(client.is_ok() && server.is_ok());
    let (client, _) = both(attempt::<R>(&url, old_trust.clone()), accept(&mut acceptor)).await;
    let refused = client.map(drop).unwrap_err();
    assert!(matches!(refused, ConnectError::Tls(TlsError::UnknownIssuer(_))), "{refused:?}");

    // A client's trust is replaced under its connector in the same way
    let connector = Connector::<R>::new(&url).unwrap().tls(old_trust.clone());
    old_trust.reload(&new_trust);
    let mut connector = connector;
    let (client, server) = both(connector.connect(Attempt::first()), accept(&mut acceptor)).await;
    assert!(client.is_ok() && server.is_ok());

    // And who was there before is still there
    live.send("still here").await.unwrap();
    let heard = loop {
        match held.next().await {
            Some(Event::Message(message)) => break message,
            Some(_) => {}
            None => panic!("it ended"),
        }
    };
    assert_eq!(heard, Message::from("still here"));
}
