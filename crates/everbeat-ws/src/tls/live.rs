//! A value that is replaced while it is in use: whoever took the old one keeps it.

use std::sync::{Arc, Mutex, PoisonError};

/// A shared value; a clone is the same one, also when it is replaced
pub(super) struct Live<T>(Arc<Mutex<Arc<T>>>);

impl<T> Live<T> {
    pub(super) fn new(value: T) -> Self {
        Self(Arc::new(Mutex::new(Arc::new(value))))
    }

    /// What it is now
    pub(super) fn now(&self) -> Arc<T> {
        // Nothing panics under this lock, so that a poisoned one is as good as any
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Makes it what another is now
    pub(super) fn replace(&self, with: &Self) {
        // Two locks are never held at once: the other may be this one
        let with = with.now();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = with;
    }
}

impl<T> Clone for Live<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}
