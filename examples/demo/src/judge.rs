//! Whether a fault was noticed by those who must notice it, in the order and by the evidence that
//! it leaves them. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::life::{Life, Seen};
use crate::note::{By, How, Who};
use crate::runtimes::Runtime;
use crate::settings;
use crate::trials::Notice;

/// What the connections came to since the fault
#[derive(Clone, Debug, Default)]
pub(crate) struct Lives {
    /// Those behind the proxy
    pub(crate) clients: BTreeMap<Runtime, Life>,
    pub(crate) witness: Life,
    pub(crate) sloth: Life,
}

impl Lives {
    /// With a client on each of these runtimes
    pub(crate) fn of(clients: &[Runtime]) -> Self {
        let clients = clients.iter().map(|runtime| (*runtime, Life::default())).collect();
        Self { clients, ..Self::default() }
    }

    /// Every client and the witness
    pub(crate) fn named(&self) -> impl Iterator<Item = (Who, &Life)> {
        let clients = self.clients.iter().map(|(&runtime, life)| (Who::Client(runtime), life));
        clients.chain([(Who::Witness, &self.witness)])
    }

    pub(crate) fn all(&mut self) -> impl Iterator<Item = &mut Life> {
        self.clients.values_mut().chain([&mut self.witness, &mut self.sloth])
    }

    /// Whether every client, and the witness, is connected
    pub(crate) fn are_up(&self) -> bool {
        self.named().all(|(_, life)| life.up_since.is_some())
    }
}

/// Somebody who has to notice, and what he saw
type Watcher = (String, Option<Seen>);

/// Who has to notice: first, by which evidence, and who is told by their hanging up, each by the one
/// at his place among the first
struct Expected {
    first: Vec<Watcher>,
    by_silence: bool,
    then: Vec<Watcher>,
}

fn expected(notice: Notice, lives: &Lives) -> Expected {
    let clients =
        || lives.clients.iter().map(|(name, life)| (format!("{name}'s client"), life.lost));
    let server =
        || lives.clients.iter().map(|(name, life)| (format!("the server of {name}"), life.dropped));
    let (first, by_silence, then): (Vec<_>, _, Vec<_>) = match notice {
        Notice::Both => (clients().chain(server()).collect(), true, vec![]),
        Notice::ServerThenClient => (server().collect(), true, clients().collect()),
        Notice::ClientThenServer => (clients().collect(), true, server().collect()),
        Notice::Told | Notice::Either => (clients().chain(server()).collect(), false, vec![]),
        Notice::Server => (vec![("the server".to_owned(), lives.sloth.dropped)], true, vec![]),
        Notice::Clients | Notice::Hung => {
            let witness = ("the witness".to_owned(), lives.witness.lost);
            (clients().chain([witness]).collect(), notice == Notice::Hung, vec![])
        }
        Notice::Nobody => (vec![], false, vec![]),
    };
    Expected { first, by_silence, then }
}

/// Whether everybody has noticed something: time to look at what
pub(crate) fn is_complete(notice: Notice, lives: &Lives) -> bool {
    let Expected { first, then, .. } = expected(notice, lives);
    first.into_iter().chain(then).all(|(_, seen)| seen.is_some())
}

/// How long until all that had to notice first had noticed, and what was not as it must be
pub(crate) fn judge(
    notice: Notice,
    begun: Instant,
    lives: &Lives,
    late: Duration,
) -> (Option<Duration>, Vec<String>) {
    let Expected { first, by_silence, then } = expected(notice, lives);
    let mut problems = Vec::new();
    let mut last = Some(begun);
    for (who, seen) in &first {
        match seen {
            None => problems.push(format!("{who} did not notice in time")),
            Some(seen) if by_silence && seen.how != How::Dead => {
                problems.push(format!("{who} did not notice by the silence"));
            }
            Some(_) => {}
        }
        last = last.zip(*seen).map(|(last, seen)| last.max(seen.at));
    }
    for ((who, seen), (_, first)) in then.into_iter().zip(first) {
        // Who did not notice is reproached for that already.
        let Some(first) = first else { continue };
        let told = seen.map(|seen| seen.at.saturating_duration_since(first.at));
        if told.is_none_or(|told| told > settings::TOLD + late) {
            problems.push(format!("{who} was not told in time"));
        }
    }
    if notice == Notice::Either {
        problems.extend(
            lives.clients.iter().filter_map(|(name, life)| either(name.name(), life, late)),
        );
    }
    (last.map(|last| last.saturating_duration_since(begun)), problems)
}

/// What was wrong if neither end has noticed by the silence, or the other was not told by its hanging
/// up; whoever was first
fn either(name: &str, life: &Life, late: Duration) -> Option<String> {
    let (lost, dropped) = (life.lost?, life.dropped?);
    let (first, then) = if lost.at <= dropped.at { (lost, dropped) } else { (dropped, lost) };
    let told = then.at.saturating_duration_since(first.at);
    match (lost.how, dropped.how) {
        (How::Dead, How::Dead) => None,
        (How::Dead, _) | (_, How::Dead) if told <= settings::TOLD + late => None,
        (How::Dead, _) | (_, How::Dead) => {
            Some(format!("{name}: the other end was not told in time"))
        }
        _ => Some(format!("{name}: neither end noticed by the silence")),
    }
}

