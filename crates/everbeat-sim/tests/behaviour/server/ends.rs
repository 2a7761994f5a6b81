//! Whatever its handler does with it, a connection that is to end ends, its peer is told why, and
//! whoever wants to know is told, too.

use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use everbeat_core::cause::{CloseCode, CloseFrame, Expired};
use everbeat_core::client::Queue;
use everbeat_core::halves::split;
use everbeat_core::time::Wheel;
use everbeat_core::transport::{Accept, Incoming, Outgoing, Transport};
use everbeat_core::{Cause, Connection};
use everbeat_server::handled::Handled;
use everbeat_server::{Accepted, ConnectionHandle, Expire, Server};
use everbeat_sim::net::SimListener;
use everbeat_sim::net::{PipeError, Upgrading};
use everbeat_sim::{Pipe, Sim, SimTimer};

use super::rig::{
    SECOND, ServerConnection, builder, dial, reading, slow_to_close, start, start_with, talking,
};

type Reports = Arc<Mutex<Vec<(String, Expired)>>>;

/// Has this noted whatever `on_expire` is told
fn noted_in(
    reports: &Reports,
) -> impl Fn(&ConnectionHandle<String>, Expired) + Send + Sync + use<> {
    let reports = reports.clone();
    move |handle, rule| {
        let mut reports = reports.lock().unwrap_or_else(PoisonError::into_inner);
        reports.push((handle.facts().clone(), rule));
    }
}

/// The handler of every example: `?` behind `send`
async fn sends_for_ever(
    mut connection: ServerConnection,
    _: Accepted<String>,
) -> Result<(), Cause> {
    loop {
        connection.send("x".repeat(100)).await?;
    }
}

/// Its peer takes nothing, so that it is in `send` when the rule ends its connection
#[test]
fn on_expire_is_told_of_a_handler_that_was_sending() {
    let mut sim = Sim::seed(1);
    sim.link("talker", "server").to("talker").buffer(1_000);
    let reports = Reports::default();
    let host = start_with(
        &sim,
        builder(&sim).expire(Expire::default().stuck(10 * SECOND)),
        |server| server.on_expire(noted_in(&reports)),
        sends_for_ever,
    );
    let _talker = talking(&sim, "talker", "");
    sim.run_for(30 * SECOND).unwrap();
    assert!(host.registry.is_empty(), "it was ended");
    assert_eq!(*reports.lock().unwrap(), [("talker".to_owned(), Expired::TooSlow)]);
}

/// As above, with a peer that does read: it is never told why
#[test]
fn a_peer_is_told_why_although_its_handler_was_sending() {
    let mut sim = Sim::seed(2);
    sim.link("reader", "server").to("reader").rate(2_000).buffer(500);
    let rules = Expire::default().age(5 * SECOND);
    let host = start(&sim, builder(&sim).expire(rules), sends_for_ever);
    let (heard, task) = reading(&sim, "reader");
    sim.run_for(20 * SECOND).unwrap();
    assert!(host.registry.is_empty() && task.is_finished());
    let told = CloseFrame::new(CloseCode::RESTART, "connection too old");
    assert_eq!(heard.borrow().close, Some(told));
}

/// "Returned or panicked, its connection is gone": it was moved to a task of its own
#[test]
fn a_connection_that_was_moved_elsewhere_does_not_outlive_its_rules_its_orders_and_its_server() {
    let mut sim = Sim::seed(3);
    let spawner = sim.handle();
    let host = start(
        &sim,
        builder(&sim).expire(Expire::default().age(10 * SECOND)),
        move |mut connection: ServerConnection, _: Accepted<String>| {
            let spawner = spawner.clone();
            async move {
                spawner.spawn(async move { while let Ok(Some(_)) = connection.recv().await {} });
                Ok::<_, Cause>(())
            }
        },
    );
    let (_heard, task) = reading(&sim, "moved");
    sim.run_for(SECOND).unwrap();
    host.registry.close_all(&CloseCode::NORMAL.into());
    host.handle.shutdown();
    sim.run_for(3_600 * SECOND).unwrap();
    assert!(host.task.is_finished());
    assert!(task.is_finished(), "an hour behind its age and its server's end");
}

