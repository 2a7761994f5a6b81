//! A trace, read: how often which call, and which of them are beats. What a beat is is seen on its
//! bytes: a frame that is a Ping or a Pong begins with a byte of its own (RFC 6455, section 5.5).

use std::collections::BTreeMap;

/// What a process asked of the kernel
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    calls: BTreeMap<String, u64>,
    /// Frames that it sent
    pub(super) pings: u64,
    pub(super) pongs: u64,
    /// Receives that found nothing
    pub(super) empty: u64,
}

const SENDS: [&str; 4] = ["sendto", "sendmsg", "sendmmsg", "writev"];
const RECEIVES: [&str; 4] = ["recvfrom", "recvmsg", "recvmmsg", "readv"];

impl Counts {
    /// Reads what strace wrote with `-f -xx`: a process's number, then a call with its result
    pub(super) fn of(trace: &str) -> Self {
        let mut counts = Self::default();
        for line in trace.lines() {
            let Some((_, said)) = line.trim_start().split_once(' ') else { continue };
            let said = said.trim_start();
            // A call during which another thread's was told ends on a line of its own.
            let begins = !said.starts_with("<...");
            let name = said.trim_start_matches("<... ");
            let end = name.find(|c: char| c != '_' && !c.is_ascii_alphanumeric());
            let name = &name[..end.unwrap_or(name.len())];
            // Signals and ends of threads have signs around them, and no name.
            if name.is_empty() {
                continue;
            }
            if RECEIVES.contains(&name) && said.contains("= -1 EAGAIN") {
                counts.empty += 1;
            }
            if begins {
                counts.add(name, said);
            }
        }
        counts
    }

    fn add(&mut self, name: &str, said: &str) {
        *self.calls.entry(name.to_owned()).or_default() += 1;
        if SENDS.contains(&name) {
            let first = said.split_once('"').map_or("", |(_, bytes)| bytes);
            self.pings += u64::from(first.starts_with("\\x89"));
            self.pongs += u64::from(first.starts_with("\\x8a"));
        }
    }

    pub(super) fn sends(&self) -> u64 {
        self.any_of(&SENDS)
    }

    pub(super) fn receives(&self) -> u64 {
        self.any_of(&RECEIVES)
    }

    fn any_of(&self, names: &[&str]) -> u64 {
        names.iter().filter_map(|name| self.calls.get(*name)).sum()
    }

    /// All calls whose names begin so
    pub(super) fn beginning_with(&self, prefix: &str) -> u64 {
        self.calls.iter().filter(|(name, _)| name.starts_with(prefix)).map(|(_, times)| times).sum()
    }

    /// Every call, those that were made most first
    pub(super) fn all(&self) -> Vec<(&str, u64)> {
        let mut all: Vec<_> = self.calls.iter().map(|(name, times)| (&**name, *times)).collect();
        all.sort_by_key(|(_, times)| std::cmp::Reverse(*times));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = r#"4242  epoll_wait(3, [{events=EPOLLIN, data={u32=1, u64=1}}], 1024, 12) = 1
4242  recvfrom(9, "\x89\x88"..., 8192, 0, NULL, NULL) = 14
4242  recvfrom(9, 0x7f1c, 8192, 0, NULL, NULL) = -1 EAGAIN (Resource temporarily unavailable)
4242  sendto(9, "\x8a\x08"..., 10, MSG_NOSIGNAL, NULL, 0) = 10
4243  recvfrom(11,  <unfinished ...>
4242  sendto(10, "\x89\x88"..., 14, MSG_NOSIGNAL, NULL, 0 <unfinished ...>
4243  <... recvfrom resumed>0x7f1c, 8192, 0, NULL, NULL) = -1 EAGAIN (Resource temporarily unavailable)
4242  <... sendto resumed>)                = 14
4243  futex(0x55, FUTEX_WAKE_PRIVATE, 1)  = 1
4243  timerfd_settime(5, 0, {it_interval={}}, NULL) = 0
4242  sendto(10, "\x81\x05"..., 7, MSG_NOSIGNAL, NULL, 0) = 7
4242  --- SIGWINCH {si_signo=SIGWINCH} ---
4243  +++ exited with 0 +++
"#;

    #[test]
    fn every_call_counts_once_and_beats_are_known_by_their_first_byte() {
        let counts = Counts::of(TRACE);
        assert_eq!((counts.sends(), counts.pings, counts.pongs), (3, 1, 1));
        assert_eq!((counts.receives(), counts.empty), (3, 2));
        assert_eq!(counts.beginning_with("timerfd_"), 1);
        let names = [
            ("recvfrom", 3),
            ("sendto", 3),
            ("epoll_wait", 1),
            ("futex", 1),
            ("timerfd_settime", 1),
        ];
        assert_eq!(counts.all(), names);
    }

    #[test]
    fn what_was_received_is_no_beat_of_ours() {
        let counts = Counts::of("1 recvfrom(9, \"\\x89\"..., 8192, 0, NULL, NULL) = 14\n");
        assert_eq!((counts.pings, counts.receives(), counts.empty), (0, 1, 0));
    }
}
