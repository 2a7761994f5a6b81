//! The upgrade hook, in virtual time: what it is shown, what the peer is answered, how long it may
//! take, and what its mistakes cost.

use std::error::Error;
use std::future::{Future, pending};
use std::net::SocketAddr;
use std::time::Duration;

use everbeat_core::cause::Cause;
use everbeat_core::time::Timer;
use everbeat_core::transport::Transport;
use everbeat_sim::{Sim, SimTimer};
use everbeat_ws::accept::{AcceptError, AcceptSettings, Facts};
use everbeat_ws::upgrade::{
    Hook, Origins, Reject, RequestHead, Upgrade, UpgradeError, UpgradeRequest,
};
use everbeat_ws::{Settings, WebSocket};
use futures_util::future::join;
use futures_util::{AsyncReadExt, AsyncWriteExt};

use crate::support::{End, duplex};
use crate::upgrade::ASK;

pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// What is known of a peer, and what it asked for
type Known<P> = (Facts<P>, RequestHead);
type Accepted<P> = Result<(WebSocket<End>, Facts<P>, RequestHead), AcceptError>;

pub(crate) fn settings() -> AcceptSettings {
    Settings::default().into()
}

pub(crate) fn peer() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 7], 4_711))
}

/// What a request with these headers more is answered, and what becomes of it on our side
pub(crate) fn ask<H: Hook>(
    settings: AcceptSettings<H>,
    more: &str,
) -> (String, Result<Known<H::Principal>, AcceptError>) {
    let mut sim = Sim::seed(1);
    let (text, accepted) = ask_in(&mut sim, settings, more);
    (text, accepted.map(|(_, facts, request)| (facts, request)))
}

pub(crate) fn ask_in<H: Hook>(
    sim: &mut Sim,
    settings: AcceptSettings<H>,
    more: &str,
) -> (String, Accepted<H::Principal>) {
    let (one, mut theirs) = duplex(1 << 20, None);
    let (timer, ask) = (sim.timer(), ASK.replace("Host: a\r\n", &format!("Host: a\r\n{more}")));
    let both = async move {
        let answer = async {
            theirs.write_all(ask.as_bytes()).await.unwrap();
            let mut text = Vec::new();
            let mut byte = [0];
            // A granted upgrade goes on behind its answer
            while !text.starts_with(b"HTTP/1.1 101") || !text.ends_with(b"\r\n\r\n") {
                match theirs.read(&mut byte).await.unwrap() {
                    0 => break,
                    _ => text.push(byte[0]),
                }
            }
            theirs.close().await.unwrap();
            String::from_utf8(text).unwrap()
        };
        join(answer, WebSocket::accept_with(one, peer(), &settings, &timer)).await
    };
    match sim.block_on(both, 3_600 * SECOND) {
        Ok(both) => both,
        Err(error) => panic!("{error}"),
    }
}

/// An answer of a hook to which the request does not matter
pub(crate) type Answer = fn() -> Result<Upgrade<()>, Reject>;

pub(crate) fn answering(answer: Answer) -> impl Hook<Principal = ()> {
    move |_: UpgradeRequest| std::future::ready(answer())
}

/// The error of an upgrade that was not granted
pub(crate) fn error<P>(accepted: Result<P, AcceptError>) -> UpgradeError {
    match accepted {
        Err(AcceptError::Upgrade(error)) => error,
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it was granted"),
    }
}

