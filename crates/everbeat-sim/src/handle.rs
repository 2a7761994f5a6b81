//! The handle that tasks use: it makes timers, tasks, listeners, connectors, pipes and links.

use std::time::Duration;

use everbeat_core::Spawn;
use everbeat_core::time::{Instant, Timer};

use crate::executor::Spawner;
use crate::machine::HostId;
use crate::net::{Answer, Link, Pipe, SimConnector, SimListener};
use crate::time::{SimSleep, SimTimer};
use crate::trace::{Happening, Trace};
use crate::world::Shared;
use crate::{Host, SimError, Task};

/// A simulation, seen from inside
///
/// Cheap to clone, but bound to its thread, for it can spawn futures that are. What it makes
/// (timers, connectors, pipes, links) is `Send`, so that code which asks for `Send` runs here too.
///
/// ```
/// use std::time::Duration;
/// use everbeat_sim::Sim;
///
/// let mut sim = Sim::seed(7);
/// let handle = sim.handle();
/// sim.spawn(async move {
///     handle.sleep(Duration::from_secs(60)).await;
///     handle.note("a minute has passed");
/// });
/// sim.run_for(Duration::from_secs(61))?;
/// assert!(sim.trace().to_string().contains("t+60s"));
/// # Ok::<_, everbeat_sim::SimError>(())
/// ```
#[derive(Clone, Debug)]
pub struct SimHandle {
    pub(crate) world: Shared,
    pub(crate) spawner: Spawner,
}

impl SimHandle {
    /// The present instant
    #[must_use]
    pub fn now(&self) -> Instant {
        self.world.with(|world| world.now)
    }

    /// A future that is ready `delay` from now
    pub fn sleep(&self, delay: Duration) -> SimSleep {
        self.timer().sleep_until(self.now() + delay)
    }

    /// The host of this name: where tasks run that stall together, on a clock of their own
    #[must_use]
    pub fn host(&self, name: &str) -> Host {
        Host::new(self.clone(), name)
    }

    /// A timer on the simulation's clock, with counters of its own; it never stalls
    #[must_use]
    pub fn timer(&self) -> SimTimer {
        SimTimer::new(self.world.clone(), HostId::NOWHERE)
    }

    /// Starts a task that belongs to no [host](Self::host), so that nothing stalls it
    pub fn spawn<F>(&self, future: F) -> Task<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        Task::spawn(&self.spawner, HostId::NOWHERE, future)
    }

    /// Calls `work` after `delay`: the way to schedule a fault
    ///
    /// ```
    /// use std::time::Duration;
    /// use everbeat_sim::Sim;
    ///
    /// let sim = Sim::seed(7);
    /// let link = sim.link("client", "server");
    /// sim.after(Duration::from_secs(5), move || link.partition());
    /// ```
    pub fn after(&self, delay: Duration, work: impl FnOnce() + 'static) {
        let sleep = self.sleep(delay);
        self.spawn(async move {
            sleep.await;
            work();
        });
    }

    /// The number that decides everything that is left to chance
    #[must_use]
    pub fn original_seed(&self) -> u64 {
        self.world.with(|world| world.seed)
    }

    /// A number from the simulation's own source of chance: a seed for what is under test
    #[must_use]
    pub fn random(&self) -> u64 {
        self.world.with(|world| world.rng.u64(..))
    }

    /// A connected pair, the client's end and the server's, between these two hosts
    #[must_use]
    pub fn pipe(&self, client: &str, server: &str) -> (Pipe, Pipe) {
        Pipe::pair(&self.world, client, server)
    }

    /// Listens as host `name`; a newer listener of the same name takes over
    #[must_use]
    pub fn listen(&self, name: &str) -> SimListener {
        SimListener::new(self.world.clone(), name)
    }

    /// A connector from the host `client` to the host `server`; see [`SimConnector::on_host`]
    #[must_use]
    pub fn connector(&self, server: &str) -> SimConnector {
        SimConnector::new(self.world.clone(), server)
    }

    /// How the host `name` answers attempts to connect, from now on
    ///
    /// An answer other than [`Answer::Upgrade`] is given by the host itself, whether or not
    /// somebody listens there.
    pub fn answer(&self, name: &str, answer: Answer) {
        self.world.with(|world| world.set_answer(name, answer));
    }

    /// The link between two hosts: its settings, and the faults that can befall it
    #[must_use]
    pub fn link(&self, a: &str, b: &str) -> Link {
        Link::between(self.world.clone(), a, b)
    }

    /// Puts the program's own words into the trace, and into the digest
    pub fn note(&self, text: impl Into<String>) {
        let text = text.into();
        self.world.with(|world| world.record(Happening::Note(text)));
    }

    /// The history so far
    #[must_use]
    pub fn trace(&self) -> Trace {
        self.world.with(|world| world.trace.clone())
    }

    /// A hash of everything that happened so far: the same for the same program and seed
    #[must_use]
    pub fn digest(&self) -> u64 {
        self.world.with(|world| world.trace.digest())
    }

    pub(crate) fn error(&self, stop: crate::Stop) -> SimError {
        self.world.with(|world| SimError {
            stop,
            seed: world.seed,
            at: world.now,
            trace: world.trace.clone(),
        })
    }
}

impl<F> Spawn<F> for SimHandle
where
    F: Future + 'static,
    F::Output: 'static,
{
    fn spawn(&self, future: F) {
        drop(Self::spawn(self, future));
    }
}
