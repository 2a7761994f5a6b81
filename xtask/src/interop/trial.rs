//! One cell of the matrix: performed until the machine did not stall meanwhile.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result};

use super::install::Installed;
use super::matrix::Row;
use super::middle::Kind;
use super::plan::{Plan, Trial};
use super::refuser::Refuser;
use super::settings::TRIES;
use super::stage::Stage;
use super::theatre::Theatre;
use crate::lateness::Lateness;

/// What trials are performed with
#[derive(Debug)]
pub(super) struct Troupe<'a> {
    pub(super) theatre: Theatre,
    /// Of each peer, by its name
    pub(super) homes: BTreeMap<&'a str, Installed>,
    pub(super) machine: Lateness,
}

impl Troupe<'_> {
    pub(super) fn perform(&self, trial: &Trial<'_>) -> Row {
        if let Some(why) = self.missing(trial) {
            return Row::skipping(trial, why);
        }
        if let Some(why) = trial.cannot() {
            return Row::unable(trial, why);
        }
        let mut tries = 0;
        loop {
            tries += 1;
            let (begun, lateness) = (Instant::now(), self.machine.of_trial());
            let outcome = self.play(trial, &lateness);
            let row = Row::new(trial, outcome, begun.elapsed(), lateness.worst_since(begun));
            if row.counts() || tries == TRIES {
                return row;
            }
            eprintln!("{}; again", row.line());
        }
    }

    /// What it needs and cannot be had here
    fn missing(&self, trial: &Trial<'_>) -> Option<&str> {
        match *trial {
            Trial::Peer(cast, scenario) => match self.homes.get(&*cast.peer.name) {
                Some(Installed::Not(why)) => Some(why),
                _ if scenario.setting.apart => self.theatre.tools.as_ref().err().map(|why| &**why),
                _ => None,
            },
            Trial::Passage(passage, _) => self.theatre.middles.missing(passage.kind),
            Trial::Refusal(refuser, _) => refuser.missing(&self.theatre),
        }
    }

    /// The versions of who takes part, by name, as far as they tell them
    pub(super) fn versions(&self, plan: &Plan<'_>) -> BTreeMap<String, String> {
        let mut versions = BTreeMap::new();
        for trial in plan.trials() {
            let [name, ..] = trial.words();
            if !versions.contains_key(name) {
                let version = self.version(trial).unwrap_or_default();
                versions.insert(name.to_owned(), version);
            }
        }
        versions.retain(|_, version| !version.is_empty());
        versions
    }

    fn version(&self, trial: &Trial<'_>) -> Option<String> {
        let python = || vec!["python3".into(), "--version".into()];
        let line = match *trial {
            Trial::Peer(cast, _) => {
                let Some(Installed::At(home)) = self.homes.get(&*cast.peer.name) else {
                    return None;
                };
                cast.peer.line(&cast.peer.version, home)
            }
            Trial::Passage(passage, _) => return self.theatre.middles.version(passage.kind),
            Trial::Refusal(Refuser::Nginx, _) => return self.theatre.middles.version(Kind::Nginx),
            Trial::Refusal(Refuser::Python, _) => python(),
        };
        let (program, words) = line.split_first()?;
        let output = Command::new(program).args(words).output().ok()?;
        let said = String::from_utf8_lossy(&output.stdout);
        Some(said.lines().next()?.trim().trim_start_matches("Python ").to_owned())
    }

    fn play(&self, trial: &Trial<'_>, lateness: &Lateness) -> Result<String> {
        match *trial {
            Trial::Peer(cast, scenario) => {
                let Some(Installed::At(home)) = self.homes.get(&*cast.peer.name) else {
                    return Err(anyhow::anyhow!("it is not installed"));
                };
                Stage::open(&self.theatre, cast, home, lateness, scenario)
                    .context("before it began")
                    .and_then(|mut stage| (scenario.play)(&mut stage))
            }
            Trial::Passage(passage, runtime) => passage.play(&self.theatre, runtime, lateness),
            Trial::Refusal(refuser, runtime) => refuser.play(&self.theatre, runtime, lateness),
        }
    }
}
