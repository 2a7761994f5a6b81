//! What the server's tests have in common: a server in a simulation, and scripted peers.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use everbeat_core::cause::CloseFrame;
use everbeat_core::time::{Instant, Wheel};
use everbeat_core::transport::{Accept, Attempt, Connect, Incoming, Outgoing};
use everbeat_core::{Cause, Connection, Event};
use everbeat_server::builder::Parts;
use everbeat_server::handled::Handled;
use everbeat_server::tasks::SpawnServer;
use everbeat_server::{Accepted, Handler, Registry, Served, Server, ServerBuilder, ServerHandle};
use everbeat_sim::net::SimListener;
use everbeat_sim::{Pipe, Sim, SimHandle, SimTimer, Task};

pub(crate) const SECOND: Duration = Duration::from_secs(1);

pub(crate) type ServerConnection = Connection<Handled<Pipe>, Wheel<SimTimer>>;
pub(crate) type Builder<A = SimListener> = ServerBuilder<Parts<A, SimTimer, SimHandle>>;

/// How connections ended, by peer, as their handlers saw it
pub(crate) type Ends = Rc<RefCell<Vec<(String, Cause, Instant)>>>;

/// A running server
pub(crate) struct Host {
    pub(crate) registry: Registry<String>,
    pub(crate) handle: ServerHandle,
    pub(crate) wheel: Wheel<SimTimer>,
    pub(crate) timer: SimTimer,
    pub(crate) task: Task<Served<String>>,
}

pub(crate) fn builder(sim: &Sim) -> Builder {
    Server::over(sim.listen("server"), sim.timer(), sim.handle(), 7)
}

pub(crate) fn start<A, H>(sim: &Sim, builder: Builder<A>, handler: H) -> Host
where
    A: Accept<Transport = Pipe, Facts = String, Request = ()> + 'static,
    H: Handler<Handled<Pipe>, Wheel<SimTimer>, Accepted<String>> + 'static,
    SimHandle: SpawnServer<A, SimTimer, H>,
{
    start_with(sim, builder, |server| server, handler)
}

/// A running server that was changed before it runs
pub(crate) fn start_with<A, H>(
    sim: &Sim,
    builder: Builder<A>,
    change: impl FnOnce(Server<A, SimTimer, SimHandle>) -> Server<A, SimTimer, SimHandle>,
    handler: H,
) -> Host
where
    A: Accept<Transport = Pipe, Facts = String, Request = ()> + 'static,
    H: Handler<Handled<Pipe>, Wheel<SimTimer>, Accepted<String>> + 'static,
    SimHandle: SpawnServer<A, SimTimer, H>,
{
    let server = match builder.build() {
        Ok(server) => change(server),
        Err(error) => panic!("{error}"),
    };
    Host {
        registry: server.registry(),
        handle: server.handle(),
        wheel: server.wheel().clone(),
        timer: server.wheel().timer().clone(),
        task: sim.spawn(server.serve_with(handler)),
    }
}

/// A handler that reads until the end and notes it
pub(crate) fn noting(
    sim: &Sim,
) -> (Ends, impl Handler<Handled<Pipe>, Wheel<SimTimer>, Accepted<String>, Future: 'static> + 'static)
{
    let ends = Ends::default();
    let (noted, sim) = (ends.clone(), sim.handle());
    let handler = move |mut connection: ServerConnection, accepted: Accepted<String>| {
        let (noted, sim) = (noted.clone(), sim.clone());
        async move {
            while let Some(event) = connection.next().await {
                if let Event::Disconnected(end) = event {
                    let peer = accepted.facts().to_string();
                    noted.borrow_mut().push((peer, end.cause, sim.now()));
                }
            }
            Ok::<_, Cause>(())
        }
    };
    (ends, handler)
}

/// A handler that closes behind 2 s of message, over 10,000 bytes a second: the close waits for it, and
/// what a test does meanwhile comes while it is closing
pub(crate) async fn slow_to_close(
    mut connection: ServerConnection,
    _: Accepted<String>,
) -> Result<(), Cause> {
    connection.send("x".repeat(20_000)).await?;
    connection.close().await;
    Ok(())
}

/// Connects a raw peer from this host
pub(crate) async fn dial(sim: SimHandle, host: String) -> Option<Pipe> {
    let mut connector = sim.connector("server").on_host(&host);
    connector.connect(Attempt::first()).await.ok()
}

/// A peer that never reads, from when it is connected
pub(crate) fn silent(sim: &Sim, host: &str) -> Task<()> {
    let (sim, host) = (sim.handle(), host.to_owned());
    sim.clone().spawn(async move {
        let _pipe = dial(sim, host).await;
        std::future::pending::<()>().await;
    })
}

/// What a peer heard, and when, until its stream ended
#[derive(Debug, Default)]
pub(crate) struct Heard {
    pub(crate) texts: Vec<String>,
    pub(crate) close: Option<CloseFrame>,
    pub(crate) ended: Option<Instant>,
}

/// A peer that reads, and so answers every Ping, until the stream ends
pub(crate) fn reading(sim: &Sim, host: &str) -> (Rc<RefCell<Heard>>, Task<()>) {
    let heard = Rc::new(RefCell::new(Heard::default()));
    let (noted, sim, host) = (heard.clone(), sim.handle(), host.to_owned());
    let task = sim.clone().spawn(async move {
        let Some(mut pipe) = dial(sim.clone(), host).await else {
            panic!("not connected");
        };
        while let Some(incoming) = pipe.next().await {
            match incoming {
                Ok(Incoming::Message(message)) => {
                    noted.borrow_mut().texts.push(message.to_string());
                }
                Ok(Incoming::Close(frame)) => noted.borrow_mut().close = frame,
                Ok(_) => {}
                Err(_) => break,
            }
        }
        noted.borrow_mut().ended = Some(sim.now());
    });
    (heard, task)
}

pub(crate) fn seconds(count: f64) -> Instant {
    Instant::from_origin(Duration::from_secs_f64(count))
}

/// A peer that says this once a second, or pings if it is empty, and reads nothing
pub(crate) fn talking(sim: &Sim, host: &str, text: &'static str) -> Task<()> {
    let (sim, host) = (sim.handle(), host.to_owned());
    sim.clone().spawn(async move {
        let Some(mut pipe) = dial(sim.clone(), host).await else {
            panic!("not connected");
        };
        let outgoing = || match text {
            "" => Outgoing::Ping([0; 8]),
            text => Outgoing::Message(text.into()),
        };
        while pipe.send(outgoing()).await.is_ok() {
            sim.sleep(SECOND).await;
        }
    })
}
