//! A clock that jumps, for the processes that are dressed with it: libfaketime, between them and the
//! kernel.

use std::fs::{self, OpenOptions};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use std::{env, process};

use anyhow::{Context, Result};

use crate::tools::Tools;

/// Which clocks jump
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a process has these two clocks")]
pub enum Kind {
    /// That of the wall and the monotonic one, as after a sleep that is counted
    Both,
    /// That of the wall alone, as when somebody sets it
    Wall,
}

/// A clock that jumps when it is told to
///
/// It is of a file, which is gone with it: a process that is dressed with it must not live longer.
#[derive(Debug)]
pub struct Clock {
    kind: Kind,
    file: PathBuf,
    library: PathBuf,
    ahead: Duration,
}

impl Clock {
    /// A clock that is right until it jumps
    ///
    /// # Errors
    ///
    /// There is no libfaketime, or no file for us.
    pub fn new(tools: &Tools, kind: Kind) -> Result<Self> {
        let library = tools.faketime()?;
        sweep(&env::temp_dir());
        let clock =
            Self { kind, file: new_file(&env::temp_dir())?, library, ahead: Duration::ZERO };
        clock.show()?;
        Ok(clock)
    }

    /// Has a process live by it, once it is started
    pub fn dress(&self, command: &mut Command) {
        command.env("LD_PRELOAD", &self.library);
        command.env("FAKETIME_TIMESTAMP_FILE", &self.file).env("FAKETIME_NO_CACHE", "1");
        if self.kind == Kind::Wall {
            command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1").env("DONT_FAKE_MONOTONIC", "1");
        }
    }

    /// Jumps ahead
    ///
    /// # Errors
    ///
    /// Its file cannot be written.
    pub fn jump(&mut self, by: Duration) -> Result<()> {
        self.ahead += by;
        self.show()
    }

    /// Replaced as a whole: who reads half a time is lost
    fn show(&self) -> Result<()> {
        let next = self.file.with_extension("next");
        fs::write(&next, format!("+{}\n", self.ahead.as_secs()))
            .and_then(|()| fs::rename(&next, &self.file))
            .with_context(|| self.file.display().to_string())
    }
}

impl Drop for Clock {
    fn drop(&mut self) {
        // What is left is a few bytes in a folder that is swept.
        _ = fs::remove_file(&self.file);
    }
}

/// What every file of a clock begins with; the number of its process follows
const PREFIX: &str = "everbeat-clock-";

/// Removes what was left behind by processes that were killed
fn sweep(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let owner = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.split('-').next());
        if owner.is_some_and(|owner| !Path::new("/proc").join(owner).exists()) {
            // Somebody else may have been faster.
            _ = fs::remove_file(entry.path());
        }
    }
}

/// A file that nobody else has
fn new_file(folder: &Path) -> Result<PathBuf> {
    for number in 0_u32.. {
        let path = folder.join(format!("{PREFIX}{}-{number}", process::id()));
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            opened => return opened.map(|_| path.clone()).context(path.display().to_string()),
        }
    }
    anyhow::bail!("no file is free in {}", folder.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn what_a_dead_process_left_is_swept_and_what_a_live_one_has_is_not() {
        let folder = env::temp_dir().join(format!("everbeat-sweep-{}", process::id()));
        fs::create_dir_all(&folder).unwrap();
        // No process has a number as high as that.
        let stale = folder.join(format!("{PREFIX}{}-0", u32::MAX));
        let other = folder.join("somebody-elses");
        let live = new_file(&folder).unwrap();
        for file in [&stale, &other] {
            fs::write(file, "").unwrap();
        }
        sweep(&folder);
        assert_eq!([&stale, &other, &live].map(|file| file.exists()), [false, true, true]);
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_file_that_was_left_behind_is_passed_over() {
        let files = [(); 2].map(|()| new_file(&env::temp_dir()).unwrap());
        assert_ne!(files[0], files[1]);
        for file in files {
            fs::remove_file(file).unwrap();
        }
    }
}
