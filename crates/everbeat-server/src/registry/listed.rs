//! A connection in a set, found by its number: a pointer and a byte, where a map has the number again.

use std::borrow::Borrow;
use std::hash::{Hash, Hasher};

use super::ConnectionHandle;

/// Equal to its number, which never changes, whatever else in it does
pub(super) struct Listed<X>(pub(super) ConnectionHandle<X>);

impl<X> Borrow<u64> for Listed<X> {
    fn borrow(&self) -> &u64 {
        &self.0.record().id
    }
}

impl<X> Hash for Listed<X> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.id().hash(state);
    }
}

impl<X> PartialEq for Listed<X> {
    fn eq(&self, other: &Self) -> bool {
        self.0.id() == other.0.id()
    }
}

impl<X> Eq for Listed<X> {}

/// And a byte of the set's own; its room is at most 16/7 times what is in it
#[test]
fn it_is_a_pointer() {
    assert_eq!(size_of::<Listed<()>>(), size_of::<usize>());
}
