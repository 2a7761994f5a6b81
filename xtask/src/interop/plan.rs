//! Which trials a run has: the whole matrix, a part that a push can wait for, or what the words of
//! the command line select.

use anyhow::{Result, bail};

use super::peer::{Peer, Role};
use super::scenarios::{self, Scenario};
use super::stage::Cast;
use crate::runtimes::RUNTIMES;

/// Plain, and with TLS
const TLS: &[bool] = &[false, true];

/// One cell of the matrix
#[derive(Debug, Clone, Copy)]
pub(super) struct Trial<'a> {
    pub(super) cast: Cast<'a>,
    pub(super) scenario: &'static Scenario,
}

/// The cells that are to be filled
#[derive(Debug)]
pub(super) struct Plan<'a>(Vec<Trial<'a>>);

impl<'a> Plan<'a> {
    pub(super) fn new(peers: &'a [Peer], smoke: bool, words: &[String]) -> Result<Self> {
        let all = all_trials(peers);
        let mut chosen: [Vec<&str>; 5] = Default::default();
        for word in words {
            let column = all.iter().find_map(|trial| trial.words().iter().position(|w| w == word));
            let Some(column) = column.and_then(|column| chosen.get_mut(column)) else {
                bail!("`{word}` is no peer, role, runtime, scheme or scenario");
            };
            column.push(word);
        }
        let mut trials = if smoke { smoke_trials(peers) } else { all };
        // Words of one column are alternatives, columns are conditions.
        trials.retain(|trial| {
            let mut columns = chosen.iter().zip(trial.words());
            columns.all(|(chosen, word)| chosen.is_empty() || chosen.contains(&word))
        });
        Ok(Self(trials))
    }

    pub(super) fn trials(&self) -> &[Trial<'a>] {
        &self.0
    }
}

impl Trial<'_> {
    /// Its place in each column of the matrix
    pub(super) fn words(&self) -> [&str; 5] {
        let Cast { peer, role, runtime, tls } = self.cast;
        [&peer.name, role.name(), runtime, scheme(tls), self.scenario.name]
    }
}

pub(super) const fn scheme(tls: bool) -> &'static str {
    if tls { "wss" } else { "ws" }
}

fn all_trials(peers: &[Peer]) -> Vec<Trial<'_>> {
    let mut trials = Vec::new();
    for peer in peers {
        for role in Role::ALL {
            for runtime in RUNTIMES {
                for tls in TLS {
                    let cast = Cast { peer, role, runtime, tls: *tls };
                    trials.extend(scenarios::ALL.iter().map(|scenario| Trial { cast, scenario }));
                }
            }
        }
    }
    trials
}

/// Every scenario in both roles; runtimes and TLS take turns, so that each is met by every peer
fn smoke_trials(peers: &[Peer]) -> Vec<Trial<'_>> {
    let mut trials = Vec::new();
    for peer in peers {
        for role in Role::ALL {
            let turns =
                RUNTIMES.iter().flat_map(|runtime| TLS.iter().map(move |tls| (*runtime, *tls)));
            let turns = turns.cycle().skip(role as usize);
            trials.extend(scenarios::ALL.iter().zip(turns).map(|(scenario, (runtime, tls))| {
                Trial { cast: Cast { peer, role, runtime, tls }, scenario }
            }));
        }
    }
    trials
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peers() -> [Peer; 2] {
        ["websockets", "faye"].map(|name| {
            let mut peer = Peer::default();
            peer.name = name.into();
            peer
        })
    }

    fn plan<'a>(peers: &'a [Peer], smoke: bool, line: &str) -> Result<Plan<'a>> {
        let words = line.split_whitespace().map(String::from).collect::<Vec<_>>();
        Plan::new(peers, smoke, &words)
    }

    #[test]
    fn the_matrix_is_whole_and_no_cell_is_twice() {
        let peers = peers();
        let plan = plan(&peers, false, "").unwrap();
        let cells = 2 * Role::ALL.len() * RUNTIMES.len() * TLS.len() * scenarios::ALL.len();
        let mut words = plan.trials().iter().map(Trial::words).collect::<Vec<_>>();
        words.sort_unstable();
        words.dedup();
        assert_eq!((plan.trials().len(), words.len()), (cells, cells));
    }

    #[test]
    fn a_push_meets_every_scenario_runtime_and_scheme() {
        let peers = peers();
        let plan = plan(&peers, true, "faye").unwrap();
        for role in Role::ALL {
            let of_role = || plan.trials().iter().filter(move |trial| trial.cast.role == role);
            assert_eq!(of_role().count(), scenarios::ALL.len());
            for runtime in RUNTIMES {
                for tls in TLS {
                    assert!(of_role().any(|t| t.cast.runtime == *runtime && t.cast.tls == *tls));
                }
            }
        }
    }

    #[test]
    fn words_of_a_column_are_alternatives_and_columns_are_conditions() {
        let peers = peers();
        let of = |line: &str| {
            let plan = plan(&peers, false, line).unwrap();
            plan.trials().iter().map(|trial| trial.words().join(" ")).collect::<Vec<_>>()
        };
        let both = of("faye server tokio ws stop kill");
        assert_eq!(both, ["faye server tokio ws stop", "faye server tokio ws kill"]);
        assert_eq!(of("stop").len(), 2 * of("faye stop").len());
        let error = plan(&peers, false, "faye fly").unwrap_err();
        assert!(error.to_string().contains("`fly`"), "{error}");
    }
}