/// Which clients did not find what the kernel had evidence of; who was told, or has not noticed, is
/// none of them
pub(crate) fn misjudged(expected: By, lives: &Lives) -> Vec<String> {
    let seen = lives.named().filter_map(|(who, life)| Some((who, life.lost?)));
    let dead = seen.filter(|(_, seen)| seen.how == How::Dead && seen.by != Some(expected));
    dead.map(|(who, seen)| format!("{who} found {:?}, and it was {expected:?}", seen.by)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn lives(client: Option<(u32, How)>, server: Option<(u32, How)>, begun: Instant) -> Lives {
        let seen = |seen: Option<(u32, How)>| {
            seen.map(|(seconds, how)| Seen { at: begun + SECOND * seconds, how, by: None })
        };
        let client = Life { lost: seen(client), dropped: seen(server), ..Life::default() };
        Lives { clients: [(Runtime::Tokio, client)].into(), ..Lives::default() }
    }

    #[test]
    fn both_by_silence_is_noticed_with_the_later_one() {
        let begun = Instant::now();
        let lives = lives(Some((3, How::Dead)), Some((2, How::Dead)), begun);
        assert!(is_complete(Notice::Both, &lives));
        assert_eq!(judge(Notice::Both, begun, &lives, Duration::ZERO), (Some(SECOND * 3), vec![]));
    }

    #[test]
    fn the_wrong_evidence_and_the_missing_end_are_problems() {
        let begun = Instant::now();
        let cut = lives(Some((1, How::Cut)), None, begun);
        assert!(!is_complete(Notice::Both, &cut));
        let (noticed, problems) = judge(Notice::Both, begun, &cut, Duration::ZERO);
        assert_eq!(noticed, None);
        assert_eq!(problems.len(), 2, "{problems:?}");
        assert!(judge(Notice::Told, begun, &cut, Duration::ZERO).1.len() == 1);
    }

    #[test]
    fn the_second_is_told_soon_after_the_first() {
        let begun = Instant::now();
        let soon = lives(Some((3, How::Cut)), Some((3, How::Dead)), begun);
        let notice = Notice::ServerThenClient;
        assert_eq!(judge(notice, begun, &soon, Duration::ZERO), (Some(SECOND * 3), vec![]));
        let long_after = lives(Some((5, How::Cut)), Some((3, How::Dead)), begun);
        assert_eq!(judge(notice, begun, &long_after, Duration::ZERO).1.len(), 1);
        assert_eq!(judge(notice, begun, &long_after, SECOND).1.len(), 0);
    }

    #[test]
    fn a_client_is_told_by_his_own_server_not_by_the_slowest() {
        let begun = Instant::now();
        let slow = lives(Some((4, How::Cut)), Some((4, How::Dead)), begun);
        let late = lives(Some((4, How::Cut)), Some((2, How::Dead)), begun);
        let mut both = slow;
        both.clients.insert(Runtime::Smol, late.clients[&Runtime::Tokio]);
        let (noticed, problems) = judge(Notice::ServerThenClient, begun, &both, Duration::ZERO);
        assert_eq!(noticed, Some(SECOND * 4));
        assert_eq!(problems, ["smol's client was not told in time"]);
    }

    #[test]
    fn either_end_may_be_first_but_one_by_the_silence() {
        let begun = Instant::now();
        let problems = |client, server, late| {
            judge(Notice::Either, begun, &lives(client, server, begun), late).1.len()
        };
        let (dead, cut) = (|at| Some((at, How::Dead)), |at| Some((at, How::Cut)));
        assert_eq!(problems(dead(3), cut(3), Duration::ZERO), 0);
        assert_eq!(problems(cut(3), dead(3), Duration::ZERO), 0);
        assert_eq!(problems(dead(1), dead(3), Duration::ZERO), 0);
        assert_eq!(problems(cut(3), cut(3), Duration::ZERO), 1);
        assert_eq!(problems(dead(1), cut(3), Duration::ZERO), 1);
        assert_eq!(problems(dead(1), cut(3), SECOND), 0);
        assert_eq!(problems(dead(1), None, Duration::ZERO), 1);
    }

    #[test]
    fn who_finds_something_else_than_the_kernel_told_is_named() {
        let begun = Instant::now();
        let mut lives = lives(Some((3, How::Dead)), None, begun);
        assert_eq!(misjudged(By::Path, &lives).len(), 1);
        let life = lives.clients.get_mut(&Runtime::Tokio).unwrap();
        life.lost = life.lost.map(|seen| Seen { by: Some(By::Path), ..seen });
        assert_eq!(misjudged(By::Path, &lives).len(), 0);
        assert_eq!(misjudged(By::App, &lives).len(), 1);
    }

    #[test]
    fn nobody_has_to_notice_what_is_no_fault() {
        let begun = Instant::now();
        assert!(is_complete(Notice::Nobody, &Lives::default()));
        let verdict = judge(Notice::Nobody, begun, &Lives::default(), Duration::ZERO);
        assert_eq!(verdict, (Some(Duration::ZERO), vec![]));
    }
}
