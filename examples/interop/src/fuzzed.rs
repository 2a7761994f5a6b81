//! The role of a client whom Autobahn's fuzzing server tries: a connection for each of its cases, on
//! which all that comes is sent back. The server judges; what we think of a case nobody asks.

use std::future::Future;
use std::pin::pin;

use anyhow::{Context, Result, bail};
use everbeat_core::Event;
use everbeat_core::reconnect::Retry;
use everbeat_ws::Runtime;
use futures_util::future::{Either, select};
use futures_util::stream::{Stream, StreamExt};

use crate::args::Settings;
use crate::client;
use crate::command::Command;

/// The name under which the server writes its reports
const AGENT: &str = "everbeat";

/// Every case on a runtime; ends before with the tester's words
pub(crate) async fn run<R: Runtime>(
    server: &str,
    settings: &Settings,
    commands: impl Stream<Item = Command>,
) -> Result<()> {
    let cases = every_case(server, |url, echoes| converse::<R>(url, settings, echoes));
    match select(pin!(cases), pin!(commands.collect::<Vec<_>>())).await {
        Either::Left((ended, _)) => ended,
        Either::Right(_) => bail!("nobody wants to know any more"),
    }
}

/// Every case, and the reports at last; `converse` is a connection to a URL until it ends: it sends back
/// what comes, or returns it
pub(crate) async fn every_case<F: Future<Output = Result<Option<String>>>>(
    server: &str,
    converse: impl Fn(String, bool) -> F,
) -> Result<()> {
    let count = converse(format!("{server}/getCaseCount"), false).await?;
    let count: usize = count.context("how many cases there are was not told")?.parse()?;
    for case in 1..=count {
        converse(format!("{server}/runCase?case={case}&agent={AGENT}"), true).await?;
    }
    converse(format!("{server}/updateReports?agent={AGENT}"), false).await?;
    Ok(())
}

async fn converse<R: Runtime>(
    url: String,
    settings: &Settings,
    echoes: bool,
) -> Result<Option<String>> {
    let once = client::builder::<R>(&url, settings)?.verdict(|_| Retry::Never);
    let mut client = once.connect().await.with_context(|| url.clone())?;
    let mut told = None;
    while let Some(event) = client.next().await {
        match event {
            // A connection that has ended says so with its next event.
            Event::Message(message) if echoes => _ = client.send(message).await,
            Event::Message(message) => told = message.as_text().map(String::from),
            _ => {}
        }
    }
    Ok(told)
}
