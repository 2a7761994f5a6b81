//! One wake-up of a task: whoever is entered from outside makes one and passes it down, so that all
//! below share one reading of the clock.

use core::task::Context;

use super::{Instant, Timer};

/// One wake-up of a task: its context, and the clock's reading once somebody has asked for it
#[derive(Debug)]
#[cfg_attr(
    feature = "std",
    expect(unnameable_types, reason = "the halves' sealed trait takes it, and only we call it")
)]
#[cfg_attr(not(feature = "std"), expect(unreachable_pub, reason = "there are no halves"))]
pub struct Wake<'a, 'b> {
    pub(crate) cx: &'a mut Context<'b>,
    now: Option<Instant>,
    /// A beat was answered, and the next thing that is due is far away
    pub(crate) answered: bool,
}

impl<'a, 'b> Wake<'a, 'b> {
    pub(crate) const fn new(cx: &'a mut Context<'b>) -> Self {
        Self { cx, now: None, answered: false }
    }

    /// The present, read from the timer at most once a wake-up
    pub(crate) fn now<K: Timer>(&mut self, timer: &K) -> Instant {
        *self.now.get_or_insert_with(|| timer.now())
    }
}
