//! A machine that sleeps with a connection: known to be dead or alive soon after it wakes, whatever its
//! clock did meanwhile.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use everbeat_core::config::ConnectionConfig;
use everbeat_core::time::Instant;
use everbeat_core::transport::Incoming;
use everbeat_core::{Cause, Connection, Event};
use everbeat_sim::{Clock, Link, Sim, for_each_seed};
use futures_core::Stream;

use crate::support::{MS, SECOND, read_all, the_end};

const HOUR: Duration = Duration::from_secs(3_600);
/// The path clock, and what the first retransmissions and a moment for reading take
const DECIDED: Duration = Duration::from_millis(10_500);

/// What a connection on the host `client` told, and a wish that it be probed
#[derive(Clone, Default)]
struct Laptop {
    events: Rc<RefCell<Vec<(Instant, Event)>>>,
    probe: Rc<Cell<bool>>,
}

impl Laptop {
    fn with_peer(sim: &Sim) -> Self {
        sim.link("client", "server").delay(30 * MS);
        let (client, server) = sim.pipe("client", "server");
        read_all(sim, server);
        let host = sim.host("client");
        let config = ConnectionConfig::client();
        let mut connection = Connection::new(client, host.timer(), config, sim.random());
        let (laptop, handle) = (Self::default(), sim.handle());
        let Self { events, probe } = laptop.clone();
        host.spawn(async move {
            loop {
                let event = poll_fn(|cx| {
                    if probe.take() {
                        connection.probe();
                    }
                    Pin::new(&mut connection).poll_next(cx)
                });
                let Some(event) = event.await else { break };
                events.borrow_mut().push((handle.now(), event));
            }
        });
        laptop
    }
}

fn suspend(sim: &mut Sim, long: Duration, clock: Clock) -> Instant {
    sim.host("client").suspend(long, clock);
    assert!(sim.run_for(long).is_ok());
    sim.now()
}

#[test]
fn a_clock_that_ran_on_tells_of_the_sleep_and_a_lost_road_is_known_soon() {
    for_each_seed(0..50, |sim| {
        let laptop = Laptop::with_peer(sim);
        sim.run_for(MS * (sim.random() % 60_000) as u32).unwrap();
        let awake = suspend(sim, HOUR, Clock::RunsOn);
        sim.link("client", "server").partition();
        sim.run_for(60 * SECOND).unwrap();
        let events = laptop.events.take();
        let (died, end) = the_end(&events);
        assert!(died.saturating_duration_since(awake) <= DECIDED, "{died:?}: {end}");
    });
}

#[test]
fn who_is_told_of_the_resume_and_probes_knows_as_soon_by_a_clock_that_stopped() {
    for_each_seed(0..50, |sim| {
        let laptop = Laptop::with_peer(sim);
        sim.run_for(MS * (sim.random() % 60_000) as u32).unwrap();
        let awake = suspend(sim, HOUR, Clock::Stops);
        sim.link("client", "server").partition();
        laptop.probe.set(true);
        // Something wakes the task: here a message that was still on its way.
        sim.link("client", "server").to("client").inject(Incoming::Message("still here".into()));
        sim.run_for(60 * SECOND).unwrap();
        let events = laptop.events.take();
        let (died, end) = the_end(&events);
        assert!(died.saturating_duration_since(awake) <= DECIDED, "{died:?}: {end}");
    });
}

#[test]
fn a_road_that_needs_a_while_after_the_resume_is_alive_although_a_ping_was_out() {
    for_each_seed(0..50, |sim| {
        for clock in [Clock::Stops, Clock::RunsOn] {
            let laptop = Laptop::with_peer(sim);
            let link = sim.link("client", "server");
            sim.run_for(30 * SECOND).unwrap();
            link.partition();
            while laptop.events.borrow().is_empty() {
                sim.run_for(SECOND).unwrap();
            }
            // Suspected, with half of the path clock gone.
            sim.run_for(2 * SECOND).unwrap();
            // Shorter than the patience of the peer's kernel, a quarter of an hour.
            suspend(sim, HOUR / 6, clock);
            sim.run_for(MS * (sim.random() % 6_000) as u32).unwrap();
            link.repair();
            sim.run_for(120 * SECOND).unwrap();
            let events = laptop.events.take();
            let told: Vec<_> = events.iter().map(|(_, event)| event).collect();
            let [Event::Suspect { .. }, Event::Stalled { stalled_for, slept_for }, Event::Alive] =
                told[..]
            else {
                panic!("{told:?}")
            };
            // One clock or the other tells of it.
            assert!(*stalled_for + *slept_for >= HOUR / 6 - 10 * SECOND, "{told:?}");
        }
    });
}

