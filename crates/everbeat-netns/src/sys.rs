//! What is asked of the kernel itself: a network of one's own, and a stop to another process.

use std::io;

use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Takes this thread into a network of its own
pub(crate) fn leave() -> io::Result<()> {
    Ok(unshare(CloneFlags::CLONE_NEWNET)?)
}

/// SIGSTOP: the process does nothing until [`resume`], while its kernel goes on for it
///
/// The number must be that of a child of ours that nobody has waited for yet, for then it is nobody
/// else's.
///
/// # Errors
///
/// There is no such process.
pub fn stop(process: u32) -> io::Result<()> {
    signal(process, Signal::SIGSTOP)
}

/// SIGCONT: a process that was stopped goes on
///
/// # Errors
///
/// There is no such process.
pub fn resume(process: u32) -> io::Result<()> {
    signal(process, Signal::SIGCONT)
}

fn signal(process: u32, signal: Signal) -> io::Result<()> {
    // 0 and what is negative would mean many.
    let process = i32::try_from(process).ok().filter(|process| *process > 0);
    let process = process.ok_or(io::ErrorKind::InvalidInput)?;
    Ok(kill(Pid::from_raw(process), signal)?)
}
