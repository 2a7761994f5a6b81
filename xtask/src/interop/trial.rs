//! One cell of the matrix: performed until the machine did not stall meanwhile.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, anyhow};

use super::install::Installed;
use super::matrix::Row;
use super::middle::Kind;
use super::peer::Peer;
use super::plan::{Plan, Trial};
use super::refuser::Refuser;
use super::settings::TRIES;
use super::stage::Stage;
use super::theatre::Theatre;
use super::wire::Wire;
use crate::lateness::Lateness;

/// Where the peers of each folder are
pub(super) type Homes<'a> = BTreeMap<&'a Path, Installed>;

/// What trials are performed with
#[derive(Debug)]
pub(super) struct Troupe<'a> {
    pub(super) theatre: Theatre,
    pub(super) homes: Homes<'a>,
    pub(super) machine: Lateness,
}

/// The command that starts a peer, to which the role is added
pub(super) fn start(homes: &Homes<'_>, peer: &Peer) -> Result<Command> {
    let line = peer.line(&peer.start, home(homes, peer)?);
    let (program, words) = line.split_first().context("it cannot be started")?;
    let mut command = Command::new(program);
    command.args(words);
    Ok(command)
}

fn home<'a>(homes: &'a Homes<'_>, peer: &Peer) -> Result<&'a Path> {
    match homes.get(&*peer.folder) {
        Some(Installed::At(home)) => Ok(home),
        Some(Installed::Not(why)) => Err(anyhow!("{why}")),
        None => Err(anyhow!("{} is not installed", peer.name)),
    }
}

impl Troupe<'_> {
    pub(super) fn perform(&self, trial: &Trial<'_>) -> Row {
        self.perform_with(trial, &mut Vec::new())
    }

    /// The same; what went over the wire of a pairing is put there
    pub(super) fn perform_with(&self, trial: &Trial<'_>, heard: &mut Vec<Wire>) -> Row {
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
            let outcome = self.play(trial, &lateness, heard);
            let row = Row::new(trial, outcome, begun.elapsed(), lateness.worst_since(begun));
            if row.counts() || tries == TRIES {
                return row;
            }
            eprintln!("{}; again", row.line());
        }
    }

    /// What it needs and cannot be had here
    fn missing(&self, trial: &Trial<'_>) -> Option<&str> {
        let not_here = |peer: &Peer| match self.homes.get(&*peer.folder) {
            Some(Installed::Not(why)) => Some(&**why),
            _ => None,
        };
        match *trial {
            Trial::Peer(cast, scenario) => not_here(cast.peer).or_else(|| {
                let tools = scenario.setting.apart.then_some(&self.theatre.tools)?;
                tools.as_ref().err().map(|why| &**why)
            }),
            Trial::Pairing(pairing) => pairing.peers().find_map(not_here),
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
                versions.insert(name.to_owned(), self.version(trial));
            }
        }
        versions.into_iter().filter_map(|(name, version)| Some((name, version?))).collect()
    }

    fn version(&self, trial: &Trial<'_>) -> Option<String> {
        let python = || vec!["python3".into(), "--version".into()];
        let line = match *trial {
            Trial::Peer(cast, _) => self.tells_version(cast.peer)?,
            // Ours has no version but that of all that is here.
            Trial::Pairing(pairing) => self.tells_version(pairing.server()?)?,
            Trial::Passage(passage, _) => return self.theatre.middles.version(passage.kind),
            Trial::Refusal(Refuser::Nginx, _) => return self.theatre.middles.version(Kind::Nginx),
            Trial::Refusal(Refuser::Python, _) => python(),
        };
        super::says_version(&line)
    }

    fn tells_version(&self, peer: &Peer) -> Option<Vec<String>> {
        Some(peer.line(&peer.version, home(&self.homes, peer).ok()?))
    }

    fn play(
        &self,
        trial: &Trial<'_>,
        lateness: &Lateness,
        heard: &mut Vec<Wire>,
    ) -> Result<String> {
        match *trial {
            Trial::Peer(cast, scenario) => {
                let home = home(&self.homes, cast.peer)?;
                Stage::open(&self.theatre, cast, home, lateness, scenario)
                    .context("before it began")
                    .and_then(|mut stage| {
                        (scenario.play)(&mut stage).map_err(|error| match stage.testimony() {
                            Some(seen) => anyhow!("{error:#}; {seen}"),
                            None => error,
                        })
                    })
            }
            Trial::Pairing(pairing) => pairing.play(&self.theatre, &self.homes, lateness, heard),
            Trial::Passage(passage, runtime) => passage.play(&self.theatre, runtime, lateness),
            Trial::Refusal(refuser, runtime) => refuser.play(&self.theatre, runtime, lateness),
        }
    }
}
