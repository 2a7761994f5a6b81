//! What a connection may ask of its timer, counted: re-arms and clock reads. A message costs
//! neither a re-arm nor, within one wake, a second look at the clock.

use std::time::Duration;

use crate::support::clients::serve;
use crate::support::{MS, SECOND, beat, beatless, drive, messages, read_all};
use everbeat_core::transport::Outgoing;
use everbeat_core::{Client, Connection, Event};
use everbeat_sim::{Pipe, Sim, SimTimer, Task, for_each_seed};

const INTERVAL: Duration = Duration::from_secs(10);

/// How often the alarm may be moved in so much time, `each` times in every interval
fn allowed(elapsed: Duration, each: f64) -> u64 {
    1 + (each * elapsed.as_secs_f64() / (0.9 * INTERVAL.as_secs_f64())) as u64
}

/// How often the alarm was moved; setting it up is no re-arm
fn rearms(timer: &SimTimer) -> u64 {
    timer.arms() - 1
}

/// A connection with a timer whose counters are its own, and the pipe at its other end
fn counted(sim: &Sim) -> (Connection<Pipe, SimTimer>, SimTimer, Pipe) {
    let (client, server) = sim.pipe("client", "server");
    let timer = sim.timer();
    let config = beat(INTERVAL, INTERVAL / 2);
    (Connection::new(client, timer.clone(), config, sim.random()), timer, server)
}

/// Reads everything in a task of its own, whose polls are counted; the number of messages
fn count_messages(sim: &Sim, mut connection: Connection<Pipe, SimTimer>) -> Task<u64> {
    sim.spawn(async move {
        let mut messages = 0;
        while let Some(event) = connection.next().await {
            messages += u64::from(matches!(event, Event::Message(_)));
        }
        messages
    })
}

/// So many messages, one each `pause`, from a bare pipe
fn talk(sim: &Sim, mut pipe: Pipe, count: u64, pause: Duration) {
    let handle = sim.handle();
    sim.spawn(async move {
        for _ in 0..count {
            pipe.send(Outgoing::Message("tick".into())).await?;
            handle.sleep(pause).await;
        }
        Ok::<_, everbeat_sim::net::PipeError>(())
    });
}

#[test]
fn an_idle_connection_moves_its_alarm_twice_an_interval_at_most() {
    for_each_seed(0..20, |sim| {
        sim.link("client", "server").delay(50 * MS);
        let (mut client, timer, server) = counted(sim);
        read_all(sim, server);
        let elapsed = 1_000 * SECOND;
        assert_eq!(drive(sim, &mut client, elapsed), []);
        assert!(rearms(&timer) <= allowed(elapsed, 2.0), "{}", rearms(&timer));
    });
}

/// Once for the Ping and once for its Pong, and not once more when the Pong would have been late: so it
/// is polled no more often than it looks at the clock
#[test]
fn an_idle_connection_is_woken_twice_a_beat() {
    for_each_seed(0..20, |sim| {
        sim.link("client", "server").delay(50 * MS);
        let (mut client, timer, server) = counted(sim);
        read_all(sim, server);
        let elapsed = 1_000 * SECOND;
        let before = timer.clock_reads();
        assert_eq!(drive(sim, &mut client, elapsed), []);
        let woken = timer.clock_reads() - before;
        assert!(woken <= allowed(elapsed, 2.0) + 1, "{woken}");
    });
}

#[test]
fn a_hundred_messages_a_second_move_it_five_times_an_interval_at_most() {
    let mut sim = Sim::seed(7);
    let (client, timer, server) = counted(&sim);
    let elapsed = 1_000 * SECOND;
    talk(&sim, server, 100_000, 10 * MS);
    let task = count_messages(&sim, client);
    sim.run_for(elapsed + SECOND).unwrap();
    // Who is usually heard is missed after a fifth of the interval, not after the whole.
    assert!(rearms(&timer) <= allowed(elapsed, 5.0), "{}", rearms(&timer));
    assert_eq!(task.take(), Some(100_000));
}

#[test]
fn whatever_the_phase_of_the_beat_messages_do_not_move_it_more_often() {
    for_each_seed(0..50, |sim| {
        let (client, timer, server) = counted(sim);
        let elapsed = 100 * SECOND;
        talk(sim, server, 1_000, 100 * MS);
        let task = count_messages(sim, client);
        sim.run_for(elapsed).unwrap();
        assert!(rearms(&timer) <= allowed(elapsed, 5.0), "{}", rearms(&timer));
        assert!(!task.is_finished());
    });
}

