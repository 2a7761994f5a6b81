//! A host as its user sees it: where tasks run, with a clock of its own, and what can befall the
//! program and the machine. Which bytes get through is the network's.

use std::net::IpAddr;
use std::time::Duration;

use everbeat_core::Spawn;

use crate::machine::{Clock, HostId};
use crate::net::{SimConnector, SimListener};
use crate::time::SimTimer;
use crate::trace::Happening;
use crate::{SimHandle, Task};

/// A host of the simulation: a program on a machine
///
/// What is spawned here runs here, and sleeps of its [`timer`](Host::timer) belong here: when the
/// host stalls, all of it stands still. Cheap to clone; bound to its thread, as [`SimHandle`] is.
///
/// ```
/// use std::time::Duration;
/// use everbeat_core::time::Timer;
/// use everbeat_sim::Sim;
///
/// let mut sim = Sim::seed(7);
/// let phone = sim.host("phone");
/// let timer = phone.timer();
/// let alarm = phone.spawn(async move {
///     timer.sleep_until(timer.now() + Duration::from_secs(1)).await;
///     timer.now()
/// });
/// sim.run_for(Duration::from_millis(500))?;
/// phone.stall(Duration::from_secs(5)); // a long pause of its garbage collector
/// sim.run_for(Duration::from_secs(10))?;
/// assert_eq!(format!("{:?}", alarm.take()), "Some(t+5.5s)");
/// # Ok::<_, everbeat_sim::SimError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Host {
    handle: SimHandle,
    name: String,
    id: HostId,
}

impl Host {
    pub(crate) fn new(handle: SimHandle, name: &str) -> Self {
        let id = handle.world.with(|world| world.machines.number(name));
        Self { handle, name: name.to_owned(), id }
    }

    /// Its name
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its address, which its ends of pipes tell as theirs
    #[must_use]
    pub fn address(&self) -> IpAddr {
        self.id.address().into()
    }

    /// The simulation that it is part of
    #[must_use]
    pub const fn sim(&self) -> &SimHandle {
        &self.handle
    }

    /// Starts a task on this host
    pub fn spawn<F>(&self, future: F) -> Task<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        Task::spawn(&self.handle.spawner, self.id, future)
    }

    /// A timer on this host's clock, with counters of its own; after a sleep that clock may be behind
    /// [`SimHandle::now`]
    #[must_use]
    pub fn timer(&self) -> SimTimer {
        SimTimer::new(self.handle.world.clone(), self.id)
    }

    /// A connector from this host to the host `server`
    #[must_use]
    pub fn connector(&self, server: &str) -> SimConnector {
        self.handle.connector(server).on_host(&self.name)
    }

    /// Listens as this host; a newer listener takes over
    #[must_use]
    pub fn listen(&self) -> SimListener {
        self.handle.listen(&self.name)
    }

    /// The program stands still for so long: stopped by a signal, or collecting garbage
    ///
    /// No task of this host is polled, and its sleeps fire late: all at once, in the order of their
    /// deadlines, when the stall is over. The clock runs on. The kernel goes on, too: it receives
    /// until its buffer is full, and acknowledges, so that the peer sees a road that is fine and a
    /// program that says nothing. Stalls that overlap last until the later end.
    pub fn stall(&self, duration: Duration) {
        self.befall(format!("stalls for {duration:?}"), |host| {
            host.handle.world.with(|world| {
                let until = world.now + duration;
                let until = world.machines.get_mut(host.id).stall(until);
                world.thaw_at(until, host.id);
            });
        });
    }

    /// The machine sleeps for so long: the lid is closed
    ///
    /// As a [`stall`](Host::stall), and the kernel stands still too: what arrives meanwhile is
    /// lost, and the peers' TCP sends it again later. What the clock does is the platform's.
    pub fn suspend(&self, duration: Duration, clock: Clock) {
        self.befall(format!("sleeps for {duration:?}"), |host| {
            host.handle.world.with(|world| {
                let (now, until) = (world.now, world.now + duration);
                let until = world.machines.get_mut(host.id).suspend(now, until, clock);
                world.lull(host.id, until);
                world.thaw_at(until, host.id);
            });
        });
    }

    /// The machine loses its power, and has it back after so long
    ///
    /// Its tasks are gone, and so are its connections, without a word to anybody. Once there is
    /// power again the kernel answers whatever comes from one of them with a reset. Nothing listens
    /// until somebody spawns what does; what is spawned here meanwhile waits for the power.
    ///
    /// ```
    /// use std::time::Duration;
    /// use everbeat_sim::Sim;
    ///
    /// let mut sim = Sim::seed(7);
    /// let server = sim.host("server");
    /// let task = server.spawn(std::future::pending::<()>());
    /// sim.run_for(Duration::from_secs(1))?;
    /// server.crash(Duration::from_secs(30));
    /// sim.run_for(Duration::from_secs(1))?;
    /// assert!(task.is_finished());
    /// # Ok::<_, everbeat_sim::SimError>(())
    /// ```
    pub fn crash(&self, down: Duration) {
        self.befall(format!("crashes for {down:?}"), |host| {
            host.handle.spawner.kill(host.id);
            host.handle.world.with(|world| {
                let until = world.now + down;
                let until = world.machines.get_mut(host.id).crash(until);
                world.lull(host.id, until);
                world.lose_connections(host.id);
                world.thaw_at(until, host.id);
            });
        });
    }

    /// This host's platform tells nothing of the road, as many do not: [`Transport::path`] of its
    /// pipes is `None`, from now on
    ///
    /// [`Transport::path`]: everbeat_core::transport::Transport::path
    pub fn blind(&self) {
        self.handle.world.with(|world| world.machines.get_mut(self.id).blind = true);
    }

    fn befall(&self, what: String, work: impl FnOnce(&Self)) {
        let happening = Happening::Fault { link: self.name.clone(), what };
        self.handle.world.with(|world| world.record(happening));
        work(self);
    }
}

impl<F> Spawn<F> for Host
where
    F: Future + 'static,
    F::Output: 'static,
{
    fn spawn(&self, future: F) {
        drop(Self::spawn(self, future));
    }
}
