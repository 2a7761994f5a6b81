//! The simulator's clock, with faults.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use everbeat_core::time::{Instant, Sleep, Timer};
use everbeat_sim::SimTimer;
use everbeat_sim::time::SimSleep;

use crate::rig::Fault;

/// More than any deadline but those that are far
const RANGE: Duration = Duration::from_secs(86_400);

pub(crate) struct Clock {
    timer: SimTimer,
    fault: Option<Fault>,
    readings: Arc<AtomicU64>,
    ahead: Duration,
}

impl Clock {
    pub(crate) fn new(timer: SimTimer, fault: Option<Fault>) -> Self {
        Self { timer, fault, readings: Arc::default(), ahead: Duration::ZERO }
    }
}

impl Clone for Clock {
    fn clone(&self) -> Self {
        let other = self.fault == Some(Fault::CloneIsAnotherClock);
        Self {
            timer: self.timer.clone(),
            fault: self.fault,
            readings: self.readings.clone(),
            ahead: if other { Duration::from_secs(1) } else { self.ahead },
        }
    }
}

impl Timer for Clock {
    type Sleep = Alarm;

    fn now(&self) -> Instant {
        let reading = self.readings.fetch_add(1, Ordering::Relaxed);
        let now = self.timer.now() + self.ahead;
        match self.fault {
            // Seldom, as such clocks do
            Some(Fault::ClockGoesBack) if reading == 150 => Instant::ORIGIN,
            _ => now,
        }
    }

    fn sleep_until(&self, deadline: Instant) -> Alarm {
        let now = self.timer.now();
        let length = deadline.saturating_duration_since(now);
        let set = match self.fault {
            Some(Fault::Early) => now + length.saturating_sub(Duration::from_nanos(1)),
            Some(Fault::PastNeverComes) if length.is_zero() => Instant::NEVER,
            Some(Fault::Wraps) if length > RANGE => now,
            // The first of two comes late
            Some(Fault::Disorder) if length == Duration::from_millis(20) => now + 3 * length,
            _ => deadline,
        };
        Alarm {
            sleep: self.timer.sleep_until(set),
            timer: self.timer.clone(),
            fault: self.fault,
            deadline,
            given: deadline,
            over: false,
            first: None,
        }
    }
}

pub(crate) struct Alarm {
    sleep: SimSleep,
    timer: SimTimer,
    fault: Option<Fault>,
    /// The one that it obeys
    deadline: Instant,
    given: Instant,
    over: bool,
    first: Option<Waker>,
}

impl Future for Alarm {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.over && self.fault == Some(Fault::OverForEver) {
            return Poll::Ready(());
        }
        if self.over && self.fault == Some(Fault::ReadyOnce) {
            return Poll::Pending;
        }
        let first = self.first.get_or_insert_with(|| cx.waker().clone()).clone();
        let waker =
            if self.fault == Some(Fault::FirstSleepWaker) { first } else { cx.waker().clone() };
        let cx = &mut Context::from_waker(&waker);
        let polled = Pin::new(&mut self.sleep).poll(cx);
        self.over |= polled.is_ready();
        polled
    }
}

impl Sleep for Alarm {
    fn deadline(&self) -> Instant {
        match self.fault {
            Some(Fault::ForgetsDeadline) if self.over => Instant::NEVER,
            _ => self.given,
        }
    }

    fn reset(mut self: Pin<&mut Self>, deadline: Instant) {
        self.given = deadline;
        let later = deadline > self.deadline;
        match self.fault {
            Some(Fault::IgnoresLater) if later && !self.over => return,
            Some(Fault::IgnoresEarlier)
                if !later
                    && !self.over
                    && self.deadline.saturating_duration_since(deadline) < RANGE =>
            {
                return;
            }
            Some(Fault::OverForEver) => {}
            _ => self.over = false,
        }
        self.deadline = deadline;
        Pin::new(&mut self.sleep).reset(deadline);
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        if self.fault == Some(Fault::WakesAfterDrop) {
            // It stays registered.
            let kept = self.timer.sleep_until(self.deadline);
            std::mem::forget(std::mem::replace(&mut self.sleep, kept));
        }
    }
}
