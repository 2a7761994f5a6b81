//! The contracts of `Timer` and `Sleep`.

use std::pin::Pin;
use std::task::Context;
use std::time::Duration;

use everbeat_core::time::{Instant, Sleep, Timer};

use super::tools::{WHILE, Woken, is_woken, poll_once, soon};
use super::{Line, Subject};

const HOUR: Duration = Duration::from_secs(3_600);
const SHORT: Duration = Duration::from_millis(20);

pub(super) fn lines<S: Subject>() -> Vec<Line<S>> {
    super::table![
        "timer: now never goes back" => now,
        "timer: a clone tells the same time" => clone,
        "timer: a sleep never completes before its deadline" => never_early,
        "timer: a deadline that has passed completes" => passed,
        "timer: deadlines beyond the range are split, not wrapped" => far,
        "timer: sleeps complete in the order of their deadlines" => order,
        "sleep: it knows the deadline that it was given last" => deadline,
        "sleep: reset to later, before completion" => later,
        "sleep: reset to earlier, before completion" => earlier,
        "sleep: reset after completion" => after,
        "sleep: polled again after completion it is ready" => again,
        "sleep: the waker of the latest poll is woken" => latest,
        "sleep: dropped, it wakes nobody" => dropped,
    ]
}

async fn now<S: Subject>(subject: S) {
    let timer = subject.timer();
    let mut before = timer.now();
    for round in 0..200 {
        if round % 50 == 0 {
            subject.wait(Duration::from_millis(1)).await;
        }
        let now = timer.now();
        assert!(now >= before, "{now:?} after {before:?}");
        before = now;
    }
    assert!(before > Instant::ORIGIN, "it stands still");
}

async fn clone<S: Subject>(subject: S) {
    let timer = subject.timer();
    subject.wait(SHORT).await;
    let clone = timer.clone();
    let (before, between, after) = (timer.now(), clone.now(), timer.now());
    assert!(before <= between && between <= after, "{before:?} {between:?} {after:?}");
}

async fn never_early<S: Subject>(subject: S) {
    let timer = subject.timer();
    for nanos in [1, 999_999, 1_000_001, 7_777_777, 30_000_000] {
        let deadline = timer.now() + Duration::from_nanos(nanos);
        soon(&subject, "a sleep", timer.sleep_until(deadline)).await;
        let now = timer.now();
        assert!(now >= deadline, "at {now:?}, before {deadline:?}");
    }
}

async fn passed<S: Subject>(subject: S) {
    let timer = subject.timer();
    subject.wait(SHORT).await;
    for deadline in [Instant::ORIGIN, timer.now()] {
        soon(&subject, "a sleep in the past", timer.sleep_until(deadline)).await;
    }
}

async fn far<S: Subject>(subject: S) {
    let timer = subject.timer();
    let years = |years: u32| timer.now() + years * 365 * 24 * HOUR;
    for deadline in [Instant::NEVER, years(100), years(500)] {
        let mut sleep = timer.sleep_until(deadline);
        assert!(poll_once(&mut sleep).is_pending(), "{deadline:?} is now");
        subject.wait(SHORT).await;
        assert!(poll_once(&mut sleep).is_pending(), "{deadline:?} is soon");
        Pin::new(&mut sleep).reset(timer.now());
        soon(&subject, "a far sleep that was reset", sleep).await;
    }
}

async fn order<S: Subject>(subject: S) {
    let timer = subject.timer();
    let start = timer.now();
    let mut first = timer.sleep_until(start + SHORT);
    let mut second = timer.sleep_until(start + 2 * SHORT);
    // Registered in the other order
    assert!(poll_once(&mut second).is_pending() || timer.now() >= start + 2 * SHORT);
    let _registered = poll_once(&mut first);
    soon(&subject, "the second sleep", second).await;
    assert!(poll_once(&mut first).is_ready(), "the second completed, the first did not");
}

async fn deadline<S: Subject>(subject: S) {
    let timer = subject.timer();
    let (past, far) = (timer.now(), timer.now() + HOUR);
    let mut sleep = timer.sleep_until(far);
    assert_eq!(sleep.deadline(), far, "made");
    for given in [past, far, Instant::NEVER, past] {
        Pin::new(&mut sleep).reset(given);
        assert_eq!(sleep.deadline(), given, "reset");
    }
    soon(&subject, "a sleep reset into the past", &mut sleep).await;
    assert_eq!(sleep.deadline(), past, "completed");
}

async fn later<S: Subject>(subject: S) {
    let timer = subject.timer();
    let start = timer.now();
    let mut sleep = timer.sleep_until(start + SHORT);
    let _registered = poll_once(&mut sleep);
    Pin::new(&mut sleep).reset(start + 4 * SHORT);
    soon(&subject, "a sleep reset to later", sleep).await;
    assert!(timer.now() >= start + 3 * SHORT, "at the old deadline");
}

async fn earlier<S: Subject>(subject: S) {
    let timer = subject.timer();
    let mut sleep = timer.sleep_until(timer.now() + HOUR);
    let (woken, waker) = Woken::new();
    assert!(Pin::new(&mut sleep).poll(&mut Context::from_waker(&waker)).is_pending());
    Pin::new(&mut sleep).reset(timer.now() + SHORT);
    is_woken(&subject, "a sleep reset to earlier", &woken).await;
    soon(&subject, "a sleep reset to earlier", sleep).await;
}

async fn after<S: Subject>(subject: S) {
    let timer = subject.timer();
    let mut sleep = timer.sleep_until(timer.now() + Duration::from_millis(1));
    soon(&subject, "a sleep", &mut sleep).await;
    let start = timer.now();
    Pin::new(&mut sleep).reset(start + 2 * SHORT);
    soon(&subject, "a sleep reset after completion", &mut sleep).await;
    assert!(timer.now() >= start + SHORT, "it did not obey the new deadline");
    Pin::new(&mut sleep).reset(start);
    soon(&subject, "a sleep reset into the past", &mut sleep).await;
}

async fn again<S: Subject>(subject: S) {
    let timer = subject.timer();
    let mut sleep = timer.sleep_until(timer.now() + Duration::from_millis(1));
    soon(&subject, "a sleep", &mut sleep).await;
    assert!(poll_once(&mut sleep).is_ready(), "it waits once more");
    assert!(poll_once(&mut sleep).is_ready(), "it waits the third time");
}

async fn latest<S: Subject>(subject: S) {
    let timer = subject.timer();
    let mut sleep = timer.sleep_until(timer.now() + WHILE);
    let _registered = poll_once(&mut sleep);
    let (woken, waker) = Woken::new();
    if Pin::new(&mut sleep).poll(&mut Context::from_waker(&waker)).is_pending() {
        is_woken(&subject, "the waker of the latest poll", &woken).await;
    }
}

async fn dropped<S: Subject>(subject: S) {
    let timer = subject.timer();
    let mut sleep = timer.sleep_until(timer.now() + WHILE);
    let (woken, waker) = Woken::new();
    let pending = Pin::new(&mut sleep).poll(&mut Context::from_waker(&waker)).is_pending();
    drop(sleep);
    // On a stalled machine it may have been over before it was dropped.
    let before = woken.times();
    subject.wait(3 * WHILE).await;
    assert!(!pending || woken.times() == before, "somebody was woken");
}
