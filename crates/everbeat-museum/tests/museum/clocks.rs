//! Clocks that stop, run on or jump, and timers that are throttled.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use everbeat_core::Connection;
use everbeat_core::config::ConnectionConfig;
use everbeat_core::time::{Instant, Sleep, Timer};
use everbeat_museum::rules::naive::{NeverAsks, TrustsItsTimer, WallClock};
use everbeat_museum::rules::{Actix, JavaWebSocket, Watch, run};
use everbeat_sim::time::SimSleep;
use everbeat_sim::{Clock, Sim, SimTimer, for_each_seed};

use crate::support::clients::{self, Comeback, serve};
use crate::support::everbeat::{Seen, drive};
use crate::support::{
    HOUR, MINUTE, MS, SECOND, cut_at, everbeat, live_by, pass, quiet, since, with_peer,
};

/// wireapp/wire-webapp#21477: after a night's sleep the socket is OPEN, the road behind it has long
/// forgotten it, and messages are missing. Whoever counts on a clock that stood still meanwhile
/// begins to count when the lid opens.
#[test]
fn after_sleep_the_socket_is_open_and_the_road_is_gone() {
    for clock in [Clock::Stops, Clock::RunsOn] {
        for_each_seed(0..3, |sim| {
            serve(sim);
            let trusting = Comeback::new(NeverAsks::default(), |_| SECOND).start(sim, "us");
            let counting = Comeback::new(JavaWebSocket::default(), |_| SECOND).start(sim, "us");
            let ours = clients::everbeat(sim, "us", |plan| plan);
            let resumed = MINUTE - SECOND + 8 * HOUR;
            let told = clients::everbeat_told(sim, "us", |plan| plan, resumed);
            let (us, night) = (sim.host("us"), 8 * HOUR);
            sim.after(MINUTE - SECOND, move || us.suspend(night, clock));
            cut_at(sim, MINUTE);
            pass(sim, resumed + 10 * MINUTE);
            assert_eq!(trusting.borrow().len(), 1, "{clock:?}");
            if clock == Clock::Stops {
                let counting = counting.borrow();
                assert!(since(counting[1], resumed) >= MINUTE, "{counting:?}");
            }
            // By itself, and sooner if it is told of the resume; both with a first delay of up to 1 s.
            for (ours, within) in [(ours, 31 * SECOND), (told, 11_500 * MS)] {
                let ours = ours.borrow();
                assert_eq!(ours.len(), 2, "{clock:?}: {ours:?}");
                assert!(since(ours[1], resumed) <= within, "{clock:?}: {ours:?}");
            }
        });
    }
}

/// rust-lang/rust#79462, #87906: the same program has a clock that runs on while the machine sleeps
/// on one platform, and one that stops on another. A short sleep kills nothing, TCP sends again; a
/// rule that compares with a clock which ran on takes it for the peer's silence.
#[test]
fn a_short_sleep_is_the_peer_s_silence_where_the_clock_runs_on() {
    for (clock, blind) in [(Clock::Stops, false), (Clock::RunsOn, false), (Clock::RunsOn, true)] {
        for_each_seed(0..3, |sim| {
            let us = sim.host("us");
            if blind {
                us.blind();
            }
            sim.link("us", "them").delay(20 * MS);
            let naive = live_by(sim, Actix::default(), quiet(), quiet());
            let ours = everbeat::connect(sim, ConnectionConfig::client(), quiet(), quiet());
            // While a Ping is out: its Pong finds nobody, and comes again after the resume.
            while ours.log().written == 0 {
                pass(sim, MS);
            }
            us.suspend(25 * SECOND, clock);
            pass(sim, HOUR);
            assert_eq!(naive.get().death().is_some(), clock == Clock::RunsOn);
            ours.assert_alive();
        });
    }
}

