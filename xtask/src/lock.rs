//! A file that one process at a time holds, for what two commands may want to make at once. The kernel
//! lets go of it for whoever ends, however that was.

use std::fs::File;
use std::path::Path;

use anyhow::{Context, Result};

/// What is held until it is dropped
#[derive(Debug)]
pub(crate) struct Lock {
    _held: File,
}

impl Lock {
    /// Waits until nobody else holds it, and says so if that is not at once
    pub(crate) fn hold(path: &Path, what: &str) -> Result<Self> {
        let file = open(path)?;
        if !take(&file, false)? {
            eprintln!("another command is at {what}: waiting ..");
            take(&file, true)?;
        }
        Ok(Self { _held: file })
    }
}

fn open(path: &Path) -> Result<File> {
    let opened = File::options().create(true).truncate(false).write(true).open(path);
    opened.with_context(|| path.display().to_string())
}

/// Whether it is ours now; who `waits` has it in the end
#[cfg(unix)]
fn take(file: &File, waits: bool) -> Result<bool> {
    use rustix::fs::{FlockOperation, flock};
    use rustix::io::{Errno, retry_on_intr};

    let one = if waits {
        FlockOperation::LockExclusive
    } else {
        FlockOperation::NonBlockingLockExclusive
    };
    match retry_on_intr(|| flock(file, one)) {
        Ok(()) => Ok(true),
        Err(Errno::WOULDBLOCK) => Ok(false),
        Err(error) => Err(error).context("it cannot be locked"),
    }
}

/// Peers want a shell and cannot be had elsewhere, so that nobody meets anybody
#[cfg(not(unix))]
fn take(_: &File, _: bool) -> Result<bool> {
    Ok(true)
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    use super::*;

    #[test]
    fn one_at_a_time_holds_it_and_the_next_waits() {
        let path = std::env::temp_dir().join(format!("everbeat-lock-{}", std::process::id()));
        let first = Lock::hold(&path, "a test").unwrap();
        let another = open(&path).unwrap();
        assert!(!take(&another, false).unwrap());
        let (sender, held) = mpsc::channel();
        let theirs = path.clone();
        let second = thread::spawn(move || {
            let _second = Lock::hold(&theirs, "a test").unwrap();
            sender.send(()).unwrap();
        });
        drop(first);
        held.recv_timeout(Duration::from_secs(20)).unwrap();
        second.join().unwrap();
        assert!(take(&another, false).unwrap(), "nobody holds it any more");
        std::fs::remove_file(&path).unwrap();
    }
}
