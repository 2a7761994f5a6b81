//! The rules do what the libraries do that they are taken from: how often they ask, when they
//! notice a death, and what their event loops make of a stall.

use std::time::Duration;

use everbeat_museum::rules::{
    Actix, JavaWebSocket, Libwebsockets, Rule, Sending, SocketIo, Watch, Websockets, Ws,
};
use everbeat_sim::Sim;

use crate::support::{HOUR, MINUTE, MS, SECOND, at, live_by, pass, quiet};

/// All of them, at their defaults
fn on_all(mut visit: impl FnMut(&'static str, &dyn Fn(&Sim) -> Watch)) {
    fn on(rule: impl Rule + Copy + 'static) -> impl Fn(&Sim) -> Watch {
        move |sim| live_by(sim, rule, quiet(), quiet())
    }
    visit("Socket.IO", &on(SocketIo::default()));
    visit("websockets", &on(Websockets::default()));
    visit("ws", &on(Ws::default()));
    visit("Java-WebSocket", &on(JavaWebSocket::default()));
    visit("actix", &on(Actix::default()));
    visit("libwebsockets", &on(Libwebsockets::default()));
}

#[test]
fn on_a_road_that_is_fine_each_asks_as_often_as_it_says() {
    on_all(|name, start| {
        let mut sim = Sim::seed(1);
        let watch = start(&sim);
        pass(&mut sim, HOUR);
        let expected = match name {
            "Socket.IO" => 143..=144, // its interval begins with the answer
            "websockets" => 179..=180,
            "ws" => 119..=120,
            "Java-WebSocket" => 59..=60,
            "actix" => 720..=721,
            _ => 89..=90,
        };
        let report = watch.get();
        assert!(expected.contains(&report.pings), "{name}: {report:?}");
        assert_eq!(report.verdict, None, "{name}");
    });
}

#[test]
fn a_timer_for_all_ticks_when_it_ticks() {
    let first = |start: &dyn Fn(&Sim) -> Watch| {
        let mut sim = Sim::seed(1);
        let watch = start(&sim);
        (0..120).find(|_| {
            pass(&mut sim, SECOND);
            watch.get().pings > 0
        })
    };
    let ws = first(&|sim| live_by(sim, Ws::default().phase(7 * SECOND), quiet(), quiet()));
    let java = JavaWebSocket::default().phase(50 * SECOND);
    let java = first(&|sim| live_by(sim, java, quiet(), quiet()));
    assert_eq!((ws, java), (Some(6), Some(49)));
}

#[test]
fn each_notices_a_silent_death_as_late_as_it_must_and_no_later() {
    on_all(|name, start| {
        let (mut soonest, mut latest) = (Duration::MAX, Duration::ZERO);
        for second in 300..420 {
            let mut sim = Sim::seed(1);
            let watch = start(&sim);
            let died = second * SECOND + 500 * MS;
            let link = sim.link("us", "them");
            sim.after(died, move || link.cut());
            pass(&mut sim, 10 * MINUTE);
            let took = watch.get().death().unwrap().saturating_duration_since(at(died));
            (soonest, latest) = (soonest.min(took), latest.max(took));
        }
        let (from, to) = match name {
            "Socket.IO" => (20, 45),
            "websockets" => (20, 40),
            "ws" => (30, 60),
            "Java-WebSocket" => (60, 120),
            "actix" => (10, 15),
            _ => (10, 50),
        };
        assert!(
            soonest >= (from - 1) * SECOND && soonest <= (from + 1) * SECOND,
            "{name}: {soonest:?}"
        );
        assert!(latest >= (to - 1) * SECOND && latest <= (to + 1) * SECOND, "{name}: {latest:?}");
    });
}

/// Whether a stall of our own process, from so soon after a Ping that its answer waits in the
/// socket, kills the connection
fn dies_of_a_stall(start: &dyn Fn(&Sim) -> Watch, ping: Duration, stall: Duration) -> bool {
    let mut sim = Sim::seed(1);
    sim.link("us", "them").delay(20 * MS);
    let watch = start(&sim);
    let us = sim.host("us");
    sim.after(ping + 10 * MS, move || us.stall(stall));
    pass(&mut sim, HOUR);
    watch.get().death().is_some()
}

#[test]
fn an_answer_that_waits_in_the_socket_is_no_answer_to_most() {
    on_all(|name, start| {
        let (ping, stall, dies) = match name {
            "Socket.IO" => (25, 21, true),
            "websockets" => (20, 21, true),
            "ws" => (30, 31, true),
            "Java-WebSocket" => (60, 91, true),
            "actix" => (5, 9, false), // it reads first
            _ => (40, 11, true),
        };
        assert_eq!(dies_of_a_stall(start, ping * SECOND, stall * SECOND), dies, "{name}");
        let shorter = stall * SECOND / 2;
        assert!(!dies_of_a_stall(start, ping * SECOND, shorter), "{name}");
    });
}

#[test]
fn to_a_rule_that_compares_with_the_clock_our_own_stall_is_the_peer_s_silence() {
    on_all(|name, start| {
        // Long after the answer, so that nothing is outstanding.
        let compares = ["Java-WebSocket", "actix"].contains(&name);
        let (after, stall) = if name == "actix" { (302, 12) } else { (337, 100) };
        let dies = dies_of_a_stall(start, after * SECOND, stall * SECOND);
        assert_eq!(dies, compares, "{name}");
    });
}

#[test]
fn java_websocket_forgives_half_a_period() {
    // Its tick after 360 s comes when the stall is over; its last Pong came after 300 s.
    let dies = |stall| {
        let start = |sim: &Sim| live_by(sim, JavaWebSocket::default(), quiet(), quiet());
        dies_of_a_stall(&start, 350 * SECOND, stall * SECOND)
    };
    assert_eq!([dies(38), dies(42)], [false, true]);
}

#[test]
fn an_upload_in_front_of_the_ping_kills_who_counts_from_the_request() {
    // 40 s of it, from just before the first Ping of Socket.IO and after that of websockets.
    let upload = |second| [Sending::new(at(second * SECOND), 4_000_000)];
    let slow = || {
        let sim = Sim::seed(1);
        sim.link("us", "them").to("them").rate(100_000);
        sim
    };
    let mut sim = slow();
    let watch = live_by(&sim, SocketIo::default(), upload(24), quiet());
    pass(&mut sim, HOUR);
    assert_eq!(watch.get().death(), Some(at(45 * SECOND)));

    // websockets waits for room first, and so lives.
    let mut sim = slow();
    let watch = live_by(&sim, Websockets::default(), upload(19), quiet());
    pass(&mut sim, HOUR);
    assert_eq!((watch.get().death(), watch.get().sent), (None, 1));

    // But its room is its own: 32 KiB of it and a kernel's buffer are before its Ping.
    let mut sim = slow();
    sim.link("us", "them").buffer(2_500_000);
    let watch = live_by(&sim, Websockets::default(), upload(19), quiet());
    pass(&mut sim, HOUR);
    assert!(watch.get().death().is_some());
}

#[test]
fn a_download_in_front_of_the_pong_kills_who_counts_pongs_alone() {
    let download = || [Sending::new(at(24 * SECOND), 4_000_000)];
    let run = |rule: SocketIo| {
        let mut sim = Sim::seed(1);
        sim.link("us", "them").to("us").rate(100_000);
        let watch = live_by(&sim, rule, quiet(), download());
        pass(&mut sim, HOUR);
        watch.get()
    };
    let strict = run(SocketIo::default());
    assert_eq!((strict.death(), strict.received), (Some(at(45 * SECOND)), 0));
    // Whole packets put the verdict off, and one of 40 s is not whole in time.
    assert_eq!(run(SocketIo::default().forgiving()).death(), strict.death());
}

#[test]
fn whole_packets_put_the_verdict_off_since_it_learnt_to_look() {
    let run = |rule: SocketIo| {
        let mut sim = Sim::seed(1);
        let chatter = Sending::every(SECOND, 10, at(Duration::ZERO));
        let watch = live_by(&sim, rule, quiet(), chatter);
        sim.link("us", "them").to("them").mute();
        pass(&mut sim, HOUR);
        watch.get().death()
    };
    assert_eq!(run(SocketIo::default()), Some(at(45 * SECOND)));
    assert_eq!(run(SocketIo::default().forgiving()), None);
}
