//! The heartbeat as a connection lives it: what is life, what is death, and when.

use std::time::Duration;

use crate::support::{
    MS, SECOND, at, beat, beatless, both, drive, drive_beside, messages, read_all,
};
use crate::support::{read_and_stay, the_end, with_peer};
use bytes::Bytes;
use everbeat_core::cause::{Cause, Verdict};
use everbeat_core::config::ConnectionConfig;
use everbeat_core::transport::{Incoming, Outgoing, Transport};
use everbeat_core::{Connection, Event};
use everbeat_sim::{Sim, for_each_seed};

const INTERVAL: Duration = Duration::from_secs(10);
const TIMEOUT: Duration = Duration::from_secs(5);

/// What the detector says is gone
fn verdict(cause: &Cause) -> Option<Verdict> {
    match cause {
        Cause::Dead { verdict, .. } => Some(*verdict),
        _ => None,
    }
}

#[test]
fn a_silent_peer_is_dead_within_interval_and_timeout_of_its_last_byte() {
    for_each_seed(0..200, |sim| {
        sim.link("client", "server").delay(30 * MS);
        let (mut client, mut server) = with_peer(sim, beat(INTERVAL, TIMEOUT));
        let last_byte = MS * (sim.random() % 30_000) as u32;
        sim.link("client", "server").to("server").mute();
        let handle = sim.handle();
        sim.spawn(async move {
            while handle.now() < at(last_byte) {
                server.send(Outgoing::Message("alive".into())).await.unwrap();
                handle.sleep(500 * MS).await;
            }
            while let Some(Ok(_)) = server.next().await {}
        });
        let events = drive(sim, &mut client, 60 * SECOND);
        let (died, end) = the_end(&events);
        let (heard, _) = events
            .iter()
            .rfind(|(_, event)| matches!(event, Event::Message(_)))
            .cloned()
            .unwrap_or((at(Duration::ZERO), Event::Alive));
        assert_eq!(verdict(&end.cause), Some(Verdict::App), "{end}");
        // The program's clock starts when its kernel has the Ping: a round trip after the flush.
        let latest = heard + INTERVAL + TIMEOUT + 60 * MS;
        assert!(died > heard + TIMEOUT && died <= latest, "{heard:?} {died:?}");
        assert_eq!(end.evidence.silent_for, died.saturating_duration_since(heard));
        assert_eq!(end.evidence.pings_unanswered, 1);
    });
}

#[test]
fn without_evidence_death_is_the_timeout_after_the_ping_was_flushed_and_not_earlier() {
    for_each_seed(0..200, |sim| {
        sim.link("client", "server").delay(30 * MS);
        sim.link("client", "server").to("server").mute();
        sim.host("client").blind();
        let (mut client, server) = with_peer(sim, beat(INTERVAL, TIMEOUT));
        let heard = read_all(sim, server);
        let events = drive(sim, &mut client, 60 * SECOND);
        let heard = heard.take().unwrap();
        let [(arrived, Incoming::Ping(_))] = heard[..] else { panic!("{heard:?}") };
        let (died, end) = the_end(&events);
        assert_eq!(died + 30 * MS, arrived + TIMEOUT);
        assert_eq!(verdict(&end.cause), Some(Verdict::Silent), "{end}");
    });
}

#[test]
fn a_road_that_is_gone_is_told_from_a_program_that_hangs_and_is_given_less_time() {
    for_each_seed(0..100, |sim| {
        let config = ConnectionConfig::server();
        for (hangs, expected) in [(false, Verdict::Path), (true, Verdict::App)] {
            let (client, server) = sim.pipe("client", "server");
            let mut server = Connection::new(server, sim.timer(), config, sim.random());
            let _client = read_and_stay(sim, client);
            drive(sim, &mut server, 60 * SECOND);
            let link = server.transport().link();
            if hangs {
                link.to("client").mute();
            } else {
                link.cut();
            }
            let silent_since = server.evidence().silent_for;
            let before = sim.now();
            let events = drive(sim, &mut server, 60 * SECOND);
            let (died, end) = the_end(&events);
            assert_eq!(verdict(&end.cause), Some(expected), "{end}");
            let clock = if hangs { 20 * SECOND } else { 10 * SECOND };
            let took = died.saturating_duration_since(before) + silent_since;
            let least = clock + INTERVAL;
            assert!(took >= least && took <= clock + 25 * SECOND + 10 * MS, "{took:?}: {end}");
        }
    });
}

