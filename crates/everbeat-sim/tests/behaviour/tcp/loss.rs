//! What is lost is sent again, and nothing behind it is handed up before.

use std::time::Duration;

use everbeat_core::transport::{Outgoing, Transport};
use everbeat_sim::for_each_seed;

use crate::support::pipes::{
    NOW, at, big, count, flush, give, path, read, recv, said, say, setup, text,
};
use crate::support::{MS, SECOND};

#[test]
fn a_hole_is_noticed_when_something_behind_it_arrives_and_holds_everything_up() {
    let (mut sim, link, mut client, mut server) = setup(50 * MS);
    link.to("server").loss(1.0);
    say(&mut client, text("one"));
    link.to("server").loss(0.0);
    sim.run_until(at(10)).unwrap();
    say(&mut client, text("two"));
    sim.run_until(at(11)).unwrap();
    say(&mut client, text("three"));
    sim.run_until(at(159)).unwrap();
    assert_eq!((read(&mut server), server.received()), (vec![], 0), "two waits for one");
    // The second came at 60, which was told at 110, and the first left anew.
    sim.run_until(at(160)).unwrap();
    assert_eq!(read(&mut server), ["one", "two", "three"].map(|word| said(text(word))));
    sim.run_for(10 * SECOND).unwrap();
    assert_eq!((count(&sim, "sent again"), path(&client).1), (1, 0), "only what was lost");
}

#[test]
fn with_nothing_behind_it_the_timeout_notices_and_doubles_each_time() {
    let (mut sim, link, mut client, mut server) = setup(50 * MS);
    link.to("server").loss(1.0);
    say(&mut client, text("ping"));
    // A round trip of 100 ms, and four times its supposed variation of 50 ms.
    // The first is a probe, after which the timeout begins anew.
    let left = [0, 300, 600, 1_200, 2_400, 4_800];
    for pair in left.windows(2) {
        sim.run_until(at(pair[1] - 1)).unwrap();
        let again = count(&sim, "sent again");
        sim.run_until(at(pair[1])).unwrap();
        assert_eq!(count(&sim, "sent again"), again + 1, "at {pair:?}");
    }
    link.to("server").loss(0.0);
    sim.run_until(at(9_650)).unwrap();
    assert_eq!(read(&mut server), [said(text("ping"))], "sent again at 9.6 s");
}

#[test]
fn once_something_was_acknowledged_the_timeout_begins_anew() {
    let (mut sim, link, mut client, mut server) = setup(50 * MS);
    link.to("server").loss(1.0);
    say(&mut client, text("one"));
    sim.run_until(at(4_600)).unwrap();
    link.to("server").loss(0.0);
    sim.run_until(at(9_400)).unwrap();
    assert_eq!(path(&client).1, 0);
    link.to("server").loss(1.0);
    say(&mut client, text("two"));
    sim.run_until(at(9_600)).unwrap();
    link.to("server").loss(0.0);
    sim.run_until(at(9_400 + 300 + 50)).unwrap();
    assert_eq!(read(&mut server).len(), 2);
}

#[test]
fn of_a_burst_that_is_lost_the_first_is_tried_and_then_the_rest_follows() {
    let (mut sim, link, mut client, mut server) = setup(50 * MS);
    link.to("server").loss(1.0);
    for _ in 0..5 {
        say(&mut client, text("x"));
    }
    link.to("server").loss(0.0);
    sim.run_until(at(350)).unwrap();
    assert_eq!(read(&mut server).len(), 1, "the timeout sends one");
    sim.run_until(at(450)).unwrap();
    assert_eq!(read(&mut server).len(), 4, "its acknowledgement shows that the others are lost");
}

#[test]
fn an_acknowledgement_that_is_lost_is_made_up_for_by_the_next() {
    let (mut sim, link, mut client, _server) = setup(50 * MS);
    link.to("client").loss(1.0);
    say(&mut client, text("one"));
    sim.run_until(at(60)).unwrap();
    link.to("client").loss(0.0);
    say(&mut client, text("two"));
    sim.run_until(at(160)).unwrap();
    assert_eq!(path(&client), (9 + 9, 0, NOW));
    sim.run_for(10 * SECOND).unwrap();
    assert_eq!(count(&sim, "sent again"), 0);
}

#[test]
fn what_arrives_twice_is_read_once_and_acknowledged_twice() {
    let (mut sim, link, mut client, mut server) = setup(50 * MS);
    link.to("client").loss(1.0);
    say(&mut client, text("one"));
    sim.run_until(at(290)).unwrap();
    link.to("client").loss(0.0);
    sim.run_until(at(400)).unwrap();
    assert_eq!((count(&sim, "sent again"), path(&client)), (1, (9, 0, NOW)));
    assert_eq!((read(&mut server).len(), server.received()), (1, 9));
}

#[test]
fn whatever_is_lost_both_ways_all_arrives_once_and_in_order() {
    for_each_seed(0..50, |sim| {
        let link = sim.link("client", "server");
        link.delay(20 * MS).jitter(30 * MS).loss(0.15).buffer(10_000).rate(100_000);
        let (mut client, mut server) = sim.pipe("client", "server");
        sim.spawn(async move {
            for number in 0..100_u8 {
                let size = 1 + usize::from(number) * 50;
                client.send(Outgoing::Message(vec![number; size].into())).await.unwrap();
            }
            while client.next().await.is_some() {}
        });
        for number in 0..100_u8 {
            let next = sim.block_on(server.next(), 120 * SECOND).unwrap();
            assert_eq!(next, Some(Ok(said(vec![number; 1 + usize::from(number) * 50].into()))));
        }
    });
}

#[test]
fn a_road_that_is_only_slow_has_nothing_sent_twice() {
    for rate in [500, 3_000, 20_000, 1_000_000] {
        let (mut sim, link, mut client, mut server) = setup(200 * MS);
        link.rate(rate).to("server").jitter(100 * MS);
        say(&mut client, big(10_000));
        for _ in 0..300 {
            sim.run_for(100 * MS).unwrap();
            assert_eq!(count(&sim, "sent again"), 0, "{rate} B/s at {:?}", sim.now());
        }
        assert_eq!(read(&mut server).len(), 1);
    }
}

#[test]
fn a_ping_waits_behind_what_was_written_before_it() {
    let (mut sim, link, mut client, mut server) = setup(Duration::ZERO);
    link.to("server").rate(10_000);
    say(&mut client, big(49_986)); // with its header five seconds of the road
    sim.run_until(at(1_000)).unwrap();
    assert!(give(&mut client, Outgoing::Ping([1; 8])).is_ready());
    sim.run_until(at(4_999)).unwrap();
    assert!(recv(&mut server).is_pending());
    sim.run_until(at(5_002)).unwrap();
    assert_eq!(read(&mut server).len(), 2);
    assert!(flush(&mut client).is_ready());
}

#[test]
fn a_road_that_has_become_longer_is_learnt() {
    let (mut sim, link, mut client, mut server) = setup(10 * MS);
    link.delay(400 * MS);
    let mut again = Vec::new();
    for _ in 0..10 {
        let before = count(&sim, "sent again");
        say(&mut client, text("x"));
        sim.run_for(5 * SECOND).unwrap();
        again.push(count(&sim, "sent again") - before);
    }
    assert!(again[0] > 0 && again[5..] == [0; 5], "{again:?}");
    assert_eq!(read(&mut server).len(), 10);
}
