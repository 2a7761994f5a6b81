//! How long a step was kept from the processors: a budget in minutes is meant for a machine of our
//! own, so what others took meanwhile, what the host took, and how long it let the whole machine
//! stand still, is measured and granted. Where the system does not tell, nothing is granted.

use std::fs;
use std::time::Duration;

/// A tick of the kernel's accounts: USER_HZ, which is 100 wherever Linux is spoken to
const TICK: Duration = Duration::from_millis(10);

/// The kernel's accounts at one moment, in ticks
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Accounts {
    /// Spent by everybody, and by the host in our place, on all processors together
    spent: u64,
    /// Spent by us and by the children that have ended
    ours: u64,
    /// Accounted for at all, idle or not; less than the time that passed if the machine stood still
    all: u64,
    processors: u64,
}

impl Accounts {
    pub(crate) fn now() -> Option<Self> {
        let machine = fs::read_to_string("/proc/stat").ok()?;
        let own = fs::read_to_string("/proc/self/stat").ok()?;
        Self::parse(&machine, &own)
    }

    fn parse(machine: &str, own: &str) -> Option<Self> {
        let all = machine.lines().next()?.strip_prefix("cpu ")?;
        let all = all.split_whitespace().map(str::parse).collect::<Result<Vec<u64>, _>>().ok()?;
        // user, nice, system, (idle, iowait,) irq, softirq, steal
        let spent = [0, 1, 2, 5, 6, 7].iter().filter_map(|field| all.get(*field)).sum();
        // The name in parentheses may hold anything; utime is the 12th field behind it.
        let (_, fields) = own.rsplit_once(") ")?;
        let times = fields.split_whitespace().skip(11).take(4).map(str::parse::<u64>);
        let ours = times.collect::<Result<Vec<u64>, _>>().ok()?.iter().sum();
        let processors = machine.lines().skip(1).take_while(|line| line.starts_with("cpu")).count();
        let processors = u64::try_from(processors).ok()?.max(1);
        Some(Self { spent, ours, all: all.iter().take(8).sum(), processors })
    }

    /// What a step that began with these accounts, and took so long, lost until `end`
    pub(crate) fn lost_until(self, end: Self, took: Duration) -> Duration {
        let spent = end.spent.saturating_sub(self.spent);
        let others = spent.saturating_sub(end.ours.saturating_sub(self.ours));
        let passed = u64::try_from(took.as_millis() / TICK.as_millis()).unwrap_or(u64::MAX);
        let stood =
            passed.saturating_mul(self.processors).saturating_sub(end.all.saturating_sub(self.all));
        let lost = others.saturating_add(stood) / self.processors;
        TICK * u32::try_from(lost).unwrap_or(u32::MAX)
    }
}

/// What was lost between two looks at the accounts, as far as the system tells
pub(crate) fn between(start: Option<Accounts>, end: Option<Accounts>, took: Duration) -> Duration {
    start.zip(end).map_or(Duration::ZERO, |(start, end)| start.lost_until(end, took))
}

/// Whether the machine was ours for long enough that a budget says something: who gets less than
/// three quarters of it also finds caches cold and disks busy, which no account tells
pub(crate) fn is_ours(took: Duration, lost: Duration) -> bool {
    lost <= took / 4
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "7 (a ) b) R 1 7 7 0 -1 4 0 0 0 0 10 20 300 400 20 0 1 0 5 0 0";

    #[test]
    fn the_kernels_accounts_are_read() {
        let machine = "cpu  100 10 200 9999 50 1 2 3 0 0\ncpu0 1 1\ncpu1 1 1\nintr 5\n";
        let accounts = Accounts::parse(machine, OWN);
        let expected = Accounts { spent: 316, ours: 730, all: 10_365, processors: 2 };
        assert_eq!(accounts, Some(expected));
        assert_eq!(Accounts::parse("nothing", OWN), None);
    }

    #[test]
    fn only_what_others_took_is_granted() {
        let took = Duration::from_secs(20);
        let start = Accounts { spent: 1_000, ours: 500, all: 9_000, processors: 2 };
        let alone = Accounts { spent: 3_000, ours: 2_500, all: 13_000, ..start };
        assert_eq!(start.lost_until(alone, took), Duration::ZERO);
        let shared = Accounts { spent: 5_000, ours: 2_500, all: 13_000, ..start };
        assert_eq!(start.lost_until(shared, took), Duration::from_secs(10));
        let stood_still = Accounts { all: 12_000, ..alone };
        assert_eq!(start.lost_until(stood_still, took), Duration::from_secs(5));
        assert_eq!(between(None, Some(start), took), Duration::ZERO);
        assert!(is_ours(took, Duration::from_secs(5)) && !is_ours(took, Duration::from_secs(6)));
    }
}