#[test]
fn a_server_expires_a_silent_client_too() {
    for_each_seed(0..50, |sim| {
        let (_client, server) = sim.pipe("client", "server");
        let config = ConnectionConfig::server();
        let mut server = Connection::new(server, sim.timer(), config, sim.random());
        let events = drive(sim, &mut server, 100 * SECOND);
        let (died, end) = the_end(&events);
        assert_eq!(verdict(&end.cause), Some(Verdict::App), "{end}");
        assert!(died >= at(20 * SECOND) && died <= at(45 * SECOND + 10 * MS), "{died:?}");
    });
}

#[test]
fn a_peer_that_answers_lives_for_ever() {
    for_each_seed(0..20, |sim| {
        sim.link("client", "server").delay(50 * MS).jitter(100 * MS);
        let (mut client, server) = with_peer(sim, beat(INTERVAL, TIMEOUT));
        read_all(sim, server);
        assert_eq!(drive(sim, &mut client, 5_000 * SECOND), []);
        assert!(client.evidence().silent_for <= INTERVAL + SECOND);
    });
}

#[test]
fn a_slow_message_is_life_in_its_middle_although_no_ping_is_answered() {
    for_each_seed(0..20, |sim| {
        let link = sim.link("client", "server");
        link.to("client").rate(1_000);
        link.to("server").mute();
        // Else it would see that its first Ping is not acknowledged: that waits behind the message.
        sim.host("client").blind();
        let (mut client, mut server) = with_peer(sim, beat(SECOND, 2 * SECOND));
        let message = vec![7; 60_000];
        let sent = Outgoing::Message(message.clone().into());
        let server = sim.spawn(async move {
            server.send(sent).await.unwrap();
            while let Some(Ok(_)) = server.next().await {}
        });
        let events = drive(sim, &mut client, 61 * SECOND);
        assert_eq!(messages(&events), [message.into()]);
        assert_eq!(events.len(), 1, "{events:?}");
        let events = drive(sim, &mut client, 3 * SECOND);
        let (_, end) = the_end(&events);
        assert_eq!(
            verdict(&end.cause),
            Some(Verdict::Silent),
            "after its last byte the silence counts"
        );
        drop(server);
    });
}

#[test]
fn a_delay_of_600_ms_each_way_is_no_death() {
    for_each_seed(0..50, |sim| {
        sim.link("client", "server").delay(600 * MS);
        let config = beat(SECOND, 2 * SECOND);
        let (mut client, server) = both(sim, config, config);
        let server = drive_beside(sim, server);
        let events = drive(sim, &mut client, 600 * SECOND);
        let end = events.iter().find(|(_, event)| matches!(event, Event::Disconnected(_)));
        assert_eq!(end, None);
        assert!(!server.is_finished());
    });
}

#[test]
fn a_round_trip_is_from_flush_to_pong() {
    let mut sim = Sim::seed(1);
    let link = sim.link("client", "server");
    link.delay(50 * MS);
    let (mut client, server) = with_peer(&sim, beat(INTERVAL, TIMEOUT));
    read_all(&sim, server);
    assert_eq!(client.round_trip(), None);
    drive(&mut sim, &mut client, 11 * SECOND);
    let first = client.round_trip().unwrap();
    assert_eq!((first.last, first.smoothed, first.minimum), (100 * MS, 100 * MS, 100 * MS));
    link.delay(450 * MS);
    drive(&mut sim, &mut client, 11 * SECOND);
    let second = client.round_trip().unwrap();
    assert_eq!((second.last, second.minimum), (900 * MS, 100 * MS));
    assert_eq!(second.smoothed, 100 * MS * 7 / 8 + 900 * MS / 8);
}

