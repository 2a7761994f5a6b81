//! The simulator's connector and listener, with faults.

use std::cell::Cell;
use std::future::{Future, pending};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};

use everbeat_conformance::contracts::Local;
use everbeat_core::Cause;
use everbeat_core::config::ConfigError;
use everbeat_core::transport::{Accept, Attempt, Connect, Transport};
use everbeat_sim::SimConnector;
use everbeat_sim::net::{ConnectError, PipeError, SimListener};

use crate::rig::Fault;
use crate::transport::Wire;

pub(crate) struct Connector {
    inner: SimConnector,
    fault: Option<Fault>,
    pub(crate) refused: bool,
    made: usize,
}

impl Connector {
    pub(crate) const fn new(inner: SimConnector, fault: Option<Fault>) -> Self {
        Self { inner, fault, refused: false, made: 0 }
    }
}

impl Connect for Connector {
    type Transport = Wire;
    type Error = ConnectError;
    type Future = Leaky<Result<Wire, ConnectError>>;

    fn connect(&mut self, attempt: Attempt) -> Self::Future {
        self.made += 1;
        let (made, fault) = (self.made, self.fault);
        let connecting = self.inner.connect(attempt);
        let hangs = self.refused && fault == Some(Fault::NeverRefused);
        let attempt = async move {
            if hangs {
                return pending().await;
            }
            let mut pipe = connecting.await?;
            if made > 2 && fault == Some(Fault::SecondAttemptFails) {
                Pin::new(&mut pipe).abort();
            }
            Ok(Wire::new(pipe, fault))
        };
        Leaky::new(Box::pin(attempt), fault == Some(Fault::LeaksAttempts))
    }

    fn check(&self) -> Result<(), ConfigError> {
        if self.fault == Some(Fault::RefusesSettings) {
            return Err(ConfigError::new("none", "the fault that was asked for"));
        }
        self.inner.check()
    }

    fn classify(error: &ConnectError) -> Cause {
        SimConnector::classify(error)
    }
}

/// A future that, dropped, may leave behind what it held
pub(crate) struct Leaky<T> {
    future: Option<Local<T>>,
    leaks: bool,
    counted: Option<Rc<Cell<usize>>>,
}

impl<T> Leaky<T> {
    fn new(future: Local<T>, leaks: bool) -> Self {
        Self { future: Some(future), leaks, counted: None }
    }
}

impl<T> Future for Leaky<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let Some(future) = &mut self.future else { return Poll::Pending };
        let done = ready!(future.as_mut().poll(cx));
        self.future = None;
        Poll::Ready(done)
    }
}

impl<T> Drop for Leaky<T> {
    fn drop(&mut self) {
        if self.leaks {
            std::mem::forget(self.future.take());
        }
        if let Some(count) = &self.counted {
            count.set(count.get() - 1);
        }
    }
}

pub(crate) struct Acceptor {
    inner: SimListener,
    fault: Option<Fault>,
    upgrading: Rc<Cell<usize>>,
    failed: Rc<Cell<bool>>,
    first: Option<Waker>,
}

impl Acceptor {
    pub(crate) fn new(inner: SimListener, fault: Option<Fault>) -> Self {
        Self { inner, fault, upgrading: Rc::default(), failed: Rc::default(), first: None }
    }
}

impl Accept for Acceptor {
    type Transport = Wire;
    type Facts = String;
    type Request = ();
    type Error = PipeError;
    type Upgrade = Leaky<Result<(Wire, String, ()), PipeError>>;

    fn poll_accept(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Self::Upgrade, PipeError>> {
        let fault = self.fault;
        if fault == Some(Fault::OneUpgradeAtATime) && self.upgrading.get() > 0 {
            return Poll::Pending;
        }
        if fault == Some(Fault::TellsOfOne) && self.failed.take() {
            return Poll::Ready(Err(PipeError::Closed));
        }
        let first = self.first.get_or_insert_with(|| cx.waker().clone()).clone();
        let waker = if fault == Some(Fault::FirstAcceptWaker) { first } else { cx.waker().clone() };
        let cx = &mut Context::from_waker(&waker);
        let upgrading = ready!(Pin::new(&mut self.inner).poll_accept(cx))?;
        let failed = self.failed.clone();
        let upgrade = async move {
            let upgraded = upgrading.await;
            failed.set(upgraded.is_err());
            upgraded.map(|(pipe, host, ())| (Wire::new(pipe, fault), host, ()))
        };
        let mut upgrade =
            Leaky::new(Box::pin(upgrade) as Local<_>, fault == Some(Fault::LeaksUpgrades));
        self.upgrading.set(self.upgrading.get() + 1);
        upgrade.counted = Some(self.upgrading.clone());
        Poll::Ready(Ok(upgrade))
    }

    fn classify(error: &PipeError) -> Cause {
        SimListener::classify(error)
    }
}
