//! The whole of it: which contenders run in which scenario, cut into jobs, and what became of them.

use anyhow::{Context, Result, bail};
use everbeat_support::jobs::{Share, run_all};
use everbeat_support::percentile;

use crate::args::{DAYS, Options};
use crate::contenders::{Contender, everywhere, extra};
use crate::job::{Job, Part};
use crate::parameters::{Parameters, Scenario};
use crate::tally::Tally;

/// The most days that one job has: short enough for the last one to be waited for
const DAYS_A_JOB: f64 = 25.0;

/// One contender in one scenario, measured
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Cell {
    pub(crate) contender: &'static str,
    pub(crate) about: &'static str,
    pub(crate) everbeat: bool,
    /// Times are in order
    pub(crate) tally: Tally,
}

impl Cell {
    /// The time within which this share of the trials was decided, in seconds
    ///
    /// A trial that never was decided counts as one that takes for ever.
    pub(crate) fn decided(&self, share: f64) -> Option<f64> {
        let Tally { decided, trials, killed, .. } = &self.tally;
        let never = trials.saturating_sub(killed + decided.len() as u64);
        let mut times = decided.clone();
        times.extend(std::iter::repeat_n(f64::INFINITY, usize::try_from(never).unwrap_or(0)));
        percentile(&times, share).filter(|time| time.is_finite())
    }

    pub(crate) fn pings_an_hour(&self) -> Option<f64> {
        let hours = self.tally.days * 24.0;
        (hours > 0.0).then(|| self.tally.pings as f64 / hours)
    }

    /// False alarms a day that must not be, where they are counted
    pub(crate) fn alarms_a_day(&self) -> Option<f64> {
        let Tally { days, alarms, .. } = &self.tally;
        (*days > 0.0).then(|| alarms.bad() as f64 / days)
    }
}

/// One scenario, measured
#[derive(Clone, Debug)]
pub(crate) struct Measured {
    pub(crate) scenario: Scenario,
    pub(crate) cells: Vec<Cell>,
}

/// Simulates all that is asked for
pub(crate) fn study(parameters: &Parameters, options: &Options) -> Result<Vec<Measured>> {
    let scenarios = chosen(parameters, &options.scenarios)?;
    let seeds = options.seed.map_or_else(|| parameters.report_seeds.clone(), |seed| vec![seed]);
    let fields: Vec<_> =
        scenarios.iter().map(|scenario| (*scenario, contenders(scenario))).collect();
    let mut jobs = Vec::new();
    for (field, (scenario, contenders)) in fields.iter().enumerate() {
        let road = parameters.road(scenario).context("a scenario without a road")?;
        for (place, contender) in contenders.iter().enumerate() {
            let factor = options.days as f64 / DAYS as f64;
            let first = place == 0;
            let days = if first { scenario.days.everbeat } else { scenario.days.others } * factor;
            for &seed in &seeds {
                for (number, part) in parts(days, scenario.trials.count, seeds.len()).enumerate() {
                    let number = number as u64;
                    let job = Job { parameters, scenario, road, contender, seed, number, part };
                    jobs.push((field, place, job));
                }
            }
        }
    }
    let tallies = run_all(
        &jobs,
        options.threads,
        "connection-days",
        |(_, _, job)| Share { weight: job.weight(), name: &job.scenario.name },
        |(_, _, job)| job.run().with_context(|| job.describe()),
    )?;

    let mut measured: Vec<_> = fields
        .iter()
        .map(|(scenario, contenders)| Measured {
            scenario: (*scenario).clone(),
            cells: contenders.iter().map(empty).collect(),
        })
        .collect();
    for ((field, place, _), tally) in jobs.iter().zip(tallies) {
        measured[*field].cells[*place].tally.add(tally);
    }
    for cell in measured.iter_mut().flat_map(|scenario| &mut scenario.cells) {
        cell.tally.decided.sort_by(f64::total_cmp);
    }
    Ok(measured)
}

