//! What is said to many, past the tasks whose sockets are lent: in order among all that goes to a
//! peer, whole, on every account.

use std::cell::Cell;
use std::rc::Rc;

use everbeat_core::Cause;
use everbeat_core::cause::{CloseCode, CloseFrame};
use everbeat_server::{Expire, Limits};
use everbeat_sim::{Sim, for_each_seed};

use super::rig::{Host, SECOND, ServerConnection, builder, noting, reading, seconds, start};

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
        let fates = Rc::new(Cell::new(None));
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

/// Seen by where a message is right after it was said: in a mailbox, or past it
#[test]
fn nobody_is_lent_a_socket_whose_peer_is_asked_or_whose_messages_have_a_time() {
    // More seeds than these are asked for at times.
    let (past, of) = (Cell::new(0), Cell::new(0));
    for_each_seed(0..20, |sim| {
        of.set(of.get() + 1);
        let host = start(sim, builder(sim).interval(SECOND).timeout(60 * SECOND), noting(sim).1);
        let (_heard, _task) = reading(sim, "client");
        sim.run_for(SECOND / 2).unwrap();
        assert!(host.registry.send_all("nobody is asked").unwrap().is_empty());
        past.set(past.get() + usize::from(queued(&host) == 0));
        sim.link("client", "server").mute();
        sim.run_for(3 * SECOND).unwrap();
        assert!(host.registry.send_all("here?").unwrap().is_empty());
        assert_eq!(queued(&host), 1);
    });
    assert!((1..of.get()).contains(&past.get()), "{} of {}", past.get(), of.get());
    for_each_seed(0..20, |sim| {
        let rules = builder(sim).expire(Expire::default().idle(5 * SECOND));
        let (ends, handler) = noting(sim);
        let host = start(sim, rules, handler);
        let (_heard, _task) = reading(sim, "client");
        sim.run_for(3 * SECOND).unwrap();
        assert!(host.registry.send_all("it begins now").unwrap().is_empty());
        assert_eq!(queued(&host), 1);
        sim.run_for(20 * SECOND).unwrap();
        let ended = ends.borrow()[0].2;
        assert!(ended >= seconds(8.0) && ended < seconds(8.5), "{ended:?}");
    });
}

fn queued(host: &Host) -> usize {
    host.registry.handles().iter().map(|one| one.stats(seconds(0.0)).queued).sum()
}
