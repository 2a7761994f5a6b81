//! The lazy alarm: the deadline is data, the runtime's sleep is moved only when it would fire too
//! late or has fired too early. This is what makes a message cost no timer re-arm.

use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;

use pin_project::pin_project;

use super::{Instant, Sleep, Timer};

/// One runtime sleep that follows a deadline which moves with every message
///
/// The clock decides whether the deadline has come, never the sleep: a runtime may wake early
/// (budgets, coarse ticks) or late (a stalled process).
#[pin_project]
#[derive(Debug)]
pub struct Alarm<S> {
    /// Its own deadline is when it wakes the task
    #[pin]
    sleep: Option<S>,
}

impl<S: Sleep> Default for Alarm<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: Sleep> Alarm<S> {
    /// An alarm that is not armed; it makes its sleep when it first needs one
    #[must_use]
    pub const fn new() -> Self {
        Self { sleep: None }
    }

    /// When the sleep wakes the task, or has
    #[inline]
    fn armed(&self) -> Instant {
        self.sleep.as_ref().map_or(Instant::NEVER, S::deadline)
    }

    /// Ready once `now` has reached `deadline`; otherwise makes sure that the task is woken by then
    ///
    /// `now` is the caller's one clock reading of this wake-up.
    pub fn poll_due<K: Timer<Sleep = S>>(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        timer: &K,
        now: Instant,
        deadline: Instant,
    ) -> Poll<()> {
        if now >= deadline {
            return Poll::Ready(());
        }
        if deadline == Instant::NEVER {
            return Poll::Pending;
        }
        let mut place = self.project().sleep;
        if place.is_none() {
            place.set(Some(timer.sleep_until(deadline)));
        }
        let Some(mut sleep) = place.as_pin_mut() else {
            return Poll::Pending;
        };
        // Too late, or over already
        if sleep.deadline() > deadline || sleep.deadline() <= now {
            sleep.as_mut().reset(deadline);
        }
        if sleep.as_mut().poll(cx).is_ready() {
            // It claims to be over although its deadline is ahead of us. If it does so once more, the
            // task looks at the clock afresh.
            sleep.as_mut().reset(deadline);
            if sleep.poll(cx).is_ready() {
                cx.waker().wake_by_ref();
            }
        }
        Poll::Pending
    }

    /// Moves the sleep itself to a later `deadline`, at which the task is then woken, and not at the old
    /// one
    ///
    /// [`poll_due`](Self::poll_due) leaves a sleep that would fire too early where it is: that costs a
    /// message nothing, and one wake-up for nothing when it fires. This costs a
    /// [`reset`](Sleep::reset) each time that the deadline is later, which on a `Wheel` takes the lock of
    /// a shard, and saves that wake-up: worth it for a deadline that moves seldom, and then by much, as
    /// it does when a beat is answered.
    ///
    /// It never moves the sleep forward, nor makes one, nor puts one off for ever. Whoever is to be woken
    /// polls it afterwards, as after each reset: one that had fired waits only from then on.
    pub fn put_off(self: Pin<&mut Self>, deadline: Instant) {
        if let Some(sleep) = self.project().sleep.as_pin_mut() {
            if sleep.deadline() < deadline && deadline != Instant::NEVER {
                sleep.reset(deadline);
            }
        }
    }

    /// Pending while the sleep is armed and has not fired, so that there is no need to look at the
    /// clock; the task is woken when it fires
    pub fn poll_armed(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.project().sleep.as_pin_mut().map_or(Poll::Ready(()), |sleep| sleep.poll(cx))
    }

    /// Pending while the task is woken by `deadline` at the latest and has not been yet, so that
    /// there is no need to look at the clock
    pub fn poll_covered(self: Pin<&mut Self>, cx: &mut Context<'_>, deadline: Instant) -> Poll<()> {
        if deadline == Instant::NEVER {
            return Poll::Pending;
        }
        if self.armed() <= deadline { self.poll_armed(cx) } else { Poll::Ready(()) }
    }

    /// Whether the instant that it was armed for has come
    #[must_use]
    pub fn has_rung(&self, now: Instant) -> bool {
        self.armed() <= now
    }

    /// How long after the instant it was armed for the alarm is being looked at; zero if it is not
    /// late: our own stall, to be told apart from the peer's
    #[must_use]
    pub fn lateness(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.armed())
    }
}

#[cfg(test)]
mod tests {
    use core::cell::Cell;
    use core::task::Waker;
    use std::rc::Rc;

    use proptest::prelude::*;

    use super::*;

    /// A clock that is set by hand, and counts how often a sleep is armed
    #[derive(Clone, Debug, Default)]
    struct HandTimer(Rc<(Cell<u64>, Cell<u32>)>);

    impl HandTimer {
        fn set(&self, second: u64) -> Instant {
            self.0.0.set(second);
            self.now()
        }
        fn arms(&self) -> u32 {
            self.0.1.get()
        }
    }

    #[derive(Debug)]
    struct HandSleep(HandTimer, Instant);

