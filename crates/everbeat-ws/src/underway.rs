//! What a WebSocket holds while something is under way, in a box that the thread lends: at rest there
//! is only the place for it, and on a message's way nothing is allocated.

use crate::pool;
use crate::read::Reading;
use crate::write::Writing;

/// What is under way, either way
#[derive(Debug, Default)]
pub(crate) struct Underway {
    pub(crate) reading: Reading,
    pub(crate) writing: Writing,
}

/// The place for what is under way
#[derive(Debug, Default)]
pub(crate) struct Place(Option<Box<Underway>>);

impl Place {
    pub(crate) fn reading(&self) -> Option<&Reading> {
        Some(&self.0.as_ref()?.reading)
    }

    pub(crate) fn reading_mut(&mut self) -> Option<&mut Reading> {
        Some(&mut self.0.as_mut()?.reading)
    }

    pub(crate) fn writing_mut(&mut self) -> Option<&mut Writing> {
        Some(&mut self.0.as_mut()?.writing)
    }

    /// For something that is read and not whole
    pub(crate) fn read(&mut self) -> &mut Reading {
        let lent = self.0.get_or_insert_with(|| {
            let mut lent = pool::underway();
            // It may have come with a buffer, and nothing says that there will be anything to write
            lent.writing.give_buffer();
            lent
        });
        &mut lent.reading
    }

    /// For something that is to be written
    #[inline]
    pub(crate) fn write(&mut self) -> &mut Writing {
        &mut self.0.get_or_insert_with(pool::underway).writing
    }

    /// Whether there is nothing to be written
    pub(crate) fn is_said(&self) -> bool {
        self.0.as_ref().is_none_or(|it| it.writing.is_idle())
    }

    /// Gives back what is not needed any more
    #[inline]
    pub(crate) fn settle(&mut self) {
        let Some(underway) = &mut self.0 else {
            return;
        };
        if !underway.writing.is_idle() {
            return;
        }
        if !underway.reading.is_idle() {
            underway.writing.give_buffer();
        } else if let Some(underway) = self.0.take() {
            pool::give_underway(underway);
        }
    }

    /// Whether nothing is under way
    pub(crate) fn is_idle(&self) -> bool {
        self.0.as_ref().is_none_or(|it| it.reading.is_idle() && it.writing.is_idle())
    }

    /// Forgets everything, for the socket is gone
    pub(crate) fn clear(&mut self) {
        self.0 = None;
    }
}