#[test]
fn no_message_moves_it_either_way() {
    for_each_seed(0..20, |sim| {
        let (mut client, timer, mut server) = counted(sim);
        // Past the first beat, whose phase is random, and its answer.
        let answered = sim.spawn(async move {
            server.next().await;
            server
        });
        drive(sim, &mut client, INTERVAL + SECOND);
        let mut server = answered.take().unwrap();
        let (settled, sent, mut read) = (25, 1_025, 0);
        let first = timer.arms();
        let mut before = first;
        for word in 0..sent {
            if word == settled {
                // Until then it is learnt how often the peer speaks, each gap an eighth of it: of the
                // first, which was longer than an interval, a fifth of one is left after 24. Should the
                // alarm fire in between, it moves with some of the next words.
                before = timer.arms();
            }
            sim.block_on(server.send(Outgoing::Message("in".into())), SECOND).unwrap().unwrap();
            sim.block_on(client.send("out"), SECOND).unwrap().unwrap();
            // A beat may have gone out that nobody read: the first word makes it `Alive`.
            read += messages(&drive(sim, &mut client, MS)).len();
            sim.block_on(server.next(), SECOND).unwrap().unwrap().unwrap();
        }
        assert_eq!(read, sent);
        assert!(before - first <= settled as u64, "{}", before - first);
        // A second has passed: a single alarm may have fired in it, whatever was said.
        assert!(timer.arms() - before <= 1, "{}", timer.arms() - before);
    });
}

#[test]
fn a_send_that_meets_no_obstacle_reads_no_clock() {
    for config in [beat(INTERVAL, INTERVAL / 2), beatless()] {
        let mut sim = Sim::seed(7);
        let (client, server) = sim.pipe("client", "server");
        let timer = sim.timer();
        let mut client = Connection::new(client, timer.clone(), config, 7);
        read_all(&sim, server);
        assert_eq!(drive(&mut sim, &mut client, INTERVAL / 2), []);
        let before = timer.clock_reads();
        for _ in 0..1_000 {
            sim.block_on(client.send("out"), SECOND).unwrap().unwrap();
        }
        assert_eq!(timer.clock_reads(), before);
    }
}

#[test]
fn a_client_s_send_that_meets_no_obstacle_reads_no_clock_and_moves_no_alarm() {
    let mut sim = Sim::seed(7);
    serve(&sim);
    let timer = sim.timer();
    let connect = Client::over(sim.connector("server"), timer.clone(), 7).connect();
    let mut client = sim.block_on(connect, SECOND).unwrap().unwrap();
    assert_eq!(drive(&mut sim, &mut client, SECOND).len(), 1);
    let before = (timer.clock_reads(), timer.arms());
    assert!(before.0 > 0 && before.1 > 0, "it is the client's timer");
    for _ in 0..1_000 {
        sim.block_on(client.send("out"), SECOND).unwrap().unwrap();
    }
    assert_eq!((timer.clock_reads(), timer.arms()), before);
}

#[test]
fn a_wake_reads_the_clock_once_at_most_when_idle() {
    for_each_seed(0..20, |sim| {
        sim.link("client", "server").delay(50 * MS);
        let (client, timer, server) = counted(sim);
        read_all(sim, server);
        let task = count_messages(sim, client);
        sim.run_for(1_000 * SECOND).unwrap();
        let (reads, made) = (timer.clock_reads(), 1);
        assert!(reads <= task.polls() + made, "{reads} reads, {} polls", task.polls());
    });
}

#[test]
fn a_wake_reads_the_clock_once_at_most_under_load() {
    for_each_seed(0..5, |sim| {
        sim.link("client", "server").jitter(5 * MS);
        let (client, timer, server) = counted(sim);
        talk(sim, server, 5_000, 10 * MS);
        let task = count_messages(sim, client);
        sim.run_for(60 * SECOND).unwrap();
        assert_eq!(task.take(), Some(5_000));
        let (reads, made) = (timer.clock_reads(), 1);
        assert!(reads <= task.polls() + made, "{reads} reads, {} polls", task.polls());
    });
}

#[test]
fn a_wake_reads_the_clock_once_at_most_while_it_echoes() {
    for_each_seed(0..5, |sim| {
        let (mut client, timer, server) = counted(sim);
        let config = beatless();
        let mut server = Connection::new(server, sim.timer(), config, 1);
        let talker = sim.spawn(async move {
            for _ in 0..2_000 {
                server.send("to and fro").await?;
                server.recv().await?;
            }
            server.close().await;
            Ok::<_, everbeat_core::Cause>(())
        });
        let task = sim.spawn(async move {
            while let Ok(Some(message)) = client.recv().await {
                client.send(message).await?;
            }
            Ok::<_, everbeat_core::Cause>(())
        });
        sim.run_for(60 * SECOND).unwrap();
        assert_eq!(talker.take(), Some(Ok(())));
        let (reads, made) = (timer.clock_reads(), 1);
        assert!(reads <= task.polls() + made, "{reads} reads, {} polls", task.polls());
    });
}
