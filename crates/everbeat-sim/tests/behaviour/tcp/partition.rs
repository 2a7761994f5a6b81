//! Roads that go: both ways, one way, for a while, for good.

use std::task::Poll;
use std::time::Duration;

use everbeat_core::time::Instant;
use everbeat_core::transport::{Attempt, Connect, Outgoing, Transport};
use everbeat_sim::net::{ConnectError, PipeError};

use crate::support::pipes::{
    at, big, count, flush, give, path, read, recv, said, say, setup, text,
};
use crate::support::{MS, SECOND};

#[test]
fn what_is_written_in_a_partition_comes_when_it_is_sent_again_and_not_at_the_repair() {
    let (mut sim, link, mut client, mut server) = setup(50 * MS);
    link.partition();
    say(&mut client, text("one"));
    sim.run_until(at(1_000)).unwrap();
    link.repair();
    say(&mut client, text("two"));
    sim.run_until(at(1_049)).unwrap();
    assert_eq!(read(&mut server), []);
    // The second left at once; that it arrived shows that the first is lost.
    sim.run_until(at(1_149)).unwrap();
    assert_eq!(read(&mut server), []);
    sim.run_until(at(1_150)).unwrap();
    assert_eq!(read(&mut server), [said(text("one")), said(text("two"))]);
}

#[test]
fn eight_seconds_without_a_road_are_ten_for_a_ping() {
    let (mut sim, link, mut client, mut server) = setup(50 * MS);
    link.partition();
    assert!(give(&mut client, Outgoing::Ping([1; 8])).is_ready());
    sim.run_until(at(8_000)).unwrap();
    link.repair();
    sim.run_until(at(9_649)).unwrap();
    assert_eq!(read(&mut server), []);
    sim.run_until(at(9_650)).unwrap();
    assert_eq!(read(&mut server).len(), 1);
}

#[test]
fn one_way_the_bytes_are_lost_and_the_other_way_their_acknowledgements() {
    let (mut sim, link, mut client, mut server) = setup(10 * MS);
    link.to("client").partition();
    say(&mut client, text("up"));
    say(&mut server, text("down"));
    sim.run_until(at(1_000)).unwrap();
    assert_eq!((read(&mut server), read(&mut client)), (vec![said(text("up"))], vec![]));
    assert_eq!((path(&client), path(&server).1), ((0, 8, SECOND), 6));
    assert!(path(&server).2 < SECOND, "it hears what is sent again");
    link.to("client").repair();
    sim.run_for(2 * SECOND).unwrap();
    assert_eq!(read(&mut client), [said(text("down"))]);
    assert_eq!((path(&client).1, path(&server).1), (0, 0));
    assert_eq!(server.received(), 8, "the same bytes came several times and count once");
}

#[test]
fn to_one_host_only_means_that_way_only() {
    let (mut sim, link, mut client, mut server) = setup(10 * MS);
    link.partition();
    link.to("server").repair();
    say(&mut client, text("up"));
    say(&mut server, text("down"));
    sim.run_until(at(10)).unwrap();
    assert_eq!((read(&mut server).len(), read(&mut client).len()), (1, 0));
}

#[test]
fn what_waits_at_the_narrowest_place_when_the_road_goes_is_gone_with_it() {
    let (mut sim, link, mut client, server) = setup(10 * MS);
    link.to("server").rate(10_000);
    say(&mut client, big(20_000));
    sim.run_until(at(1_000)).unwrap();
    link.partition();
    sim.run_until(at(1_900)).unwrap();
    link.repair();
    let heard = path(&client).0;
    assert!((9_000..=10_000).contains(&heard), "{heard}");
    sim.run_for(5 * SECOND).unwrap();
    assert_eq!((path(&client).0, server.received()), (20_008, 0));
}

#[test]
fn a_hold_loses_nothing_and_lets_everything_go_at_once() {
    let (mut sim, link, mut client, mut server) = setup(10 * MS);
    link.to("server").hold();
    say(&mut client, text("one"));
    sim.run_until(at(100)).unwrap();
    say(&mut client, text("two"));
    link.to("server").release();
    sim.run_until(at(110)).unwrap();
    assert_eq!(read(&mut server), [said(text("one")), said(text("two"))]);
    assert_eq!(count(&sim, "sent again"), 0);
}

#[test]
fn a_kernel_that_nobody_answers_gives_up_after_a_quarter_of_an_hour() {
    let (mut sim, link, mut client, mut server) = setup(Duration::ZERO);
    link.cut();
    say(&mut client, text("hello?"));
    sim.run_until(at(924_799)).unwrap();
    assert!(recv(&mut client).is_pending() && flush(&mut client).is_ready());
    sim.run_until(at(924_800)).unwrap();
    assert_eq!(recv(&mut client), Poll::Ready(Some(Err(PipeError::TimedOut))));
    assert_eq!(flush(&mut client), Poll::Ready(Err(PipeError::TimedOut)));
    assert!(recv(&mut server).is_pending(), "who sends nothing notices nothing");
}

#[test]
fn an_attempt_that_nobody_answers_is_given_up_after_two_minutes() {
    let (mut sim, link, ..) = setup(10 * MS);
    link.partition();
    let attempt = sim.connector("server").connect(Attempt::first());
    let failed = sim.block_on(attempt, 200 * SECOND).unwrap().unwrap_err();
    assert_eq!(failed, ConnectError::Broken(PipeError::TimedOut));
    assert_eq!(sim.now(), at(127_000));
}

#[test]
fn a_wire_on_which_nothing_is_in_flight_costs_nothing() {
    let (mut sim, link, mut client, mut server) = setup(50 * MS);
    link.loss(0.1).jitter(10 * MS);
    say(&mut client, text("hi"));
    say(&mut server, text("ho"));
    sim.run_for(100 * SECOND).unwrap();
    let events = sim.trace().events();
    sim.run_until(Instant::NEVER).unwrap();
    assert_eq!((sim.now(), sim.trace().events()), (at(100_000), events));
    assert_eq!((client.sent(), path(&client).1, path(&server).1), (8, 0, 0));

    let (mut sim, _, mut client, _server) = setup(50 * MS);
    say(&mut client, text("hi"));
    sim.run_until(Instant::NEVER).unwrap();
    assert_eq!(sim.now(), at(100), "no timer is left behind");
}
