//! Reconnect logic that somebody wrote by hand, without everbeat's `Client`, under test: does it
//! come back whatever befalls road, phone and server? `cargo run` prints a table.

use std::cell::RefCell;
use std::error::Error;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use everbeat_core::time::{Instant, Timer};
use everbeat_core::transport::{Attempt, Connect, Outgoing};
use everbeat_sim::{Clock, Host, Pipe, Sim, SimHandle, SimTimer};

const SECOND: Duration = Duration::from_secs(1);

/// The logic under test: connects, watches the connection if it is `careful`, and waits longer after
/// each failure
async fn stay_connected(phone: Host, careful: bool, connected: Rc<RefCell<Vec<Instant>>>) {
    let (timer, mut delay) = (phone.timer(), SECOND);
    loop {
        let attempt = phone.connector("server").connect(Attempt::first());
        if let Some(Ok(mut pipe)) = within(&timer, 5 * SECOND, attempt).await {
            connected.borrow_mut().push(phone.sim().now());
            delay = SECOND;
            while hears(&mut pipe, &timer, careful).await {}
        }
        timer.sleep_until(timer.now() + delay).await;
        delay = (2 * delay).min(30 * SECOND);
    }
}

/// Waits for a word; who is careful asks for one after 20 s, and gives up 10 s later
async fn hears(pipe: &mut Pipe, timer: &SimTimer, careful: bool) -> bool {
    let patience = if careful { 20 * SECOND } else { Duration::MAX };
    match within(timer, patience, pipe.next()).await {
        Some(said) => matches!(said, Some(Ok(_))),
        None if pipe.send(Outgoing::Ping([0; 8])).await.is_err() => false,
        None => matches!(within(timer, 10 * SECOND, pipe.next()).await, Some(Some(Ok(_)))),
    }
}

async fn within<F: Future>(timer: &SimTimer, limit: Duration, future: F) -> Option<F::Output> {
    let (mut future, mut sleep) = (pin!(future), pin!(timer.sleep_until(timer.now() + limit)));
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => sleep.as_mut().poll(cx).map(|()| None),
    })
    .await
}

/// A server that reads, and so answers Pings
fn serve(server: &Host) {
    let (mut listener, host) = (server.listen(), server.clone());
    server.spawn(async move {
        loop {
            let (mut pipe, _) = listener.accept().await;
            host.spawn(async move { while let Some(Ok(_)) = pipe.next().await {} });
        }
    });
}

type Fault = fn(&SimHandle);
const FAULTS: [(&str, Fault); 5] = [
    ("the connection is reset", |sim| sim.link("phone", "server").reset()),
    ("a router forgets the connection", |sim| sim.link("phone", "server").cut()),
    ("there is no road for a minute", |sim| {
        let link = sim.link("phone", "server");
        link.partition();
        sim.after(60 * SECOND, move || link.repair());
    }),
    ("the phone sleeps, its clock stops", |sim| {
        sim.link("phone", "server").cut();
        sim.host("phone").suspend(300 * SECOND, Clock::Stops);
    }),
    ("the server loses its power", |sim| {
        sim.host("server").crash(30 * SECOND);
        serve(&sim.host("server"));
    }),
];

/// How long after the fault it is connected again
fn back_after(seed: u64, fault: Fault, careful: bool) -> Result<Option<Duration>, Box<dyn Error>> {
    let mut sim = Sim::seed(seed);
    sim.link("phone", "server").delay(SECOND / 20).jitter(SECOND / 50).loss(0.02);
    serve(&sim.host("server"));
    let (phone, log) = (sim.host("phone"), Rc::<RefCell<Vec<_>>>::default());
    phone.spawn(stay_connected(phone.clone(), careful, log.clone()));
    sim.run_for(60 * SECOND + Duration::from_millis(sim.random() % 30_000))?;
    let (struck, before) = (sim.now(), log.borrow().len());
    fault(&sim);
    sim.run_for(900 * SECOND)?;
    Ok(log.borrow().get(before).map(|at| at.saturating_duration_since(struck)))
}

#[expect(clippy::print_stdout, reason = "a table is its output")]
fn main() -> Result<(), Box<dyn Error>> {
    for (what, fault) in FAULTS {
        for careful in [false, true] {
            let back = (0..20).map(|seed| back_after(seed, fault, careful));
            let back = back.collect::<Result<Vec<_>, _>>()?;
            let (n, last) = (back.iter().flatten().count(), back.iter().flatten().max());
            println!("{what:<33} careful: {careful:<5} {n:>2} of 20 back, by {last:.1?}");
        }
    }
    Ok(())
}

#[test]
fn who_is_careful_comes_back_and_who_only_waits_for_an_error_may_not() {
    for seed in Sim::seeds(0..10) {
        for (what, fault) in FAULTS {
            let back = back_after(seed, fault, true).unwrap();
            assert!(back.is_some_and(|after| after < 340 * SECOND), "{what}, {seed}: {back:?}");
        }
        assert_eq!(back_after(seed, FAULTS[1].1, false).unwrap(), None);
    }
}