fn chosen<'a>(parameters: &'a Parameters, names: &[String]) -> Result<Vec<&'a Scenario>> {
    let all = &parameters.scenarios;
    if let Some(unknown) = names.iter().find(|name| !all.iter().any(|known| known.name == **name)) {
        let known: Vec<_> = all.iter().map(|scenario| scenario.name.as_str()).collect();
        bail!("there is no scenario `{unknown}`; there are {}", known.join(", "));
    }
    let wanted = |scenario: &&Scenario| names.is_empty() || names.contains(&scenario.name);
    Ok(all.iter().filter(wanted).collect())
}

/// Everbeat, the others, and who else has to do with this scenario
fn contenders(scenario: &Scenario) -> Vec<Contender> {
    let also = scenario.also.iter().filter_map(|name| extra(name));
    everywhere().into_iter().chain(also).collect()
}

/// The share of one seed in days and trials, in pieces
fn parts(days: f64, trials: u32, seeds: usize) -> impl Iterator<Item = Part> {
    let seeds = u32::try_from(seeds).unwrap_or(1);
    let days = days / f64::from(seeds);
    let pieces = (days / DAYS_A_JOB).ceil().max(0.0) as usize;
    let days = std::iter::repeat_n(Part::Days(days / pieces.max(1) as f64), pieces);
    let trials = trials.div_ceil(seeds);
    days.chain((trials > 0).then_some(Part::Trials(trials)))
}

fn empty(contender: &Contender) -> Cell {
    let Contender { name, about, everbeat, .. } = *contender;
    Cell { contender: name, about, everbeat, tally: Tally::default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameters::Days;

    fn options(days: u64, scenarios: &[&str], threads: usize) -> Options {
        let scenarios = scenarios.iter().map(ToString::to_string).collect();
        Options { days, seed: Some(101), scenarios, threads, folder: None, json: false }
    }

    fn small() -> Parameters {
        let mut parameters = Parameters::committed().unwrap();
        for scenario in &mut parameters.scenarios {
            scenario.trials.count = 2;
            scenario.days = Days { everbeat: 300.0, others: 100.0 };
        }
        parameters
    }

    #[test]
    fn the_same_seed_has_the_same_figures_on_any_number_of_threads() {
        let parameters = small();
        let run = |threads, seed| {
            let options = options(1, &["roam", "both-ends"], threads);
            let options = Options { seed: Some(seed), ..options };
            let measured = study(&parameters, &options).unwrap();
            measured.into_iter().map(|measured| measured.cells).collect::<Vec<_>>()
        };
        let once = run(1, 101);
        assert_eq!(once, run(3, 101));
        assert_ne!(once, run(3, 102), "the seed decides nothing");
    }

    #[test]
    fn a_scenario_that_does_not_exist_is_named_with_those_that_do() {
        let error = study(&small(), &options(1, &["wan", "train"], 1)).unwrap_err().to_string();
        assert!(error.contains("`train`; there are lan, wan,"), "{error}");
    }

    #[test]
    fn work_is_cut_into_pieces_that_add_up() {
        let parts: Vec<_> = parts(1_000.0, 7, 5).collect();
        let days: f64 =
            parts.iter().map(|part| if let Part::Days(days) = part { *days } else { 0.0 }).sum();
        assert_eq!(days, 200.0);
        assert_eq!(parts.last(), Some(&Part::Trials(2)));
        assert!(parts.iter().all(|part| !matches!(part, Part::Days(days) if *days > DAYS_A_JOB)));
    }

    #[test]
    fn a_death_that_nobody_noticed_is_as_late_as_can_be() {
        let decided = vec![10.0, 20.0];
        let tally = Tally { decided, trials: 4, killed: 1, ..Tally::default() };
        let cell = Cell { contender: "", about: "", everbeat: false, tally };
        assert_eq!((cell.decided(0.5), cell.decided(0.99)), (Some(20.0), None));
    }
}
