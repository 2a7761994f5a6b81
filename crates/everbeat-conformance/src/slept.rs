//! A machine that sleeps, to one process: while it runs it joins a time namespace in which the clock
//! that counts sleep is an hour ahead, and the one that does not is not.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::os::fd::AsFd;
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
    if let Err(why) = fall_asleep() {
        return skipped(&format!("no time namespace can be had: {why}"));
    }
    let slept = timer.slept();
    assert!((HOUR - NEAR..=HOUR).contains(&slept), "{slept:?}");
    assert!(timer.now().saturating_duration_since(before) < HOUR / 2, "sleep was counted as time");
    assert!(timer.clone().slept() + NEAR >= slept, "it grew less");
}

/// Moves this process to where an hour more was slept
fn fall_asleep() -> std::io::Result<()> {
    // A namespace is somebody's: this shell's, until it can read no more
    let words = ["--time", "--boottime", "3600", "--fork", "sh", "-c", "echo $$; read end"];
    let mut owner = Command::new("unshare");
    let owner = owner.args(words).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut owner = owner.stderr(Stdio::null()).spawn()?;
    let mut process = String::new();
    BufReader::new(owner.stdout.take().unwrap()).read_line(&mut process)?;
    let namespace = File::open(format!("/proc/{}/ns/time", process.trim()));
    let joined = namespace.and_then(|namespace| {
        let time = Some(LinkNameSpaceType::Time);
        Ok(move_into_link_name_space(namespace.as_fd(), time)?)
    });
    drop(owner.stdin.take());
    owner.wait()?;
    joined
}
