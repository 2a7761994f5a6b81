//! Without a lock nobody can tell anything from outside: a client hears by its own method only.

use core::task::Context;

use super::Hint;

/// Never made
pub(crate) enum Feed {}

impl Feed {
    #[expect(clippy::needless_pass_by_ref_mut, reason = "as the feed that hears")]
    pub(crate) fn poll(&mut self, _: &Context<'_>) -> Option<Hint> {
        match *self {}
    }
}
