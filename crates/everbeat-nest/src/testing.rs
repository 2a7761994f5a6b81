//! A waker that counts.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::{Wake, Waker};

#[derive(Default)]
pub(crate) struct Bell(Arc<Rings>);

#[derive(Default)]
struct Rings(AtomicUsize);

impl Wake for Rings {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Relaxed);
    }
}

impl Bell {
    pub(crate) fn waker(&self) -> Waker {
        self.0.clone().into()
    }

    pub(crate) fn rings(&self) -> usize {
        self.0.0.load(Relaxed)
    }

    /// Who has the bell, ourselves included
    pub(crate) fn holders(&self) -> usize {
        Arc::strong_count(&self.0)
    }
}
