//! Reconnecting clients and the server that they come back to.

use everbeat_core::client::{Client, ClientBuilder};
use everbeat_core::config::ConnectionConfig;
use everbeat_core::reconnect::Backoff;
use everbeat_core::time::Instant;
use everbeat_core::{Cause, Connection, Event};
use everbeat_sim::{Sim, SimConnector, SimTimer, Task};

use super::{MS, SECOND, drive};

pub(crate) type Events = [(Instant, Event)];
pub(crate) type SimClient = Client<SimConnector, SimTimer>;

/// A server that echoes, until its task is aborted, which kills it with all its connections
pub(crate) fn serve(sim: &Sim) -> Task<()> {
    serve_on(sim, "server")
}

/// The same on another host
pub(crate) fn serve_on(sim: &Sim, host: &str) -> Task<()> {
    let (handle, mut listener) = (sim.handle(), sim.listen(host));
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

pub(crate) fn builder(sim: &Sim) -> ClientBuilder<SimConnector, SimTimer> {
    sim.link("client", "server").delay(20 * MS);
    Client::over(sim.connector("server"), sim.timer(), sim.random())
        .interval(SECOND)
        .timeout(2 * SECOND)
        .connect_timeout(2 * SECOND)
        .backoff(Backoff::full_jitter(100 * MS..=SECOND).with_healthy_after(2 * SECOND))
}

/// A client that has stood for a while
pub(crate) fn connected(
    sim: &mut Sim,
    builder: ClientBuilder<SimConnector, SimTimer>,
) -> SimClient {
    let mut client = sim.block_on(builder.connect(), SECOND).unwrap().unwrap();
    drive(sim, &mut client, 5 * SECOND);
    client
}

/// A client that has lost a connection with the message "lost" unconfirmed, has "later" in its queue,
/// and whose events nobody has read since
pub(crate) fn with_an_unread_end(sim: &mut Sim) -> SimClient {
    serve(sim);
    let plan = builder(sim);
    let mut client = connected(sim, plan);
    let road = sim.link("client", "server");
    road.hold();
    sim.block_on(client.send("lost"), SECOND).unwrap().unwrap();
    road.reset();
    sim.run_for(SECOND).unwrap();
    road.release();
    // A message drives it, so that the end waits among the events.
    sim.block_on(client.send("later"), SECOND).unwrap().unwrap();
    client
}

pub(crate) fn attempts(events: &Events) -> usize {
    events.iter().filter(|(_, event)| matches!(event, Event::Connecting { .. })).count()
}

pub(crate) fn is_connected(event: &Event) -> bool {
    matches!(event, Event::Connected { .. })
}

pub(crate) fn ends(events: &Events) -> Vec<Cause> {
    let end = |(_, event): &(Instant, Event)| match event {
        Event::Disconnected(end) | Event::GaveUp(end) | Event::Closed(end) => {
            Some(end.cause.clone())
        }
        _ => None,
    };
    events.iter().filter_map(end).collect()
}
