//! A hook that panics, wherever it does: its request is answered for, nobody else's is touched, and
//! the log says what its words were.

use std::future::{Future, pending};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use everbeat_sim::Sim;
use everbeat_ws::WebSocket;
use everbeat_ws::upgrade::{Reject, Upgrade, UpgradeError, UpgradeRequest};
use futures_util::AsyncWriteExt;
use tracing::Level;

use crate::hook::{ask, error, peer, settings};
use crate::logged::logged;
use crate::support::{duplex, now};
use crate::upgrade::ASK;

type Decision = Result<Upgrade<()>, Reject>;

/// Panics when it is dropped, unless a panic is under way
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "the bomb went off");
    }
}

async fn armed() -> Decision {
    let _bomb = Bomb;
    pending().await
}

/// A decision that panics when it is polled, or once it was made and is dropped, or not at all
enum Trap {
    Polled,
    Dropped,
    Good,
}

impl Future for Trap {
    type Output = Decision;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Decision> {
        assert!(!matches!(*self, Self::Polled), "polled");
        Poll::Ready(Ok(Upgrade::accept(())))
    }
}

impl Drop for Trap {
    fn drop(&mut self) {
        assert!(!matches!(self, Self::Dropped), "dropped");
    }
}

#[test]
fn a_panic_of_a_hook_rejects_one_request() {
    let asked = AtomicUsize::new(0);
    let hook = move |_: UpgradeRequest| match asked.fetch_add(1, Ordering::Relaxed) {
        0 => panic!("called"),
        1 => Trap::Polled,
        2 => Trap::Dropped,
        _ => Trap::Good,
    };
    let settings = settings().upgrade(hook);
    for word in ["called", "polled", "dropped"] {
        let (text, accepted) = ask(settings.clone(), "");
        assert!(text.starts_with("HTTP/1.1 500 ") && !text.contains(word), "{text}");
        assert!(matches!(error(accepted), UpgradeError::HookPanicked));
    }
    let (text, accepted) = ask(settings, "");
    assert!(text.starts_with("HTTP/1.1 101 ") && accepted.is_ok(), "{text}");
}

/// Dropped at its limit, it panics
#[test]
fn a_hook_that_panics_when_it_is_given_up_is_answered_for() {
    let asked = catch_unwind(|| ask(settings().upgrade(|_: UpgradeRequest| armed()), ""));
    let (text, accepted) = asked.expect("the whole upgrade panics, and its peer is told nothing");
    assert!(text.starts_with("HTTP/1.1 500 "), "{text}");
    assert!(matches!(error(accepted), UpgradeError::HookPanicked));
}

/// Dropped with its upgrade, as when the server's own limit is over, it panics
#[test]
fn a_hook_that_panics_when_its_upgrade_is_given_up_harms_nobody() {
    let (one, mut theirs) = duplex(1 << 20, None);
    let timer = Sim::seed(1).timer();
    let settings = settings().upgrade(|_: UpgradeRequest| armed());
    now(theirs.write_all(ASK.as_bytes())).unwrap().unwrap();
    let upgrade = WebSocket::accept_with(one, peer(), &settings, &timer);
    let given_up = catch_unwind(AssertUnwindSafe(|| assert!(now(upgrade).is_none())));
    assert!(given_up.is_ok(), "it is the task's that runs the upgrade");
}

#[test]
fn what_goes_wrong_in_a_hook_is_logged() {
    let number = 7;
    type Hook = Box<dyn Fn() -> Pin<Box<dyn Future<Output = Decision> + Send>> + Send + Sync>;
    let cases: Vec<(Hook, Level, &[&str])> = vec![
        (Box::new(|| panic!("a literal")), Level::ERROR, &["panicked", "a literal"]),
        (
            Box::new(move || Box::pin(async move { panic!("number {number}") })),
            Level::ERROR,
            &["panicked", "number 7"],
        ),
        (
            Box::new(|| std::panic::panic_any(7)),
            Level::ERROR,
            &["panicked", "something that is no text"],
        ),
        (Box::new(|| Box::pin(armed())), Level::ERROR, &["panicked", "the bomb went off"]),
        (Box::new(|| Box::pin(pending())), Level::WARN, &["took too long", "5s"]),
        (
            Box::new(|| Box::pin(async { Ok("x".parse::<u64>().map(|_| Upgrade::accept(()))?) })),
            Level::ERROR,
            &["failed", "invalid digit"],
        ),
        (
            Box::new(|| Box::pin(async { Ok(Upgrade::accept(()).subprotocol("x")) })),
            Level::ERROR,
            &["answer cannot be", "subprotocol"],
        ),
        (
            Box::new(|| Box::pin(async { Err(Reject::status(200)) })),
            Level::ERROR,
            &["answer cannot be", "status 200"],
        ),
    ];
    for (hook, level, words) in cases {
        let said = logged(|| {
            ask(settings().upgrade(move |_: UpgradeRequest| hook()), "").1.unwrap_err();
        });
        let fits = |(at, text): &(Level, String)| {
            *at == level && words.iter().all(|word| text.contains(word))
        };
        assert!(said.iter().any(fits), "{words:?}: {said:?}");
    }
    // A rejection is what a hook is for
    let said = logged(|| {
        let hook = |_: UpgradeRequest| async { Err::<Upgrade<()>, _>(Reject::status(401)) };
        ask(settings().upgrade(hook), "").1.unwrap_err();
    });
    assert!(said.iter().all(|(level, _)| *level > Level::INFO), "{said:?}");
}
