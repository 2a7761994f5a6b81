//! The runtimes by their names: the one place where they differ is how their executors start.

use std::future::Future;
use std::pin::Pin;

use anyhow::Result;
use everbeat_async_std::AsyncStd;
use everbeat_core::Spawn;
use everbeat_server::tasks::SpawnServer;
use everbeat_smol::Smol;
use everbeat_support::Runtime;
use everbeat_tokio::Tokio;
use everbeat_ws::Acceptor;

use crate::args::Args;
use crate::server::Host;

/// A task of any kind
pub(crate) type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What every runtime here can do
pub(crate) trait Everbeat:
    everbeat_ws::Runtime + Spawn<Task> + SpawnServer<Acceptor<Self>, Self::Timer, Host>
{
}

impl<R> Everbeat for R where
    R: everbeat_ws::Runtime + Spawn<Task> + SpawnServer<Acceptor<R>, R::Timer, Host>
{
}

/// Something to do, written once for all runtimes
pub(crate) trait Part: Send + 'static {
    fn play<R: Everbeat>(self) -> impl Future<Output = ()> + Send;
}

/// Plays a part on a runtime's own threads, as many as it takes by default unless it is told
///
/// tokio's live as long as what is returned, the others' as long as the process.
pub(crate) fn start(args: &Args, part: impl Part) -> Result<Option<tokio::runtime::Runtime>> {
    match args.runtime {
        Runtime::Tokio => {
            let mut builder = tokio::runtime::Builder::new_multi_thread();
            if let Some(threads) = args.threads {
                builder.worker_threads(threads);
            }
            let executor = builder.enable_all().build()?;
            drop(executor.spawn(part.play::<Tokio>()));
            return Ok(Some(executor));
        }
        Runtime::AsyncStd => AsyncStd.spawn(boxed(part.play::<AsyncStd>())),
        Runtime::Smol => Smol.spawn(boxed(part.play::<Smol>())),
    }
    Ok(None)
}

fn boxed(part: impl Future<Output = ()> + Send + 'static) -> Task {
    Box::pin(part)
}
