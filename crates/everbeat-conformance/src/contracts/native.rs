//! A runtime of the operating system as a [`Subject`], over loopback sockets.

use std::future::{Future, poll_fn};
use std::net::TcpListener;
use std::pin::Pin;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::thread;
use std::time::Duration;

use everbeat_core::Spawn;
use everbeat_ws::{Acceptor, Connector, Runtime, Settings, WebSocket};

use super::tools::PATIENCE;
use super::{Host, Job, Local, Subject};

/// A runtime, and how it runs a future to its end
#[derive(Clone, Debug)]
pub struct Native<R> {
    runtime: R,
    block_on: fn(Local<()>),
    patience: Duration,
}

impl<R: Runtime + Spawn<Job>> Native<R> {
    /// Of a runtime whose `block_on` is given
    #[must_use]
    pub fn new(block_on: fn(Local<()>)) -> Self {
        Self { runtime: R::default(), block_on, patience: PATIENCE }
    }

    /// The same, for a runtime that is known to hang: nobody wants to wait for that
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }
}

impl<R: Runtime + Spawn<Job>> Host for Native<R> {
    type Subject = Self;

    fn run(&self, check: fn(Self) -> Local<()>) {
        (self.block_on)(check(self.clone()));
    }
}

impl<R: Runtime + Spawn<Job>> Subject for Native<R> {
    type Timer = R::Timer;
    type Transport = WebSocket<R::Stream>;
    type Connector = Connector<R>;
    type Acceptor = Acceptor<R>;

    fn timer(&self) -> R::Timer {
        self.runtime.timer()
    }

    fn patience(&self) -> Duration {
        self.patience
    }

    fn wait(&self, time: Duration) -> Local<()> {
        Box::pin(wait(time))
    }

    fn spawn(&self, job: Job) {
        self.runtime.spawn(job);
    }

    fn listen(&self) -> Local<(Acceptor<R>, Connector<R>)> {
        Box::pin(async {
            let acceptor = Acceptor::bind("127.0.0.1:0", Settings::default()).await.unwrap();
            let url = format!("ws://{}/", acceptor.local_address().unwrap());
            (acceptor, Connector::new(&url).unwrap())
        })
    }

    fn refused(&self) -> Local<Connector<R>> {
        // Bound, asked for its port, and closed
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        Box::pin(async move { Connector::new(&format!("ws://{address}/")).unwrap() })
    }
}

/// Time on a thread of its own, which ends when the future does
fn wait(time: Duration) -> impl Future<Output = ()> {
    let (alive, gone) = mpsc::channel::<()>();
    let waiting: Arc<Mutex<(bool, Option<Waker>)>> = Arc::default();
    let clock = waiting.clone();
    thread::spawn(move || {
        if gone.recv_timeout(time) == Err(RecvTimeoutError::Timeout) {
            let mut state = clock.lock().unwrap();
            state.0 = true;
            state.1.take().into_iter().for_each(Waker::wake);
        }
    });
    let mut polling = Box::pin(poll_fn(move |cx| {
        let _alive = &alive;
        let mut state = waiting.lock().unwrap();
        if state.0 {
            return Poll::Ready(());
        }
        state.1 = Some(cx.waker().clone());
        Poll::Pending
    }));
    poll_fn(move |cx| Pin::new(&mut polling).poll(cx))
}
