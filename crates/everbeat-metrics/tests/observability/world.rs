//! A life, played in virtual time: a server and a client that stays connected through a missed beat,
//! a stall, a road that is gone and an eviction; and beside them who fails, panics, or is one too many.

use std::cell::Cell;
use std::error::Error;
use std::future::{Future, pending, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use everbeat_core::client::{ClientBuilder, Hint};
use everbeat_core::config::{ConnectionConfig, HeartbeatConfig, OwnBeat};
use everbeat_core::reconnect::Backoff;
use everbeat_core::time::{Timer, Wheel};
use everbeat_core::transport::{Attempt, Connect};
use everbeat_core::{Cause, Client, Connection, Event};
use everbeat_metrics::{ClientMetrics, ServerMetrics, describe};
use everbeat_server::handled::Handled;
use everbeat_server::{Accepted, Expire, Limits, Server};
use everbeat_sim::net::Answer;
use everbeat_sim::{Host, Pipe, Sim, SimConnector, SimTimer, Task};

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
/// As many connections as the server takes
const PLACES: usize = 8;

type ServerConnection = Connection<Handled<Pipe>, Wheel<SimTimer>>;
type SimClient = Client<SimConnector, SimTimer>;

/// What is left to look at once all is over
#[derive(Debug, Default)]
pub(crate) struct Left {
    /// Connections that the registry has had
    pub(crate) served: u64,
    /// Messages that the client's account has
    pub(crate) accepted: u64,
}

/// Plays it; `left` is told how it ended
pub(crate) fn play(left: Option<&mut Left>) {
    describe();
    let mut sim = Sim::seed(11);
    let link = sim.link("phone", "server");
    link.delay(20 * MS);

    let server = Server::over(sim.listen("server"), sim.timer(), sim.handle(), 7)
        .interval(SECOND)
        .timeout(2 * SECOND)
        .limits(Limits::default().connections(PLACES))
        .expire(Expire::default().age(400 * SECOND))
        .build()
        .unwrap();
    let (registry, wheel, stop) = (server.registry(), server.wheel().clone(), server.handle());
    let metrics = ServerMetrics::new();
    let of_handler = metrics.clone();
    let handler = move |connection: ServerConnection, accepted: Accepted<String>| {
        serve(connection, accepted, of_handler.clone())
    };
    let served = sim.spawn(server.serve_with(metrics.observe(handler)));

    let phone = sim.host("phone");
    let closing = Rc::new(Cell::new(false));
    let builder_of_phone = builder(&phone, "server", sim.random());
    let client = phone.spawn(live(builder_of_phone, phone.timer(), closing.clone()));
    sim.run_for(5 * SECOND).unwrap();
    metrics.sample(&registry, wheel.now());

    // A beat is missed, and made up for.
    link.hold();
    sim.run_for(2 * SECOND).unwrap();
    link.release();
    sim.run_for(5 * SECOND).unwrap();

    phone.stall(4 * SECOND);
    sim.run_for(20 * SECOND).unwrap();

    // The road is gone, and with it the connection and the first attempts at another.
    link.partition();
    sim.run_for(15 * SECOND).unwrap();
    link.repair();
    sim.run_for(20 * SECOND).unwrap();

    // Who panics, fails, is evicted, and who lives as long as the server; then the crowd.
    for word in ["panic", "fail", "evict", "sleep"] {
        say(&sim.host(word), word);
    }
    beat_of_its_own(&sim);
    let given_up = give_up(&sim);
    sim.run_for(5 * SECOND).unwrap();
    for number in 0..2 * PLACES {
        say(&sim.host(&format!("crowd-{number}")), "hello");
    }
    sim.run_for(5 * SECOND).unwrap();
    assert_eq!(registry.len(), PLACES, "one too many was let in, or too few");
    metrics.sample(&registry, wheel.now());

    closing.set(true);
    sim.run_for(10 * SECOND).unwrap();
    stop.shutdown();
    sim.run_for(60 * SECOND).unwrap();
    assert!(client.is_finished() && given_up.is_finished() && served.is_finished());
    if let Some(left) = left {
        left.served = registry.served();
        left.accepted = sim.block_on(client, SECOND).unwrap().unwrap();
    }
}

fn builder(host: &Host, server: &str, seed: u64) -> ClientBuilder<SimConnector, SimTimer> {
    Client::over(host.connector(server), host.timer(), seed)
        .interval(SECOND)
        .timeout(2 * SECOND)
        .connect_timeout(2 * SECOND)
        .backoff(Backoff::full_jitter(100 * MS..=SECOND))
}

async fn serve(
    mut connection: ServerConnection,
    accepted: Accepted<String>,
    metrics: ServerMetrics,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    while let Some(event) = connection.next().await {
        metrics.event(&connection, &event);
        let Event::Message(message) = event else { continue };
        match message.as_text() {
            Some("panic") => panic!("as was asked for"),
            Some("fail") => return Err("as was asked for".into()),
            Some("sleep") => pending().await,
            Some("evict") => accepted.handle.evict(),
            _ => {
                // Its end is the next event.
                _ = connection.send(message).await;
            }
        }
    }
    match accepted.handle.cause() {
        Some(cause) if !cause.is_polite() => Err(cause.into()),
        _ => Ok(()),
    }
}

/// A client that says something each second, until it is to close; how many messages it took
async fn live(
    builder: ClientBuilder<SimConnector, SimTimer>,
    timer: SimTimer,
    closing: Rc<Cell<bool>>,
) -> u64 {
    let mut client = builder.connect().await.unwrap();
    let mut metrics = ClientMetrics::new();
    let mut said = 0;
    while !closing.get() {
        match next_within_a_second(&mut client, &timer).await {
            Some(event) => metrics.event(&event),
            None => {
                said += 1;
                if said == 3 {
                    client.hint(Hint::Foreground);
                }
                client.try_send(format!("hello {said}")).unwrap();
                metrics.sample(&client);
            }
        }
    }
    let end = client.close().await;
    metrics.event(&Event::Closed(Box::new(end)));
    metrics.sample(&client);
    client.tally().accepted
}

/// The next event, if there is one within a second
async fn next_within_a_second(client: &mut SimClient, timer: &SimTimer) -> Option<Event> {
    let mut second = pin!(timer.sleep_until(timer.now() + SECOND));
    poll_fn(|cx| match pin!(client.next()).poll(cx) {
        Poll::Ready(event) => Poll::Ready(event),
        Poll::Pending => second.as_mut().poll(cx).map(|()| None),
    })
    .await
}

/// A peer that says one word and stays
fn say(host: &Host, word: &'static str) {
    let (own, mut connector) = (host.clone(), host.connector("server"));
    host.spawn(async move {
        let Ok(pipe) = connector.connect(Attempt::first()).await else { return };
        let (config, seed) = (ConnectionConfig::client(), own.sim().random());
        let mut connection = Connection::new(pipe, own.timer(), config, seed);
        _ = connection.send(word).await;
        while connection.next().await.is_some() {}
    });
}

/// Beats by messages of one's own
fn beat_of_its_own(sim: &Sim) {
    let (near, mut far) = sim.pipe("near", "far");
    let beat = HeartbeatConfig::new(SECOND, 2 * SECOND).unwrap();
    let config = ConnectionConfig::client().with_heartbeat(Some(beat));
    let own = OwnBeat::new("ping", |message| message.as_text() == Some("pong"));
    let mut connection = Connection::with_beat(near, sim.timer(), config, own, sim.random());
    sim.spawn(async move { while connection.next().await.is_some() {} });
    sim.spawn(async move { while let Some(Ok(_)) = far.next().await {} });
}

/// A client whose server has no such page
fn give_up(sim: &Sim) -> Task<()> {
    sim.answer("elsewhere", Answer::Reject { status: 404, retry_after: None });
    let mut client =
        builder(&sim.host("phone"), "elsewhere", sim.random()).retry_first(true).build().unwrap();
    sim.spawn(async move {
        let mut metrics = ClientMetrics::new();
        while let Some(event) = client.next().await {
            metrics.event(&event);
        }
        assert!(matches!(client.outcome(), Some(Cause::Rejected { status: 404, .. })));
        metrics.sample(&client);
    })
}
