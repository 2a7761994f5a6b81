//! A machine that sleeps: what comes to it is lost, and sent again.

use everbeat_core::transport::Transport;
use everbeat_sim::Clock;

use crate::support::pipes::{NOW, at, count, path, read, said, say, setup, text};
use crate::support::{MS, SECOND};

#[test]
fn what_comes_to_a_machine_that_sleeps_is_lost_and_comes_again() {
    let (mut sim, _, mut client, mut server) = setup(50 * MS);
    sim.host("client").suspend(5 * SECOND, Clock::Stops);
    sim.run_until(at(100)).unwrap();
    say(&mut server, text("wake up"));
    sim.run_until(at(4_900)).unwrap();
    assert_eq!((path(&server).0, client.received()), (0, 0), "a kernel that sleeps is silent");
    // Sent again at 0.3, 0.6, 1.2, 2.4, 4.8 and 9.6 s.
    sim.run_until(at(9_749)).unwrap();
    assert_eq!(read(&mut client), []);
    sim.run_until(at(9_750)).unwrap();
    assert_eq!(read(&mut client), [said(text("wake up"))]);
    assert!(count(&sim, "lost") >= 4);
}

#[test]
fn a_program_that_stalls_has_a_kernel_that_does_not() {
    let (mut sim, _, mut client, mut server) = setup(50 * MS);
    sim.host("client").stall(5 * SECOND);
    say(&mut server, text("wake up"));
    sim.run_until(at(100)).unwrap();
    assert_eq!(path(&server), (9, 0, NOW));
    assert_eq!(read(&mut client).len(), 1, "it has arrived");
}

#[test]
fn a_kernel_that_sleeps_sends_nothing_again_until_it_wakes() {
    let (mut sim, link, mut client, mut server) = setup(50 * MS);
    link.partition();
    say(&mut client, text("hi"));
    sim.host("client").suspend(100 * SECOND, Clock::RunsOn);
    link.repair();
    sim.run_until(at(100_000)).unwrap();
    assert_eq!((count(&sim, "sent again"), read(&mut server).len()), (1, 0));
    sim.run_until(at(100_050)).unwrap();
    assert_eq!(read(&mut server).len(), 1);
}

#[test]
fn the_age_of_evidence_is_told_by_the_machine_s_clock() {
    for (clock, age) in [(Clock::Stops, 3), (Clock::RunsOn, 63)] {
        let (mut sim, _, mut client, _server) = setup(50 * MS);
        say(&mut client, text("hi"));
        sim.run_until(at(1_100)).unwrap();
        sim.host("client").suspend(60 * SECOND, clock);
        sim.run_until(at(63_100)).unwrap();
        assert_eq!(path(&client), (8, 0, SECOND * age), "{clock:?}");
    }
}
