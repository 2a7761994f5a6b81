//! A conversation that is said in two parts, cut at every byte, over one connection: the answers are
//! the same to the byte.

use std::io::{Read, Write};
use std::thread;

use everbeat_ws::{Runtime, Settings};

use super::ours;
use super::wire::Wire;
use crate::peer::{ASK, masked, plain};
use crate::server_side::{accept, acceptor};

/// What is said, and what comes back
fn conversation() -> (Vec<u8>, Vec<u8>) {
    let long = [b'x'; 300];
    let said = [
        masked(0x81, "grüße".as_bytes()),
        masked(0x01, &[b'a', 0xf0, 0x9f]),
        masked(0x89, b"between"),
        masked(0x80, &[0xa6, 0x80]),
        masked(0x82, &long),
        masked(0x02, b"1"),
        masked(0x00, b""),
        masked(0x80, b"2"),
    ];
    let answered = [
        plain(0x81, "grüße".as_bytes()),
        plain(0x8a, b"between"),
        plain(0x81, "a🦀".as_bytes()),
        plain(0x82, &long),
        plain(0x82, b"12"),
    ];
    (said.concat(), answered.concat())
}

pub(super) async fn at_every_byte<R: Runtime>() {
    let (mut acceptor, address) = acceptor::<R>(Settings::default()).await;
    let peer = thread::spawn(move || {
        let mut wire = Wire::client(std::net::TcpStream::connect(address).unwrap(), false);
        wire.write_all(ASK.as_bytes()).unwrap();
        assert!(wire.head().unwrap().starts_with("HTTP/1.1 101 "));
        let (said, answered) = conversation();
        let mark = plain(0x8a, b"here");
        for cut in 0..said.len() {
            // Whoever answers the Ping has very likely read what was said in one breath with it
            let (before, behind) = said.split_at(cut);
            wire.write_all(&[&masked(0x89, b"here")[..], before].concat()).unwrap();
            let mut heard = vec![0; mark.len()];
            wire.read_exact(&mut heard).unwrap();
            assert_eq!(heard, mark, "cut at {cut}");
            wire.write_all(behind).unwrap();
            let mut heard = vec![0; answered.len()];
            wire.read_exact(&mut heard).unwrap();
            assert_eq!(heard, answered, "cut at {cut}");
        }
        wire.write_all(&masked(0x88, &1000u16.to_be_bytes())).unwrap();
    });
    let (mut websocket, ..) = accept(&mut acceptor).await.unwrap();
    let echoed = ours::echo(&mut websocket, None).await;
    peer.join().unwrap();
    echoed.unwrap();
}