/// Evicted for what it says, it goes on saying it, and the handler goes on hearing it
#[test]
fn what_an_evicted_peer_says_is_not_heard_any_more() {
    let mut sim = Sim::seed(5);
    let heard = Rc::new(RefCell::new(Vec::new()));
    let (noted, timer) = (heard.clone(), sim.handle());
    let host =
        start(&sim, builder(&sim), move |mut connection: ServerConnection, _: Accepted<String>| {
            let (noted, timer) = (noted.clone(), timer.clone());
            async move {
                while connection.recv().await?.is_some() {
                    noted.borrow_mut().push(timer.now());
                }
                Ok::<_, Cause>(())
            }
        });
    let _abusive = talking(&sim, "abusive", "abuse");
    sim.run_for(SECOND * 21 / 2).unwrap();
    let before = heard.borrow().len();
    for one in host.registry.handles() {
        one.evict();
    }
    sim.run_for(20 * SECOND).unwrap();
    assert!(host.registry.is_empty());
    assert_eq!(heard.borrow().len(), before, "heard for as long as it does not answer the Close");
}

/// The documented way to keep a connection going beside slow work: halves, and the pump a task of
/// its own
#[test]
fn a_stuck_write_is_noticed_in_a_pump_of_its_own() {
    let mut sim = Sim::seed(6);
    sim.link("talker", "server").to("talker").buffer(1_000);
    let spawner = sim.handle();
    let reports = Reports::default();
    let host = start_with(
        &sim,
        builder(&sim).expire(Expire::default().stuck(10 * SECOND)),
        |server| server.on_expire(noted_in(&reports)),
        move |connection: ServerConnection, _: Accepted<String>| {
            let spawner = spawner.clone();
            async move {
                let (sender, mut receiver, pump) =
                    split(connection, Queue::bounded(1_000, 1 << 20));
                spawner.spawn(pump);
                for _ in 0..100 {
                    _ = sender.send("x".repeat(100)).await;
                }
                while receiver.next().await.is_some() {}
                Ok::<_, Cause>(())
            }
        },
    );
    // Pings are life, and are for the pump alone
    let _talker = talking(&sim, "talker", "");
    sim.run_for(600 * SECOND).unwrap();
    assert!(host.registry.is_empty(), "stuck for ten minutes, at a limit of ten seconds");
    assert_eq!(*reports.lock().unwrap(), [("talker".to_owned(), Expired::TooSlow)]);
}

/// "a connection that is closing or has ended ignores it"
#[test]
fn a_close_through_a_handle_does_not_change_the_words_of_one_that_is_closing() {
    let mut sim = Sim::seed(7);
    sim.link("client", "server").rate(10_000).buffer(1_000);
    let host = start(&sim, builder(&sim), slow_to_close);
    let (heard, _reader) = reading(&sim, "client");
    sim.run_for(SECOND).unwrap();
    host.registry.close_all(&CloseFrame::new(CloseCode(4_000), "banned"));
    sim.run_for(4 * SECOND).unwrap();
    assert_eq!(heard.borrow().close, Some(CloseCode::NORMAL.into()));
}

/// "Handlers that have not returned after `shutdown_timeout` are dropped", and `Served::closed`
/// counts those "whose handlers returned in time"
#[test]
fn a_rule_does_not_shorten_the_time_that_a_handler_has_at_a_shutdown() {
    let mut sim = Sim::seed(9);
    let (timer, done) = (sim.handle(), Rc::new(Cell::new(false)));
    let finished = done.clone();
    let host = start(
        &sim,
        builder(&sim).expire(Expire::default().age(20 * SECOND)).shutdown_timeout(60 * SECOND),
        move |mut connection: ServerConnection, _: Accepted<String>| {
            let (timer, finished) = (timer.clone(), finished.clone());
            async move {
                // Its last job, which takes 40 s
                timer.sleep(40 * SECOND).await;
                finished.set(true);
                connection.close().await;
                Ok::<_, Cause>(())
            }
        },
    );
    let (_heard, _task) = reading(&sim, "client");
    sim.run_for(10 * SECOND).unwrap();
    host.handle.shutdown();
    sim.run_for(100 * SECOND).unwrap();
    let served = host.task.take().unwrap();
    assert!(done.get(), "cut by its age, and counted as closed in time: {served}");
}

