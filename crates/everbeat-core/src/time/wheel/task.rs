//! Which task a waker wakes, remembered in nine bytes and without a copy of the waker: a copy would
//! keep the task's memory, and cost a slot two words.

use core::num::NonZeroU8;
use core::ptr;
use core::task::{RawWakerVTable, Waker};
use std::sync::OnceLock;

/// The kinds of wakers that were seen: a program has a few, one for each executor and combinator
#[derive(Default)]
pub(super) struct Kinds([OnceLock<&'static RawWakerVTable>; KINDS]);

/// A place among the kinds, counted from one
pub(super) type Kind = NonZeroU8;

/// Wakers of an eighth kind are equal to none, so that their slots take the lock when they are
/// polled again: slower, never wrong
const KINDS: usize = 7;

impl Kinds {
    /// The kind of a waker, noted if it is new
    pub(super) fn of(&self, waker: &Waker) -> Kind {
        let known = self
            .0
            .iter()
            .position(|kind| ptr::eq(*kind.get_or_init(|| waker.vtable()), waker.vtable()));
        Kind::MIN.saturating_add(known.unwrap_or(KINDS) as u8)
    }

    /// Whether `waker` is of this kind
    pub(super) fn is(&self, kind: Kind, waker: &Waker) -> bool {
        let known = self.0.get(usize::from(kind.get()) - 1).and_then(OnceLock::get);
        known.is_some_and(|vtable| ptr::eq(*vtable, waker.vtable()))
    }
}
