//! The runtimes by their names. How each starts is the programs' own.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A runtime that everbeat runs on
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(clippy::exhaustive_enums, reason = "a program must start each of them")]
pub enum Runtime {
    /// `tokio`
    Tokio,
    /// `async-std`
    AsyncStd,
    /// `smol`
    Smol,
}

impl Runtime {
    /// Each of them, once
    pub const ALL: [Self; 3] = [Self::Tokio, Self::AsyncStd, Self::Smol];

    /// Its name, as on a command line
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tokio => "tokio",
            Self::AsyncStd => "async-std",
            Self::Smol => "smol",
        }
    }

    /// The runtime of this name
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|runtime| runtime.name() == name)
    }

    /// The runtime that a command line names
    ///
    /// # Errors
    ///
    /// There is none of this name; the words say which there are.
    pub fn parse(name: &str) -> Result<Self, String> {
        Self::from_name(name).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("--runtime takes one of {names}, not `{name}`")
        })
    }
}

impl fmt::Display for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