/// oxidezap/whatsapp-rust#1376: after the resume the wall clock is set right, and a socket that is
/// five seconds old has been silent for twelve hours.
#[test]
fn the_wall_clock_is_set_and_a_young_socket_dies() {
    for_each_seed(0..3, |sim| {
        let ahead = Rc::new(Cell::new(Duration::ZERO));
        let rule = WallClock::new(5 * SECOND, 20 * SECOND, ahead.clone());
        let naive = live_by(sim, rule, quiet(), quiet());
        let ours = everbeat::connect(sim, ConnectionConfig::client(), quiet(), quiet());
        sim.after(7 * SECOND, move || ahead.set(12 * HOUR));
        pass(sim, HOUR);
        let died = naive.get().death().unwrap();
        assert!(since(died, 7 * SECOND) <= 5 * SECOND, "{died:?}");
        ours.assert_alive();
    });
}

/// SignalR/SignalR#4536: a browser lets the timers of a background tab fire once a minute. The
/// client finds that its own timer was late, takes that for inactivity, and stops.
#[test]
fn a_throttled_timer_is_taken_for_inactivity() {
    for_each_seed(0..3, |sim| {
        let us = sim.host("us");
        let throttled = Throttled(us.timer());
        let rule = TrustsItsTimer::new(10 * SECOND, 50 * SECOND);
        let naive = Watch::default();
        us.spawn(run(rule, with_peer(sim, quiet()), throttled.clone(), quiet(), naive.clone()));
        let seen = Seen::default();
        let config = ConnectionConfig::client();
        let ours =
            Connection::new(with_peer(sim, quiet()), throttled.clone(), config, sim.random());
        us.spawn(drive(ours, throttled.clone(), quiet(), seen.clone()));
        // Another, whose road is lost after half an hour.
        let (lost, pipe) = (Seen::default(), with_peer(sim, quiet()));
        let road = pipe.link();
        let ours = Connection::new(pipe, throttled.clone(), config, sim.random());
        us.spawn(drive(ours, throttled, quiet(), lost.clone()));
        sim.after(HOUR / 2, move || road.cut());
        pass(sim, HOUR);
        assert!(naive.get().death().is_some());
        seen.assert_alive();
        // Late timers make a late verdict, no wrong one.
        let (died, _) = lost.death().unwrap();
        assert!(since(died, HOUR / 2) <= 3 * MINUTE, "{died:?}");
    });
}

/// A timer whose sleeps end with a full minute
#[derive(Clone)]
struct Throttled(SimTimer);

struct ThrottledSleep {
    asked: Instant,
    sleep: Pin<Box<SimSleep>>,
}

fn next_minute(deadline: Instant) -> Instant {
    if deadline == Instant::NEVER {
        return deadline;
    }
    let minutes = deadline.since_origin().as_millis().div_ceil(MINUTE.as_millis());
    Instant::ORIGIN + MINUTE * u32::try_from(minutes).unwrap_or(u32::MAX)
}

impl Timer for Throttled {
    type Sleep = ThrottledSleep;

    fn now(&self) -> Instant {
        self.0.now()
    }

    fn sleep_until(&self, deadline: Instant) -> ThrottledSleep {
        let sleep = Box::pin(self.0.sleep_until(next_minute(deadline)));
        ThrottledSleep { asked: deadline, sleep }
    }
}

impl Future for ThrottledSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.sleep.as_mut().poll(cx)
    }
}

impl Sleep for ThrottledSleep {
    fn deadline(&self) -> Instant {
        self.asked
    }

    fn reset(mut self: Pin<&mut Self>, deadline: Instant) {
        self.asked = deadline;
        self.sleep.as_mut().reset(next_minute(deadline));
    }
}

#[test]
fn a_throttled_sleep_ends_with_a_full_minute_and_no_earlier() {
    let mut sim = Sim::seed(0);
    let timer = Throttled(sim.timer());
    let sleep = timer.sleep_until(Instant::ORIGIN + MINUTE + MS);
    assert!(sim.block_on(sleep, HOUR).is_ok());
    assert_eq!(timer.now(), Instant::ORIGIN + 2 * MINUTE);
}
