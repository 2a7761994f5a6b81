//! The client that comes back: after which ends, how soon, how often, and with what it had queued.

mod support;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use everbeat_core::cause::{Cause, CloseCode, CloseFrame, Cut};
use everbeat_core::client::{Client, ClientBuilder, ConnectError, Queue, SendError};
use everbeat_core::config::ConnectionConfig;
use everbeat_core::reconnect::{Backoff, Retry};
use everbeat_core::time::Instant;
use everbeat_core::transport::{Attempt, Connect, Incoming};
use everbeat_core::{Connection, Event, Message};
use everbeat_sim::net::{Answer, Connecting};
use everbeat_sim::{Sim, SimConnector, SimTimer, Task, for_each_seed};
use support::{MS, SECOND, at, drive, messages};

type Events = [(Instant, Event)];
type SimClient = Client<SimConnector, SimTimer>;

/// A server that echoes, until its task is aborted, which kills it with all its connections
fn serve(sim: &Sim) -> Task<()> {
    let (handle, mut listener) = (sim.handle(), sim.listen("server"));
    sim.spawn(async move {
        // Owned by this task, so that they die with it.
        let mut connections = Connections::default();
        loop {
            let (pipe, _) = listener.accept().await;
            let (timer, seed) = (handle.timer(), handle.random());
            let mut connection = Connection::new(pipe, timer, ConnectionConfig::server(), seed);
            connections.0.push(handle.spawn(async move {
                while let Ok(Some(message)) = connection.recv().await {
                    connection.send(message).await?;
                }
                Ok::<_, Cause>(())
            }));
        }
    })
}

#[derive(Default)]
struct Connections(Vec<Task<Result<(), Cause>>>);

impl Drop for Connections {
    fn drop(&mut self) {
        self.0.iter().for_each(Task::abort);
    }
}

fn builder(sim: &Sim) -> ClientBuilder<SimConnector, SimTimer> {
    sim.link("client", "server").delay(20 * MS);
    Client::over(sim.connector("server"), sim.timer(), sim.random())
        .interval(SECOND)
        .timeout(2 * SECOND)
        .connect_timeout(2 * SECOND)
        .backoff(Backoff::full_jitter(100 * MS..=SECOND).with_healthy_after(2 * SECOND))
}

/// A client that has stood for a while
fn connected(sim: &mut Sim, builder: ClientBuilder<SimConnector, SimTimer>) -> SimClient {
    let mut client = sim.block_on(builder.connect(), SECOND).unwrap().unwrap();
    drive(sim, &mut client, 5 * SECOND);
    client
}

fn attempts(events: &Events) -> usize {
    events
        .iter()
        .filter(|(_, event)| matches!(event, Event::Connecting { .. }))
        .count()
}

fn is_connected(event: &Event) -> bool {
    matches!(event, Event::Connected { .. })
}

fn ends(events: &Events) -> Vec<Cause> {
    let end = |(_, event): &(Instant, Event)| match event {
        Event::Disconnected(end) | Event::GaveUp(end) | Event::Closed(end) => {
            Some(end.cause.clone())
        }
        _ => None,
    };
    events.iter().filter_map(end).collect()
}

#[test]
fn it_tells_its_life_in_order() {
    let mut sim = Sim::seed(1);
    serve(&sim);
    let client = sim.block_on(builder(&sim).connect(), SECOND).unwrap();
    let mut client = client.unwrap();
    sim.link("client", "server").reset();
    let events = drive(&mut sim, &mut client, 5 * SECOND);
    let took = 40 * MS;
    let events: Vec<Event> = events.into_iter().map(|(_, event)| event).collect();
    let [Event::Connected { .. }, Event::Disconnected(end), rest @ ..] = &events[..] else {
        panic!("{events:?}")
    };
    assert!(
        matches!(
            end.cause,
            Cause::Cut {
                how: Cut::Reset,
                ..
            }
        ) && end.retry_in.is_some()
    );
    let again = [
        Event::Connecting { attempt: 1 },
        Event::Connected { attempt: 1, took },
    ];
    assert_eq!(rest, again);
}

