//! The machine that a host runs on: whether its program runs, whether its kernel does, and what its
//! clock says. Pure; decides nothing but by the times that it is told.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use everbeat_core::time::Instant;

/// What a machine's clock does while the machine sleeps
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Clock {
    /// It stops, as `CLOCK_MONOTONIC` does on Linux and `mach_absolute_time` on macOS: after the
    /// resume nothing seems to have happened
    Stops,
    /// It runs on, as on Windows, and as `CLOCK_BOOTTIME` does on Linux: after the resume every
    /// deadline has long passed
    RunsOn,
}

/// A host, by number
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct HostId(u32);

impl HostId {
    /// Where tasks run that belong to no host: it never stalls and never sleeps
    pub(crate) const NOWHERE: Self = Self(0);

    /// Its address in `10.0.0.0/8`, in the order in which hosts were first spoken of
    pub(crate) fn address(self) -> Ipv4Addr {
        Ipv4Addr::from_bits((10 << 24) | (self.0 & 0x00ff_ffff))
    }
}

/// All machines, by number and by name
#[derive(Debug)]
pub(crate) struct Machines {
    machines: Vec<Machine>,
    numbers: BTreeMap<String, HostId>,
}

/// One machine
#[derive(Debug)]
pub(crate) struct Machine {
    /// The platform tells nothing of the road
    pub(crate) blind: bool,
    program_off_until: Instant,
    kernel_off_until: Instant,
    /// How long the clock has stood still before the last time
    stopped: Duration,
    /// When the clock stood still, or does; they do not overlap
    stops: Vec<(Instant, Instant)>,
}

impl Default for Machines {
    fn default() -> Self {
        Self { machines: vec![Machine::new()], numbers: BTreeMap::new() }
    }
}

impl Machines {
    /// The number of the host of this name, which it gets when it is first spoken of
    pub(crate) fn number(&mut self, name: &str) -> HostId {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        // Nobody can name so many: each has a name of its own, and an entry here.
        let number = HostId(u32::try_from(self.machines.len()).unwrap_or(u32::MAX));
        self.machines.push(Machine::new());
        self.numbers.insert(name.to_owned(), number);
        number
    }

    /// A host's machine
    pub(crate) fn get(&self, host: HostId) -> &Machine {
        // Numbers come from `number`, and no machine is ever taken away.
        &self.machines[host.0 as usize]
    }

    pub(crate) fn get_mut(&mut self, host: HostId) -> &mut Machine {
        &mut self.machines[host.0 as usize]
    }
}

impl Machine {
    const fn new() -> Self {
        Self {
            blind: false,
            program_off_until: Instant::ORIGIN,
            kernel_off_until: Instant::ORIGIN,
            stopped: Duration::ZERO,
            stops: Vec::new(),
        }
    }

    /// The program stands still until then at least; when it goes on
    pub(crate) fn stall(&mut self, until: Instant) -> Instant {
        self.program_off_until = self.program_off_until.max(until);
        self.program_off_until
    }

    /// The machine has no power until then; when it has again
    pub(crate) fn crash(&mut self, until: Instant) -> Instant {
        self.kernel_off_until = self.kernel_off_until.max(until);
        self.stall(until)
    }

    /// The machine sleeps until then at least; when its program goes on
    pub(crate) fn suspend(&mut self, now: Instant, until: Instant, clock: Clock) -> Instant {
        self.kernel_off_until = self.kernel_off_until.max(until);
        if clock == Clock::Stops {
            match self.stops.last_mut().filter(|stop| now < stop.1) {
                Some(stop) => stop.1 = stop.1.max(until),
                None => {
                    let last = self.stops.last();
                    self.stopped += last.map_or(Duration::ZERO, |stop| overlap(*stop, stop.0, now));
                    self.stops.push((now, until));
                }
            }
        }
        self.stall(until)
    }

    /// Until when the program stands still; `None` if it runs
    pub(crate) fn stalled(&self, now: Instant) -> Option<Instant> {
        (now < self.program_off_until).then_some(self.program_off_until)
    }

    /// Until when the kernel stands still
    pub(crate) const fn asleep_until(&self) -> Instant {
        self.kernel_off_until
    }

    /// How long the clock has run since an instant
    pub(crate) fn ran_since(&self, earlier: Instant, now: Instant) -> Duration {
        let since = self.stops.iter().rev().take_while(|stop| stop.1 > earlier);
        let still: Duration = since.map(|stop| overlap(*stop, earlier, now)).sum();
        now.saturating_duration_since(earlier).saturating_sub(still)
    }

    /// What the machine's own clock says
    pub(crate) fn clock(&self, now: Instant) -> Instant {
        let last = self.stops.last().map_or(Duration::ZERO, |stop| overlap(*stop, stop.0, now));
        Instant::from_origin(now.since_origin().saturating_sub(self.stopped + last))
    }

    /// When a sleep until `deadline` of the machine's own clock is to be looked at next; `None` if
    /// it is over
    ///
    /// Later stops and stalls move it on: it is asked again when that time has come.
    pub(crate) fn due(&self, deadline: Instant, now: Instant) -> Option<Instant> {
        if let Some(until) = self.stalled(now) {
            return Some(until);
        }
        let clock = self.clock(now);
        if clock >= deadline {
            return None;
        }
        if deadline == Instant::NEVER {
            return Some(Instant::NEVER);
        }
        let runs = self.stops.last().map_or(now, |stop| now.max(stop.1));
        Some(runs + deadline.saturating_duration_since(clock))
    }
}

/// How much of a stop is between two instants
fn overlap(stop: (Instant, Instant), from: Instant, to: Instant) -> Duration {
    to.min(stop.1).saturating_duration_since(from.max(stop.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: u64) -> Instant {
        Instant::ORIGIN + Duration::from_secs(second)
    }

    #[test]
    fn a_clock_that_stops_leaves_out_every_sleep() {
        let mut machine = Machine::new();
        machine.suspend(at(10), at(20), Clock::Stops);
        assert_eq!((machine.clock(at(9)), machine.clock(at(15))), (at(9), at(10)));
        assert_eq!(machine.clock(at(25)), at(15));
        machine.suspend(at(25), at(30), Clock::Stops);
        machine.suspend(at(28), at(35), Clock::Stops);
        machine.suspend(at(29), at(31), Clock::Stops);
        assert_eq!((machine.clock(at(34)), machine.clock(at(36))), (at(15), at(16)));
    }

    #[test]
    fn a_clock_that_runs_on_leaves_out_nothing() {
        let mut machine = Machine::new();
        assert_eq!(machine.suspend(at(10), at(20), Clock::RunsOn), at(20));
        assert_eq!(machine.clock(at(15)), at(15));
        assert_eq!(machine.asleep_until(), at(20));
    }

    #[test]
    fn a_sleep_is_looked_at_when_its_program_runs_and_its_clock_says_so() {
        let mut machine = Machine::new();
        assert_eq!((machine.due(at(5), at(4)), machine.due(at(5), at(5))), (Some(at(5)), None));
        machine.stall(at(10));
        assert_eq!((machine.due(at(5), at(5)), machine.due(at(5), at(10))), (Some(at(10)), None));
        assert_eq!(machine.due(at(15), at(10)), Some(at(15)));
        machine.suspend(at(12), at(100), Clock::Stops);
        assert_eq!(machine.due(at(15), at(15)), Some(at(100)));
        assert_eq!(machine.due(at(15), at(100)), Some(at(103)));
        assert_eq!(machine.due(at(15), at(103)), None);
        assert_eq!(machine.due(Instant::NEVER, at(103)), Some(Instant::NEVER));
    }
}
