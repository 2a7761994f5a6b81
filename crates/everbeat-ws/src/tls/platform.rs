//! The platform's roots: read once for the whole process, on a thread of its own, because it is
//! hundreds of kilobytes from disk and a millisecond or more of parsing.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread;

use futures_rustls::rustls::{ClientConfig, RootCertStore};

use super::TlsError;
use super::client::trusting;

type Loaded = Result<Arc<ClientConfig>, String>;

/// The latest reading: a good one is for ever, a failure is for those who waited for it
static LATEST: Mutex<Option<Arc<Reading>>> = Mutex::new(None);

/// The configuration that trusts whom the platform trusts
pub(super) async fn config() -> Result<Arc<ClientConfig>, TlsError> {
    let reading = latest();
    let loaded = poll_fn(|cx| reading.poll(cx)).await;
    loaded.map_err(|problem| TlsError::Roots(problem.into()))
}

fn latest() -> Arc<Reading> {
    let mut latest = lock(&LATEST);
    if let Some(reading) = latest.as_ref().filter(|reading| !reading.has_failed()) {
        return reading.clone();
    }
    let reading = Arc::<Reading>::default();
    *latest = Some(reading.clone());
    drop(latest);
    let reader = Reader(reading.clone());
    // Without a thread to be had the reader is dropped at once, and says so.
    _ = thread::Builder::new().name("everbeat-roots".to_owned()).spawn(move || reader.run(load));
    reading
}

/// One reading of the roots, and the attempts that wait for it
#[derive(Default)]
struct Reading {
    loaded: OnceLock<Loaded>,
    waiting: Mutex<Vec<Waker>>,
}

impl Reading {
    fn has_failed(&self) -> bool {
        matches!(self.loaded.get(), Some(Err(_)))
    }

    fn poll(&self, cx: &Context<'_>) -> Poll<Loaded> {
        let mut waiting = lock(&self.waiting);
        if let Some(loaded) = self.loaded.get() {
            return Poll::Ready(loaded.clone());
        }
        if !waiting.iter().any(|waker| waker.will_wake(cx.waker())) {
            waiting.push(cx.waker().clone());
        }
        Poll::Pending
    }

    fn finish(&self, loaded: Loaded) {
        _ = self.loaded.set(loaded);
        let waiting = std::mem::take(&mut *lock(&self.waiting));
        waiting.into_iter().for_each(Waker::wake);
    }
}

/// Whoever reads; it ends its reading even if it panics, or never runs
struct Reader(Arc<Reading>);

impl Reader {
    fn run(self, load: impl FnOnce() -> Loaded) {
        self.0.finish(load());
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        // Does nothing to a reading that has ended.
        self.0.finish(Err("nobody could read them".to_owned()));
    }
}

/// Nothing panics under these locks, so that a poisoned one is as good as any
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Woken(AtomicU32);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn a_reader_that_panics_or_never_runs_is_a_failure_for_all_who_wait() {
        let panics: fn(Reader) = |reader| {
            let panicked = thread::spawn(move || reader.run(|| panic!("on purpose"))).join();
            assert!(panicked.is_err());
        };
        for ends in [panics, drop] {
            let (reading, woken) =
                (Arc::<Reading>::default(), [(); 2].map(|()| Arc::<Woken>::default()));
            for woken in &woken {
                let waker = Waker::from(woken.clone());
                assert!(reading.poll(&Context::from_waker(&waker)).is_pending());
            }
            ends(Reader(reading.clone()));
            assert!(woken.iter().all(|woken| woken.0.load(Ordering::Relaxed) == 1));
            for _ in 0..2 {
                let told = reading.poll(&Context::from_waker(Waker::noop()));
                assert!(matches!(told, Poll::Ready(Err(_))), "each of them is told");
            }
            assert!(reading.has_failed(), "so that the next attempt reads anew");
        }
    }

    #[test]
    fn what_was_read_stays() {
        let reading = Arc::<Reading>::default();
        let config = trusting(RootCertStore::empty()).unwrap();
        Reader(reading.clone()).run(|| Ok(config.clone()));
        let told = reading.poll(&Context::from_waker(Waker::noop()));
        assert!(matches!(told, Poll::Ready(Ok(told)) if Arc::ptr_eq(&told, &config)));
        assert!(!reading.has_failed());
    }
}