#[test]
fn it_comes_back_after_whatever_happens_to_the_road() {
    for_each_seed(0..100, |sim| {
        let server = serve(sim);
        let plan = builder(sim);
        let mut client = connected(sim, plan);
        let link = sim.link("client", "server");
        match sim.random() % 6 {
            0 => link.cut(),
            1 => link.to("client").cut(),
            2 => link.to("server").cut(),
            3 => link.reset(),
            4 => link.to("client").end(),
            _ => server.abort(),
        }
        // A new process takes the place of the one that was killed.
        let _restarted = serve(sim);
        let events = drive(sim, &mut client, 6 * SECOND);
        assert_eq!(ends(&events).len(), 1, "{events:?}");
        let back = events
            .iter()
            .find(|(_, event)| is_connected(event))
            .unwrap()
            .0;
        // Interval, timeout, the first delay, a round trip.
        assert!(
            back <= at(5 * SECOND + 40 * MS) + SECOND + 2 * SECOND + 600 * MS,
            "{back:?}"
        );
        sim.block_on(client.send("are you there?"), SECOND)
            .unwrap()
            .unwrap();
        let echo = messages(&drive(sim, &mut client, SECOND));
        assert_eq!(echo, [Message::from("are you there?")]);
    });
}

#[test]
fn it_comes_back_when_a_long_partition_is_repaired() {
    for_each_seed(0..50, |sim| {
        serve(sim);
        let plan = builder(sim);
        let mut client = connected(sim, plan);
        let link = sim.link("client", "server");
        link.partition();
        let down = drive(sim, &mut client, 60 * SECOND);
        assert!(!down.iter().any(|(_, event)| is_connected(event)));
        let limit = Cause::TimedOut { limit: 2 * SECOND };
        assert!(
            ends(&down)[1..].iter().all(|cause| *cause == limit),
            "{down:?}"
        );
        link.repair();
        let up = drive(sim, &mut client, 4 * SECOND);
        assert!(up.iter().any(|(_, event)| is_connected(event)), "{up:?}");
    });
}

#[test]
fn it_outlives_a_server_that_is_down_for_a_minute() {
    for_each_seed(0..50, |sim| {
        let server = serve(sim);
        let plan = builder(sim);
        let mut client = connected(sim, plan);
        server.abort();
        let down = drive(sim, &mut client, 60 * SECOND);
        assert!(
            ends(&down)[1..]
                .iter()
                .all(|cause| matches!(cause, Cause::Unreachable { .. }))
        );
        // Full jitter up to a second: half a second on average, and never a storm.
        assert!((60..250).contains(&attempts(&down)), "{}", attempts(&down));
        serve(sim);
        let up = drive(sim, &mut client, 2 * SECOND);
        assert!(up.iter().any(|(_, event)| is_connected(event)));
    });
}

/// What a client does that stood for a while and is then closed with `code`
fn after_close(code: u16) -> Vec<(Instant, Event)> {
    let mut sim = Sim::seed(u64::from(code));
    serve(&sim);
    let plan = builder(&sim);
    let mut client = connected(&mut sim, plan);
    let close = Incoming::Close(Some(CloseCode(code).into()));
    sim.link("client", "server").to("client").inject(close);
    drive(&mut sim, &mut client, 10 * SECOND)
}

#[test]
fn the_close_code_decides_whether_it_comes_back() {
    for code in [1001, 1011, 1012, 1013, 1014, 3000, 4000] {
        let events = after_close(code);
        assert_eq!(
            ends(&events)[0],
            Cause::from(Some(CloseFrame::from(CloseCode(code))))
        );
        assert!(attempts(&events) >= 1, "{code}: {events:?}");
    }
    for code in [1002, 1003, 1007, 1008, 1009, 1010] {
        let events = after_close(code);
        assert!(
            matches!(events.last(), Some((_, Event::GaveUp(_)))),
            "{code}: {events:?}"
        );
        assert_eq!(attempts(&events), 0, "{code}");
    }
    let events = after_close(1000);
    assert!(
        matches!(events.last(), Some((_, Event::Closed(_)))),
        "{events:?}"
    );
    assert_eq!(attempts(&events), 0);
}

/// What a client does that stood for a while, lost its connection, and is then answered like this
fn after_answer(answer: Answer, length: Duration) -> Vec<(Instant, Event)> {
    let mut sim = Sim::seed(3);
    serve(&sim);
    let plan = builder(&sim);
    let mut client = connected(&mut sim, plan);
    sim.answer("server", answer);
    sim.link("client", "server").reset();
    drive(&mut sim, &mut client, length)
}

