//! The platform's roots: read once for the whole process, on a thread of its own, because it is
//! hundreds of kilobytes from disk and a millisecond or more of parsing.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::thread;

use futures_rustls::rustls::{ClientConfig, RootCertStore};

use super::TlsError;
use super::client::trusting;

type Loaded = Result<Arc<ClientConfig>, String>;

/// Where the roots are
enum State {
    Nowhere,
    /// Being read, for these attempts
    Reading(Vec<Waker>),
    /// A failure stays only until somebody is told
    Read(Loaded),
}

static STATE: Mutex<State> = Mutex::new(State::Nowhere);

/// The configuration that trusts whom the platform trusts
pub(super) async fn config() -> Result<Arc<ClientConfig>, TlsError> {
    let loaded = poll_fn(|cx| {
        let mut state = state();
        match &mut *state {
            State::Read(Ok(config)) => return Poll::Ready(Ok(config.clone())),
            State::Read(Err(problem)) => {
                let problem = std::mem::take(problem);
                *state = State::Nowhere;
                return Poll::Ready(Err(problem));
            }
            State::Reading(waiting) => {
                if !waiting.iter().any(|waker| waker.will_wake(cx.waker())) {
                    waiting.push(cx.waker().clone());
                }
                return Poll::Pending;
            }
            State::Nowhere => *state = State::Reading(vec![cx.waker().clone()]),
        }
        let reader = thread::Builder::new().name("everbeat-roots".to_owned());
        if reader.spawn(|| finish(load())).is_ok() {
            return Poll::Pending;
        }
        // No thread to be had: it is read here, which takes as long as it takes
        *state = State::Nowhere;
        drop(state);
        Poll::Ready(load().inspect(|config| finish(Ok(config.clone()))))
    })
    .await;
    loaded.map_err(|problem| TlsError::Roots(problem.into()))
}

/// Nothing panics under this lock, so that a poisoned one is as good as any
fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn finish(loaded: Loaded) {
    let before = std::mem::replace(&mut *state(), State::Read(loaded));
    if let State::Reading(waiting) = before {
        waiting.into_iter().for_each(Waker::wake);
    }
}

fn load() -> Loaded {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::debug!(target: "everbeat", %error, "a root certificate that cannot be read");
    }
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let problem = found.errors.first().map(ToString::to_string);
        return Err(problem.unwrap_or_else(|| "there are none".to_owned()));
    }
    trusting(roots).map_err(|error| error.to_string())
}
