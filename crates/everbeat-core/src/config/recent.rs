//! Values that many have in common are kept once: a process has few settings, and connections
//! without number.

use core::cell::RefCell;

use alloc::sync::Arc;

/// Shared values that a thread remembers: a client's and a server's, plain and by the minute
const REMEMBERED: usize = 4;

/// The newest few values of a kind; whoever brings an equal one gets the one that is there already
///
/// It is meant for a `thread_local!`, so that nobody waits for a lock: a thread's values are its own.
///
/// ```
/// use std::sync::Arc;
///
/// use everbeat_core::config::Recent;
///
/// thread_local!(static SHARED: Recent<String> = const { Recent::new() });
/// let share = || SHARED.with(|shared| shared.share(&"the same".to_owned()));
/// assert!(Arc::ptr_eq(&share(), &share()));
/// ```
#[derive(Debug)]
pub struct Recent<T>(RefCell<[Option<Arc<T>>; REMEMBERED]>);

impl<T> Recent<T> {
    /// None yet
    #[must_use]
    pub const fn new() -> Self {
        Self(RefCell::new([const { None }; REMEMBERED]))
    }
}

impl<T: Clone + PartialEq> Recent<T> {
    /// The value, shared with whoever has brought an equal one lately
    ///
    /// Four values are remembered; with a fifth the one that was brought first is forgotten, and kept
    /// by those alone that have it.
    #[must_use]
    pub fn share(&self, value: &T) -> Arc<T> {
        if let Some(known) = self.0.borrow().iter().flatten().find(|known| ***known == *value) {
            return known.clone();
        }
        let value = Arc::new(value.clone());
        let mut recent = self.0.borrow_mut();
        recent.rotate_right(1);
        let oldest = recent.first_mut().and_then(|oldest| oldest.replace(value.clone()));
        // What is dropped with it is not ours, and may share
        drop(recent);
        drop(oldest);
        value
    }
}

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_are_one_and_no_more_than_a_few_are_remembered() {
        let recent = Recent::new();
        let (first, second) = (recent.share(&1), recent.share(&2));
        assert!(Arc::ptr_eq(&first, &recent.share(&1)) && Arc::ptr_eq(&second, &recent.share(&2)));
        assert_eq!((*first, *second), (1, 2));
        (3..100).for_each(|value| assert_eq!(*recent.share(&value), value));
        assert_eq!(Arc::strong_count(&first), 1);
        assert!(!Arc::ptr_eq(&first, &recent.share(&1)));
    }
}
