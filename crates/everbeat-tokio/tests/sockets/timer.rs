//! The contract of a timer, on tokio's clock, paused.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use everbeat_tokio::core::time::{Instant, Sleep, Timer};
use everbeat_tokio::transport::TokioTimer;

const SECOND: Duration = Duration::from_secs(1);

fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}

#[tokio::test(start_paused = true)]
async fn a_sleep_is_never_early_and_follows_the_paused_clock() {
    let timer = TokioTimer::new();
    let start = timer.now();
    let deadline = start + Duration::from_nanos(1_500_000_001);
    timer.sleep_until(deadline).await;
    assert!(timer.now() >= deadline);
    assert!(timer.now() <= deadline + Duration::from_millis(2));
    assert_eq!(timer.clone().now(), timer.now());
}

#[tokio::test(start_paused = true)]
async fn a_sleep_can_be_moved_before_and_after_it_completed() {
    let timer = TokioTimer::new();
    let start = timer.now();
    let mut sleep = timer.sleep_until(start + 10 * SECOND);
    assert!(poll(&mut sleep).is_pending());
    Pin::new(&mut sleep).reset(start + SECOND);
    (&mut sleep).await;
    assert!(timer.now() < start + 2 * SECOND);
    assert!(poll(&mut sleep).is_ready(), "once more");
    Pin::new(&mut sleep).reset(start + 5 * SECOND);
    assert!(poll(&mut sleep).is_pending());
    (&mut sleep).await;
    assert!(timer.now() >= start + 5 * SECOND);
    Pin::new(&mut sleep).reset(start);
    assert!(poll(&mut sleep).is_ready(), "a deadline that has passed");
}

#[tokio::test(start_paused = true)]
async fn never_is_never() {
    let timer = TokioTimer::new();
    let mut sleep = timer.sleep_until(Instant::NEVER);
    assert!(poll(&mut sleep).is_pending());
    tokio::time::advance(Duration::from_secs(365 * 24 * 60 * 60)).await;
    assert!(poll(&mut sleep).is_pending());
}
