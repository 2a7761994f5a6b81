//! What a kernel tells of the road, as Linux does.

use everbeat_core::transport::{Outgoing, Transport};
use everbeat_sim::for_each_seed;

use crate::support::pipes::{NOW, at, big, flush, give, path, read, recv, say, setup};
use crate::support::{MS, SECOND};

#[test]
fn bytes_are_acknowledged_a_round_trip_after_they_left() {
    let (mut sim, _, mut client, server) = setup(10 * MS);
    say(&mut client, "hi");
    assert_eq!(path(&client), (0, 8, NOW));
    sim.run_until(at(19)).unwrap();
    assert_eq!(path(&client), (0, 8, 19 * MS), "they have arrived, but who should know");
    sim.run_until(at(20)).unwrap();
    assert_eq!(path(&client), (8, 0, NOW));
    sim.run_until(at(1_020)).unwrap();
    assert_eq!(path(&client), (8, 0, SECOND));
    assert_eq!(path(&server), (0, 0, 1_010 * MS), "it has heard, and sent nothing");
}

#[test]
fn whatever_comes_in_is_fresh_evidence_and_acknowledges_no_byte_more() {
    let (mut sim, link, mut client, mut server) = setup(10 * MS);
    link.to("server").partition();
    say(&mut client, "lost");
    for second in 1..=10 {
        sim.run_until(at(1_000 * second)).unwrap();
        say(&mut server, "tick");
        sim.run_until(at(1_000 * second + 10)).unwrap();
        assert_eq!(path(&client), (0, 10, NOW));
    }
    assert_eq!(path(&server), (0, 60, 10_010 * MS), "its acknowledgements are lost too");
}

#[test]
fn an_upload_is_seen_to_move_although_nobody_answers() {
    let (mut sim, link, mut client, _server) = setup(10 * MS);
    link.to("server").rate(10_000);
    say(&mut client, big(50_000));
    let mut before = 0;
    for second in 1..=5 {
        sim.run_until(at(1_000 * second)).unwrap();
        let (acknowledged, unsent, age) = path(&client);
        assert!(acknowledged >= before + 9_000 && age <= 100 * MS, "{acknowledged} {age:?}");
        assert_eq!(acknowledged + unsent, client.sent());
        before = acknowledged;
    }
}

#[test]
fn what_is_acknowledged_and_what_is_not_are_all_that_was_sent() {
    for_each_seed(0..50, |sim| {
        let link = sim.link("client", "server");
        link.delay(20 * MS).jitter(20 * MS).loss(0.2).buffer(3_000);
        let (mut client, mut server) = sim.pipe("client", "server");
        let mut last = (0, 0);
        for _ in 0..200 {
            for pipe in [&mut client, &mut server] {
                let size = (sim.random() % 2_000) as usize;
                if flush(pipe).is_ready() {
                    _ = give(pipe, Outgoing::Message(big(size)));
                }
                if sim.random() % 2 == 0 {
                    while recv(pipe).is_ready() {}
                }
            }
            sim.run_for(MS * (sim.random() % 100) as u32).unwrap();
            let (up, down) = (path(&client), path(&server));
            assert_eq!((up.0 + up.1, down.0 + down.1), (client.sent(), server.sent()));
            assert!(up.0 >= last.0 && down.0 >= last.1, "it never goes back");
            assert!(up.0 + 3_000 >= client.sent(), "the buffer is kept to");
            last = (up.0, down.0);
        }
        assert!(last.0 > 10_000 && last.1 > 10_000, "{last:?}");
    });
}

#[test]
fn the_kernel_of_a_program_that_hangs_says_that_the_road_is_fine() {
    let (mut sim, _, mut client, mut server) = setup(10 * MS);
    sim.run_until(at(5_000)).unwrap();
    assert!(give(&mut client, Outgoing::Ping([1; 8])).is_ready());
    sim.run_until(at(5_020)).unwrap();
    assert_eq!(path(&client), (14, 0, NOW));
    assert!(read(&mut client).is_empty() && read(&mut server).len() == 1);
}
