//! The simulation itself: it owns the tasks and drives them through virtual time. Decides when time
//! goes on, and when to give up.

use std::ops::Deref;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Context;
use std::time::Duration;

use everbeat_core::time::Instant;

use crate::executor::{Executor, ROOT, Ticket};
use crate::handle::SimHandle;
use crate::world::{Shared, Step};
use crate::{SimError, Stop};

/// A simulation: virtual time, tasks, hosts and links, all from one seed
///
/// Time stands still while a task is ready, and then jumps to the next thing that happens: an hour
/// takes as long as what is done in it. One thread, first woken first polled: the same program with
/// the same seed does the same.
///
/// It dereferences to its [`SimHandle`], which makes timers, tasks, connectors and links. Dropped
/// by a panic, it prints its seed and the last events of its trace to standard error.
///
/// ```
/// use std::time::Duration;
/// use everbeat_core::transport::{Incoming, Outgoing};
/// use everbeat_sim::Sim;
///
/// let mut sim = Sim::seed(7);
/// sim.link("client", "server").delay(Duration::from_millis(40));
/// let (mut client, mut server) = sim.pipe("client", "server");
/// let greeting = async {
///     client.send(Outgoing::Message("hello".into())).await?;
///     server.next().await.transpose()
/// };
/// let heard = sim.block_on(greeting, Duration::from_secs(1))?;
/// assert_eq!(heard, Ok(Some(Incoming::Message("hello".into()))));
/// assert_eq!(format!("{:?}", sim.now()), "t+40ms");
/// # Ok::<_, everbeat_sim::SimError>(())
/// ```
#[derive(Debug)]
pub struct Sim {
    handle: SimHandle,
    executor: Executor,
    steps: u64,
    step_limit: u64,
}

/// The future of `block_on`, with its ticket
struct Root<'a> {
    future: Pin<&'a mut dyn Future<Output = ()>>,
    ticket: Arc<Ticket>,
}

/// How driving ended
enum Driven {
    Finished,
    Reached,
    Idle,
}

impl Sim {
    /// How many polls and arrivals one instant may have before it counts as a livelock
    pub const STEP_LIMIT: u64 = 100_000;

    /// A simulation whose chance is decided by `seed`; it begins at [`Instant::ORIGIN`]
    #[must_use]
    pub fn seed(seed: u64) -> Self {
        let executor = Executor::new();
        let handle = SimHandle { world: Shared::new(seed), spawner: executor.spawner().clone() };
        Self { handle, executor, steps: 0, step_limit: Self::STEP_LIMIT }
    }

    /// A handle for use inside tasks
    #[must_use]
    pub fn handle(&self) -> SimHandle {
        self.handle.clone()
    }

    /// Moves the limit on steps within one instant; [`Sim::STEP_LIMIT`] by default, at least 1
    pub fn set_step_limit(&mut self, limit: u64) {
        self.step_limit = limit.max(1);
    }

    /// Lets `duration` pass
    ///
    /// # Errors
    ///
    /// [`Stop::Livelock`] if time does not get on.
    pub fn run_for(&mut self, duration: Duration) -> Result<(), SimError> {
        self.run_until(self.now() + duration)
    }

    /// Lets time pass until `instant`, and all that is due by then happen
    ///
    /// With [`Instant::NEVER`] it ends when nothing is scheduled any more.
    ///
    /// # Errors
    ///
    /// [`Stop::Livelock`] if time does not get on.
    pub fn run_until(&mut self, instant: Instant) -> Result<(), SimError> {
        if let Driven::Idle = self.drive(None, instant)? {
            if instant != Instant::NEVER {
                self.handle.world.with(|world| world.jump(instant));
            }
        }
        Ok(())
    }

    /// Lets time pass until `future` is ready, at most `limit`
    ///
    /// # Errors
    ///
    /// [`Stop::TimedOut`] after `limit`, [`Stop::Stuck`] if nothing can wake the future any more,
    /// [`Stop::Livelock`] if time does not get on.
    pub fn block_on<F: Future>(
        &mut self,
        future: F,
        limit: Duration,
    ) -> Result<F::Output, SimError> {
        let mut output = None;
        let until = self.now() + limit;
        let driven = {
            let future = pin!(async { output = Some(future.await) });
            let root = Root { future, ticket: self.executor.root() };
            self.drive(Some(root), until)?
        };
        let stop = if let Driven::Idle = driven { Stop::Stuck } else { Stop::TimedOut { limit } };
        output.ok_or_else(|| self.error(stop))
    }

    /// How many spawned tasks are not over
    #[must_use]
    pub fn tasks(&self) -> usize {
        self.executor.len()
    }

    fn drive(&mut self, mut root: Option<Root<'_>>, until: Instant) -> Result<Driven, SimError> {
        loop {
            while let Some(id) = self.executor.next_ready() {
                self.count_step()?;
                let host = self.executor.host(id);
                if !self.handle.world.with(|world| world.may_poll(host, id)) {
                    self.executor.park(host, id);
                } else if id != ROOT {
                    self.executor.poll(id);
                } else if root.as_mut().is_some_and(Root::poll) {
                    return Ok(Driven::Finished);
                }
            }
            match self.handle.world.with(|world| world.step(until)) {
                Step::Thawed { host, moved } => {
                    self.steps = if moved { 0 } else { self.steps };
                    self.executor.thaw(host);
                }
                Step::Moved => self.steps = 0,
                Step::Happened => self.count_step()?,
                Step::Reached => return Ok(Driven::Reached),
                Step::Idle => return Ok(Driven::Idle),
            }
        }
    }

    fn count_step(&mut self) -> Result<(), SimError> {
        self.steps += 1;
        if self.steps <= self.step_limit {
            return Ok(());
        }
        self.steps = 0;
        Err(self.error(Stop::Livelock { limit: self.step_limit }))
    }
}

impl Root<'_> {
    /// Whether it is ready now
    fn poll(&mut self) -> bool {
        let waker = self.ticket.begin_poll();
        self.future.as_mut().poll(&mut Context::from_waker(&waker)).is_ready()
    }
}

impl Deref for Sim {
    type Target = SimHandle;

    fn deref(&self) -> &SimHandle {
        &self.handle
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        let (seed, now, trace) = (self.original_seed(), self.now(), self.trace());
        #[expect(clippy::print_stderr, reason = "it is for whoever reads why the test failed")]
        {
            eprintln!("panic at {now:?}, seed {seed} (EVERBEAT_SEED={seed} runs it again)");
            eprint!("{trace}");
        }
    }
}
