//! The contract of `Transport`, between two of them.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use everbeat_core::transport::{Incoming, Outgoing, Transport};

use super::tools::{
    LARGE, WHILE, Woken, both, bytes, first, flush, flushed, hear, is_woken, pair, put, say_close,
    soon, start,
};
use super::{Line, Subject};

pub(super) fn lines<S: Subject>() -> Vec<Line<S>> {
    super::table![
        "transport: messages arrive whole and in order" => messages,
        "transport: a Ping is reported, and answered with its payload" => ping,
        "transport: a Close is reported, and answered" => answered_close,
        "transport: a Ping needs no readiness and overtakes a message's rest" => overtakes,
        "transport: a newer Ping replaces one that waits" => replaces,
        "transport: a Ping amid a message is answered before its end" => answered_amid,
        "transport: a flush waits for the operating system" => flush_waits,
        "transport: the latest context is woken" => latest,
        "transport: received counts in mid-message" => received,
        "transport: sent counts what the operating system took" => sent,
        "transport: path evidence is on the scale of sent" => path,
        "transport: own messages are not sent aside" => aside,
        "transport: what was released goes on" => released,
    ]
}

async fn messages<S: Subject>(subject: S) {
    let (mut client, mut server) = pair(&subject).await;
    let said = [bytes(0), "".into(), "ü".into(), bytes(125), bytes(126), bytes(65_536), bytes(1)];
    for turn in 0..2 {
        let (from, to) = match turn {
            0 => (&mut client, &mut server),
            _ => (&mut server, &mut client),
        };
        let speaking = async {
            for message in &said {
                put(from, message.clone()).await;
            }
            flush(from).await;
        };
        let hearing = async {
            for message in &said {
                assert_eq!(hear(to).await, Incoming::Message(message.clone()));
            }
        };
        soon(&subject, "messages", both(speaking, hearing)).await;
    }
}

async fn ping<S: Subject>(subject: S) {
    let (mut client, mut server) = pair(&subject).await;
    assert!(client.can_ping());
    soon(&subject, "a Ping and its Pong", async {
        start(&mut client, Outgoing::Ping(*b"whereami"));
        flush(&mut client).await;
        assert_eq!(hear(&mut server).await, Incoming::Ping(b"whereami"[..].into()));
        // The answer goes with a flush too, if reading has not sent it.
        flush(&mut server).await;
        assert_eq!(hear(&mut client).await, Incoming::Pong(b"whereami"[..].into()));
    })
    .await;
}

async fn answered_close<S: Subject>(subject: S) {
    let (mut client, mut server) = pair(&subject).await;
    say_close(&subject, &mut client, &mut server).await;
}

async fn overtakes<S: Subject>(subject: S) {
    let (mut client, mut server) = pair(&subject).await;
    put(&mut client, bytes(LARGE)).await;
    let _blocked = flushed(&mut client);
    start(&mut client, Outgoing::Ping(*b"overtake"));
    let hearing = async { (hear(&mut server).await, hear(&mut server).await) };
    let flushing = flush(&mut client);
    let ((sooner, later), ()) = soon(&subject, "both", both(hearing, flushing)).await;
    assert_eq!(sooner, Incoming::Ping(b"overtake"[..].into()));
    assert_eq!(later, Incoming::Message(bytes(LARGE)));
}

async fn replaces<S: Subject>(subject: S) {
    let (mut client, mut server) = pair(&subject).await;
    put(&mut client, bytes(LARGE)).await;
    let _blocked = flushed(&mut client);
    start(&mut client, Outgoing::Ping(*b"older.. "));
    start(&mut client, Outgoing::Ping(*b"newer.. "));
    let hearing = async {
        let (mut pings, mut whole) = (Vec::new(), false);
        // Wherever it stands among the message's frames
        while !whole || pings.is_empty() {
            match hear(&mut server).await {
                Incoming::Ping(payload) => pings.push(payload),
                other => whole |= matches!(other, Incoming::Message(_)),
            }
        }
        if let Some(Incoming::Ping(payload)) = first(hear(&mut server), subject.wait(WHILE)).await {
            pings.push(payload);
        }
        pings
    };
    let (pings, ()) = soon(&subject, "both", both(hearing, flush(&mut client))).await;
    assert_eq!(pings, [&b"newer.. "[..]]);
}

