//! The simulator's timer, held to every line of `Timer`'s and `Sleep`'s contracts.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use everbeat_core::time::{Instant, Sleep, Timer};
use everbeat_sim::Sim;

const SECOND: Duration = Duration::from_secs(1);

#[derive(Default)]
struct Count(AtomicU32);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn counting() -> (Arc<Count>, Waker) {
    let count = Arc::new(Count::default());
    (count.clone(), Waker::from(count))
}

fn at(seconds: u32) -> Instant {
    Instant::ORIGIN + SECOND * seconds
}

fn poll<F: Future<Output = ()>>(sleep: Pin<&mut F>, waker: &Waker) -> Poll<()> {
    sleep.poll(&mut Context::from_waker(waker))
}

#[test]
fn a_sleep_is_over_on_the_nanosecond_and_not_before() {
    let mut sim = Sim::seed(0);
    let timer = sim.timer();
    let deadline = at(3) + Duration::from_nanos(1);
    let (count, waker) = counting();
    let mut sleep = pin!(timer.sleep_until(deadline));
    assert!(poll(sleep.as_mut(), &waker).is_pending());
    sim.run_until(at(3)).unwrap();
    assert_eq!(count.0.load(Ordering::Relaxed), 0);
    assert!(poll(sleep.as_mut(), &waker).is_pending());
    sim.run_until(deadline).unwrap();
    assert_eq!(count.0.load(Ordering::Relaxed), 1);
    assert!(poll(sleep.as_mut(), &waker).is_ready());
    assert!(poll(sleep.as_mut(), &waker).is_ready(), "again, without a reset");
}

#[test]
fn a_past_deadline_is_over_when_first_polled() {
    let mut sim = Sim::seed(0);
    sim.run_until(at(5)).unwrap();
    let (_, waker) = counting();
    assert!(poll(pin!(sim.timer().sleep_until(at(1))), &waker).is_ready());
    assert!(poll(pin!(sim.timer().sleep_until(at(5))), &waker).is_ready());
}

#[test]
fn a_reset_moves_the_deadline_either_way_before_and_after_completion() {
    let mut sim = Sim::seed(0);
    let timer = sim.timer();
    let clock = timer.clone();
    let task = async move {
        let mut sleep = pin!(timer.sleep_until(at(10)));
        let first = poll_fn(|cx| Poll::Ready(sleep.as_mut().poll(cx).is_pending())).await;
        assert!(first);
        sleep.as_mut().reset(at(2)); // earlier, before completion, without another poll
        sleep.as_mut().await;
        assert_eq!(timer.now(), at(2));
        sleep.as_mut().reset(at(4)); // later, after completion
        sleep.as_mut().await;
        assert_eq!(timer.now(), at(4));
        sleep.as_mut().reset(at(1)); // to the past, after completion
        sleep.as_mut().await;
        assert_eq!(timer.now(), at(4));
        sleep.as_mut().reset(at(9));
        sleep.as_mut().reset(at(20)); // later, before completion
        sleep.as_mut().await;
        assert_eq!(timer.now(), at(20));
    };
    sim.block_on(task, 60 * SECOND).unwrap();
    assert_eq!(clock.arms(), 1 + 5);
    assert_eq!(clock.clock_reads(), 4);
}

#[test]
fn a_registered_sleep_that_is_reset_wakes_at_the_new_deadline_only() {
    let mut sim = Sim::seed(0);
    let (count, waker) = counting();
    let mut sleep = pin!(sim.timer().sleep_until(at(1)));
    assert!(poll(sleep.as_mut(), &waker).is_pending());
    sleep.as_mut().reset(at(3));
    sim.run_until(at(2)).unwrap();
    assert_eq!(count.0.load(Ordering::Relaxed), 0);
    sim.run_until(at(3)).unwrap();
    assert_eq!(count.0.load(Ordering::Relaxed), 1);
}

#[test]
fn the_latest_waker_is_the_one_that_is_woken() {
    let mut sim = Sim::seed(0);
    let ((old, old_waker), (new, new_waker)) = (counting(), counting());
    let mut sleep = pin!(sim.timer().sleep_until(at(1)));
    assert!(poll(sleep.as_mut(), &old_waker).is_pending());
    assert!(poll(sleep.as_mut(), &new_waker).is_pending());
    sim.run_until(at(1)).unwrap();
    assert_eq!((old.0.load(Ordering::Relaxed), new.0.load(Ordering::Relaxed)), (0, 1));
}

#[test]
fn a_dropped_sleep_wakes_nobody() {
    let mut sim = Sim::seed(0);
    let (count, waker) = counting();
    {
        let mut sleep = pin!(sim.timer().sleep_until(at(1)));
        assert!(poll(sleep.as_mut(), &waker).is_pending());
    }
    sim.run_until(at(2)).unwrap();
    assert_eq!(count.0.load(Ordering::Relaxed), 0);
}

#[test]
fn never_is_never_and_holds_nothing_up() {
    let mut sim = Sim::seed(0);
    let (count, waker) = counting();
    let mut sleep = pin!(sim.timer().sleep_until(Instant::NEVER));
    assert!(poll(sleep.as_mut(), &waker).is_pending());
    sim.run_until(Instant::NEVER).unwrap();
    assert_eq!((sim.now(), count.0.load(Ordering::Relaxed)), (Instant::ORIGIN, 0));
    sleep.as_mut().reset(at(1));
    sim.run_until(Instant::NEVER).unwrap();
    assert_eq!((sim.now(), count.0.load(Ordering::Relaxed)), (at(1), 1));
}

#[test]
fn clones_tell_the_same_time_and_share_counters_and_others_do_not() {
    let mut sim = Sim::seed(0);
    let (one, other) = (sim.timer(), sim.timer());
    let clone = one.clone();
    sim.run_until(at(7)).unwrap();
    assert_eq!((one.now(), clone.now()), (at(7), at(7)));
    assert_eq!((one.clock_reads(), clone.clock_reads(), other.clock_reads()), (2, 2, 0));
}

#[test]
fn what_the_simulator_lends_is_send() {
    fn is_send<T: Send>(_: &T) {}
    let sim = Sim::seed(0);
    is_send(&sim.timer());
    is_send(&sim.timer().sleep_until(at(1)));
    is_send(&sim.connector("server"));
    is_send(&sim.listen("server"));
    is_send(&sim.link("client", "server"));
    is_send(&sim.pipe("client", "server"));
}
