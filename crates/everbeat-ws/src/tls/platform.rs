//! The platform's roots: read once for the whole process, on a thread of its own, because it is
//! hundreds of kilobytes from disk and a millisecond or more of parsing.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread;

use futures_rustls::rustls::{ClientConfig, RootCertStore};

use super::TlsError;
use super::client::trusting;

type Loaded = Result<Arc<ClientConfig>, String>;

/// The roots of this process
static ROOTS: Roots = Roots::new();

/// The configuration that trusts whom the platform trusts
///
/// # Cancel safety
///
/// Dropping the future, as a time limit does, leaves the reading to whoever asks next.
pub(super) async fn config() -> Result<Arc<ClientConfig>, TlsError> {
    ROOTS.config(load).await
}

/// The latest reading: a good one is for ever, a failure is for those who waited for it
struct Roots(Mutex<Option<Arc<Reading>>>);

impl Roots {
    const fn new() -> Self {
        Self(Mutex::new(None))
    }

    async fn config(
        &self,
        load: impl FnOnce() -> Loaded + Send + 'static,
    ) -> Result<Arc<ClientConfig>, TlsError> {
        let reading = self.latest(load);
        let mut waiting = Waiting { reading: &reading, number: None };
        let loaded = poll_fn(|cx| waiting.poll(cx)).await;
        loaded.map_err(|problem| TlsError::Roots(problem.into()))
    }

    /// The reading that is there or on its way, however long that takes; else a new one
    fn latest(&self, load: impl FnOnce() -> Loaded + Send + 'static) -> Arc<Reading> {
        let mut latest = lock(&self.0);
        if let Some(reading) = latest.as_ref().filter(|reading| !reading.has_failed()) {
            return reading.clone();
        }
        let reading = Arc::<Reading>::default();
        *latest = Some(reading.clone());
        drop(latest);
        let reader = Reader(reading.clone());
        let thread = thread::Builder::new().name("everbeat-roots".to_owned());
        // Without a thread to be had the reader is dropped at once, and says so.
        _ = thread.spawn(move || reader.run(load));
        reading
    }
}

/// One reading of the roots, and the attempts that wait for it
#[derive(Default)]
struct Reading {
    loaded: OnceLock<Loaded>,
    waiting: Mutex<Wakers>,
}

/// Who waits, by the numbers of their futures
#[derive(Default)]
struct Wakers {
    latest: u64,
    by_number: BTreeMap<u64, Waker>,
}

impl Reading {
    fn has_failed(&self) -> bool {
        matches!(self.loaded.get(), Some(Err(_)))
    }

    fn finish(&self, loaded: Loaded) {
        _ = self.loaded.set(loaded);
        let waiting = std::mem::take(&mut lock(&self.waiting).by_number);
        waiting.into_values().for_each(Waker::wake);
    }
}

/// A future that waits for a reading; dropped, it waits no longer, though the reading may hang
struct Waiting<'a> {
    reading: &'a Reading,
    number: Option<u64>,
}

impl Waiting<'_> {
    fn poll(&mut self, cx: &Context<'_>) -> Poll<Loaded> {
        let mut wakers = lock(&self.reading.waiting);
        if let Some(loaded) = self.reading.loaded.get() {
            return Poll::Ready(loaded.clone());
        }
        let number = *self.number.get_or_insert_with(|| {
            wakers.latest += 1;
            wakers.latest
        });
        wakers.by_number.insert(number, cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            lock(&self.reading.waiting).by_number.remove(&number);
        }
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
    use std::future::Future;
    use std::pin::pin;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::sync::mpsc;
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
            let mut waiting = woken.each_ref().map(|_| Waiting { reading: &reading, number: None });
            for (woken, waiting) in woken.iter().zip(&mut waiting) {
                let waker = Waker::from(woken.clone());
                assert!(waiting.poll(&Context::from_waker(&waker)).is_pending());
            }
            ends(Reader(reading.clone()));
            assert!(woken.iter().all(|woken| woken.0.load(Ordering::Relaxed) == 1));
            for waiting in &mut waiting {
                let told = waiting.poll(&Context::from_waker(Waker::noop()));
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
        let mut waiting = Waiting { reading: &reading, number: None };
        let told = waiting.poll(&Context::from_waker(Waker::noop()));
        assert!(matches!(told, Poll::Ready(Ok(told)) if Arc::ptr_eq(&told, &config)));
        assert!(!reading.has_failed());
    }

    /// A time limit drops the attempt that waits: here each is polled once
    #[test]
    fn a_reading_that_hangs_holds_no_attempt_and_costs_one_thread() {
        static BEGUN: AtomicU32 = AtomicU32::new(0);
        let (roots, config) = (Roots::new(), trusting(RootCertStore::empty()).unwrap());
        let (release, hangs) = mpsc::channel::<()>();
        let hangs = Arc::new(Mutex::new(hangs));
        let load = || {
            let (hangs, config) = (hangs.clone(), config.clone());
            move || {
                BEGUN.fetch_add(1, Ordering::Relaxed);
                _ = lock(&hangs).recv();
                Ok(config)
            }
        };
        let woken = Arc::<Woken>::default();
        for _ in 0..1_000 {
            let waker = Waker::from(Arc::<Woken>::default());
            let mut attempt = pin!(roots.config(load()));
            assert!(attempt.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        }
        assert_eq!(lock(&roots.latest(load()).waiting).by_number.len(), 0, "they left nothing");
        let waker = Waker::from(woken.clone());
        let mut last = pin!(roots.config(load()));
        assert!(last.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        drop(release);
        while woken.0.load(Ordering::Relaxed) == 0 {
            thread::yield_now();
        }
        let told = last.as_mut().poll(&mut Context::from_waker(&waker));
        assert!(matches!(told, Poll::Ready(Ok(_))), "and who still waits is told");
        assert_eq!(BEGUN.load(Ordering::Relaxed), 1);
    }
}