/// A transport that cannot tell what was sent, as `FromStream` is: the default of `Transport::sent`
struct Untold(Pipe);

impl Transport for Untold {
    type Error = PipeError;

    fn poll_recv(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Incoming, PipeError>>> {
        Pin::new(&mut self.0).poll_recv(cx)
    }
    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), PipeError>> {
        Pin::new(&mut self.0).poll_ready(cx)
    }
    fn start_send(mut self: Pin<&mut Self>, outgoing: Outgoing) -> Result<(), PipeError> {
        Pin::new(&mut self.0).start_send(outgoing)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), PipeError>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }
    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), PipeError>> {
        Pin::new(&mut self.0).poll_close(cx)
    }
    fn abort(mut self: Pin<&mut Self>) {
        Pin::new(&mut self.0).abort();
    }
    fn received(&self) -> u64 {
        self.0.received()
    }
}

struct UntoldListener(SimListener);

struct UntoldUpgrade(Upgrading);

impl Accept for UntoldListener {
    type Transport = Untold;
    type Facts = String;
    type Request = ();
    type Error = PipeError;
    type Upgrade = UntoldUpgrade;

    fn poll_accept(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<UntoldUpgrade, PipeError>> {
        Pin::new(&mut self.0).poll_accept(cx).map_ok(UntoldUpgrade)
    }
}

impl Future for UntoldUpgrade {
    type Output = Result<(Untold, String, ()), PipeError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx).map_ok(|(pipe, facts, ())| (Untold(pipe), facts, ()))
    }
}

/// `a_slow_peer_that_gets_on_is_not_too_slow`, at the default limit
#[test]
fn a_slow_peer_is_not_too_slow_only_because_its_transport_cannot_tell_what_was_sent() {
    let mut sim = Sim::seed(11);
    sim.link("slow", "server").to("slow").rate(1_000).buffer(500);
    let acceptor = UntoldListener(sim.listen("server"));
    let server = Server::over(acceptor, sim.timer(), sim.handle(), 7)
        .expire(Expire::default().silent(None))
        .build()
        .unwrap();
    let registry = server.registry();
    let reports = Reports::default();
    let server = server.on_expire(noted_in(&reports));
    let _task =
        sim.spawn(
            server.serve_with(
                |mut connection: Connection<Handled<Untold>, Wheel<SimTimer>>,
                 _: Accepted<String>| async move {
                    while connection.send("x".repeat(100)).await.is_ok() {}
                    while connection.recv().await?.is_some() {}
                    Ok::<_, Cause>(())
                },
            ),
        );
    let (heard, _task) = reading(&sim, "slow");
    sim.run_for(60 * SECOND).unwrap();
    let heard = heard.borrow().texts.len();
    assert_eq!(*reports.lock().unwrap(), [], "although it has read {heard} messages");
    assert_eq!(registry.len(), 1);
}

/// "if it has not looked at that for a second longer, it is dropped": it has looked, and it still
/// hears messages
#[test]
fn a_handler_that_reads_on_while_its_connection_closes_is_not_dropped_in_the_middle() {
    let mut sim = Sim::seed(14);
    let (timer, ended) = (sim.handle(), Rc::new(Cell::new(false)));
    let noted = ended.clone();
    let host =
        start(&sim, builder(&sim), move |mut connection: ServerConnection, _: Accepted<String>| {
            let (timer, noted) = (timer.clone(), noted.clone());
            async move {
                while connection.recv().await?.is_some() {
                    timer.sleep(SECOND / 5).await; // a row in a database
                }
                noted.set(true);
                Ok::<_, Cause>(())
            }
        });
    let handle = sim.handle();
    let _busy = sim.spawn(async move {
        let mut pipe = dial(handle.clone(), "busy".to_owned()).await.unwrap();
        while pipe.send(Outgoing::Message("work".into())).await.is_ok() {
            handle.sleep(SECOND / 20).await;
        }
    });
    sim.run_for(10 * SECOND).unwrap();
    host.registry.close_all(&CloseCode::NORMAL.into());
    sim.run_for(60 * SECOND).unwrap();
    assert!(host.registry.is_empty());
    assert!(ended.get(), "dropped between two messages");
}
