//! What is measured, on each runtime: a server as a user writes it, or clients.

use std::net::SocketAddr;
use std::sync::mpsc::{Sender, channel};
use std::thread;

use anyhow::{Context, Result};
use everbeat_core::Message;
use everbeat_support::Runtime;

use crate::secrets::Secrets;

/// A server that runs
pub(crate) struct Host {
    pub(crate) address: SocketAddr,
    /// Says it to all connections at once
    pub(crate) say_all: Box<dyn Fn(Message) -> Result<()> + Send + Sync>,
    /// How many connections it has
    pub(crate) connections: Box<dyn Fn() -> usize + Send + Sync>,
}

/// A server that receives and, if it is to echo, sends back
///
/// A macro, because its handlers are to be closures: what a user's handler costs belongs to the sum.
macro_rules! serve {
    ($runtime:ident, $echo:expr, $secrets:expr, $told:expr) => {{
        let builder = $runtime::Server::builder();
        #[cfg(feature = "tls")]
        let builder = builder.listener(|listener| match $secrets {
            Some(secrets) => listener.tls(secrets.server.clone()),
            None => listener,
        });
        #[cfg(not(feature = "tls"))]
        let _: Option<Secrets> = $secrets;
        let server = builder.bind("127.0.0.1:0").await?;
        let (all, those) = (server.registry(), server.registry());
        $told.send(Host {
            address: server.acceptor().local_address()?,
            say_all: Box::new(move |message| Ok(all.send_all(message).map(drop)?)),
            connections: Box::new(move || those.len()),
        })?;
        if $echo {
            server
                .serve(|mut connection| async move {
                    while let Some(message) = connection.recv().await? {
                        connection.send(message).await?;
                    }
                    Ok(())
                })
                .await;
        } else {
            server
                .serve(|mut connection| async move {
                    while connection.recv().await?.is_some() {}
                    Ok(())
                })
                .await;
        }
        anyhow::Ok(())
    }};
}

/// Starts a server on a runtime's own threads, as many as it takes by default
pub(crate) fn start(runtime: Runtime, echo: bool, secrets: Option<Secrets>) -> Result<Host> {
    let (told, host) = channel();
    thread::spawn(move || run(runtime, echo, secrets, &told));
    host.recv().context("the server does not start")
}

fn run(runtime: Runtime, echo: bool, secrets: Option<Secrets>, told: &Sender<Host>) -> Result<()> {
    match runtime {
        Runtime::Tokio => tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()?
            .block_on(async { serve!(everbeat_tokio, echo, secrets, told) }),
        Runtime::AsyncStd => {
            async_std::task::block_on(async { serve!(everbeat_async_std, echo, secrets, told) })
        }
        Runtime::Smol => smol::block_on(async { serve!(everbeat_smol, echo, secrets, told) }),
    }
}

/// A client that listens to whatever comes
macro_rules! listen {
    ($runtime:ident, $url:expr) => {{
        let url = $url;
        async move {
            if let Ok(mut client) = $runtime::Client::builder(url).build() {
                while client.next().await.is_some() {}
            }
        }
    }};
}

/// Where clients live
#[derive(Debug)]
pub(crate) enum Clients {
    Tokio(tokio::runtime::Runtime),
    AsyncStd,
    Smol,
}

impl Clients {
    pub(crate) fn on(runtime: Runtime) -> Result<Self> {
        Ok(match runtime {
            Runtime::Tokio => {
                Self::Tokio(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
            }
            Runtime::AsyncStd => Self::AsyncStd,
            Runtime::Smol => Self::Smol,
        })
    }

    /// One more
    pub(crate) fn spawn(&self, url: &'static str) {
        match self {
            Self::Tokio(runtime) => drop(runtime.spawn(listen!(everbeat_tokio, url))),
            Self::AsyncStd => drop(async_std::task::spawn(listen!(everbeat_async_std, url))),
            Self::Smol => smol::spawn(listen!(everbeat_smol, url)).detach(),
        }
    }
}
