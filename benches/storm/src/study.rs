//! What is tried: restarts of servers of several capacities, planned and not, with each policy.

use std::time::Duration;

use anyhow::Result;
use everbeat_server::storm::Restart;
use everbeat_support::jobs::{Share, run_all};

use crate::args::Options;
use crate::outcome::Outcome;
use crate::policy::Kind;
use crate::world::{ROADS, Setup, Way, run};

/// For how long nobody listens after a crash
pub(crate) const DOWN: Duration = Duration::from_secs(5);
/// How much later than it was said a successor listens
const LATE: Duration = Duration::from_secs(60);
/// What a server has for its Closes, of its `shutdown_timeout`: both are everbeat's defaults
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(10);
/// Clients' usual patience, of which a backlog should be half
const ADVISED: u32 = 5;

/// A restart, and all who are tried in it
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) planned: bool,
    pub(crate) capacity: u32,
    pub(crate) backlog: u32,
    pub(crate) cells: Vec<Cell>,
}

/// One policy in it
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    pub(crate) name: String,
    pub(crate) role: Role,
    pub(crate) setup: Setup,
    /// Of nobody before it is run
    pub(crate) outcome: Outcome,
}

/// What of everbeat a cell has
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Nothing
    Usual,
    /// Its client or its server
    Half,
    /// What it is judged by
    Ours,
}

impl Scenario {
    pub(crate) fn name(&self) -> String {
        let kind = if self.planned { "planned" } else { "crash" };
        format!("{kind}-{}-{}", self.capacity, self.backlog)
    }

    pub(crate) fn title(&self) -> String {
        let Self { planned, capacity, backlog, .. } = self;
        let what = if *planned { "A planned restart" } else { "A crash, back after 5 s" };
        format!("{what}: {capacity} connections a second, backlog {backlog}")
    }

    /// The soonest that 99 of 100 can be back, in seconds
    pub(crate) fn ideal(&self) -> f64 {
        let clients = self.cells.first().map_or(0, |cell| cell.setup.clients);
        0.99 * f64::from(clients) / f64::from(self.capacity)
    }

    pub(crate) fn ours(&self) -> impl Iterator<Item = &Cell> {
        self.cells.iter().filter(|cell| cell.role == Role::Ours)
    }
}

/// Simulates all that is asked for
pub(crate) fn study(options: &Options) -> Result<Vec<Scenario>> {
    let mut scenarios: Vec<_> = options
        .capacities
        .iter()
        .flat_map(|&capacity| [crash(options, capacity), planned(options, capacity)])
        .collect();
    let mut jobs = Vec::new();
    for (place, scenario) in scenarios.iter().enumerate() {
        for (row, cell) in scenario.cells.iter().enumerate() {
            jobs.push((place, row, scenario.name(), cell.setup.clone()));
        }
    }
    let outcomes = run_all(
        &jobs,
        options.threads,
        "clients",
        |(_, _, name, setup)| Share { weight: setup.clients.into(), name },
        |(_, _, _, setup)| anyhow::Ok(run(setup)),
    )?;
    for ((place, row, _, _), outcome) in jobs.iter().zip(outcomes) {
        scenarios[*place].cells[*row].outcome = outcome;
    }
    Ok(scenarios)
}

const USUAL: [Kind; 6] = [
    Kind::Fixed,
    Kind::Exponential,
    Kind::SocketIo,
    Kind::EqualJitter,
    Kind::FullJitter,
    Kind::Decorrelated,
];

fn cell(name: impl Into<String>, role: Role, setup: Setup) -> Cell {
    Cell { name: name.into(), role, setup, outcome: Outcome::default() }
}

/// Everybody is cut off, and nobody listens for a while
fn crash(options: &Options, capacity: u32) -> Scenario {
    let &Options { clients, backlog, seed, .. } = options;
    let of = |kind| Setup {
        clients,
        capacity,
        backlog,
        slots: false,
        kind,
        others: None,
        way: Way::Crash,
        opens: DOWN,
        roads: ROADS,
        seed,
    };
    let mut cells: Vec<_> =
        USUAL.into_iter().map(|kind| cell(kind.name(), Role::Usual, of(kind))).collect();
    let ours = of(Kind::Everbeat);
    cells.push(cell("everbeat's client alone", Role::Half, ours.clone()));
    let advised = capacity.saturating_mul(ADVISED);
    if advised < backlog {
        let name = format!("everbeat's client, backlog {advised}");
        cells.push(cell(name, Role::Half, Setup { backlog: advised, ..ours.clone() }));
    }
    let ours = Setup { slots: true, ..ours };
    // Who does not obey, as no browser can, is not to keep away who does
    let mixed = Setup { others: Some(Kind::SocketIo), ..ours.clone() };
    cells.push(cell("slots, half the clients Socket.IO", Role::Half, mixed));
    cells.push(cell("everbeat, both: slots", Role::Ours, ours));
    Scenario { planned: false, capacity, backlog, cells }
}

/// A successor listens, and the server goes
fn planned(options: &Options, capacity: u32) -> Scenario {
    let &Options { clients, backlog, seed, .. } = options;
    let told_within =
        |time| Way::InTurn(Restart::per_second(capacity).plan(clients as usize, time));
    let of = |kind, way, slots, opens| Setup {
        clients,
        capacity,
        backlog,
        slots,
        kind,
        others: None,
        way,
        opens,
        roads: ROADS,
        seed,
    };
    let now = Duration::ZERO;
    let brief = told_within(SHUTDOWN_TIMEOUT - CLOSE_TIMEOUT);
    let patient = told_within(Duration::MAX);
    let (theirs, ours) = (Kind::SocketIo, Kind::Everbeat);
    let cells = vec![
        cell("Socket.IO, closed at once", Role::Usual, of(theirs, Way::Together, false, now)),
        cell("everbeat's client, closed at once", Role::Half, of(ours, Way::Together, false, now)),
        cell("Socket.IO, everbeat's server", Role::Half, of(theirs, patient, true, now)),
        cell("everbeat, successor 60 s late", Role::Half, of(ours, brief, true, LATE)),
        cell("everbeat, process lives 10 s", Role::Ours, of(ours, brief, true, now)),
        cell("everbeat, process lives on", Role::Ours, of(ours, patient, true, now)),
    ];
    Scenario { planned: true, capacity, backlog, cells }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(capacities: Vec<u32>, threads: usize) -> Options {
        Options {
            clients: 500,
            capacities,
            backlog: 4_096,
            seed: 1,
            threads,
            folder: None,
            runs: 1,
            json: false,
        }
    }

    #[test]
    fn figures_do_not_depend_on_the_number_of_threads() {
        let run = |threads| {
            let scenarios = study(&options(vec![100], threads)).unwrap();
            let cells = scenarios.into_iter().flat_map(|scenario| scenario.cells);
            cells.map(|cell| cell.outcome).collect::<Vec<_>>()
        };
        let once = run(1);
        assert!(once.iter().all(|outcome| outcome.attempts > 0));
        assert_eq!(once, run(3));
    }

    #[test]
    fn the_backlog_that_is_advised_is_tried_where_it_is_the_smaller() {
        let tried = |capacity| {
            let scenario = crash(&options(vec![], 1), capacity);
            scenario.cells.iter().any(|cell| cell.name.ends_with("backlog 1000"))
        };
        assert!(tried(200) && !tried(2_000));
        assert_eq!(crash(&options(vec![], 1), 10).ideal(), 49.5);
    }
}
