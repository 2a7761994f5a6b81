//! The contract of `Spawn`.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use super::tools::soon;
use super::{Line, Subject};

pub(super) fn lines<S: Subject>() -> Vec<Line<S>> {
    super::table![
        "spawn: a future runs though nobody waits for it" => runs,
        "spawn: a future goes on when it is woken" => goes_on,
    ]
}

async fn runs<S: Subject>(subject: S) {
    let flag = Arc::new(AtomicBool::new(false));
    let raise = flag.clone();
    subject.spawn(Box::pin(async move { raise.store(true, Ordering::SeqCst) }));
    raised(&subject, "a task", &flag).await;
}

async fn goes_on<S: Subject>(subject: S) {
    let flag = Arc::new(AtomicBool::new(false));
    let raise = flag.clone();
    let mut left = 3;
    subject.spawn(Box::pin(async move {
        poll_fn(|cx| {
            left -= 1;
            cx.waker().wake_by_ref();
            if left == 0 { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        raise.store(true, Ordering::SeqCst);
    }));
    raised(&subject, "a task that was woken", &flag).await;
}

async fn raised<S: Subject>(subject: &S, what: &str, flag: &AtomicBool) {
    soon(subject, what, async {
        while !flag.load(Ordering::SeqCst) {
            subject.wait(Duration::from_millis(2)).await;
        }
    })
    .await;
}
