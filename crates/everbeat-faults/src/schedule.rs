//! Faults with their times: what goes wrong when, as data that a test can name once.

use std::time::Duration;

use crate::Fault;

/// Faults in the order of their times, counted from the moment that the schedule is played
///
/// ```
/// use std::time::Duration;
/// use everbeat_faults::{Direction, Fault, Schedule};
///
/// let outage = Schedule::new()
///     .at(Duration::from_secs(5), Fault::BlackHole(Direction::Both))
///     .at(Duration::from_secs(20), Fault::Heal);
/// assert_eq!(outage.length(), Duration::from_secs(20));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    steps: Vec<(Duration, Fault)>,
}

impl Schedule {
    /// A schedule without faults
    #[must_use]
    pub const fn new() -> Self {
        Self { steps: Vec::new() }
    }

    /// Adds a fault; those of the same time happen in the order of adding
    #[must_use]
    pub fn at(mut self, time: Duration, fault: Fault) -> Self {
        let place = self.steps.partition_point(|&(other, _)| other <= time);
        self.steps.insert(place, (time, fault));
        self
    }

    /// The faults, earliest first
    #[must_use]
    pub fn steps(&self) -> &[(Duration, Fault)] {
        &self.steps
    }

    /// The last fault's time; zero without faults
    #[must_use]
    pub fn length(&self) -> Duration {
        self.steps.last().map_or(Duration::ZERO, |&(time, _)| time)
    }
}

impl FromIterator<(Duration, Fault)> for Schedule {
    fn from_iter<I: IntoIterator<Item = (Duration, Fault)>>(steps: I) -> Self {
        let mut steps: Vec<_> = steps.into_iter().collect();
        steps.sort_by_key(|&(time, _)| time);
        Self { steps }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Direction;

    #[test]
    fn is_in_order_and_stable() {
        let second = Duration::from_secs(1);
        let half_close = Fault::HalfClose(Direction::ToClient);
        let built = Schedule::new()
            .at(second * 2, Fault::Heal)
            .at(second, Fault::Reset)
            .at(second * 2, half_close);
        let steps = [(second, Fault::Reset), (second * 2, Fault::Heal), (second * 2, half_close)];
        assert_eq!(built.steps(), steps);
        assert_eq!([steps[1], steps[2], steps[0]].into_iter().collect::<Schedule>(), built);
    }
}
