//! Each fault over real sockets: what the two ends see, and what they do not.

use std::num::NonZeroU32;
use std::time::Duration;

use everbeat_faults::{Direction, Fault, Proxy, Schedule};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

use crate::rig::{Rig, Seen, WHILE, reset, seen, seen_for_a_while, soon};

fn nothing() -> Seen {
    Seen::Nothing(vec![])
}

#[tokio::test]
async fn without_faults_ends_and_resets_go_through_as_they_came() {
    let rig = Rig::new().await;

    let (mut client, mut server) = rig.pair().await;
    client.write_all(b"last").await.unwrap();
    client.shutdown().await.unwrap();
    assert_eq!(seen(&mut server).await, Seen::End(b"last".to_vec()));
    server.write_all(b"the other half is open").await.unwrap();
    drop(server);
    assert_eq!(seen(&mut client).await, Seen::End(b"the other half is open".to_vec()));

    let (client, mut server) = rig.pair().await;
    reset(client);
    assert_eq!(seen(&mut server).await, Seen::Reset(vec![]));

    let (mut client, mut server) = rig.pair().await;
    server.write_all(b"bye").await.unwrap();
    reset(server);
    assert_eq!(seen(&mut client).await, Seen::Reset(b"bye".to_vec()));
}

#[tokio::test]
async fn a_reset_behind_an_end_of_stream_goes_through() {
    let rig = Rig::new().await;
    let (mut client, mut server) = rig.pair().await;
    client.shutdown().await.unwrap();
    assert_eq!(seen(&mut server).await, Seen::End(vec![]));
    reset(client);
    let refused = async {
        while server.write_all(b"anyone?").await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    soon(refused).await;
}

#[tokio::test]
async fn a_black_hole_both_ways_takes_bytes_and_ends_and_heals_into_a_reset() {
    let rig = Rig::new().await;
    let (mut client, mut server) = rig.pair().await;
    rig.proxy.inject(Fault::BlackHole(Direction::Both));
    client.write_all(b"anyone?").await.unwrap();
    server.write_all(b"anyone?").await.unwrap();
    server.shutdown().await.unwrap();
    assert_eq!(seen_for_a_while(&mut client).await, nothing());
    assert_eq!(seen_for_a_while(&mut server).await, nothing());
    rig.proxy.inject(Fault::Heal);
    assert_eq!(seen(&mut client).await, Seen::Reset(vec![]));
    assert_eq!(seen(&mut server).await, Seen::Reset(vec![]));
}

#[tokio::test]
async fn a_black_hole_one_way_leaves_the_other_way_open() {
    for direction in [Direction::ToServer, Direction::ToClient] {
        let rig = Rig::new().await;
        let (client, server) = rig.pair().await;
        let (mut deaf, mut heard) = match direction {
            Direction::ToServer => (server, client),
            _ => (client, server),
        };
        rig.proxy.inject(Fault::BlackHole(direction));
        heard.write_all(b"into the hole").await.unwrap();
        deaf.write_all(b"audible").await.unwrap();
        let mut audible = [0; 7];
        soon(heard.read_exact(&mut audible)).await.unwrap();
        assert_eq!(&audible, b"audible");
        assert_eq!(seen_for_a_while(&mut deaf).await, nothing());
        // The deaf end gives up, and the other sees that.
        reset(deaf);
        assert_eq!(seen(&mut heard).await, Seen::Reset(vec![]));
    }
}

#[tokio::test]
async fn an_end_into_a_black_hole_is_shown_when_it_heals() {
    let rig = Rig::new().await;
    let (mut client, mut server) = rig.pair().await;
    rig.proxy.inject(Fault::BlackHole(Direction::ToServer));
    client.shutdown().await.unwrap();
    assert_eq!(seen_for_a_while(&mut server).await, nothing());
    rig.proxy.inject(Fault::Heal);
    assert_eq!(seen(&mut server).await, Seen::End(vec![]));
    drop(server);
    assert_eq!(seen(&mut client).await, Seen::End(vec![]));
}

#[tokio::test]
async fn a_connection_made_in_a_black_hole_reaches_the_server_when_it_heals() {
    let rig = Rig::new().await;
    rig.proxy.inject(Fault::BlackHole(Direction::Both));
    let gave_up = rig.dial().await;
    let mut patient = rig.dial().await;
    patient.write_all(b"patience").await.unwrap();
    assert!(timeout(WHILE, rig.listener.accept()).await.is_err());
    drop(gave_up);
    tokio::time::sleep(WHILE).await;

    rig.proxy.inject(Fault::Heal);
    let (mut server, _) = soon(rig.listener.accept()).await.unwrap();
    let mut word = [0; 8];
    soon(server.read_exact(&mut word)).await.unwrap();
    assert_eq!(&word, b"patience");
    assert!(timeout(WHILE, rig.listener.accept()).await.is_err(), "a ghost reached the server");
}

#[tokio::test]
async fn a_delay_delays_bytes_and_the_end_behind_them() {
    let delay = Duration::from_millis(200);
    let rig = Rig::new().await;
    let (mut client, mut server) = rig.pair().await;
    rig.proxy.inject(Fault::Delay(Direction::ToServer, delay));
    let start = Instant::now();
    client.write_all(b"slow").await.unwrap();
    client.shutdown().await.unwrap();
    assert_eq!(seen(&mut server).await, Seen::End(b"slow".to_vec()));
    assert!(start.elapsed() >= delay);
}

#[tokio::test]
async fn a_delay_of_one_direction_leaves_the_other_alone() {
    let rig = Rig::new().await;
    let (mut client, mut server) = rig.pair().await;
    rig.proxy.inject(Fault::Delay(Direction::ToServer, Duration::from_secs(3_600)));
    client.write_all(b"tomorrow").await.unwrap();
    server.write_all(b"today").await.unwrap();
    let mut word = [0; 5];
    soon(client.read_exact(&mut word)).await.unwrap();
    assert_eq!(&word, b"today");
    assert_eq!(seen_for_a_while(&mut server).await, nothing());
}

#[tokio::test]
async fn a_rate_is_not_exceeded() {
    let rig = Rig::new().await;
    let (mut client, mut server) = rig.pair().await;
    rig.proxy.inject(Fault::Rate(Direction::ToClient, NonZeroU32::new(10_000).unwrap()));
    let start = Instant::now();
    server.write_all(&[7; 4_000]).await.unwrap();
    drop(server);
    assert_eq!(seen(&mut client).await, Seen::End(vec![7; 4_000]));
    // 4,000 bytes less the last portion.
    assert!(start.elapsed() >= Duration::from_millis(380), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_stall_blocks_the_sender_until_it_heals() {
    let rig = Rig::new().await;
    let (mut client, mut server) = rig.pair().await;
    rig.proxy.inject(Fault::Stall(Direction::ToClient));
    client.write_all(b"audible").await.unwrap();
    let mut word = [0; 7];
    soon(server.read_exact(&mut word)).await.unwrap();
    // More than loopback's buffers grow to.
    let flood = vec![7; 16 << 20];
    let sending = tokio::spawn(async move { server.write_all(&flood).await });
    assert_eq!(seen_for_a_while(&mut client).await, nothing());
    assert!(!sending.is_finished());
    rig.proxy.inject(Fault::Heal);
    let Seen::End(all) = seen(&mut client).await else { panic!("no end of stream") };
    assert!(all.len() == 16 << 20 && all.iter().all(|&byte| byte == 7));
    soon(sending).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_reset_passes_a_stall() {
    let rig = Rig::new().await;
    let (mut client, server) = rig.pair().await;
    rig.proxy.inject(Fault::Stall(Direction::ToClient));
    assert_eq!(seen_for_a_while(&mut client).await, nothing());
    reset(server);
    assert_eq!(seen(&mut client).await, Seen::Reset(vec![]));
}

#[tokio::test]
async fn a_reset_is_seen_by_both_ends() {
    let rig = Rig::new().await;
    let (mut client, mut server) = rig.pair().await;
    rig.proxy.inject(Fault::Reset);
    assert_eq!(seen(&mut client).await, Seen::Reset(vec![]));
    assert_eq!(seen(&mut server).await, Seen::Reset(vec![]));
    // A moment: the next connection is not hit.
    rig.pair().await;
}

#[tokio::test]
async fn a_half_close_is_seen_by_the_receiver_only() {
    let rig = Rig::new().await;
    let (mut client, mut server) = rig.pair().await;
    rig.proxy.inject(Fault::HalfClose(Direction::ToClient));
    assert_eq!(seen(&mut client).await, Seen::End(vec![]));
    server.write_all(b"vanishes").await.unwrap();
    client.write_all(b"arrives").await.unwrap();
    let mut word = [0; 7];
    soon(server.read_exact(&mut word)).await.unwrap();
    assert_eq!(&word, b"arrives");
    assert_eq!(seen_for_a_while(&mut server).await, nothing());
    drop(client);
    assert_eq!(seen(&mut server).await, Seen::End(vec![]));
}

#[tokio::test]
async fn a_cut_is_exact_at_both_ends() {
    let rig = Rig::new().await;
    let (mut client, mut server) = rig.pair().await;
    // One byte has gone already.
    rig.proxy.inject(Fault::CutAt(Direction::ToServer, 5));
    client.write_all(b"abcdefgh").await.unwrap();
    assert_eq!(seen(&mut server).await, Seen::End(b"abcd".to_vec()));
    assert_eq!(seen(&mut client).await, Seen::Reset(vec![]));
}

#[tokio::test]
async fn a_server_that_is_down_resets_and_one_that_moved_is_found() {
    let rig = Rig::new().await;
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    rig.proxy.redirect(nobody);
    assert_eq!(seen(&mut rig.dial().await).await, Seen::Reset(vec![]));
    rig.proxy.redirect(rig.listener.local_addr().unwrap());
    rig.pair().await;
    assert_eq!(rig.proxy.accepted(), 2);
}

#[tokio::test]
async fn one_connection_alone_is_hit_and_counted() {
    let rig = Rig::new().await;
    let (mut first, _first_served) = rig.pair().await;
    let (mut second, _second_served) = rig.pair().await;
    let relays = rig.proxy.connections();
    assert_eq!(relays.iter().map(|relay| relay.id()).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(relays[1].carried(Direction::ToServer), 1);
    assert_eq!(relays[1].carried(Direction::Both), 2);
    relays[0].inject(Fault::Reset);
    assert_eq!(seen(&mut first).await, Seen::Reset(vec![]));
    assert_eq!(seen_for_a_while(&mut second).await, nothing());
    assert!(!relays[0].is_open() && relays[1].is_open());
    assert_eq!(rig.proxy.connections().len(), 1);
}

#[tokio::test]
async fn who_listens_is_told_who_sent_what_and_its_end() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (sender, mut heard) = mpsc::unbounded_channel();
    let proxy = Proxy::tapped(listener.local_addr().unwrap(), move |id, direction, bytes| {
        sender.send((id, direction, bytes.to_vec())).unwrap();
    });
    let proxy = proxy.await.unwrap();
    let mut client = TcpStream::connect(proxy.address()).await.unwrap();
    let (mut server, _) = soon(listener.accept()).await.unwrap();
    client.write_all(b"ask").await.unwrap();
    assert_eq!(soon(heard.recv()).await, Some((1, Direction::ToServer, b"ask".to_vec())));
    server.write_all(b"answer").await.unwrap();
    server.shutdown().await.unwrap();
    assert_eq!(soon(heard.recv()).await, Some((1, Direction::ToClient, b"answer".to_vec())));
    assert_eq!(soon(heard.recv()).await, Some((1, Direction::ToClient, Vec::new())));
    assert_eq!(seen(&mut client).await, Seen::End(b"answer".to_vec()));
}

#[tokio::test]
async fn a_schedule_is_played_in_order_and_states_wait_for_new_connections() {
    let rig = Rig::new().await;
    let (mut before, _served) = rig.pair().await;
    let schedule = Schedule::new()
        .at(Duration::from_millis(60), Fault::CutAt(Direction::ToClient, 3))
        .at(Duration::from_millis(20), Fault::Reset);
    let start = Instant::now();
    soon(rig.proxy.play(&schedule)).await;
    assert!(start.elapsed() >= schedule.length());
    assert_eq!(seen(&mut before).await, Seen::Reset(vec![]));

    let (mut after, mut served) = rig.pair().await;
    served.write_all(b"abc").await.unwrap();
    assert_eq!(seen(&mut after).await, Seen::End(b"ab".to_vec()));
}

#[tokio::test]
async fn dropping_the_proxy_ends_its_connections() {
    let Rig { listener, proxy } = Rig::new().await;
    let rig = Rig { listener, proxy: Proxy::start(proxy.address()).await.unwrap() };
    drop(proxy);
    assert_eq!(seen(&mut rig.dial().await).await, Seen::Reset(vec![]));

    let rig = Rig::new().await;
    let (mut client, _server) = rig.pair().await;
    let address = rig.proxy.address();
    drop(rig.proxy);
    assert_eq!(seen(&mut client).await, Seen::End(vec![]));
    assert!(TcpStream::connect(address).await.is_err());
}
