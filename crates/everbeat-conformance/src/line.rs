//! A list of checks, each with the sentence that must hold.

use std::future::Future;
use std::pin::Pin;

/// One check; it panics if what must hold does not
pub type Check = Pin<Box<dyn Future<Output = ()>>>;

/// A check and what it is called
#[derive(Debug)]
#[expect(clippy::exhaustive_structs, reason = "a row of a table")]
pub struct Line {
    /// What must hold, as a sentence
    pub name: &'static str,
    /// Makes the check, to be run inside the runtime
    pub check: fn() -> Check,
}

macro_rules! lines {
    ($($name:literal => $check:path),+ $(,)?) => {
        vec![$(Line { name: $name, check: || Box::pin($check()) }),+]
    };
}

pub(crate) use lines;
