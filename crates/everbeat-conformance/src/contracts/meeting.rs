//! The contracts of `Connect` and `Accept`.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Waker};
use std::time::Duration;

use everbeat_core::Cause;
use everbeat_core::transport::{Accept, Attempt, Connect, Incoming};

use super::tools::{
    WHILE, Woken, accept, both, first, flush, hear, is_woken, meet, put, recv, soon,
};
use super::{Line, Subject};

pub(super) fn lines<S: Subject>() -> Vec<Line<S>> {
    super::table![
        "connector: each attempt yields a transport of its own" => attempts,
        "connector: an attempt where nobody listens fails, and is retried" => refused,
        "connector: dropping an attempt frees what it held" => abandoned,
        "connector: settings that can be are not refused" => settings,
        "acceptor: a slow upgrade blocks nobody" => slow,
        "acceptor: errors of one socket are not reported by accepting" => vanished,
        "acceptor: the latest context is woken" => latest,
        "acceptor: dropping an upgrade ends its connection" => dropped,
    ]
}

async fn attempts<S: Subject>(subject: S) {
    let (mut acceptor, mut connector) = subject.listen().await;
    let mut pairs = Vec::new();
    for _ in 0..3 {
        pairs.push(meet::<S>(&subject, &mut acceptor, &mut connector).await);
    }
    for (number, (client, server)) in pairs.iter_mut().enumerate().rev() {
        let said = number.to_string();
        put(client, said.clone().into()).await;
        let ((), heard) = soon(&subject, "a message", both(flush(client), hear(server))).await;
        assert_eq!(heard, Incoming::Message(said.into()));
    }
}

async fn refused<S: Subject>(subject: S) {
    let mut connector = subject.refused().await;
    match soon(&subject, "a refusal", connector.connect(Attempt::first())).await {
        Ok(_) => panic!("connected to nobody"),
        Err(error) => {
            let cause = S::Connector::classify(&error);
            assert!(matches!(cause, Cause::Unreachable { .. }), "{cause:?}");
        }
    }
}

async fn abandoned<S: Subject>(subject: S) {
    let (mut acceptor, mut connector) = subject.listen().await;
    let mut attempt = Box::pin(connector.connect(Attempt::first()));
    let _begun = attempt.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    drop(attempt);
    // If the other side came to know of it, it is over there too.
    let accepting = first(accept::<S>(&mut acceptor), subject.wait(Duration::from_millis(200)));
    if let Some(upgrade) = accepting.await {
        soon(&subject, "the end of an attempt that was dropped", async {
            if let Ok((mut transport, _, _)) = upgrade.await {
                while let Some(Ok(_)) = recv(&mut transport).await {}
            }
        })
        .await;
    }
    let _pair = meet::<S>(&subject, &mut acceptor, &mut connector).await;
}

async fn settings<S: Subject>(subject: S) {
    let (_acceptor, connector) = subject.listen().await;
    assert_eq!(connector.check(), Ok(()));
}

async fn slow<S: Subject>(subject: S) {
    let (mut acceptor, mut connector) = subject.listen().await;
    let mut waiting = Box::pin(connector.connect(Attempt::first()));
    let accepting = accept::<S>(&mut acceptor);
    let beginning = poll_fn(|cx| {
        let _begun = waiting.as_mut().poll(cx);
        std::task::Poll::<()>::Pending
    });
    let upgrade = soon(&subject, "a socket", first(accepting, beginning)).await;
    // It is kept and not polled, and another one comes.
    let _pair = meet::<S>(&subject, &mut acceptor, &mut connector).await;
    drop(upgrade);
}

async fn vanished<S: Subject>(subject: S) {
    let (mut acceptor, mut connector) = subject.listen().await;
    let mut gone = Box::pin(connector.connect(Attempt::first()));
    let beginning = poll_fn(|cx| {
        let _begun = gone.as_mut().poll(cx);
        std::task::Poll::<()>::Pending
    });
    let upgrade = soon(&subject, "a socket", first(accept::<S>(&mut acceptor), beginning)).await;
    drop(gone);
    // Until the acceptor's side can know of it
    subject.wait(WHILE).await;
    if let Some(upgrade) = upgrade {
        soon(&subject, "an upgrade that nobody waits for", async {
            if let Ok((mut transport, _, _)) = upgrade.await {
                while let Some(Ok(_)) = recv(&mut transport).await {}
            }
        })
        .await;
    }
    let _pair = meet::<S>(&subject, &mut acceptor, &mut connector).await;
}

async fn latest<S: Subject>(subject: S) {
    let (mut acceptor, mut connector) = subject.listen().await;
    let (_, stale) = Woken::new();
    let (woken, fresh) = Woken::new();
    for waker in [&stale, &fresh] {
        let mut cx = Context::from_waker(waker);
        assert!(Pin::new(&mut acceptor).poll_accept(&mut cx).is_pending());
    }
    let connecting = connector.connect(Attempt::first());
    let waiting = is_woken(&subject, "the latest context", &woken);
    let served = async {
        waiting.await;
        accept::<S>(&mut acceptor).await.await.is_ok()
    };
    let (connected, served) = soon(&subject, "a connection", both(connecting, served)).await;
    assert!(connected.is_ok() && served);
}

async fn dropped<S: Subject>(subject: S) {
    let (mut acceptor, mut connector) = subject.listen().await;
    let connecting = async {
        if let Ok(mut transport) = connector.connect(Attempt::first()).await {
            while let Some(Ok(_)) = recv(&mut transport).await {}
        }
    };
    let dropping = async { drop(accept::<S>(&mut acceptor).await) };
    soon(&subject, "the end of a dropped upgrade", both(connecting, dropping)).await;
}