#[test]
fn pongs_that_nobody_waits_for_tell_nothing_but_that_bytes_came() {
    for_each_seed(0..20, |sim| {
        let link = sim.link("client", "server");
        link.to("server").mute();
        let (mut client, server) = with_peer(sim, beat(SECOND, 600 * SECOND));
        let heard = read_and_stay(sim, server);
        sim.block_on(client.send("is it there?"), SECOND).unwrap().unwrap();
        assert_eq!(drive(sim, &mut client, 2 * SECOND), []);
        assert_eq!(heard.borrow().len(), 2, "a message, and a Ping that waits");
        for payload in [&b""[..], b"foreign!", b"of another length"] {
            let pong = Incoming::Pong(Bytes::from_static(payload));
            link.to("client").inject(pong);
            assert_eq!(drive(sim, &mut client, SECOND / 2), []);
            assert_eq!((client.round_trip(), client.delivered()), (None, 0));
            assert!(client.evidence().silent_for < SECOND);
        }
    });
}

#[test]
fn the_pong_of_a_forgotten_ping_is_late_and_proves_nothing() {
    let mut sim = Sim::seed(5);
    let link = sim.link("client", "server");
    link.to("server").mute();
    let (mut client, server) = with_peer(&sim, beat(SECOND, 2 * SECOND));
    let heard = read_and_stay(&sim, server);
    sim.block_on(client.send("prove me"), SECOND).unwrap().unwrap();
    for _ in 0..10 {
        // No Pong, but a byte of life, so that there is a next Ping.
        drive(&mut sim, &mut client, 3 * SECOND / 2);
        let life = Incoming::Message("alive".into());
        link.to("client").inject(life);
    }
    let pings: Vec<Bytes> = (heard.borrow().iter())
        .filter_map(|(_, incoming)| match incoming {
            Incoming::Ping(payload) => Some(payload.clone()),
            _ => None,
        })
        .collect();
    assert!(pings.len() > 5, "{pings:?}");
    // The oldest and the newest are remembered; what lies between is forgotten.
    link.to("client").inject(Incoming::Pong(pings[3].clone()));
    drive(&mut sim, &mut client, SECOND / 2);
    assert_eq!((client.round_trip(), client.delivered()), (None, 0));
    link.to("client").inject(Incoming::Pong(pings[0].clone()));
    drive(&mut sim, &mut client, SECOND / 2);
    assert_eq!(client.delivered(), 1, "the oldest is still good");
}

#[test]
fn a_suspect_that_is_heard_again_is_alive() {
    for_each_seed(0..50, |sim| {
        let (link, timeout) = (sim.link("client", "server"), 6 * SECOND);
        let (mut client, server) = with_peer(sim, beat(SECOND, timeout));
        read_all(sim, server);
        link.to("client").hold();
        // The Ping goes within a second; a third of the timeout after it, but not the whole.
        let events = drive(sim, &mut client, 5 * SECOND);
        let [(when, Event::Suspect { silent_for, .. })] = events[..] else { panic!("{events:?}") };
        assert_eq!(when, at(silent_for), "nothing was ever heard");
        assert!((timeout / 3..=timeout / 3 + SECOND).contains(&silent_for));
        link.release();
        let events = drive(sim, &mut client, SECOND);
        assert!(matches!(events[..], [(_, Event::Alive)]), "{events:?}");
    });
}

#[test]
fn a_peer_that_reads_nothing_blocks_our_ping_and_is_dead() {
    for_each_seed(0..50, |sim| {
        let link = sim.link("client", "server");
        link.buffer(1_000);
        link.to("server").stall();
        let (mut client, server) = with_peer(sim, beat(INTERVAL, TIMEOUT));
        read_all(sim, server);
        sim.block_on(client.send(vec![7; 5_000]), SECOND).unwrap().unwrap();
        let events = drive(sim, &mut client, 60 * SECOND);
        let (died, end) = the_end(&events);
        assert_eq!(verdict(&end.cause), Some(Verdict::App), "its kernel speaks: {end}");
        assert!(died >= at(TIMEOUT) && died <= at(INTERVAL + TIMEOUT), "{died:?}");
        assert_eq!(end.evidence.write_blocked_for, Some(TIMEOUT));
        // One kernel holds as much as the other.
        assert_eq!((end.evidence.sent, end.unconfirmed.count), (2_000, 1));
    });
}

