//! Whether a client comes back: the verdict on each cause, and what each attempt is told.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use crate::support::clients::{attempts, builder, connected, ends, serve};
use crate::support::{MS, SECOND, drive};
use everbeat_core::Event;
use everbeat_core::cause::{Cause, CloseCode, CloseFrame, Cut};
use everbeat_core::client::Client;
use everbeat_core::reconnect::Retry;
use everbeat_core::time::Instant;
use everbeat_core::transport::{Attempt, Connect, Incoming};
use everbeat_sim::net::{Answer, Connecting};
use everbeat_sim::{Sim, SimConnector};

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
        assert_eq!(ends(&events)[0], Cause::from(Some(CloseFrame::from(CloseCode(code)))));
        assert!(attempts(&events) >= 1, "{code}: {events:?}");
    }
    for code in [1002, 1003, 1007, 1008, 1009, 1010] {
        let events = after_close(code);
        assert!(matches!(events.last(), Some((_, Event::GaveUp(_)))), "{code}: {events:?}");
        assert_eq!(attempts(&events), 0, "{code}");
    }
    let events = after_close(1000);
    assert!(matches!(events.last(), Some((_, Event::Closed(_)))), "{events:?}");
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
    let reject = |status| Answer::Reject { status, retry_after: None };
    for (status, tries) in [(404, 1), (400, 1), (401, 2), (403, 2)] {
        let events = after_answer(reject(status), 60 * SECOND);
        assert_eq!(attempts(&events), tries, "{status}");
        assert!(matches!(events.last(), Some((_, Event::GaveUp(_)))), "{status}: {events:?}");
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
        let events = after_answer(Answer::Reject { status, retry_after }, 60 * SECOND);
        let tried: Vec<Instant> = events
            .iter()
            .filter(|(_, event)| matches!(event, Event::Connecting { .. }))
            .map(|(at, _)| *at)
            .collect();
        assert!(tried.len() >= 6, "{tried:?}");
        for pair in tried.windows(2) {
            let pause = pair[1].saturating_duration_since(pair[0]);
            assert!(pause >= 7 * SECOND && pause <= 8 * SECOND + 40 * MS, "{pause:?}");
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
    sim.answer("server", Answer::Reject { status: 404, retry_after: None });
    sim.link("client", "server").reset();
    assert!(attempts(&drive(&mut sim, &mut client, 20 * SECOND)) > 5);
    sim.answer("server", Answer::Reject { status: 503, retry_after: None });
    let events = drive(&mut sim, &mut client, 20 * SECOND);
    assert!(matches!(events.last(), Some((_, Event::GaveUp(_)))), "{events:?}");
    assert!(matches!(client.outcome(), Some(Cause::Rejected { status: 503, .. })));
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
    sim.answer("server", Answer::Reject { status: 401, retry_after: None });
    sim.link("client", "server").reset();
    drive(&mut sim, &mut client, 60 * SECOND);
    let told = told.borrow();
    let [first, second, third] = &told[..] else { panic!("{told:?}") };
    assert_eq!(*first, Attempt::first());
    assert_eq!(second.number, 1);
    assert!(matches!(second.after, Some(Cause::Cut { how: Cut::Reset, .. })), "{second:?}");
    assert_eq!(third.number, 2);
    assert!(matches!(third.after, Some(Cause::Rejected { status: 401, .. })), "{third:?}");
}

#[test]
fn an_attempt_that_takes_too_long_is_given_up_and_another_is_made() {
    let events = after_answer(Answer::Hang, 30 * SECOND);
    let causes = ends(&events);
    assert!(causes.len() > 8, "{causes:?}");
    assert!(causes[1..].iter().all(|cause| *cause == Cause::TimedOut { limit: 2 * SECOND }));
}
