//! What is said to many, while peers and handlers talk: frames are whole, and everybody's words come
//! in the order in which they were said.

use std::thread;
use std::time::Duration;

use everbeat_core::Message;
use everbeat_server::Registry;

use super::Host;
use super::house::{Known, keep, wishes};
use crate::peer::{Peer, masked, pause};

const PEERS: usize = 8;
/// Who speaks to all, each from a thread of its own
const SPEAKERS: usize = 2;
/// What each says, within what a mailbox holds of those who hear slowly
const WORDS: usize = 400;
const LONGEST: usize = 2_000;

pub(super) async fn is_in_order<R: Host>() {
    keep::<R, _, _>(wishes(|builder| builder), |house| async move {
        let peers: Vec<_> = (0..PEERS)
            .map(|number| house.peer("one-of-many", move |peer| talk_and_listen(peer, number)))
            .collect();
        house.until("all are there", || house.registry.len() == PEERS).await;
        let speakers: Vec<_> = (0..SPEAKERS)
            .map(|speaker| {
                let registry = house.registry.clone();
                thread::spawn(move || speak(&registry, speaker))
            })
            .collect();
        for done in speakers.into_iter().chain(peers) {
            house.joined(done).await;
        }
        assert_eq!(house.reported(), []);
    })
    .await;
}

/// To all at once for the most part, and now and then to each: by either way it comes in order
fn speak(registry: &Registry<Known>, speaker: usize) {
    for number in 0..WORDS {
        let word = Message::from(word(speaker, number));
        if number % 5 == 3 {
            registry.handles().iter().for_each(|handle| handle.send(word.clone()).unwrap());
        } else {
            assert!(registry.send_all(word).unwrap().is_empty(), "nobody is slow");
        }
        if number % 4 == 0 {
            // Who waits has his socket lent
            pause(Duration::from_millis(1));
        }
    }
}

/// Talks to its handler, which echoes, and pings meanwhile
fn talk_and_listen(mut peer: Peer, number: usize) {
    peer.make_room(64 << 10);
    let mut mouth = peer.again();
    let talks = thread::spawn(move || {
        for said in 0..WORDS {
            mouth.say(&masked(0x81, word(SPEAKERS, said).as_bytes()));
            if said % 100 == 0 {
                mouth.say(&masked(0x89, b"here"));
            }
            pause(Duration::from_micros(100 + 300 * number as u64));
        }
    });
    let mut next = [0; SPEAKERS + 1];
    while next != [WORDS; SPEAKERS + 1] {
        match peer.frame() {
            (0x8a, payload) => assert_eq!(payload, b"here"),
            (0x81, payload) => {
                let heard = String::from_utf8(payload).unwrap();
                let speaker = usize::from(heard.as_bytes()[0] - b'0');
                assert_eq!(heard, word(speaker, next[speaker]));
                next[speaker] += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    talks.join().unwrap();
}

/// Who says it, which it is, and a length that nobody can foretell but who knows both
fn word(speaker: usize, number: usize) -> String {
    let length = (number * 7_919 + speaker * 104_729) % LONGEST;
    format!("{speaker} {number} {}", "x".repeat(length))
}
