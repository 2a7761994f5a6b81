//! What a process has and has used, as Linux tells of it.

use std::fs;

use anyhow::{Context, Result};

/// What the kernel's clock of a process counts in, whatever its own beat is
const TICKS_A_SECOND: f64 = 100.0;

/// Seconds of processors
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Cost {
    /// In the program's own code
    pub(crate) user: f64,
    /// In the kernel's
    pub(crate) system: f64,
}

impl Cost {
    /// What a process has used so far
    pub(crate) fn of(process: u32) -> Result<Self> {
        let path = format!("/proc/{process}/stat");
        let text = fs::read_to_string(&path).context(path)?;
        Self::read(&text).context("another kind of /proc")
    }

    /// The 14th and the 15th word; the second is a name, which may be of any words
    fn read(stat: &str) -> Option<Self> {
        let mut words = stat.rsplit_once(") ")?.1.split(' ').skip(11);
        let mut seconds = || Some(words.next()?.parse::<f64>().ok()? / TICKS_A_SECOND);
        Some(Self { user: seconds()?, system: seconds()? })
    }

    pub(crate) fn since(self, before: Self) -> Self {
        Self { user: self.user - before.user, system: self.system - before.system }
    }

    pub(crate) fn sum(self) -> f64 {
        self.user + self.system
    }
}

/// Seconds of processors that the threads of a process have used which are there now, to the nanosecond
///
/// [`Cost`] counts in hundredths; who counts a quarter of a second needs better.
pub(crate) fn seconds(process: u32) -> Result<f64> {
    let mut sum = 0.0;
    for thread in fs::read_dir(format!("/proc/{process}/task")).context("it is gone")? {
        let path = thread?.path().join("schedstat");
        // A thread that has just ended takes its account with it.
        let Ok(account) = fs::read_to_string(&path) else { continue };
        let ran = account.split(' ').next().and_then(|ran| ran.parse::<f64>().ok());
        sum += ran.context("another kind of /proc")? / 1e9;
    }
    Ok(sum)
}

/// How many bytes of a process are in memory
pub(crate) fn resident(process: u32) -> Result<u64> {
    let path = format!("/proc/{process}/status");
    let text = fs::read_to_string(&path).context(path)?;
    kib(&text).map(|kib| kib << 10).context("another kind of /proc")
}

fn kib(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn what_was_used_grows_with_work() {
        let before = seconds(std::process::id()).unwrap();
        let begun = std::time::Instant::now();
        // However little of a processor it is given meanwhile.
        while seconds(std::process::id()).unwrap() < before + 0.001 {
            assert!(begun.elapsed().as_secs() < 20, "none of it is seen");
        }
    }

    #[test]
    fn what_linux_says_is_read() {
        let stat = "7 (a) b) c) S 1 7 7 0 -1 4194304 9 0 0 0 250 1030 0 0 20 0 3 0 99 1 2";
        let cost = Cost::read(stat).unwrap();
        assert_eq!(cost, Cost { user: 2.5, system: 10.3 });
        assert_eq!(cost.since(Cost { user: 0.5, system: 0.3 }).sum(), 12.0);
        assert_eq!(Cost::read("7 (a"), None);
        assert_eq!(kib("Name:\tx\nVmRSS:\t   10240 kB\n"), Some(10_240));
        assert_eq!(kib("Name:\tx\n"), None);
    }
}