#[test]
fn the_status_decides_whether_it_comes_back() {
    let reject = |status| Answer::Reject {
        status,
        retry_after: None,
    };
    for (status, tries) in [(404, 1), (400, 1), (401, 2), (403, 2)] {
        let events = after_answer(reject(status), 60 * SECOND);
        assert_eq!(attempts(&events), tries, "{status}");
        assert!(
            matches!(events.last(), Some((_, Event::GaveUp(_)))),
            "{status}: {events:?}"
        );
    }
    for status in [429, 500, 502, 503, 504] {
        let events = after_answer(reject(status), 60 * SECOND);
        assert!(attempts(&events) > 10, "{status}: {}", attempts(&events));
    }
}

#[test]
fn a_retry_after_is_a_floor() {
    for status in [429, 503] {
        let retry_after = Some(7 * SECOND);
        let events = after_answer(
            Answer::Reject {
                status,
                retry_after,
            },
            60 * SECOND,
        );
        let tried: Vec<Instant> = events
            .iter()
            .filter(|(_, event)| matches!(event, Event::Connecting { .. }))
            .map(|(at, _)| *at)
            .collect();
        assert!(tried.len() >= 6, "{tried:?}");
        for pair in tried.windows(2) {
            let pause = pair[1].saturating_duration_since(pair[0]);
            assert!(
                pause >= 7 * SECOND && pause <= 8 * SECOND + 40 * MS,
                "{pause:?}"
            );
        }
    }
}

#[test]
fn the_user_may_decide_otherwise() {
    let mut sim = Sim::seed(1);
    serve(&sim);
    let plan = builder(&sim).verdict(|cause| match cause {
        Cause::Rejected { status: 404, .. } => Retry::Alone,
        Cause::Rejected { status: 503, .. } => Retry::Never,
        other => other.default_verdict(),
    });
    let mut client = connected(&mut sim, plan);
    sim.answer(
        "server",
        Answer::Reject {
            status: 404,
            retry_after: None,
        },
    );
    sim.link("client", "server").reset();
    assert!(attempts(&drive(&mut sim, &mut client, 20 * SECOND)) > 5);
    sim.answer(
        "server",
        Answer::Reject {
            status: 503,
            retry_after: None,
        },
    );
    let events = drive(&mut sim, &mut client, 20 * SECOND);
    assert!(
        matches!(events.last(), Some((_, Event::GaveUp(_)))),
        "{events:?}"
    );
    assert!(matches!(
        client.outcome(),
        Some(Cause::Rejected { status: 503, .. })
    ));
}

/// A connector that notes what it is told
#[derive(Clone)]
struct Noting(SimConnector, Rc<RefCell<Vec<Attempt>>>);

impl Connect for Noting {
    type Transport = <SimConnector as Connect>::Transport;
    type Error = <SimConnector as Connect>::Error;
    type Future = Connecting;

    fn connect(&mut self, attempt: Attempt) -> Connecting {
        self.1.borrow_mut().push(attempt.clone());
        self.0.connect(attempt)
    }

    fn classify(error: &Self::Error) -> Cause {
        SimConnector::classify(error)
    }
}

#[test]
fn each_attempt_is_told_its_number_and_what_went_before() {
    let mut sim = Sim::seed(1);
    serve(&sim);
    let told = Rc::new(RefCell::new(Vec::new()));
    let connector = Noting(sim.connector("server"), told.clone());
    let connect = Client::over(connector, sim.timer(), 1).connect();
    let mut client = sim.block_on(connect, SECOND).unwrap().unwrap();
    drive(&mut sim, &mut client, 60 * SECOND);
    sim.answer(
        "server",
        Answer::Reject {
            status: 401,
            retry_after: None,
        },
    );
    sim.link("client", "server").reset();
    drive(&mut sim, &mut client, 60 * SECOND);
    let told = told.borrow();
    let [first, second, third] = &told[..] else {
        panic!("{told:?}")
    };
    assert_eq!(*first, Attempt::first());
    assert_eq!(second.number, 1);
    assert!(
        matches!(
            second.after,
            Some(Cause::Cut {
                how: Cut::Reset,
                ..
            })
        ),
        "{second:?}"
    );
    assert_eq!(third.number, 2);
    assert!(
        matches!(third.after, Some(Cause::Rejected { status: 401, .. })),
        "{third:?}"
    );
}

