//! The runtimes by their names: the one place where they differ is how their executors start.

use std::future::Future;

use everbeat_async_std::AsyncStd;
use everbeat_server::tasks::SpawnServer;
use everbeat_smol::Smol;
use everbeat_support::Runtime;
use everbeat_tokio::Tokio;
use everbeat_ws::Acceptor;

use crate::server::Host;

/// Plays a part on this runtime, to its end
pub(crate) fn play<P: Part>(runtime: Runtime, part: P) -> anyhow::Result<()> {
    match runtime {
        Runtime::Tokio => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(part.play::<Tokio>())
        }
        Runtime::AsyncStd => async_std::task::block_on(part.play::<AsyncStd>()),
        Runtime::Smol => smol::block_on(part.play::<Smol>()),
    }
}

/// What every runtime here can do: all of everbeat
pub(crate) trait Everbeat:
    everbeat_ws::Runtime + SpawnServer<Acceptor<Self>, Self::Timer, Host>
{
}

impl<R> Everbeat for R where R: everbeat_ws::Runtime + SpawnServer<Acceptor<R>, R::Timer, Host> {}

/// A role, written once for all runtimes
pub(crate) trait Part {
    fn play<R: Everbeat>(self) -> impl Future<Output = anyhow::Result<()>>;
}
