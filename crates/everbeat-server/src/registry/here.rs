//! Whether a connection is polled by its handler's task: the task says so of its thread, for as long
//! as it polls.
//!
//! The task leaves its waker in the record at each of its polls. A connection that is polled in the
//! midst of that, by the same waker, need not leave another: who has something for it wakes the task.
//! A connection that was moved to another task, or that is polled by a waker of somebody's own, does.

use std::cell::Cell;
use std::ptr;
use std::task::{RawWakerVTable, Waker};

/// A record, and what tells wakers apart
#[derive(Clone, Copy, PartialEq)]
struct Place {
    record: *const (),
    data: *const (),
    vtable: *const RawWakerVTable,
}

impl Place {
    #[inline]
    fn of<P: ?Sized>(record: *const P, waker: &Waker) -> Self {
        Self { record: record.cast(), data: waker.data(), vtable: ptr::from_ref(waker.vtable()) }
    }
}

thread_local! {
    /// Nothing behind these pointers is ever looked at. While they stand here the waker is borrowed,
    /// so that no other has its address.
    static PLACE: Cell<Option<Place>> = const { Cell::new(None) };
}

/// Says that the handler's task polls, until it is dropped; within it another may poll its own
pub(super) struct Here(Option<Place>);

impl Here {
    #[inline]
    pub(super) fn enter<P: ?Sized>(record: *const P, waker: &Waker) -> Self {
        Self(PLACE.replace(Some(Place::of(record, waker))))
    }
}

impl Drop for Here {
    #[inline]
    fn drop(&mut self) {
        PLACE.set(self.0);
    }
}

/// Whether the task of this record's handler is polling, by this waker
#[inline]
pub(super) fn is_here<P: ?Sized>(record: *const P, waker: &Waker) -> bool {
    PLACE.get() == Some(Place::of(record, waker))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::testing::{Calls, record};

    #[test]
    fn here_is_where_the_innermost_task_polls_and_nowhere_behind_it() {
        let records = [record(1, 1), record(1, 1)];
        let wakers = [0, 1].map(|_| Waker::from(Arc::<Calls>::default()));
        let here = || {
            let pairs = [(0, 0), (0, 1), (1, 0), (1, 1)];
            pairs.map(|(record, waker)| is_here(&*records[record], &wakers[waker]))
        };
        assert_eq!(here(), [false; 4]);
        let outer = Here::enter(&*records[0], &wakers[0]);
        assert_eq!(here(), [true, false, false, false]);
        let inner = Here::enter(&*records[1], &wakers[1]);
        assert_eq!(here(), [false, false, false, true]);
        drop(inner);
        assert_eq!(here(), [true, false, false, false]);
        drop(outer);
        assert_eq!(here(), [false; 4]);
    }
}
