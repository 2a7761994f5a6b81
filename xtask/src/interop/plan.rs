//! Which trials a run has: the whole matrix, a part that a push can wait for, or what the words of
//! the command line select.

use std::collections::BTreeSet;

use anyhow::{Result, bail};

use super::browsers;
use super::pairing::{self, Pairing};
use super::passage::{self, Passage};
use super::peer::{Expected, Peer, Role};
use super::refuser::Refuser;
use super::scenarios::{self, Scenario};
use super::stage::Cast;
use crate::runtimes::RUNTIMES;

/// How much of the matrix
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// Every cell
    Whole,
    /// Every scenario with every peer, while runtimes and schemes take turns
    Turns,
    /// The same with those peers that a push waits for, and nothing that takes long
    Smoke,
    /// What ends otherwise with a peer, with [`STAND_IN`] in our place, who must not fare better
    StandIn,
}

/// What whoever refuses our client plays
const REFUSED: &str = "refused";
/// Where it shows that a peer cannot hear a code
const CLOSE: &str = "close-by-us";
/// A peer that can be put in our place: what happens to it as well is not our doing
pub(super) const STAND_IN: &str = "websockets";

/// One cell of the matrix
#[derive(Debug, Clone, Copy)]
pub(super) enum Trial<'a> {
    /// A foreign peer
    Peer(Cast<'a>, &'static Scenario),
    /// Two foreign peers, or one and ours, that Ping each other
    Pairing(Pairing<'a>),
    /// A proxy between ours and ours
    Passage(&'static Passage, &'static str),
    /// A server that refuses our client
    Refusal(Refuser, &'static str),
}

/// The cells that are to be filled
#[derive(Debug)]
pub(super) struct Plan<'a>(Vec<Trial<'a>>);

impl<'a> Plan<'a> {
    pub(super) fn new(peers: &'a [Peer], extent: Extent, words: &[String]) -> Result<Self> {
        let all = match extent {
            Extent::StandIn => stand_in(peers),
            _ => all_trials(peers),
        };
        let mut chosen: [Vec<&str>; 5] = Default::default();
        for word in words {
            let column = all.iter().find_map(|trial| trial.words().iter().position(|w| w == word));
            let Some(column) = column.and_then(|column| chosen.get_mut(column)) else {
                bail!("`{word}` is no peer, role, runtime, scheme or scenario");
            };
            column.push(word);
        }
        let mut trials = match extent {
            Extent::Whole | Extent::StandIn => all,
            Extent::Turns => turns(peers, false),
            Extent::Smoke => turns(peers, true),
        };
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

    /// Those that mostly wait, for a proxy or a refused client, and those that do not
    pub(super) fn apart(&self) -> (Vec<Trial<'a>>, Vec<Trial<'a>>) {
        self.0.iter().partition(|trial| matches!(trial, Trial::Passage(..) | Trial::Refusal(..)))
    }
}

impl<'a> Trial<'a> {
    /// Its place in each column of the matrix
    pub(super) fn words(&self) -> [&'a str; 5] {
        match *self {
            Self::Peer(Cast { peer, role, runtime, tls }, scenario) => {
                [&peer.name, role.name(), runtime, scheme(tls), scenario.name]
            }
            Self::Pairing(pairing) => pairing.words(),
            Self::Passage(passage, runtime) => {
                [passage.kind.name(), "proxy", runtime, scheme(passage.tls), passage.name]
            }
            Self::Refusal(refuser, runtime) => {
                [refuser.name(), "server", runtime, scheme(false), REFUSED]
            }
        }
    }

    /// It is about promises on real time
    pub(super) const fn timed(&self) -> bool {
        match self {
            Self::Peer(_, scenario) => scenario.timed,
            Self::Pairing(_) | Self::Passage(..) | Self::Refusal(..) => true,
        }
    }

    /// What the peer is known to do differently there
    pub(super) fn known(&self) -> Option<&'a Expected> {
        match *self {
            Self::Peer(cast, scenario) => cast.peer.expected(cast.role, cast.tls, scenario.name),
            Self::Pairing(_) | Self::Passage(..) | Self::Refusal(..) => None,
        }
    }

