//! The command line of a peer.

use std::path::PathBuf;
use std::time::Duration;

/// What it is
#[derive(Clone, Debug)]
pub(crate) enum Role {
    /// At this address
    Server(String),
    /// At this URL
    Client(String),
}

#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) role: Role,
    /// It Pings by itself
    pub(crate) beat: Option<Duration>,
    /// And hangs up if nothing is heard for so long
    pub(crate) timeout: Option<Duration>,
    /// Longer messages are sent in frames of this size, where the library can
    pub(crate) fragment: Option<usize>,
    /// Its certificate and key: a server's, or what a client shows if asked
    pub(crate) identity: Option<(PathBuf, PathBuf)>,
    /// The only root that it trusts; a server then asks its clients
    pub(crate) ca: Option<PathBuf>,
}

impl Options {
    /// The words behind the library's name
    pub(crate) fn parse(
        role: Role,
        mut words: impl Iterator<Item = String>,
    ) -> Result<Self, String> {
        let (mut cert, mut key) = (None, None);
        let mut options =
            Self { role, beat: None, timeout: None, fragment: None, identity: None, ca: None };
        while let Some(word) = words.next() {
            let value = words.next().ok_or_else(|| format!("`{word}` is followed by nothing"))?;
            let number = || value.parse::<u64>().map_err(|_| format!("`{value}` is no number"));
            match word.as_str() {
                "--beat" => options.beat = Some(Duration::from_millis(number()?)),
                "--timeout" => options.timeout = Some(Duration::from_millis(number()?)),
                "--fragment" => options.fragment = usize::try_from(number()?).ok(),
                "--cert" => cert = Some(PathBuf::from(value)),
                "--key" => key = Some(PathBuf::from(value)),
                "--ca" => options.ca = Some(PathBuf::from(value)),
                _ => return Err(format!("`{word}` is not an option of a peer")),
            }
        }
        options.identity = cert.zip(key);
        Ok(options)
    }
}