#[test]
fn a_word_that_is_read_first_after_the_resume_does_not_close_the_way_out() {
    // The lid is closed before the silence is suspicious, or after that.
    for (waited, long) in [(100 * MS, 12 * SECOND), (5 * SECOND, HOUR / 6)] {
        let mut sim = Sim::seed(1);
        let laptop = Laptop::with_peer(&sim);
        let link = sim.link("client", "server");
        sim.run_for(30 * SECOND).unwrap();
        // A Ping that is still on its way, and a word that nobody has read when the lid is closed.
        link.to("server").hold();
        laptop.probe.set(true);
        link.to("client").inject(Incoming::Message("wake up".into()));
        sim.run_for(waited).unwrap();
        let suspected = waited > SECOND;
        assert_eq!(laptop.events.take().len(), 1 + usize::from(suspected));
        sim.host("client").stall(SECOND);
        link.to("client").inject(Incoming::Message("read first".into()));
        sim.run_for(100 * MS).unwrap();
        suspend(&mut sim, long, Clock::RunsOn);
        link.to("server").release();
        sim.run_for(60 * SECOND).unwrap();
        let events = laptop.events.take();
        let told: Vec<_> = events.iter().map(|(_, event)| event).collect();
        let told = match told[..] {
            [message, Event::Alive, stalled] if suspected => [message, stalled],
            [message, stalled] => [message, stalled],
            _ => panic!("{told:?}"),
        };
        assert!(matches!(told, [Event::Message(_), Event::Stalled { .. }]), "{told:?}");
    }
}

#[test]
fn an_end_after_a_sleep_tells_of_it() {
    let mut sim = Sim::seed(1);
    let laptop = Laptop::with_peer(&sim);
    sim.run_for(30 * SECOND).unwrap();
    sim.link("client", "server").partition();
    while laptop.events.borrow().is_empty() {
        sim.run_for(SECOND).unwrap();
    }
    suspend(&mut sim, HOUR, Clock::Stops);
    sim.run_for(60 * SECOND).unwrap();
    let events = laptop.events.take();
    let (_, end) = the_end(&events);
    assert_eq!(end.evidence.slept_for, HOUR, "{end}");
    assert!(end.to_string().contains("the machine slept for 3600 s"), "{end}");
}

#[test]
fn an_end_that_came_while_we_did_not_run_tells_of_it_first() {
    let ends: [fn(&Link); 3] = [Link::end, Link::reset, |link| {
        link.to("client").inject(Incoming::Close(None));
    }];
    for end in ends {
        let mut sim = Sim::seed(1);
        let laptop = Laptop::with_peer(&sim);
        sim.run_for(30 * SECOND).unwrap();
        sim.host("client").stall(60 * SECOND);
        end(&sim.link("client", "server"));
        sim.run_for(120 * SECOND).unwrap();
        let events = laptop.events.take();
        let told: Vec<_> = events.iter().map(|(_, event)| event).collect();
        let [Event::Stalled { stalled_for, .. }, Event::Disconnected(_)] = told[..] else {
            panic!("{told:?}")
        };
        assert!(*stalled_for >= 39 * SECOND, "{told:?}");
    }
}

#[test]
fn a_send_that_fails_after_a_stall_leaves_word_of_it_before_the_end() {
    let mut sim = Sim::seed(1);
    let (client, server) = sim.pipe("client", "server");
    read_all(&sim, server);
    let host = sim.host("client");
    let mut connection =
        Connection::new(client, host.timer(), ConnectionConfig::client(), sim.random());
    let handle = sim.handle();
    let told = host.spawn(async move {
        let failed = loop {
            // Nobody reads before the send has failed, and all that is due is done by sending.
            if let Err(cause) = connection.send("tick").await {
                break cause;
            }
            handle.sleep(SECOND).await;
        };
        let mut told = Vec::new();
        while let Some(event) = poll_fn(|cx| Pin::new(&mut connection).poll_next(cx)).await {
            told.push(event);
        }
        (failed, told)
    });
    sim.run_for(30 * SECOND).unwrap();
    sim.host("client").stall(60 * SECOND);
    sim.link("client", "server").reset();
    sim.run_for(120 * SECOND).unwrap();
    let Some((failed, told)) = told.take() else { panic!("it sends for ever") };
    assert!(matches!(failed, Cause::Cut { .. }), "{failed}");
    let [Event::Stalled { stalled_for, .. }, Event::Disconnected(_)] = &told[..] else {
        panic!("{told:?}")
    };
    assert!(*stalled_for >= 39 * SECOND, "{told:?}");
}