    /// Why the peer cannot do what this needs, if it cannot
    pub(super) fn cannot(&self) -> Option<&'a str> {
        let Self::Peer(cast, scenario) = *self else { return None };
        scenario.needs.iter().find_map(|what| cast.peer.cannot(cast.role, what))
    }
}

pub(super) const fn scheme(tls: bool) -> &'static str {
    if tls { "wss" } else { "ws" }
}

/// Every name of a scenario that there is, whoever plays it
pub(crate) fn scenario_names() -> BTreeSet<&'static str> {
    let of_peers = [scenarios::ALL, scenarios::OWN_PACE, browsers::ALL].into_iter().flatten();
    let of_peers = of_peers.map(|scenario| scenario.name);
    let passages = passage::ALL.iter().map(|passage| passage.name);
    of_peers.chain(pairing::names()).chain(passages).chain([REFUSED]).collect()
}

/// The scenarios for this role
fn scenarios(role: Role) -> impl Iterator<Item = &'static Scenario> {
    scenarios::ALL.iter().filter(move |scenario| scenario.role.is_none_or(|only| only == role))
}

/// And for this peer
fn all_for(peer: &Peer, role: Role) -> impl Iterator<Item = &'static Scenario> {
    let pages: &[Scenario] = if peer.page { browsers::ALL } else { &[] };
    let paced: &[Scenario] = if peer.pace.is_some() { scenarios::OWN_PACE } else { &[] };
    let tls = peer.schemes.contains(&true);
    scenarios(role).chain(paced).chain(pages).filter(move |scenario| tls || fits(scenario, false))
}

/// Whether it can be played with TLS, or without
const fn fits(scenario: &Scenario, tls: bool) -> bool {
    tls || !scenario.setting.known
}

fn all_trials(peers: &[Peer]) -> Vec<Trial<'_>> {
    let mut trials = Vec::new();
    for peer in peers {
        for &role in &peer.roles {
            for runtime in RUNTIMES {
                for &tls in peer.schemes {
                    let cast = Cast { peer, role, runtime, tls };
                    let played = all_for(peer, role).filter(|scenario| fits(scenario, tls));
                    trials.extend(played.map(|scenario| Trial::Peer(cast, scenario)));
                }
            }
        }
    }
    trials.extend(pairing::all(peers).into_iter().map(Trial::Pairing));
    for runtime in RUNTIMES {
        trials.extend(passage::ALL.iter().map(|passage| Trial::Passage(passage, runtime)));
        trials.extend(Refuser::ALL.map(|refuser| Trial::Refusal(refuser, runtime)));
    }
    trials
}

/// Every scenario in both roles, once; runtimes and TLS take turns, so that each is met by every peer
fn turns(peers: &[Peer], smoke: bool) -> Vec<Trial<'_>> {
    let mut trials = Vec::new();
    let wanted = |peer: &Peer| peer.smoke || !smoke;
    for peer in peers.iter().filter(|peer| wanted(peer)) {
        for &role in &peer.roles {
            let turns = RUNTIMES
                .iter()
                .flat_map(|runtime| peer.schemes.iter().map(move |tls| (*runtime, *tls)));
            let mut turns = turns.cycle().skip(role as usize);
            let all = all_for(peer, role).filter(|scenario| !(smoke && scenario.long));
            trials.extend(all.filter_map(|scenario| {
                let (runtime, tls) = turns.find(|(_, tls)| fits(scenario, *tls))?;
                Some(Trial::Peer(Cast { peer, role, runtime, tls }, scenario))
            }));
        }
    }
    let turns = || RUNTIMES.iter().copied().cycle();
    let pairings = pairing::all(peers).into_iter().filter(|it| it.peers().all(wanted));
    let (ours, theirs) = pairings.partition::<Vec<_>, _>(|pairing| pairing.runtime().is_some());
    // Of ours, each scenario on one of them.
    let ours = Pairing::in_turn(ours, turns());
    trials.extend(theirs.into_iter().chain(ours).map(Trial::Pairing));
    let passages = passage::ALL.iter().filter(|passage| !(smoke && passage.is_long()));
    trials.extend(passages.zip(turns()).map(|(passage, runtime)| Trial::Passage(passage, runtime)));
    let refusals = Refuser::ALL.into_iter().zip(turns());
    trials.extend(refusals.map(|(refuser, runtime)| Trial::Refusal(refuser, runtime)));
    trials
}