    impl Timer for HandTimer {
        type Sleep = HandSleep;
        fn now(&self) -> Instant {
            at(self.0.0.get())
        }
        fn sleep_until(&self, deadline: Instant) -> HandSleep {
            self.0.1.set(self.arms() + 1);
            HandSleep(self.clone(), deadline)
        }
    }

    impl Future for HandSleep {
        type Output = ();
        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
            if self.0.now() >= self.1 { Poll::Ready(()) } else { Poll::Pending }
        }
    }

    impl Sleep for HandSleep {
        fn deadline(&self) -> Instant {
            self.1
        }

        fn reset(mut self: Pin<&mut Self>, deadline: Instant) {
            self.0.0.1.set(self.0.arms() + 1);
            self.1 = deadline;
        }
    }

    fn at(second: u64) -> Instant {
        Instant::from_origin(Duration::from_secs(second))
    }

    #[test]
    fn a_deadline_that_moves_later_touches_no_timer_until_the_sleep_fires() {
        let timer = HandTimer::default();
        let mut alarm = core::pin::pin!(Alarm::new());
        let cx = &mut Context::from_waker(Waker::noop());
        for second in 0..1_000 {
            let now = timer.set(second);
            assert!(alarm.as_mut().poll_due(cx, &timer, now, at(second + 25)).is_pending());
        }
        assert_eq!(timer.arms(), 1 + 999 / 25);
    }

    #[test]
    fn an_earlier_deadline_moves_the_sleep_forward() {
        let timer = HandTimer::default();
        let mut alarm = core::pin::pin!(Alarm::new());
        let cx = &mut Context::from_waker(Waker::noop());
        assert!(alarm.as_mut().poll_due(cx, &timer, at(0), at(60)).is_pending());
        assert!(alarm.as_mut().poll_due(cx, &timer, at(0), at(5)).is_pending());
        assert_eq!(timer.arms(), 2);
        let now = timer.set(5);
        assert!(alarm.as_mut().poll_due(cx, &timer, now, at(5)).is_ready());
    }

    #[test]
    fn put_off_it_does_not_ring_in_between_and_is_never_moved_forward() {
        let timer = HandTimer::default();
        let mut alarm = core::pin::pin!(Alarm::new());
        let cx = &mut Context::from_waker(Waker::noop());
        alarm.as_mut().put_off(at(7));
        assert_eq!(timer.arms(), 0, "nobody has armed it");
        assert!(alarm.as_mut().poll_due(cx, &timer, at(0), at(10)).is_pending());
        for second in [25, 25, 20] {
            alarm.as_mut().put_off(at(second));
        }
        alarm.as_mut().put_off(Instant::NEVER);
        assert_eq!(timer.arms(), 2);
        let now = timer.set(24);
        assert!(alarm.as_mut().poll_armed(cx).is_pending());
        assert!(!alarm.has_rung(now));
        timer.set(25);
        assert!(alarm.as_mut().poll_armed(cx).is_ready());
    }

    #[test]
    fn the_clock_decides_and_lateness_is_measured() {
        let timer = HandTimer::default();
        let mut alarm = core::pin::pin!(Alarm::new());
        let cx = &mut Context::from_waker(Waker::noop());
        assert!(alarm.as_mut().poll_due(cx, &timer, at(0), at(10)).is_pending());
        let now = timer.set(13);
        assert_eq!(alarm.lateness(now), Duration::from_secs(3));
        assert!(alarm.as_mut().poll_due(cx, &timer, now, at(10)).is_ready());
        assert!(alarm.as_mut().poll_due(cx, &timer, now, Instant::NEVER).is_pending());
    }

    proptest! {
        /// Against a naive alarm that looks at the clock at every step: as long as somebody polls
        /// when the sleep fires, it is never early, never missed, and re-armed no more often than
        /// the deadline moves earlier or an armed instant passes.
        #[test]
        fn random_deadlines_at_random_times_agree_with_a_naive_alarm(
            steps in proptest::collection::vec((0_u64..20, proptest::option::of(0_u64..100)), 1..200),
        ) {
            let timer = HandTimer::default();
            let mut alarm = core::pin::pin!(Alarm::new());
            let cx = &mut Context::from_waker(Waker::noop());
            let (mut second, mut deadline) = (0, Instant::NEVER);
            let (mut armed, mut expected) = (None::<Instant>, 0_u32);
            for (passes, moved) in steps {
                second += passes;
                let now = timer.set(second);
                if let Some(ahead) = moved {
                    deadline = at(second + ahead);
                }
                let due = alarm.as_mut().poll_due(cx, &timer, now, deadline).is_ready();
                prop_assert_eq!(due, now >= deadline);
                if !due && deadline != Instant::NEVER {
                    // The sleep has fired, or would fire too late.
                    if armed.is_none_or(|armed| armed <= now || armed > deadline) {
                        (armed, expected) = (Some(deadline), expected + 1);
                    }
                    prop_assert!(armed.is_some_and(|armed| armed <= deadline), "it would be late");
                }
                prop_assert_eq!(timer.arms(), expected);
                prop_assert_eq!(
                    alarm.as_mut().poll_armed(cx).is_pending(),
                    armed.is_some_and(|armed| armed > now)
                );
            }
        }
    }
}
