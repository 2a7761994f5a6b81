//! Without a lock nobody can tell anything from outside: a client hears by its own method only.

use core::task::Context;

use super::Hint;

/// Nothing is heard
#[derive(Debug)]
pub(crate) struct Feed;

impl Feed {
    pub(crate) const fn deaf() -> Self {
        Self
    }

    #[expect(clippy::needless_pass_by_ref_mut, reason = "as the feed that hears")]
    pub(crate) fn poll(&mut self, _: &Context<'_>) -> Option<Hint> {
        None
    }
}