async fn flush_waits<S: Subject>(subject: S) {
    let (mut client, mut server) = pair(&subject).await;
    put(&mut client, bytes(LARGE)).await;
    assert!(!flushed(&mut client), "ready, though nobody reads");
    subject.wait(WHILE).await;
    assert!(!flushed(&mut client), "ready after a while, though nobody reads");
    soon(&subject, "a flush", both(flush(&mut client), hear(&mut server))).await;
}

async fn latest<S: Subject>(subject: S) {
    let (mut client, mut server) = pair(&subject).await;
    let (_, stale) = Woken::new();
    let (woken, fresh) = Woken::new();
    for waker in [&stale, &fresh] {
        let mut cx = Context::from_waker(waker);
        assert!(Pin::new(&mut server).poll_recv(&mut cx).is_pending());
    }
    soon(&subject, "a message", async {
        put(&mut client, "now".into()).await;
        flush(&mut client).await;
    })
    .await;
    is_woken(&subject, "the latest context", &woken).await;
    let heard = soon(&subject, "what came meanwhile", hear(&mut server)).await;
    assert_eq!(heard, Incoming::Message("now".into()));
}

async fn received<S: Subject>(subject: S) {
    let (mut client, mut server) = pair(&subject).await;
    let start = server.received();
    put(&mut client, bytes(LARGE)).await;
    let mut partly = false;
    let hearing = poll_fn(|cx| {
        let heard = Pin::new(&mut server).poll_recv(cx);
        partly |= heard.is_pending() && server.received() > start;
        heard.map(drop)
    });
    soon(&subject, "a large message", both(flush(&mut client), hearing)).await;
    assert!(partly, "nothing was counted before the message was whole");
    assert!(server.received() - start >= LARGE as u64);
}

async fn sent<S: Subject>(subject: S) {
    const SIZE: usize = 10_000;
    let (mut client, mut server) = pair(&subject).await;
    let start = client.sent();
    put(&mut client, bytes(SIZE)).await;
    soon(&subject, "a message", both(flush(&mut client), hear(&mut server))).await;
    let sent = client.sent() - start;
    assert!(client.sent() == 0 || sent >= SIZE as u64, "{sent} of {SIZE}");
}

async fn path<S: Subject>(subject: S) {
    let (mut client, mut server) = pair(&subject).await;
    put(&mut client, bytes(10_000)).await;
    soon(&subject, "a message", both(flush(&mut client), hear(&mut server))).await;
    if let Some(path) = client.path() {
        assert!(path.acknowledged + path.unsent <= client.sent(), "{path:?} of {}", client.sent());
    }
}

async fn aside<S: Subject>(subject: S) {
    let (mut client, mut server) = pair(&subject).await;
    let before = client.sent_aside();
    put(&mut client, "ours".into()).await;
    soon(&subject, "a message", both(flush(&mut client), hear(&mut server))).await;
    assert_eq!(client.sent_aside(), before);
}

/// The server answers when it has read the Ping, not when it has read the message around it
async fn answered_amid<S: Subject>(subject: S) {
    let (mut client, mut server) = pair(&subject).await;
    put(&mut client, bytes(LARGE)).await;
    let _blocked = flushed(&mut client);
    start(&mut client, Outgoing::Ping(*b"in there"));
    let speaking = poll_fn(|cx| Pin::new(&mut client).poll_flush(cx));
    let heard = soon(&subject, "a Ping", first(hear(&mut server), speaking)).await;
    assert_eq!(heard, Some(Incoming::Ping(b"in there"[..].into())));
    soon(&subject, "an answer", flush(&mut server)).await;
    let heard = soon(&subject, "a Pong", hear(&mut client)).await;
    assert_eq!(heard, Incoming::Pong(b"in there"[..].into()));
}

async fn released<S: Subject>(subject: S) {
    let (mut client, mut server) = pair(&subject).await;
    for _ in 0..3 {
        put(&mut client, "once more".into()).await;
        let both = both(flush(&mut client), hear(&mut server));
        let ((), heard) = soon(&subject, "a message", both).await;
        assert_eq!(heard, Incoming::Message("once more".into()));
        let _whether = Pin::new(&mut client).release();
        let _whether = Pin::new(&mut server).release();
    }
    let mut cx = Context::from_waker(std::task::Waker::noop());
    assert!(matches!(Pin::new(&mut server).poll_recv(&mut cx), Poll::Pending));
}
