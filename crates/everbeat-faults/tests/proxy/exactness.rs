//! Whatever delays, rates, stalls and cuts do to the times, the bytes stay the bytes: seeded runs
//! over real sockets.

use std::num::NonZeroU32;
use std::time::Duration;

use everbeat_faults::{Direction, Fault, Relay};
use fastrand::Rng;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::sleep;

use crate::rig::{Rig, Seen, seen, soon};

fn payload(rng: &mut Rng) -> Vec<u8> {
    let length = rng.usize(1..400_000);
    std::iter::repeat_with(|| rng.u8(..)).take(length).collect()
}

async fn send(socket: &mut TcpStream, bytes: &[u8], rng: &mut Rng) {
    let mut rest = bytes;
    while !rest.is_empty() {
        let (piece, left) = rest.split_at(rng.usize(1..=rest.len().min(50_000)));
        if socket.write_all(piece).await.is_err() {
            return; // cut
        }
        rest = left;
    }
}

/// Changes the weather until the connection is through
async fn weather(relay: Relay, mut rng: Rng) {
    loop {
        let direction = [Direction::ToServer, Direction::ToClient, Direction::Both];
        let direction = direction[rng.usize(..3)];
        let rate = NonZeroU32::new(rng.u32(1_000_000..50_000_000)).unwrap();
        relay.inject(match rng.u8(..4) {
            0 => Fault::Delay(direction, Duration::from_millis(rng.u64(..10))),
            1 => Fault::Rate(direction, rate),
            2 => Fault::Stall(direction),
            _ => Fault::Heal,
        });
        sleep(Duration::from_micros(rng.u64(..4_000))).await;
        relay.inject(Fault::Heal);
    }
}

#[tokio::test]
async fn every_byte_arrives_in_order_in_any_weather() {
    for seed in 0..12 {
        let mut rng = Rng::with_seed(seed);
        let rig = Rig::new().await;
        let (mut client, mut server) = rig.pair().await;
        let relay = rig.proxy.connections().remove(0);
        let (up, down) = (payload(&mut rng), payload(&mut rng));
        let weather = tokio::spawn(weather(relay.clone(), rng.fork()));

        let (mut client_rng, mut server_rng) = (rng.fork(), rng.fork());
        let (mut client_reads, mut client_writes) = client.split();
        let (mut server_reads, mut server_writes) = server.split();
        let (mut at_client, mut at_server) = (Vec::new(), Vec::new());
        let exchange = async {
            tokio::join!(
                pour(&mut client_writes, &up, &mut client_rng),
                pour(&mut server_writes, &down, &mut server_rng),
                async { client_reads.read_to_end(&mut at_client).await.unwrap() },
                async { server_reads.read_to_end(&mut at_server).await.unwrap() },
            )
        };
        soon(exchange).await;
        weather.abort();
        assert!(at_server == up, "seed {seed}: the bytes to the server differ");
        assert!(at_client == down, "seed {seed}: the bytes to the client differ");
        assert_eq!(relay.carried(Direction::ToServer), up.len() as u64 + 1);
    }
}

async fn pour(socket: &mut (impl AsyncWriteExt + Unpin), bytes: &[u8], rng: &mut Rng) {
    let mut rest = bytes;
    while !rest.is_empty() {
        let (piece, left) = rest.split_at(rng.usize(1..=rest.len().min(50_000)));
        socket.write_all(piece).await.unwrap();
        rest = left;
    }
    socket.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_cut_at_any_byte_is_exact_under_delay_and_rate() {
    for seed in 0..12 {
        let mut rng = Rng::with_seed(seed);
        let rig = Rig::new().await;
        let (mut client, mut server) = rig.pair().await;
        let bytes = payload(&mut rng);
        let cut = rng.usize(1..=bytes.len());
        rig.proxy.inject(Fault::Delay(Direction::ToServer, Duration::from_millis(rng.u64(..20))));
        if rng.bool() {
            rig.proxy.inject(Fault::Rate(Direction::ToServer, NonZeroU32::new(4_000_000).unwrap()));
        }
        rig.proxy.inject(Fault::CutAt(Direction::ToServer, cut as u64 + 1));
        let (_, seen) = tokio::join!(send(&mut client, &bytes, &mut rng), seen(&mut server));
        let Seen::End(seen) = seen else {
            let (Seen::Reset(seen) | Seen::Nothing(seen) | Seen::End(seen)) = seen;
            panic!("seed {seed}: no end at {cut}, but after {} bytes", seen.len());
        };
        assert_eq!(seen.len(), cut, "seed {seed}");
        assert!(seen == bytes[..cut], "seed {seed}: the bytes before the cut at {cut} differ");
    }
}
