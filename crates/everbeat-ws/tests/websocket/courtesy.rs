//! Who is not let in is told so, and cannot keep the server busy with it.

use std::future::pending;
use std::time::Duration;

use everbeat_core::time::Timer;
use everbeat_sim::Sim;
use everbeat_ws::WebSocket;
use everbeat_ws::accept::AcceptSettings;
use everbeat_ws::upgrade::{Hook, Reject, Upgrade, UpgradeError, UpgradeRequest};
use futures_util::future::join;
use futures_util::{AsyncReadExt, AsyncWriteExt};

use crate::hook::{SECOND, answering, error, peer, settings};
use crate::support::duplex;
use crate::upgrade::ASK;

type Lasted = (Duration, UpgradeError, String);

/// How long an upgrade lasts that is not granted, what comes of it, and what its peer hears: it
/// listens or does not, and stays connected
fn lasts<H: Hook>(settings: AcceptSettings<H>, ask: &str, listens: bool) -> Lasted {
    let mut sim = Sim::seed(1);
    let timer = sim.timer();
    // No answer fits into it
    let (one, mut theirs) = duplex(32, None);
    let ask = ask.to_owned();
    let accepting = async move {
        let accepted = WebSocket::accept_with(one, peer(), &settings, &timer).await;
        (timer.now().since_origin(), error(accepted.map(drop)))
    };
    let asking = async move {
        theirs.write_all(ask.as_bytes()).await.unwrap();
        let mut heard = String::new();
        if listens {
            theirs.read_to_string(&mut heard).await.unwrap();
        }
        (heard, theirs)
    };
    match sim.block_on(join(accepting, asking), 60 * SECOND) {
        Ok(((lasted, error), (heard, _))) => (lasted, error, heard),
        Err(error) => panic!("{error}"),
    }
}

/// Decides nothing by itself
fn endless() -> AcceptSettings<impl Hook<Principal = ()>> {
    settings().upgrade(|_: UpgradeRequest| pending::<Result<Upgrade<()>, Reject>>())
}

#[test]
fn who_is_told_no_and_stays_is_left_after_a_second() {
    for listens in [true, false] {
        let told = |heard: &str, status: u16| {
            let begins = heard.starts_with(&format!("HTTP/1.1 {status} "));
            assert_eq!((begins, heard.is_empty()), (listens, !listens), "{heard}");
        };
        let (lasted, error, heard) = lasts(settings(), &ASK.replace("GET", "PUT"), listens);
        assert!(matches!(error, UpgradeError::Method), "{error:?}");
        assert_eq!(lasted, SECOND);
        told(&heard, 405);

        let reject = answering(|| Err(Reject::status(403)));
        let (lasted, error, heard) = lasts(settings().upgrade(reject), ASK, listens);
        assert!(matches!(error, UpgradeError::Rejected(_)), "{error:?}");
        assert_eq!(lasted, SECOND);
        told(&heard, 403);

        // What the hook takes is not of it
        let (lasted, error, heard) = lasts(endless().hook_timeout(3 * SECOND), ASK, listens);
        assert!(matches!(error, UpgradeError::HookTimeout { .. }), "{error:?}");
        assert_eq!(lasted, 4 * SECOND);
        told(&heard, 503);
    }
}