#[test]
fn an_upload_that_moves_is_no_death_however_long_our_ping_waits_behind_it() {
    for_each_seed(0..20, |sim| {
        let link = sim.link("client", "server");
        link.buffer(1_000).to("server").rate(1_000);
        let (mut client, server) = with_peer(sim, beat(SECOND, 2 * SECOND));
        read_all(sim, server);
        sim.block_on(client.send(vec![7; 60_000]), SECOND).unwrap().unwrap();
        let events = drive(sim, &mut client, 100 * SECOND);
        assert!(!events.iter().any(|(_, event)| matches!(event, Event::Disconnected(_))));
        assert_eq!(client.delivered(), 1);
    });
}

#[test]
fn a_peer_that_is_heard_keeps_us_quiet() {
    for_each_seed(0..20, |sim| {
        let (mut client, mut server) = with_peer(sim, beat(SECOND, SECOND));
        let handle = sim.handle();
        sim.spawn(async move {
            loop {
                server.send(Outgoing::Message("tick".into())).await.unwrap();
                handle.sleep(400 * MS).await;
            }
        });
        drive(sim, &mut client, 100 * SECOND);
        let masked_ping = 14;
        assert!(client.transport().sent() <= masked_ping, "only the first, random phase");
    });
}

#[test]
fn our_own_sends_prove_nothing_and_postpone_nothing() {
    for_each_seed(0..20, |sim| {
        sim.link("client", "server").to("server").mute();
        let (mut client, server) = with_peer(sim, beat(INTERVAL, TIMEOUT));
        read_all(sim, server);
        let mut end = None;
        while end.is_none() && sim.now() <= at(INTERVAL + TIMEOUT + 100 * MS) {
            let _ = sim.block_on(client.send("chatter"), SECOND).unwrap();
            let events = drive(sim, &mut client, 100 * MS);
            end = events.into_iter().find(|(_, event)| matches!(event, Event::Disconnected(_)));
        }
        let (died, _) = end.unwrap();
        let latest = at(INTERVAL + TIMEOUT + 100 * MS);
        assert!(died >= at(TIMEOUT) && died <= latest, "{died:?}");
    });
}

#[test]
fn two_ends_that_beat_share_the_beat() {
    for_each_seed(0..20, |sim| {
        sim.link("client", "server").delay(20 * MS);
        let config = beat(INTERVAL, TIMEOUT);
        let (mut client, server) = both(sim, config, config);
        let server = drive_beside(sim, server);
        assert_eq!(drive(sim, &mut client, 1_800 * SECOND), []);
        assert!(!server.is_finished());
        // Of each exchange, Ping and Pong, one frame of 14 bytes is the client's. Alone, either end
        // would have 180 to 200; now and then both begin at once.
        let exchanges = client.transport().sent() / 14;
        assert!((180..=240).contains(&exchanges), "{exchanges}");
    });
}

#[test]
fn without_a_beat_nobody_ever_dies() {
    let mut sim = Sim::seed(1);
    let (mut client, server) = with_peer(&sim, beatless());
    sim.link("client", "server").cut();
    assert_eq!(drive(&mut sim, &mut client, 100_000 * SECOND), []);
    assert_eq!((client.transport().sent(), client.evidence().pings_unanswered), (0, 0));
    drop(server);
}

#[test]
fn a_black_hole_one_way_is_noticed_by_the_deaf_end_and_told_to_the_other() {
    for_each_seed(0..50, |sim| {
        let config = beat(INTERVAL, TIMEOUT);
        let (mut client, server) = both(sim, config, config);
        let server = drive_beside(sim, server);
        drive(sim, &mut client, 20 * SECOND);
        sim.link("client", "server").to("client").cut();
        let events = drive(sim, &mut client, 20 * SECOND);
        let (died, end) = the_end(&events);
        // Its own bytes get there, and their acknowledgements are lost with all the rest.
        assert_eq!(verdict(&end.cause), Some(Verdict::Path), "{end}");
        assert!(died <= at(20 * SECOND + INTERVAL + TIMEOUT), "{end}");
        let other = server.take().unwrap();
        // Or it sees for itself that its last Ping or Pong is not acknowledged.
        let knows = matches!(verdict(&other.cause), Some(Verdict::Path | Verdict::OneWay));
        assert!(knows || matches!(other.cause, Cause::Cut { .. }), "{other}");
    });
}
