//! What was counted in one job, or in many of them.

/// Counts and times of one contender in one scenario
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Tally {
    /// Connection-days without a death
    pub(crate) days: f64,
    /// Alarms that were false, by what they may be put down to
    pub(crate) alarms: Alarms,
    pub(crate) pings: u64,
    /// How long each death, or in a scenario of survivors each proof of life, took, in seconds
    pub(crate) decided: Vec<f64>,
    /// Trials in which a living connection was given up
    pub(crate) killed: u64,
    pub(crate) trials: u64,
}

/// Alarms that were false
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Alarms {
    /// The road was fine
    pub(crate) fine: u64,
    /// In an outage that a detector has to bear, or soon after
    pub(crate) short: u64,
    /// In a longer one, or soon after
    pub(crate) long: u64,
}

impl Alarms {
    /// Those that must not be
    pub(crate) const fn bad(&self) -> u64 {
        self.fine + self.short
    }
}

impl Tally {
    pub(crate) fn add(&mut self, other: Self) {
        self.days += other.days;
        self.alarms.fine += other.alarms.fine;
        self.alarms.short += other.alarms.short;
        self.alarms.long += other.alarms.long;
        self.pings += other.pings;
        self.decided.extend(other.decided);
        self.killed += other.killed;
        self.trials += other.trials;
    }
}
