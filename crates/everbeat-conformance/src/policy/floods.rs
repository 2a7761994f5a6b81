//! Peers that say too much.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::Host;
use super::house::{keep, wishes};
use crate::peer::{Peer, masked};

const PINGS: usize = 10_000;

/// Floods with Pings; the code that it is told
pub(super) fn flood(mut peer: Peer) -> u16 {
    peer.say(&masked(0x89, b"flood").repeat(PINGS));
    peer.close().0
}

pub(super) async fn pings<R: Host>() {
    keep::<R, _, _>(wishes(|builder| builder), |house| async move {
        let flood = house.peer("flood", flood);
        let neighbour = house.peer("neighbour", |mut peer| peer.exchange("hello"));
        assert_eq!(house.joined(flood).await, 1008);
        assert_eq!(house.joined(neighbour).await, "hello");
        assert_eq!(house.reported(), [], "it has broken a rule of the protocol's, not of time");
    })
    .await;
}

pub(super) async fn messages<R: Host>() {
    const MESSAGES: usize = 1_000;
    const SIZE: usize = 4 << 10;
    /// What the sockets, the transport and the connection may hold: small ones, as they were asked
    const UNDER_WAY: usize = 100;
    keep::<R, _, _>(wishes(|builder| builder), |house| async move {
        let said = Arc::new(AtomicUsize::new(0));
        let saying = said.clone();
        let flood = house.peer("busy", move |peer| {
            let (mut talk, mut hear) = (peer.again(), peer);
            let talking = std::thread::spawn(move || {
                let message = masked(0x81, &[b'x'; SIZE]);
                for _ in 0..MESSAGES {
                    talk.try_say(&message).unwrap();
                    saying.fetch_add(1, Ordering::SeqCst);
                }
            });
            let heard = (0..MESSAGES).filter(|_| hear.text().len() == SIZE).count();
            talking.join().unwrap();
            heard
        });
        let mut most = 0;
        let (had, ahead) = (house.had.clone(), &mut most);
        house
            .until("the flood is over", || {
                // The handler's count first: it only grows until the other is read
                let had = had.load(Ordering::SeqCst);
                *ahead = said.load(Ordering::SeqCst).saturating_sub(had).max(*ahead);
                had == MESSAGES
            })
            .await;
        assert_eq!(house.joined(flood).await, MESSAGES, "it is ended for nothing");
        assert!(most <= UNDER_WAY, "{most} messages were under way");
        assert_eq!(house.reported(), []);
    })
    .await;
}
