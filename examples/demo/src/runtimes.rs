//! The runtimes by their names: the one place where they differ is how their executors start.

use std::fmt;
use std::future::Future;

use everbeat_async_std::AsyncStd;
use everbeat_server::SpawnServer;
use everbeat_smol::Smol;
use everbeat_tokio::Tokio;
use everbeat_ws::Acceptor;
use serde::{Deserialize, Serialize};

use crate::server::Host;

/// A runtime that a child process plays its role on
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Runtime {
    Tokio,
    AsyncStd,
    Smol,
}

impl Runtime {
    pub(crate) const ALL: [Self; 3] = [Self::Tokio, Self::AsyncStd, Self::Smol];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Tokio => "tokio",
            Self::AsyncStd => "async-std",
            Self::Smol => "smol",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|runtime| runtime.name() == name)
    }

    /// Plays a part on this runtime, to its end
    pub(crate) fn play<P: Part>(self, part: P) -> anyhow::Result<()> {
        match self {
            Self::Tokio => {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
                runtime.block_on(part.play::<Tokio>())
            }
            Self::AsyncStd => async_std::task::block_on(part.play::<AsyncStd>()),
            Self::Smol => smol::block_on(part.play::<Smol>()),
        }
    }
}

impl fmt::Display for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What every runtime here can do: all of everbeat
pub(crate) trait Everbeat:
    everbeat_ws::Runtime + SpawnServer<Acceptor<Self>, Self::Timer, Host<Self::Timer>>
{
}

impl<R> Everbeat for R where
    R: everbeat_ws::Runtime + SpawnServer<Acceptor<R>, R::Timer, Host<R::Timer>>
{
}

/// A role, written once for all runtimes
pub(crate) trait Part {
    fn play<R: Everbeat>(self) -> impl Future<Output = anyhow::Result<()>>;
}
