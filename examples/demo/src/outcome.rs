//! What one trial came to: the measured times beside their bounds, and its line of the table.

use std::time::Duration;

use everbeat_support::seconds;

use crate::settings;

/// What a trial came to
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) name: &'static str,
    /// From the fault until it was noticed; `None` if nobody had to
    pub(crate) noticed: Option<Measured>,
    /// From the repair until messages arrived again; `None` if nobody had to come back
    pub(crate) back: Option<Measured>,
    /// How many connections were tried, where that is bounded
    pub(crate) attempts: Option<u64>,
    /// How far apart the first attempts of a crowd were, where that is bounded
    pub(crate) spread: Option<Duration>,
    /// How many ends of connections nobody had cause for
    pub(crate) false_alarms: usize,
    /// What was not as it must be, in words
    pub(crate) problems: Vec<String>,
    /// The worst lateness of any process meanwhile
    pub(crate) late: Duration,
    /// How often it was performed without a result, because the machine stalled
    pub(crate) repeated: u32,
}

/// A time and its bound
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measured {
    /// `None` if it did not happen within the bound
    pub(crate) took: Option<Duration>,
    pub(crate) allowed: Duration,
}

impl Measured {
    pub(crate) fn held(&self) -> bool {
        self.took.is_some_and(|took| took <= self.allowed)
    }
}

impl Outcome {
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, ..Self::default() }
    }

    /// Whether every bound held
    pub(crate) fn held(&self) -> bool {
        self.problems.is_empty()
            && self.noticed.is_none_or(|noticed| noticed.held())
            && self.back.is_none_or(|back| back.held())
            && self.attempts.is_none_or(|attempts| attempts <= settings::FLAPPING_ATTEMPTS)
            && self.spread.is_none_or(|spread| spread >= settings::CROWD_SPAN)
    }

    /// Whether the machine kept up, so that it says something
    pub(crate) fn counts(&self) -> bool {
        self.late <= settings::STALLED
    }

    /// The table's cells: fault, noticed after, allowed, back after, verdict
    pub(crate) fn cells(&self) -> [String; 5] {
        let (noticed, allowed) = match (self.noticed, self.attempts) {
            (Some(noticed), _) => (time(noticed.took), time(Some(noticed.allowed))),
            (None, Some(attempts)) => {
                (format!("{attempts} tries"), format!("{} tries", settings::FLAPPING_ATTEMPTS))
            }
            (None, None) => ("no death".into(), "no death".into()),
        };
        let back = self.back.map_or_else(|| "-".into(), |back| time(back.took));
        let verdict = match (self.counts(), self.held()) {
            (false, _) => "INVALID",
            (true, true) => "held",
            (true, false) => "BROKEN",
        };
        [self.name.into(), noticed, allowed, back, verdict.into()]
    }
}

fn time(took: Option<Duration>) -> String {
    took.map_or_else(|| "never".into(), |took| format!("{} s", seconds(took)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_trial_holds_only_if_all_of_it_holds() {
        let in_time = Some(Measured { took: Some(SECOND), allowed: SECOND * 2 });
        let late = Some(Measured { took: Some(SECOND * 3), allowed: SECOND * 2 });
        let never = Some(Measured { took: None, allowed: SECOND * 2 });
        let good = || Outcome { noticed: in_time, back: in_time, ..Outcome::new("fault") };
        assert!(good().held());
        assert!(!Outcome { noticed: late, ..good() }.held());
        assert!(!Outcome { back: never, ..good() }.held());
        assert!(!Outcome { problems: vec!["odd".into()], ..good() }.held());
        assert!(Outcome { attempts: Some(8), ..good() }.held());
        assert!(!Outcome { attempts: Some(9), ..good() }.held());
        assert!(Outcome { spread: Some(settings::CROWD_SPAN), ..good() }.held());
        assert!(!Outcome { spread: Some(settings::CROWD_SPAN / 2), ..good() }.held());
    }

    #[test]
    fn the_tables_cells_say_what_was_measured() {
        let noticed = Some(Measured { took: Some(SECOND * 3), allowed: SECOND * 4 });
        let back = Some(Measured { took: None, allowed: SECOND * 4 });
        let outcome = Outcome { noticed, back, ..Outcome::new("reset") };
        assert_eq!(outcome.cells(), ["reset", "3.00 s", "4.00 s", "never", "BROKEN"]);
        let flapping = Outcome { attempts: Some(5), back: noticed, ..Outcome::new("flapping") };
        assert_eq!(flapping.cells(), ["flapping", "5 tries", "8 tries", "3.00 s", "held"]);
        let slow = Outcome::new("delay");
        assert_eq!(slow.cells(), ["delay", "no death", "no death", "-", "held"]);
        let late = settings::STALLED + Duration::from_millis(1);
        let stalled = Outcome { late, ..slow };
        assert_eq!(stalled.cells()[4], "INVALID");
    }
}
