//! What is said to many, past the tasks whose sockets are lent: in order among all that goes to a
//! peer, whole, on every account.

use everbeat_core::Cause;
use everbeat_core::cause::{CloseCode, CloseFrame};
use everbeat_server::Limits;
use everbeat_sim::{Sim, for_each_seed};

use super::rig::{SECOND, ServerConnection, builder, noting, reading, start};

const PEERS: usize = 6;

/// By each way that there is, to all: a few at once, so that they do not fit where the road is narrow
#[test]
fn by_whichever_way_a_peer_is_told_it_hears_all_in_the_order_in_which_it_was_said() {
    for_each_seed(0..40, |sim| {
        for (peer, (buffer, rate)) in
            [(100, 2_000), (200, 4_000), (4_000, 9_000)].into_iter().enumerate()
        {
            sim.link(&format!("c{peer}"), "server").delay(SECOND / 100).rate(rate).buffer(buffer);
        }
        let limits = Limits::default().queued(1_000, 1 << 20);
        let host = start(sim, builder(sim).interval(SECOND).limits(limits), noting(sim).1);
        let peers: Vec<_> = (0..PEERS).map(|n| reading(sim, &format!("c{n}")).0).collect();
        sim.run_for(SECOND).unwrap();
        assert_eq!(host.registry.len(), PEERS);
        let mut said = Vec::new();
        for number in 0..120 {
            let text = format!("{number} {}", "x".repeat(number * 7 % 90));
            match number % 5 {
                0 => host.registry.handles().iter().for_each(|one| one.send(text.clone()).unwrap()),
                1 => {
                    let broadcast = host.registry.broadcast(text.clone());
                    assert!(sim.block_on(broadcast, SECOND).unwrap().unwrap().is_empty());
                }
                _ => assert!(host.registry.send_all(text.clone()).unwrap().is_empty()),
            }
            said.push(text);
            if number % 3 == 0 {
                sim.run_for(SECOND / 8).unwrap();
            }
        }
        // What was said before goes before the Close.
        host.registry.close_all(&CloseFrame::from(CloseCode::NORMAL));
        sim.run_for(20 * SECOND).unwrap();
        for (peer, heard) in peers.iter().enumerate() {
            let heard = heard.borrow();
            assert!(heard.texts == said, "peer {peer}: {:?}", heard.texts);
            assert_eq!(heard.close, Some(CloseCode::NORMAL.into()), "peer {peer}");
        }
    });
}

/// A connection's books know of what went past its task: what is proven, what is not, and how much
#[test]
fn what_went_past_a_task_is_on_its_books() {
    for_each_seed(0..20, |sim| {
        let fates = std::rc::Rc::new(std::cell::Cell::new(None));
        let noted = fates.clone();
        let handler = move |mut connection: ServerConnection, _| {
            let noted = noted.clone();
            async move {
                while let Some(event) = connection.next().await {
                    if let everbeat_core::Event::Disconnected(end) = event {
                        noted.set(Some((connection.delivered(), end.unconfirmed.count)));
                    }
                }
                Ok::<_, Cause>(())
            }
        };
        let host = start(sim, builder(sim).interval(5 * SECOND).timeout(5 * SECOND), handler);
        let (heard, _task) = reading(sim, "client");
        sim.run_for(SECOND / 2).unwrap();
        let handle = host.registry.handles().remove(0);
        let bytes = |sim: &Sim| handle.stats(sim.now()).sent;
        for number in 1..=10 {
            let before = bytes(sim);
            assert!(host.registry.send_all("x".repeat(50)).unwrap().is_empty());
            sim.run_for(SECOND / 2).unwrap();
            assert!(bytes(sim) >= before + 52, "{} of message {number}", bytes(sim) - before);
        }
        sim.run_for(6 * SECOND).unwrap();
        sim.link("client", "server").stall();
        for _ in 0..5 {
            assert!(host.registry.send_all("x".repeat(50)).unwrap().is_empty());
        }
        sim.run_for(SECOND / 10).unwrap();
        sim.link("client", "server").reset();
        sim.run_for(SECOND).unwrap();
        let Some((delivered, unconfirmed)) = fates.get() else { panic!("it did not end") };
        assert_eq!((delivered, unconfirmed, heard.borrow().texts.len()), (10, 5, 10));
    });
}
