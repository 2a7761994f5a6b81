//! Which connections have a tag, such as the room of a chat.
//!
//! Two locks: the shard of the index that a tag is in, and then that of what a connection has aside,
//! its own list of tags too. In this order, for a shard is walked while a whole room is told, and who
//! has mail for a connection, or is it, waits for no room. Both are held while a tag comes or goes, so
//! that list and index agree whoever else is at it. A connection that leaves marks its list, so that no
//! tag is added behind it.

#[cfg(test)]
mod tests;

use std::collections::hash_map::RandomState;
use std::collections::{HashMap, HashSet};
use std::error::Error;
use std::fmt;
use std::hash::BuildHasher;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::ConnectionHandle;
use super::listed::Listed;

/// How many tags one connection may have
const MOST: usize = 256;
/// How long a tag may be, in bytes
const LONGEST: usize = 256;
/// As many as the registry has
const SHARDS: usize = 16;

type Tagged<X> = HashMap<Arc<str>, HashSet<Listed<X>>>;

/// The index: who has a tag
pub(super) struct Tags<X> {
    hasher: RandomState,
    shards: [Mutex<Tagged<X>>; SHARDS],
}

/// The tags that one connection has
#[derive(Debug)]
pub(super) enum Own {
    Has(Vec<Arc<str>>),
    /// It has left, and gets no more
    Left,
}

impl Default for Own {
    fn default() -> Self {
        Self::Has(Vec::new())
    }
}

impl<X> Tags<X> {
    pub(super) fn new() -> Self {
        Self { hasher: RandomState::new(), shards: std::array::from_fn(|_| Mutex::default()) }
    }

    pub(super) fn add(&self, handle: &ConnectionHandle<X>, tag: &str) -> Result<(), TagError> {
        if tag.len() > LONGEST {
            return Err(TagError::TooLong { length: tag.len(), limit: LONGEST });
        }
        let mut shard = self.shard(tag);
        let mut lock = handle.corner().lock();
        let Own::Has(tags) = &mut lock.get_or_insert_default().tags else {
            return Err(TagError::Ended);
        };
        if tags.iter().any(|known| **known == *tag) {
            return Ok(());
        }
        if tags.len() >= MOST {
            return Err(TagError::TooMany { limit: MOST });
        }
        let tag: Arc<str> = tag.into();
        tags.push(tag.clone());
        drop(lock);
        shard.entry(tag).or_default().insert(Listed(handle.clone()));
        Ok(())
    }

    /// Whether it had the tag
    pub(super) fn remove(&self, handle: &ConnectionHandle<X>, tag: &str) -> bool {
        let mut shard = self.shard(tag);
        let mut lock = handle.corner().lock();
        let Some(Own::Has(tags)) = lock.as_mut().map(|aside| &mut aside.tags) else {
            return false;
        };
        let Some(at) = tags.iter().position(|known| **known == *tag) else {
            return false;
        };
        tags.swap_remove(at);
        drop(lock);
        let untagged = forget(&mut shard, handle.id(), tag);
        drop(shard);
        drop(untagged);
        true
    }

    /// Takes a connection out, for good
    pub(super) fn leave(&self, handle: &ConnectionHandle<X>) {
        let mut lock = handle.corner().lock();
        let left = std::mem::replace(&mut lock.get_or_insert_default().tags, Own::Left);
        drop(lock);
        if let Own::Has(tags) = left {
            for tag in tags {
                let mut shard = self.shard(&tag);
                let untagged = forget(&mut shard, handle.id(), &tag);
                drop(shard);
                // Dropped after the lock: what a handle drops is not ours
                drop(untagged);
            }
        }
    }

    pub(super) fn get(&self, tag: &str) -> Vec<ConnectionHandle<X>> {
        let shard = self.shard(tag);
        shard
            .get(tag)
            .map(|tagged| tagged.iter().map(|one| one.0.clone()).collect())
            .unwrap_or_default()
    }

    /// No step leaves a shard half-changed, so a panic of another thread is no reason to stop
    fn shard(&self, tag: &str) -> MutexGuard<'_, Tagged<X>> {
        self.place(tag).lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn place(&self, tag: &str) -> &Mutex<Tagged<X>> {
        &self.shards[self.hasher.hash_one(tag) as usize % SHARDS]
    }
}

#[expect(clippy::mutable_key_type, reason = "its number, by which it is known, never changes")]
fn forget<X>(shard: &mut Tagged<X>, id: u64, tag: &str) -> Option<Listed<X>> {
    let tagged = shard.get_mut(tag)?;
    let forgotten = tagged.take(&id);
    if tagged.is_empty() {
        shard.remove(tag);
    }
    forgotten
}

impl Own {
    pub(super) fn all(&self) -> Vec<Arc<str>> {
        match self {
            Self::Has(tags) => tags.clone(),
            Self::Left => Vec::new(),
        }
    }

    /// Whether it has none, and may get some
    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Self::Has(tags) if tags.is_empty())
    }
}

/// Why a connection did not get a tag
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TagError {
    /// It has as many as it may have
    TooMany {
        /// How many that is
        limit: usize,
    },
    /// The tag is too long
    TooLong {
        /// Its length in bytes
        length: usize,
        /// How long it may be
        limit: usize,
    },
    /// The connection has ended
    Ended,
}

impl fmt::Display for TagError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooMany { limit } => write!(f, "a connection may have {limit} tags and no more"),
            Self::TooLong { length, limit } => {
                write!(f, "a tag of {length} bytes: it may be {limit} bytes long")
            }
            Self::Ended => f.write_str("the connection has ended"),
        }
    }
}

impl Error for TagError {}
