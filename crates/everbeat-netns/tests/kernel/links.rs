//! What a network carries as soon as there is one.

use super::*;

/// A lost first packet is sent again after a second; a refusal takes no millisecond
const LOST: Duration = Duration::from_millis(900);
/// Of so many networks some lose it, if nobody waits for their links: one of five, where the machine
/// has something else to do
const NETWORKS: usize = 20;

#[test]
fn the_first_packet_between_two_hosts_arrives() {
    let Some(tools) = possible("the_first_packet_between_two_hosts_arrives") else { return };
    for _ in 0..NETWORKS {
        let (_network, client, server) = network(&tools);
        let to = SocketAddr::from((server.v4(), PORT));
        let begun = Instant::now();
        let answer = client.place().run(move || TcpStream::connect_timeout(&to, PATIENCE)).unwrap();
        let took = begun.elapsed();
        assert_eq!(answer.unwrap_err().kind(), ErrorKind::ConnectionRefused);
        assert!(took < LOST, "refused after {took:?}");
    }
}
