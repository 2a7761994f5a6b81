//! The runtimes, all at once in one process: the one place where they differ is how a task is
//! started on each.

use std::future::Future;

use everbeat_async_std::AsyncStd;
use everbeat_core::Spawn;
use everbeat_server::tasks::SpawnServer;
use everbeat_smol::Smol;
use everbeat_support::Runtime;
use everbeat_tokio::Tokio;
use everbeat_ws::Acceptor;

use crate::host::Host;
use crate::tasks::{Counting, Task, Tasks};

/// What a runtime must be able to do here, in generic code
pub(crate) trait Everbeat: everbeat_ws::Runtime + Spawn<Task> {
    /// Its spawner, counting
    type Counting: SpawnServer<Acceptor<Self>, Self::Timer, Host>
        + Spawn<Task>
        + From<Tasks>
        + Clone
        + Send
        + Sync
        + 'static;
}

impl<R> From<Tasks> for Counting<R>
where
    R: Default,
{
    fn from(tasks: Tasks) -> Self {
        Self::new(tasks)
    }
}

impl Everbeat for Tokio {
    type Counting = Counting<Self>;
}

impl Everbeat for AsyncStd {
    type Counting = Counting<Self>;
}

impl Everbeat for Smol {
    type Counting = Counting<Self>;
}

/// Something to do, written once for all runtimes
pub(crate) trait Part: Send + 'static {
    fn play<R: Everbeat>(self, spawner: R::Counting) -> impl Future<Output = ()> + Send;
}

/// All executors: tokio's is ours, the others' belong to the process
#[derive(Debug)]
pub(crate) struct Executors {
    tokio: tokio::runtime::Runtime,
    tasks: Tasks,
}

impl Executors {
    pub(crate) fn start() -> std::io::Result<Self> {
        let tokio =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        Ok(Self { tokio, tasks: Tasks::default() })
    }

    /// Tasks of all runtimes that are alive, as we count them
    pub(crate) fn alive(&self) -> usize {
        self.tasks.alive()
    }

    /// Tasks that are alive on tokio, as it counts them
    pub(crate) fn alive_on_tokio(&self) -> usize {
        self.tokio.metrics().num_alive_tasks()
    }

    /// Plays a part on a runtime; nobody waits for it
    pub(crate) fn play<P: Part>(&self, runtime: Runtime, part: P) {
        let tasks = self.tasks.clone();
        match runtime {
            Runtime::Tokio => {
                let _inside = self.tokio.enter();
                Tokio.spawn(self.tasks.counted(part.play::<Tokio>(Counting::new(tasks))));
            }
            Runtime::AsyncStd => {
                AsyncStd.spawn(self.tasks.counted(part.play::<AsyncStd>(Counting::new(tasks))));
            }
            Runtime::Smol => {
                Smol.spawn(self.tasks.counted(part.play::<Smol>(Counting::new(tasks))));
            }
        }
    }
}