#[test]
fn a_hook_accepts_with_a_subprotocol_headers_and_a_principal() {
    let hook = |request: UpgradeRequest| async move {
        assert_eq!((request.path(), request.peer()), ("/x", peer()));
        let offered: Vec<_> = request.subprotocols().collect();
        assert_eq!(offered, ["chat.v2", "chat.v1", "other"]);
        let user: u64 = request.header("X-User").unwrap_or_default().parse()?;
        let accepted = Upgrade::accept(user).subprotocol("chat.v1");
        Ok(accepted.header("Set-Cookie", "a=1").header("Set-Cookie", "b=2"))
    };
    let more = "X-User: 42\r\nSec-WebSocket-Protocol: chat.v2, chat.v1\r\n\
                Sec-WebSocket-Protocol: other\r\n";
    let (text, accepted) = ask(settings().upgrade(hook), more);
    assert!(text.starts_with("HTTP/1.1 101 Switching Protocols\r\n"), "{text}");
    for line in ["sec-websocket-protocol: chat.v1", "set-cookie: a=1", "set-cookie: b=2"] {
        assert!(text.lines().any(|is| is.eq_ignore_ascii_case(line)), "{text}");
    }
    let (facts, request) = accepted.unwrap();
    assert_eq!((facts.principal, facts.subprotocol()), (42, Some("chat.v1")));
    assert_eq!((facts.peer(), request.path()), (peer(), "/x"));
}

#[test]
fn without_a_hook_everybody_is_let_in_and_no_subprotocol_is_chosen() {
    let (text, accepted) = ask(settings(), "Sec-WebSocket-Protocol: chat\r\n");
    assert!(!text.to_lowercase().contains("protocol: chat"), "{text}");
    assert_eq!(accepted.unwrap().0.subprotocol(), None);
}

#[test]
fn a_request_that_announces_no_content_is_as_good_as_one_that_says_nothing() {
    let (text, accepted) = ask(settings(), "Content-Length: 0\r\n");
    assert!(text.starts_with("HTTP/1.1 101 ") && accepted.is_ok(), "{text}");
}

#[test]
fn a_bad_request_is_not_for_the_hook() {
    let settings = settings().upgrade(answering(|| unreachable!("it is asked")));
    let (text, accepted) = ask(settings, "Content-Length: 5\r\n");
    assert!(text.starts_with("HTTP/1.1 400 "), "{text}");
    assert!(matches!(error(accepted), UpgradeError::Content));
}

#[test]
fn an_error_of_a_hook_is_ours_to_know_and_not_the_peer_s() {
    let cases: [Answer; 4] = [
        || Err(std::io::Error::other("s3cret"))?,
        || {
            let boxed: Box<dyn Error + Send + Sync> = "s3cret".into();
            Err(Reject::failed(boxed))
        },
        || Err(Reject::failed("s3cret").header("X-A", "s3cret").body("s3cret")),
        // Nor what else it says, whether it can be or not
        || Err(Reject::failed("s3cret").header("X A", "s3cret")),
    ];
    for answer in cases {
        let (text, accepted) = ask(settings().upgrade(answering(answer)), "");
        assert!(text.starts_with("HTTP/1.1 500 ") && !text.contains("s3cret"), "{text}");
        let error = error(accepted);
        assert_eq!(error.classify(), Cause::Rejected { status: 500, retry_after: None });
        assert!(error.to_string().contains("s3cret"), "{error}");
    }
}

#[test]
fn a_hook_that_takes_too_long_is_answered_for_at_its_limit() {
    let mut sim = Sim::seed(2);
    let hook = |_: UpgradeRequest| pending::<Result<Upgrade<()>, Reject>>();
    let limited = settings().upgrade(hook).hook_timeout(3 * SECOND);
    let timer = sim.timer();
    let (text, accepted) = ask_in(&mut sim, limited, "");
    assert_eq!(timer.now().since_origin(), 3 * SECOND);
    assert!(text.starts_with("HTTP/1.1 503 "), "{text}");
    let error = error(accepted.map(drop));
    assert!(error.to_string().contains("`hook_timeout`"), "{error}");
    assert!(matches!(error, UpgradeError::HookTimeout { limit } if limit == 3 * SECOND));
}

