//! What checks are made of: patience, wakers that count, pairs of transports.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use everbeat_core::Message;
use everbeat_core::transport::{Accept, Attempt, Connect, Incoming, Outgoing, Transport};

use super::Subject;

/// What takes longer hangs, also on a machine under load
pub(super) const PATIENCE: Duration = Duration::from_secs(20);
/// Long enough for what must not happen to be seen if it does
pub(super) const WHILE: Duration = Duration::from_millis(100);
/// More than any socket takes at once
pub(super) const LARGE: usize = 16 << 20;

/// The future's result; if it hangs, a panic
pub(super) async fn soon<S: Subject, F: Future>(subject: &S, what: &str, future: F) -> F::Output {
    match first(future, subject.wait(subject.patience())).await {
        Some(done) => done,
        None => panic!("{what}: nothing happens"),
    }
}

/// The result of `future`, or `None` if `other` is sooner
pub(super) async fn first<F: Future>(future: F, other: impl Future) -> Option<F::Output> {
    let (mut future, mut other) = (pin!(future), pin!(other));
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending => other.as_mut().poll(cx).map(|_| None),
    })
    .await
}

/// Both results
pub(super) async fn both<A: Future, B: Future>(a: A, b: B) -> (A::Output, B::Output) {
    let (mut a, mut b) = (pin!(a), pin!(b));
    let (mut of_a, mut of_b) = (None, None);
    poll_fn(|cx| {
        if of_a.is_none() {
            of_a = ready(a.as_mut().poll(cx));
        }
        if of_b.is_none() {
            of_b = ready(b.as_mut().poll(cx));
        }
        match of_a.is_some() && of_b.is_some() {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    })
    .await;
    (of_a.unwrap(), of_b.unwrap())
}

fn ready<T>(poll: Poll<T>) -> Option<T> {
    match poll {
        Poll::Ready(done) => Some(done),
        Poll::Pending => None,
    }
}

/// One poll that wakes nobody
pub(super) fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// A waker that counts
#[derive(Default)]
pub(super) struct Woken(AtomicUsize);

impl Woken {
    pub(super) fn new() -> (Arc<Self>, Waker) {
        let woken = Arc::new(Self::default());
        (woken.clone(), woken.into())
    }

    pub(super) fn times(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Until the waker was woken; if it never is, a panic
pub(super) async fn is_woken<S: Subject>(subject: &S, what: &str, woken: &Woken) {
    soon(subject, what, async {
        while woken.times() == 0 {
            subject.wait(Duration::from_millis(2)).await;
        }
    })
    .await;
}

/// A client's transport and its server's
pub(super) async fn pair<S: Subject>(subject: &S) -> (S::Transport, S::Transport) {
    let (mut acceptor, mut connector) = subject.listen().await;
    meet::<S>(subject, &mut acceptor, &mut connector).await
}

pub(super) async fn meet<S: Subject>(
    subject: &S,
    acceptor: &mut S::Acceptor,
    connector: &mut S::Connector,
) -> (S::Transport, S::Transport) {
    let client = async { connector.connect(Attempt::first()).await.unwrap() };
    let server = async { accept::<S>(acceptor).await.await.unwrap().0 };
    soon(subject, "a connection", both(client, server)).await
}

pub(super) async fn accept<S: Subject>(
    acceptor: &mut S::Acceptor,
) -> <S::Acceptor as Accept>::Upgrade {
    poll_fn(|cx| Pin::new(&mut *acceptor).poll_accept(cx)).await.unwrap()
}

pub(super) async fn recv<T: Transport + Unpin>(
    transport: &mut T,
) -> Option<Result<Incoming, T::Error>> {
    poll_fn(|cx| Pin::new(&mut *transport).poll_recv(cx)).await
}

/// The next thing that is said, which must be something
pub(super) async fn hear<T: Transport + Unpin>(transport: &mut T) -> Incoming {
    recv(transport).await.expect("it goes on").unwrap()
}

pub(super) async fn flush<T: Transport + Unpin>(transport: &mut T) {
    poll_fn(|cx| Pin::new(&mut *transport).poll_flush(cx)).await.unwrap();
}

pub(super) async fn close<T: Transport + Unpin>(transport: &mut T) -> Result<(), T::Error> {
    poll_fn(|cx| Pin::new(&mut *transport).poll_close(cx)).await
}

/// A client says Close, and hears the server's answer
pub(super) async fn say_close<S: Subject>(
    subject: &S,
    client: &mut S::Transport,
    server: &mut S::Transport,
) {
    soon(subject, "a Close and its answer", async {
        start(client, Outgoing::Close(None));
        flush(client).await;
        assert_eq!(hear(server).await, Incoming::Close(None));
        flush(server).await;
        assert_eq!(hear(client).await, Incoming::Close(None));
    })
    .await;
}

pub(super) fn bytes(size: usize) -> Message {
    vec![7; size].into()
}

/// Gives a message to a transport, without flushing it
pub(super) async fn put<T: Transport + Unpin>(transport: &mut T, message: Message) {
    poll_fn(|cx| Pin::new(&mut *transport).poll_ready(cx)).await.unwrap();
    start(transport, Outgoing::Message(message));
}

pub(super) fn start<T: Transport + Unpin>(transport: &mut T, outgoing: Outgoing) {
    Pin::new(transport).start_send(outgoing).unwrap();
}

/// One poll of flushing; whether all was taken
pub(super) fn flushed<T: Transport + Unpin>(transport: &mut T) -> bool {
    let mut cx = Context::from_waker(Waker::noop());
    Pin::new(transport).poll_flush(&mut cx).is_ready()
}
