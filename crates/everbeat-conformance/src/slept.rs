//! A machine that sleeps, to one process: while it runs it joins a time namespace in which the clock
//! that counts sleep is an hour ahead, and the one that does not is not.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use everbeat_core::time::Timer;
use everbeat_ws::Runtime;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::skipped::skipped;

const HOUR: Duration = Duration::from_secs(3_600);
/// Between two readings of clocks that cannot be read at once
const NEAR: Duration = Duration::from_millis(20);

/// Checks that a runtime's timer tells how long the machine slept, and does not count it as time; to be
/// run on the only thread of a process of its own, for the clocks are the process's
pub fn is_told<R: Runtime>() {
    let timer = R::default().timer();
    assert_eq!(timer.slept(), Duration::ZERO, "before");
    let before = timer.now();
    if let Some(why) = not_here() {
        return skipped(&format!("no time namespace can be had: {why}"));
    }
    fall_asleep();
    let slept = timer.slept();
    assert!((HOUR - NEAR..=HOUR).contains(&slept), "{slept:?}");
    assert!(timer.now().saturating_duration_since(before) < HOUR / 2, "sleep was counted as time");
    assert!(timer.clone().slept() + NEAR >= slept, "it grew less");
}

/// Why this machine lets nobody sleep; asked for beforehand, so that whatever fails after is our bug
fn not_here() -> Option<&'static str> {
    /// `CAP_SYS_ADMIN`, as a bit of `CapEff`
    const ADMIN: u64 = 1 << 21;
    if !Path::new("/proc/self/ns/time_for_children").exists() {
        return Some("this kernel has none");
    }
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let rights = status.lines().find_map(|line| line.strip_prefix("CapEff:")).unwrap();
    if u64::from_str_radix(rights.trim(), 16).unwrap() & ADMIN == 0 {
        return Some("it wants root");
    }
    let help = Command::new("unshare").arg("--help").output();
    let known = help.is_ok_and(|help| String::from_utf8_lossy(&help.stdout).contains("--boottime"));
    (!known).then_some("there is no `unshare` that knows of time")
}

/// Moves this process to where an hour more was slept
fn fall_asleep() {
    // A namespace is somebody's: this shell's, until it can read no more
    let words = ["--time", "--boottime", "3600", "--fork", "sh", "-c", "echo $$; read end"];
    let mut owner = Command::new("unshare");
    let mut owner = owner.args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut process = String::new();
    BufReader::new(owner.stdout.take().unwrap()).read_line(&mut process).unwrap();
    let namespace = File::open(format!("/proc/{}/ns/time", process.trim())).unwrap();
    move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Time)).unwrap();
    drop(owner.stdin.take());
    owner.wait().unwrap();
}