#[test]
fn a_hook_that_decides_within_its_time_is_heard() {
    for delay in [2 * SECOND, AcceptSettings::<()>::HOOK_TIMEOUT - Duration::from_nanos(1)] {
        let mut sim = Sim::seed(3);
        let timer = sim.timer();
        let (text, accepted) = ask_in(&mut sim, settings().upgrade(after(&timer, delay)), "");
        assert!(text.starts_with("HTTP/1.1 101 ") && accepted.is_ok(), "{text}");
        assert_eq!(timer.now().since_origin(), delay);
    }
}

fn after(timer: &SimTimer, delay: Duration) -> impl Hook<Principal = ()> + use<> {
    let timer = timer.clone();
    move |_: UpgradeRequest| -> std::pin::Pin<Box<dyn Future<Output = _> + Send>> {
        let timer = timer.clone();
        Box::pin(async move {
            timer.sleep_until(timer.now() + delay).await;
            Ok(Upgrade::accept(()))
        })
    }
}

#[test]
fn a_page_of_another_origin_is_answered_403_before_the_hook() {
    let hook = |_: UpgradeRequest| async {
        panic!("it is not asked");
        #[expect(unreachable_code, reason = "it says the type of the answer")]
        Ok::<_, Reject>(Upgrade::accept(()))
    };
    let ours = Origins::only(["https://app.example.com"]).unwrap();
    let (text, accepted) =
        ask(settings().upgrade(hook).origins(ours.clone()), "Origin: https://evil.example\r\n");
    assert!(text.starts_with("HTTP/1.1 403 Forbidden\r\n"), "{text}");
    assert!(matches!(error(accepted), UpgradeError::Origin));
    for good in ["", "Origin: https://app.example.com\r\n"] {
        assert!(ask(settings().origins(ours.clone()), good).1.is_ok(), "{good}");
    }
}

#[test]
fn a_cookie_is_seen_only_where_cookies_authenticate() {
    let cookie = "Cookie: session=1\r\n";
    let hook = |request: UpgradeRequest| async move {
        Ok::<_, Reject>(Upgrade::accept(request.header("cookie").map(str::to_owned)))
    };
    let (_, hidden) = ask(settings().upgrade(hook), cookie);
    let (hidden, request) = hidden.unwrap();
    assert_eq!((hidden.principal.as_deref(), request.header("Cookie")), (None, None));
    let told = settings().upgrade(hook).cookies(true).origins(Origins::same_host());
    let (_, shown) = ask(told, cookie);
    assert_eq!(shown.unwrap().0.principal.as_deref(), Some("session=1"));
}

#[test]
fn what_came_glued_to_a_request_is_refused_with_a_hook_too() {
    let (one, mut theirs) = duplex(1 << 20, None);
    let mut sim = Sim::seed(4);
    let timer = sim.timer();
    let both = async move {
        let hook = |_: UpgradeRequest| async { Ok::<_, Reject>(Upgrade::accept(())) };
        let settings = settings().upgrade(hook);
        let asking = async {
            theirs.write_all(format!("{ASK}early").as_bytes()).await.unwrap();
            theirs.close().await.unwrap();
        };
        join(asking, WebSocket::accept_with(one, peer(), &settings, &timer)).await.1
    };
    let accepted = sim.block_on(both, SECOND).unwrap();
    assert!(matches!(error(accepted.map(drop)), UpgradeError::EarlyBytes));
}

/// A granted upgrade goes on as any other
#[test]
fn a_websocket_behind_a_hook_speaks() {
    let mut sim = Sim::seed(5);
    let hook = |_: UpgradeRequest| async { Ok::<_, Reject>(Upgrade::accept("who")) };
    let (_, accepted) = ask_in(&mut sim, settings().upgrade(hook), "");
    let (mut websocket, facts, _) = accepted.unwrap();
    assert_eq!(facts.principal, "who");
    let said =
        sim.block_on(
            async move {
                std::future::poll_fn(|cx| std::pin::Pin::new(&mut websocket).poll_recv(cx)).await
            },
            SECOND,
        );
    // The peer has only closed its half
    assert!(matches!(said, Ok(Some(Err(everbeat_ws::Error::End)))), "{said:?}");
}
