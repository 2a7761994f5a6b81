//! The runtimes by their names: the one place where they differ is how their executors start.

use std::future::Future;
use std::pin::Pin;

use anyhow::Result;
use everbeat_async_std::AsyncStd;
use everbeat_core::Spawn;
use everbeat_smol::Smol;
use everbeat_support::Runtime;
use everbeat_tokio::Tokio;
use futures_util::future::join;

use crate::args::Args;
use crate::client::Crowd;
use crate::say;
use crate::server::{Hosting, say_to_all, serve, tell};

/// A task of any kind
pub(crate) type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// tokio's lives as long as what is returned, the others' as long as the process
pub(crate) type Executor = Option<tokio::runtime::Runtime>;

/// Starts the server
pub(crate) fn host(args: &Args, hosting: Hosting) -> Result<Executor> {
    match args.runtime {
        Runtime::Tokio => return on_tokio(args, serve!(everbeat_tokio, hosting)),
        Runtime::AsyncStd => AsyncStd.spawn(boxed(serve!(everbeat_async_std, hosting))),
        Runtime::Smol => Smol.spawn(boxed(serve!(everbeat_smol, hosting))),
    }
    Ok(None)
}

/// Starts the clients
pub(crate) fn crowd(args: &Args, crowd: Crowd) -> Result<Executor> {
    match args.runtime {
        Runtime::Tokio => return on_tokio(args, crowd.come::<Tokio>()),
        Runtime::AsyncStd => AsyncStd.spawn(boxed(crowd.come::<AsyncStd>())),
        Runtime::Smol => Smol.spawn(boxed(crowd.come::<Smol>())),
    }
    Ok(None)
}

/// On as many threads as it takes by default unless it is told
fn on_tokio(args: &Args, task: impl Future<Output = ()> + Send + 'static) -> Result<Executor> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    if let Some(threads) = args.threads {
        builder.worker_threads(threads);
    }
    let executor = builder.enable_all().build()?;
    drop(executor.spawn(task));
    Ok(Some(executor))
}

fn boxed(task: impl Future<Output = ()> + Send + 'static) -> Task {
    Box::pin(task)
}