/// What ends with a peer otherwise than a scenario says, by its description: the stand-in has no
/// runtime of ours. What is so only now and then cannot be asked for.
fn stand_in(peers: &[Peer]) -> Vec<Trial<'_>> {
    let excused = |trial: &Trial<'_>| {
        let deaf = match trial {
            Trial::Peer(cast, scenario) => scenario.name == CLOSE && cast.peer.is_deaf(cast.role),
            _ => false,
        };
        trial.cannot().is_none() && (deaf || trial.known().is_some_and(|known| !known.sometimes))
    };
    all_trials(peers)
        .into_iter()
        .filter(|trial| trial.words()[2] == RUNTIMES[0] && excused(trial))
        .map(|trial| match trial {
            Trial::Peer(cast, scenario) => {
                Trial::Peer(Cast { runtime: STAND_IN, ..cast }, scenario)
            }
            other => other,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::peer::Pace;
    use super::*;

    const TLS: &[bool] = &[false, true];

    const PACE: Pace = Pace { beat: Duration::from_secs(5), timeout: Duration::from_secs(10) };

    /// One in every role, with TLS and without
    fn everything() -> Peer {
        let mut peer = Peer::default();
        (peer.roles, peer.schemes) = (Role::ALL.to_vec(), TLS);
        peer.smoke = true;
        peer
    }

    fn peers() -> [Peer; 2] {
        ["websockets", "faye"].map(|name| {
            let mut peer = everything();
            peer.name = name.into();
            peer
        })
    }

    /// All that meet in pairs
    fn pair() -> [Peer; 4] {
        ["java-websocket", "faye-puma", "faye-thin", "websockets"].map(|name| {
            let mut peer = Peer::default();
            peer.name = name.into();
            peer.smoke = name != "faye-thin";
            peer
        })
    }

    fn pairings(extent: Extent) -> Vec<String> {
        let peers = pair();
        let plan = Plan::new(&peers, extent, &[]).unwrap();
        let of = plan.trials().iter().filter(|trial| matches!(trial, Trial::Pairing(_)));
        of.map(|trial| trial.words().map(String::from).join(" ")).collect()
    }

    fn plan<'a>(peers: &'a [Peer], extent: Extent, line: &str) -> Result<Plan<'a>> {
        let words = line.split_whitespace().map(String::from).collect::<Vec<_>>();
        Plan::new(peers, extent, &words)
    }

    #[test]
    fn the_matrix_is_whole_and_no_cell_is_twice() {
        let peers = peers();
        let plan = plan(&peers, Extent::Whole, "").unwrap();
        let played = |(role, tls): (Role, bool)| scenarios(role).filter(|s| fits(s, tls)).count();
        let of_peer = Role::ALL.iter().flat_map(|role| TLS.iter().map(|tls| (*role, *tls)));
        let of_peer = of_peer.map(played).sum::<usize>();
        let apart = passage::ALL.len() + Refuser::ALL.len();
        let cells = (2 * of_peer + apart) * RUNTIMES.len();
        let mut words = plan.trials().iter().map(Trial::words).collect::<Vec<_>>();
        words.sort_unstable();
        words.dedup();
        assert_eq!((plan.trials().len(), words.len()), (cells, cells));
        assert_eq!(plan.apart().0.len(), apart * RUNTIMES.len());
    }

    #[test]
    fn a_push_meets_every_scenario_runtime_and_scheme() {
        let peers = peers();
        let plan = plan(&peers, Extent::Smoke, "faye").unwrap();
        for role in Role::ALL {
            let of_role = || {
                plan.trials().iter().filter_map(move |trial| match trial {
                    Trial::Peer(cast, _) if cast.role == role => Some(cast),
                    _ => None,
                })
            };
            assert_eq!(of_role().count(), scenarios(role).count());
            for runtime in RUNTIMES {
                for tls in TLS {
                    assert!(of_role().any(|cast| cast.runtime == *runtime && cast.tls == *tls));
                }
            }
        }
    }

    #[test]
    fn the_pairing_is_a_row_for_each_server_and_runtime() {
        let all = pairings(Extent::Whole);
        assert_eq!(all.len(), 2 * (2 + RUNTIMES.len()) + 1, "{all:?}");
        for row in ["faye-puma", "faye-thin"] {
            let row = format!("{row} server of java-websocket - ws pairing-both-ping");
            assert!(all.contains(&row), "{all:?}");
        }
        for runtime in RUNTIMES {
            let row = format!("everbeat server of java-websocket {runtime} ws pairing");
            assert!(all.contains(&row), "{all:?}");
        }
        assert!(all.iter().any(|row| row.starts_with("websockets ") && row.ends_with("-no-pong")));
    }

    #[test]
    fn a_push_meets_each_pairing_of_ours_once_and_those_of_its_peers() {
        let of = |all: &[String], who: &str| {
            all.iter().filter(|row| row.starts_with(who)).cloned().collect::<Vec<_>>()
        };
        let smoke = pairings(Extent::Smoke);
        assert_eq!((smoke.len(), of(&smoke, "faye-thin").len()), (5, 0), "{smoke:?}");
        let ours = of(&smoke, "everbeat");
        assert!(ours.len() == 2 && ours[0].contains(RUNTIMES[0]) && ours[1].contains(RUNTIMES[1]));
        assert_eq!(of(&pairings(Extent::Turns), "faye-thin").len(), 2);
    }

    #[test]
    fn every_scenario_that_is_listed_has_a_name_that_is_known_and_no_other_has() {
        let mut peers = Vec::from(pair());
        let mut all = everything();
        (all.page, all.pace) = (true, Some(PACE));
        peers.push(all);
        let plan = Plan::new(&peers, Extent::Whole, &[]).unwrap();
        let listed = plan.trials().iter().map(|trial| trial.words()[4]).collect::<BTreeSet<_>>();
        assert_eq!(listed, scenario_names());
    }

    #[test]
    fn what_a_peer_is_excused_for_is_tried_with_another_in_our_place() {
        let described = r#"{ "needs": [], "install": [], "start": ["x"], "roles": ["client"],
            "cannot": [{ "what": "ping", "why": "w" }, { "what": "hear", "codes": [1012], "why": "w" }],
            "expected": [{ "scenario": "stop", "error": "e", "why": "w" },
                         { "scenario": "ping", "error": "e", "why": "w" },
                         { "scenario": "kill", "tls": true, "error": "e", "why": "w" },
                         { "scenario": "idle", "sometimes": true, "error": "e", "why": "w" }] }"#;
        let peers = [Peer::only(described)];
        let plan = Plan::new(&peers, Extent::StandIn, &[]).unwrap();
        let words = plan.trials().iter().map(Trial::words).collect::<Vec<_>>();
        assert!(words.iter().all(|words| words[2] == STAND_IN), "{words:?}");
        let cells = words.iter().map(|words| (words[3], words[4])).collect::<Vec<_>>();
        let closes = [("ws", "close-by-us"), ("wss", "close-by-us")];
        let ends = [("ws", "stop"), ("wss", "stop"), ("wss", "kill")];
        assert!(closes.iter().chain(&ends).all(|cell| cells.contains(cell)), "{cells:?}");
        assert_eq!(cells.len(), closes.len() + ends.len(), "{cells:?}");
    }

    #[test]
    fn a_push_waits_for_nothing_that_takes_minutes() {
        let long = |extent, page, pace| {
            let mut peers = peers();
            (peers[0].page, peers[0].pace) = (page, pace);
            let plan = plan(&peers, extent, "websockets").unwrap();
            let long = plan
                .trials()
                .iter()
                .filter(|trial| matches!(trial, Trial::Peer(_, scenario) if scenario.long));
            long.count()
        };
        assert_eq!(long(Extent::Smoke, true, Some(PACE)), 0);
        assert_eq!(long(Extent::Turns, false, None), 0);
        assert!(long(Extent::Turns, true, None) > 0);
    }

    #[test]
    fn at_its_own_pace_is_played_who_has_one() {
        let of = |extent, pace| {
            let mut peers = peers();
            peers[0].pace = pace;
            let plan = plan(&peers, extent, "").unwrap();
            let words = plan.trials().iter().map(Trial::words);
            let paced = words.filter(|words| words[4].ends_with("-own-pace"));
            paced.map(|words| words[0].to_owned()).collect::<Vec<_>>()
        };
        let each = scenarios::OWN_PACE.len() * Role::ALL.len();
        assert_eq!(of(Extent::Turns, Some(PACE)), vec!["websockets"; each]);
        assert_eq!(
            of(Extent::Whole, Some(PACE)).len(),
            each * RUNTIMES.len() * TLS.len(),
            "on each runtime, with TLS and without"
        );
        assert!(of(Extent::Whole, None).is_empty() && of(Extent::Smoke, Some(PACE)).is_empty());
    }

    #[test]
    fn a_push_waits_for_no_peer_that_does_not_ask_for_it_and_for_no_long_passage() {
        let mut peers = peers();
        peers[1].smoke = false;
        let plan = plan(&peers, Extent::Smoke, "").unwrap();
        assert!(plan.trials().iter().all(|trial| trial.words()[0] != "faye"));
        let long =
            |trial: &Trial<'_>| matches!(trial, Trial::Passage(passage, _) if passage.is_long());
        assert!(!plan.trials().iter().any(long) && !plan.apart().0.is_empty());
        let turns = turns(&peers, false);
        let faye = turns.iter().filter(|trial| trial.words()[0] == "faye").count();
        assert_eq!(faye, Role::ALL.map(|role| scenarios(role).count()).iter().sum::<usize>());
        assert!(turns.iter().any(long));
    }

    #[test]
    fn only_a_client_can_be_refused() {
        let peers = peers();
        let roles = |line| {
            let plan = plan(&peers, Extent::Whole, line).unwrap();
            plan.trials().iter().map(|trial| trial.words()[1]).collect::<Vec<_>>()
        };
        assert!(roles("refused-by-us").iter().all(|role| *role == "client"));
        assert!(roles("idle").contains(&"server"));
    }

    #[test]
    fn a_certificate_is_asked_for_where_there_is_tls() {
        let mut peers = peers();
        peers[1].schemes = &[false];
        for extent in [Extent::Whole, Extent::Turns, Extent::Smoke] {
            let plan = plan(&peers, extent, "client-certificate").unwrap();
            let words = plan.trials().iter().map(Trial::words).collect::<Vec<_>>();
            let of = |name| words.iter().filter(move |words| words[0] == name);
            assert!(of("websockets").all(|words| words[3] == "wss"), "{words:?}");
            for role in Role::ALL {
                assert!(of("websockets").any(|words| words[1] == role.name()), "{words:?}");
            }
            assert_eq!(of("faye").count(), 0);
        }
    }

    #[test]
    fn who_has_one_role_or_no_tls_has_no_rows_for_the_other() {
        let mut peers = peers();
        (peers[0].roles, peers[0].schemes) = (vec![Role::Server], &[false]);
        for extent in [Extent::Whole, Extent::Turns, Extent::Smoke] {
            let plan = plan(&peers, extent, "websockets").unwrap();
            assert!(!plan.trials().is_empty());
            let words = plan.trials().iter().map(Trial::words).collect::<Vec<_>>();
            assert!(
                words.iter().all(|[_, role, _, scheme, _]| (*role, *scheme) == ("server", "ws"))
            );
        }
    }

    #[test]
    fn words_of_a_column_are_alternatives_and_columns_are_conditions() {
        let peers = peers();
        let of = |line: &str| {
            let plan = plan(&peers, Extent::Whole, line).unwrap();
            plan.trials().iter().map(|trial| trial.words().join(" ")).collect::<Vec<_>>()
        };
        let both = of("faye server tokio ws stop kill");
        assert_eq!(both, ["faye server tokio ws stop", "faye server tokio ws kill"]);
        assert_eq!(of("stop").len(), 2 * of("faye stop").len());
        let error = plan(&peers, Extent::Whole, "faye fly").unwrap_err();
        assert!(error.to_string().contains("`fly`"), "{error}");
    }
}
