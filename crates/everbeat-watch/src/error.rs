//! Why nothing is watched.

use std::error;
use std::fmt;
use std::io;

/// Why there is no watcher; a client works without, and notices a change by its beat
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// This is not Linux: the application has to tell hints itself, as this crate's first page says
    Unsupported,
    /// The kernel does not tell of its addresses, links and routes
    Kernel(io::Error),
    /// There is no thread for it
    Thread(io::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsupported => {
                f.write_str("addresses and routes are watched on Linux only; tell hints yourself")
            }
            Self::Kernel(error) => {
                write!(f, "the kernel does not tell of its addresses and routes: {error}")
            }
            Self::Thread(error) => write!(f, "no thread to watch addresses and routes: {error}"),
        }
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Unsupported => None,
            Self::Kernel(error) | Self::Thread(error) => Some(error),
        }
    }
}
