//! The contract of `Transport`, where it ends: closing, dropping, aborting, and errors.

use std::future::poll_fn;
use std::pin::Pin;

use everbeat_core::cause::Cause;
use everbeat_core::transport::{Incoming, Outgoing, Transport};

use super::tools::{
    LARGE, WHILE, both, bytes, close, first, flush, flushed, hear, pair, put, recv, say_close,
    soon, start,
};
use super::{Line, Subject};

pub(super) fn lines<S: Subject>() -> Vec<Line<S>> {
    super::table![
        "transport: a Close needs no readiness and overtakes a message's rest" => overtakes,
        "transport: closing flushes first" => closing,
        "transport: a server closes first, and a client after it" => in_turn,
        "transport: closing loses no Close to unread bytes" => unread,
        "transport: after an error of sending, what was said is still read" => last_words,
        "transport: after the end it can be closed and aborted" => after_the_end,
        "transport: dropping ends it without Close" => dropped,
        "transport: abort ends it without Close" => aborted,
        "transport: an end without Close is a cut" => cut,
    ]
}

async fn overtakes<S: Subject>(subject: S) {
    let (mut client, mut server) = pair(&subject).await;
    put(&mut client, bytes(LARGE)).await;
    let _blocked = flushed(&mut client);
    start(&mut client, Outgoing::Close(None));
    let speaking = async {
        _ = poll_fn(|cx| Pin::new(&mut client).poll_flush(cx)).await;
        std::future::pending::<()>().await;
    };
    let heard = soon(&subject, "a Close", first(hear(&mut server), speaking)).await;
    assert_eq!(heard, Some(Incoming::Close(None)));
}

/// After both have said Close: a server at once, a client once the server has (RFC 6455, 7.1.1)
async fn in_turn<S: Subject>(subject: S) {
    let (mut client, mut server) = pair(&subject).await;
    say_close(&subject, &mut client, &mut server).await;
    let hasty = first(close(&mut client), subject.wait(WHILE)).await;
    assert!(hasty.is_none(), "the client has closed before the server");
    let server = async {
        close(&mut server).await.unwrap();
        drop(server);
    };
    let ((), closed) = soon(&subject, "both closed", both(server, close(&mut client))).await;
    closed.unwrap();
}

/// The peer says something and goes away; that sending fails from then on does not take it away
async fn last_words<S: Subject>(subject: S) {
    let (mut client, mut server) = pair(&subject).await;
    put(&mut server, "last words".into()).await;
    soon(&subject, "a message", flush(&mut server)).await;
    subject.wait(WHILE).await;
    drop(server);
    soon(&subject, "an error of sending", async {
        loop {
            let ready = poll_fn(|cx| Pin::new(&mut client).poll_ready(cx)).await;
            let sent = ready
                .and_then(|()| Pin::new(&mut client).start_send(Outgoing::Message(bytes(LARGE))));
            if sent.is_err() || poll_fn(|cx| Pin::new(&mut client).poll_flush(cx)).await.is_err() {
                return;
            }
        }
    })
    .await;
    let heard = soon(&subject, "what was said", hear(&mut client)).await;
    assert_eq!(heard, Incoming::Message("last words".into()));
}

async fn cut<S: Subject>(subject: S) {
    let (mut client, server) = pair(&subject).await;
    // With bytes unread, for a plain end may be told by `None` alone
    put(&mut client, bytes(LARGE)).await;
    let _blocked = flushed(&mut client);
    subject.wait(WHILE).await;
    drop(server);
    soon(&subject, "the end", async {
        match recv(&mut client).await {
            None => {}
            Some(Err(error)) => {
                let cause = S::Transport::classify(&error);
                assert!(matches!(cause, Cause::Cut { .. }), "{cause:?}");
            }
            Some(Ok(said)) => panic!("{said:?} in place of an end"),
        }
    })
    .await;
}

async fn closing<S: Subject>(subject: S) {
    let (mut client, mut server) = pair(&subject).await;
    put(&mut server, bytes(50_000)).await;
    start(&mut server, Outgoing::Close(None));
    let hearing = async {
        assert_eq!(hear(&mut client).await, Incoming::Message(bytes(50_000)));
        assert_eq!(hear(&mut client).await, Incoming::Close(None));
        close(&mut client).await
    };
    let (_closed, _client_closed) =
        soon(&subject, "a close", both(close(&mut server), hearing)).await;
}

async fn unread<S: Subject>(subject: S) {
    let (mut client, mut server) = pair(&subject).await;
    put(&mut client, bytes(LARGE)).await;
    let _blocked = flushed(&mut client);
    subject.wait(WHILE).await;
    start(&mut server, Outgoing::Close(None));
    let hearing = async {
        let speaking = flush(&mut client);
        // Its own message may be refused; what the server said is still there.
        _ = first(speaking, subject.wait(WHILE)).await;
        loop {
            match recv(&mut client).await {
                Some(Ok(Incoming::Close(None))) => return,
                Some(Ok(_)) => {}
                Some(Err(error)) => panic!("an error in place of the Close: {error}"),
                None => panic!("an end in place of the Close"),
            }
        }
    };
    let closing = async { _ = first(close(&mut server), subject.wait(5 * WHILE)).await };
    soon(&subject, "a close", both(closing, hearing)).await;
}

async fn after_the_end<S: Subject>(subject: S) {
    let (client, mut server) = pair(&subject).await;
    drop(client);
    soon(&subject, "what is left to do after the end", async {
        while let Some(Ok(_)) = recv(&mut server).await {}
        _ = Pin::new(&mut server).start_send(Outgoing::Close(None));
        _ = poll_fn(|cx| Pin::new(&mut server).poll_flush(cx)).await;
        _ = close(&mut server).await;
        Pin::new(&mut server).abort();
        Pin::new(&mut server).abort();
    })
    .await;
}

async fn dropped<S: Subject>(subject: S) {
    let (client, server) = pair(&subject).await;
    drop(client);
    ends_without_close(&subject, server).await;
}

async fn aborted<S: Subject>(subject: S) {
    let (mut client, server) = pair(&subject).await;
    put(&mut client, bytes(LARGE)).await;
    let _blocked = flushed(&mut client);
    Pin::new(&mut client).abort();
    ends_without_close(&subject, server).await;
    drop(client);
}

async fn ends_without_close<S: Subject>(subject: &S, mut transport: S::Transport) {
    soon(subject, "the end", async {
        let said = recv(&mut transport).await;
        assert!(!matches!(said, Some(Ok(_))), "{said:?} in place of an end");
    })
    .await;
}