#[test]
fn the_first_connection_fails_fast() {
    let mut sim = Sim::seed(1);
    let error = sim
        .block_on(builder(&sim).connect(), 10 * SECOND)
        .unwrap()
        .unwrap_err();
    assert!(
        matches!(error, ConnectError::Failed(Cause::Unreachable { .. })),
        "{error}"
    );
    assert_eq!(sim.now(), at(40 * MS));
    sim.answer("server", Answer::Hang);
    let error = sim
        .block_on(builder(&sim).connect(), 10 * SECOND)
        .unwrap()
        .unwrap_err();
    assert_eq!(
        error,
        ConnectError::Failed(Cause::TimedOut { limit: 2 * SECOND })
    );
}

#[test]
fn retry_first_waits_for_a_server_that_starts_later() {
    for_each_seed(0..20, |sim| {
        serve(sim);
        sim.answer("server", Answer::Refuse);
        let handle = sim.handle();
        sim.after(10 * SECOND, move || {
            handle.answer("server", Answer::Upgrade)
        });
        let connect = builder(sim).retry_first(true).connect();
        let client = sim.block_on(connect, 12 * SECOND).unwrap().unwrap();
        assert!(sim.now() >= at(10 * SECOND) && client.connection().is_some());
    });
}

#[test]
fn attempts_are_numbered_from_the_start_too() {
    let mut sim = Sim::seed(1);
    let mut client = builder(&sim).retry_first(true).build().unwrap();
    let events = drive(&mut sim, &mut client, 5 * SECOND);
    let numbers = events.iter().filter_map(|(_, event)| match event {
        Event::Connecting { attempt } => Some(*attempt),
        _ => None,
    });
    assert_eq!(numbers.take(4).collect::<Vec<_>>(), [1, 2, 3, 4]);
}

#[test]
fn an_attempt_that_takes_too_long_is_given_up_and_another_is_made() {
    let events = after_answer(Answer::Hang, 30 * SECOND);
    let causes = ends(&events);
    assert!(causes.len() > 8, "{causes:?}");
    assert!(
        causes[1..]
            .iter()
            .all(|cause| *cause == Cause::TimedOut { limit: 2 * SECOND })
    );
}

#[test]
fn a_server_that_accepts_and_closes_is_not_met_more_than_8_times_in_5_seconds() {
    let answers = [
        Answer::Close(CloseCode::INTERNAL.into()),
        Answer::Close(CloseCode::GOING_AWAY.into()),
        Answer::Close(CloseCode::TRY_AGAIN.into()),
        Answer::Cut(Cut::End),
        Answer::Cut(Cut::Reset),
    ];
    for_each_seed(0..200, |sim| {
        let which = sim.random() as usize % answers.len();
        sim.answer("server", answers[which].clone());
        let mut client = builder(sim).retry_first(true).build().unwrap();
        let events = drive(sim, &mut client, 5 * SECOND);
        assert!(
            attempts(&events) <= 8,
            "{} of {:?}",
            attempts(&events),
            answers[which]
        );
        assert!(attempts(&events) >= 3, "it goes on trying");
    });
}

#[test]
fn delays_are_spread_and_never_longer_than_the_last_step() {
    let mut first = Vec::new();
    for_each_seed(0..200, |sim| {
        let server = serve(sim);
        let plan = builder(sim);
        let mut client = connected(sim, plan);
        server.abort();
        let events = drive(sim, &mut client, 20 * SECOND);
        let delays: Vec<Duration> = events
            .iter()
            .filter_map(|(_, event)| match event {
                Event::Disconnected(end) => end.retry_in,
                _ => None,
            })
            .collect();
        assert!(delays.iter().all(|delay| *delay <= SECOND), "{delays:?}");
        first.push(delays[0]);
    });
    if first.len() == 200 {
        // Alone: uniform over the first step of 100 ms.
        assert!(first.iter().all(|delay| *delay <= 100 * MS));
        for decile in 0..10 {
            let range = 10 * MS * decile..10 * MS * (decile + 1);
            let share = first.iter().filter(|delay| range.contains(delay)).count();
            assert!((5..45).contains(&share), "{share} in {range:?}");
        }
    }
}

