//! Those who come: each ends well when what is told of it in `main` has happened.

use std::sync::Arc;
use std::time::Duration;

use everbeat_tokio::client::{ConnectError, Connector};
use everbeat_tokio::core::cause::CloseCode;
use everbeat_tokio::reconnect::{Backoff, Retry};
use everbeat_tokio::{Cause, Client, Event, Request};
use tokio::sync::mpsc;
use tokio::time::{Instant, interval, sleep};

use crate::issuer::Issuer;
use crate::{Clock, GOOD_FOR, LATENESS, ORIGIN, Result, TO_AUTHENTICATE};

/// Where they come to, and what all of them know
pub(crate) struct Place {
    pub(crate) url: String,
    pub(crate) issuer: Arc<Issuer>,
    pub(crate) clock: Clock,
}

impl Place {
    /// A fresh token for each attempt; `asked` is told when one was asked for
    fn with_token(
        &self,
        connector: Connector,
        user: &'static str,
        asked: mpsc::UnboundedSender<Instant>,
    ) -> Connector {
        let (url, issuer) = (self.url.clone(), self.issuer.clone());
        connector.request(move |_| {
            let (url, issuer, asked) = (url.clone(), issuer.clone(), asked.clone());
            async move {
                asked.send(Instant::now())?;
                Request::to(url).bearer(issuer.issue(user).await).build()
            }
        })
    }

    fn tell(&self, who: &str, what: impl std::fmt::Display) {
        self.clock.tell(who, format_args!("{what}"));
    }
}

/// Refreshes in band: one connection, for several times what a token is good for
pub(crate) async fn kate(at: &Place, stay: Duration) -> Result {
    let (asked, mut asks) = mpsc::unbounded_channel();
    let mut client = Client::builder(&at.url)
        .connector(|connector| at.with_token(connector, "kate", asked))
        .connect()
        .await?;
    let mut refresh = interval(GOOD_FOR / 3);
    let mut leave = std::pin::pin!(sleep(stay));
    let mut refreshed = 0;
    loop {
        tokio::select! {
            event = client.next() => match event {
                Some(Event::Message(message)) => {
                    at.tell("kate", format_args!("> {message}"));
                    refreshed += 1;
                }
                Some(Event::Disconnected(end) | Event::GaveUp(end) | Event::Closed(end)) => {
                    return Err(format!("kate was let go: {end}").into());
                }
                _ => {}
            },
            _ = refresh.tick() => {
                let token = at.issuer.issue("kate").await;
                client.send(format!("token {token}")).await?;
            }
            () = &mut leave => break,
        }
    }
    client.close().await;
    at.tell("kate", format_args!("leaves, after {refreshed} refreshes on one connection"));
    asks.try_recv()?;
    if refreshed < 3 || asks.try_recv().is_ok() {
        return Err("kate was not refreshed on one connection".into());
    }
    Ok(())
}

/// Does not refresh: closed with 3000, back once, closed again
pub(crate) async fn fred(at: &Place) -> Result {
    let (asked, mut asks) = mpsc::unbounded_channel();
    let mut client = Client::builder(&at.url)
        .connector(|connector| at.with_token(connector, "fred", asked))
        .backoff(Backoff::full_jitter(Duration::from_millis(100)..=Duration::from_secs(1)))
        .connect()
        .await?;
    let mut ends = 0;
    while let Some(event) = client.next().await {
        match event {
            Event::Connected { .. } => at.tell("fred", "is connected"),
            Event::Disconnected(end) | Event::GaveUp(end) | Event::Closed(end) => {
                at.tell("fred", &end);
                let asked = asks.try_recv()?;
                is_unauthorized(&end.cause, "authentication too old", asked, GOOD_FOR)?;
                ends += 1;
            }
            _ => {}
        }
    }
    match ends {
        2 => Ok(()),
        _ => Err(format!("fred was closed {ends} times, and not twice").into()),
    }
}

/// A page of ours: no header of its own, so its first message authenticates
pub(crate) async fn paul(at: &Place) -> Result {
    let mut client = page(at, ORIGIN).connect().await?;
    while let Some(event) = client.next().await {
        match event {
            // After each return, too.
            Event::Connected { .. } => {
                let token = at.issuer.issue("paul").await;
                client.send(format!("token {token}")).await?;
                client.send("hello").await?;
            }
            Event::Message(message) => {
                at.tell("paul", format_args!("> {message}"));
                if message.as_text() == Some("paul: hello") {
                    client.close().await;
                    return Ok(());
                }
            }
            _ => {}
        }
    }
    Err("paul's token was not taken".into())
}

/// A page of ours that never authenticates
pub(crate) async fn mute(at: &Place) -> Result {
    let came = Instant::now();
    let mut client = page(at, ORIGIN).verdict(|_| Retry::Never).connect().await?;
    while let Some(event) = client.next().await {
        if let Event::GaveUp(end) = event {
            at.tell("mute", &end);
            return is_unauthorized(&end.cause, "not authenticated in time", came, TO_AUTHENTICATE);
        }
    }
    Err("mute was let stay".into())
}

/// A page of somebody else's, which has got hold of a good token
pub(crate) async fn stranger(at: &Place) -> Result {
    let bearer = format!("Bearer {}", at.issuer.issue("paul").await);
    let page = page(at, "https://evil.example");
    let page = page.connector(|connector| connector.header("Authorization", &bearer));
    match page.connect().await {
        Err(ConnectError::Failed(cause @ Cause::Rejected { status: 403, .. })) => {
            at.tell("stranger", cause);
            Ok(())
        }
        other => Err(format!("a page of somebody else's was not refused: {other:?}").into()),
    }
}

fn page(at: &Place, origin: &str) -> Builder {
    Client::builder(&at.url).connector(|connector| connector.header("Origin", origin))
}

type Builder =
    everbeat_tokio::client::ClientBuilder<Connector, everbeat_tokio::transport::TokioTimer>;

/// Whether it was closed with 3000 for this reason, not before the time was over, and not long after
fn is_unauthorized(cause: &Cause, why: &str, since: Instant, time: Duration) -> Result {
    let took = since.elapsed();
    match cause {
        Cause::Closed { code: CloseCode::UNAUTHORIZED, reason }
            if *reason == *why && took >= time && took <= time + LATENESS =>
        {
            Ok(())
        }
        _ => Err(format!("{cause} after {took:.1?}, not 3000 ({why}) after {time:.1?}").into()),
    }
}
