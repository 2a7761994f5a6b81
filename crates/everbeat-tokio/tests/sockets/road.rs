//! What a server's handler is told of the road: through its mailbox, on a clock that all share, over
//! TLS.

use std::net::{IpAddr, Ipv4Addr};

use everbeat_conformance::certificates::Authority;
use everbeat_tokio::core::transport::Transport;
use everbeat_tokio::server::Connection;
use everbeat_tokio::transport::tls::{ClientTls, ServerTls};
use everbeat_tokio::{Client, Event, Message, Server};

use crate::peer::soon;

#[tokio::test]
async fn a_served_connection_knows_its_road_and_its_address() {
    let authority = Authority::new();
    let certified = authority.certify("127.0.0.1");
    let certificate = ServerTls::from_pem(certified.certificate, certified.key).unwrap();
    let trust = ClientTls::roots(authority.root()).unwrap();
    let server = Server::builder()
        .listener(|listener| listener.tls(certificate))
        .bind("127.0.0.1:0")
        .await
        .unwrap();
    let url = format!("wss://{}/", server.acceptor().local_address().unwrap());
    tokio::spawn(server.serve(|mut connection: Connection| async move {
        while connection.recv().await?.is_some() {
            let (evidence, transport) = (connection.evidence(), connection.transport());
            let path = evidence.path.unwrap();
            assert_eq!(transport.local_address(), Some(IpAddr::V4(Ipv4Addr::LOCALHOST)));
            let counted = (path.acknowledged + path.unsent, transport.sent());
            connection.send(format!("{counted:?}")).await?;
        }
        Ok(())
    }));
    soon(async {
        let client = Client::builder(&url).connector(|connector| connector.tls(trust));
        let mut client = client.connect().await.unwrap();
        client.send("what do you know?").await.unwrap();
        let Some(Event::Connected { .. }) = client.next().await else { panic!("not connected") };
        let Some(Event::Message(Message::Text(heard))) = client.next().await else {
            panic!("no answer");
        };
        let counted = heard.trim_matches(['(', ')']).split_once(", ").unwrap();
        assert_eq!(counted.0, counted.1);
        assert!(counted.0.parse::<u64>().unwrap() > 500, "TLS's handshake is counted: {heard}");
    })
    .await;
}