#[test]
fn attempts_are_counted_anew_after_a_healthy_connection() {
    let mut sim = Sim::seed(1);
    let server = serve(&sim);
    let plan = builder(&sim);
    let mut client = connected(&mut sim, plan);
    server.abort();
    drive(&mut sim, &mut client, 20 * SECOND);
    serve(&sim);
    let up = drive(&mut sim, &mut client, 10 * SECOND);
    let number = up.iter().find_map(|(_, event)| match event {
        Event::Connected { attempt, .. } => Some(*attempt),
        _ => None,
    });
    assert!(number > Some(10), "{number:?}");
    sim.link("client", "server").reset();
    let events = drive(&mut sim, &mut client, SECOND);
    let first = events
        .iter()
        .find(|(_, event)| matches!(event, Event::Connecting { .. }));
    assert_eq!(
        first.map(|(_, event)| event),
        Some(&Event::Connecting { attempt: 1 })
    );
}

#[test]
fn the_queue_is_bounded_while_down_and_refuses_with_the_message() {
    let mut sim = Sim::seed(1);
    let plan = builder(&sim)
        .retry_first(true)
        .queue(Queue::bounded(3, 1_000));
    let mut client = plan.build().unwrap();
    drive(&mut sim, &mut client, SECOND);
    for text in ["a", "b", "c"] {
        sim.block_on(client.send(text), Duration::ZERO)
            .unwrap()
            .unwrap();
    }
    let error = sim
        .block_on(client.send("d"), Duration::ZERO)
        .unwrap()
        .unwrap_err();
    assert!(matches!(error, SendError::Full { .. }), "{error}");
    assert!(error.to_string().contains("3 messages") && error.to_string().contains("`queue`"));
    assert_eq!(error.into_message(), Message::from("d"));
    let large = sim
        .block_on(client.send(vec![7; 1_001]), Duration::ZERO)
        .unwrap()
        .unwrap_err();
    assert!(matches!(large, SendError::TooLarge { .. }), "{large}");
}

#[test]
fn a_queue_that_waits_takes_the_message_once_there_is_room() {
    for_each_seed(0..20, |sim| {
        sim.answer("server", Answer::Refuse);
        serve(sim);
        let plan = builder(sim)
            .retry_first(true)
            .queue(Queue::bounded(3, 1_000).or_wait());
        let mut client = plan.build().unwrap();
        for text in ["a", "b", "c"] {
            sim.block_on(client.send(text), Duration::ZERO)
                .unwrap()
                .unwrap();
        }
        assert!(
            sim.block_on(client.send("d"), 5 * SECOND).is_err(),
            "it waits"
        );
        sim.answer("server", Answer::Upgrade);
        sim.block_on(client.send("d"), 5 * SECOND).unwrap().unwrap();
        let echoed = messages(&drive(sim, &mut client, SECOND));
        assert_eq!(echoed, ["a", "b", "c", "d"].map(Message::from));
    });
}

#[test]
fn what_was_queued_while_down_arrives_once_and_in_order() {
    for_each_seed(0..50, |sim| {
        let server = serve(sim);
        let plan = builder(sim);
        let mut client = connected(sim, plan);
        server.abort();
        drive(sim, &mut client, SECOND);
        let sent: Vec<Message> = (0..100_u32)
            .map(|number| number.to_string().into())
            .collect();
        for message in &sent {
            client.try_send(message.clone()).unwrap();
            drive(sim, &mut client, 20 * MS);
        }
        serve(sim);
        let echoed = messages(&drive(sim, &mut client, 5 * SECOND));
        assert_eq!(echoed, sent);
    });
}

#[test]
fn closing_while_down_does_not_wait_for_a_server() {
    let mut sim = Sim::seed(1);
    let server = serve(&sim);
    let plan = builder(&sim);
    let mut client = connected(&mut sim, plan);
    server.abort();
    drive(&mut sim, &mut client, SECOND);
    let begun = sim.now();
    let end = sim.block_on(client.close(), 60 * SECOND).unwrap();
    assert_eq!((end.cause, sim.now()), (Cause::ClosedByUs, begun));
    assert_eq!(drive(&mut sim, &mut client, 60 * SECOND), []);
}

#[test]
fn a_closed_client_refuses_messages_and_stays_closed() {
    let mut sim = Sim::seed(1);
    serve(&sim);
    let plan = builder(&sim);
    let mut client = connected(&mut sim, plan);
    let end = sim.block_on(client.close(), 10 * SECOND).unwrap();
    assert_eq!(end.cause, Cause::ClosedByUs);
    let late = sim.block_on(client.send("late"), SECOND).unwrap();
    assert!(matches!(late, Err(SendError::Over { .. })), "{late:?}");
    assert_eq!(drive(&mut sim, &mut client, 600 * SECOND), []);
    assert_eq!(client.outcome(), Some(&Cause::ClosedByUs));
}
