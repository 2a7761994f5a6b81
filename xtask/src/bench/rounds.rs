//! Who has a turn when: rounds that are interleaved, so that what disturbs the machine disturbs all
//! alike. Whoever fails makes the run invalid, and is out.

use anyhow::Result;

use super::contestants::Contestant;
use super::figures::Figures;
use super::stage::{Crowd, Pair, Theatre};

/// A server that is started anew in each round
#[derive(Debug)]
pub(super) struct Life<'a> {
    pub(super) who: &'a Contestant,
    pub(super) connections: u64,
    pub(super) rounds: usize,
}

impl Theatre<'_> {
    /// Servers that all stand from the first round to the last, each with so many connections
    ///
    /// The round before the first one warms up, and nothing of it is kept: pools fill, pages come,
    /// branches are learnt.
    pub(super) fn turns(
        &mut self,
        all: &[Contestant],
        connections: u64,
        rounds: usize,
        figures: &mut Figures,
        mut turn: impl FnMut(&Self, &str, &mut Pair, &mut Figures) -> Result<()>,
    ) {
        let mut pairs = self.enter(all, connections, figures);
        for round in 0..=rounds {
            let mut warm = Figures::default();
            let figures = if round == 0 { &mut warm } else { &mut *figures };
            // Each is the first one once, so that nobody always comes behind the same neighbour.
            let begin = round % pairs.len().max(1);
            pairs.rotate_left(begin);
            for (name, place) in &mut pairs {
                let Some(pair) = place else { continue };
                if let Err(error) = turn(self, name, pair, figures) {
                    self.fault(name, &error);
                    *place = None;
                }
            }
            pairs.rotate_right(begin);
        }
    }

    /// Servers that have the machine for themselves, one after the other, round by round
    pub(super) fn lives(
        &mut self,
        lives: &[Life<'_>],
        figures: &mut Figures,
        mut live: impl FnMut(&Self, &Life<'_>, &mut Figures) -> Result<()>,
    ) {
        for life in interleaved(lives) {
            let Life { who, connections, .. } = life;
            if let Err(why) = &who.line {
                figures.miss(&who.name, why);
            } else if let Err(error) = live(self, life, figures) {
                self.fault(&who.name, &error.context(format!("{connections} connections")));
            }
        }
    }

    /// Everybody with a load; who cannot be had is missed
    fn enter(
        &mut self,
        all: &[Contestant],
        connections: u64,
        figures: &mut Figures,
    ) -> Vec<(String, Option<Pair>)> {
        let mut pairs = Vec::new();
        for who in all {
            if let Err(why) = &who.line {
                figures.miss(&who.name, why);
                continue;
            }
            match Pair::start(self, who, &Crowd { connections, ..Crowd::default() }) {
                Ok(pair) => pairs.push((who.name.clone(), Some(pair))),
                Err(error) => self.fault(&who.name, &error),
            }
        }
        pairs
    }
}

/// All of a round before the next one
fn interleaved<'a, 'b>(lives: &'a [Life<'b>]) -> impl Iterator<Item = &'a Life<'b>> {
    let most = lives.iter().map(|life| life.rounds).max().unwrap_or_default();
    (0..most).flat_map(move |round| lives.iter().filter(move |life| round < life.rounds))
}

#[cfg(test)]
mod tests {
    use super::super::contestants::Kind;
    use super::*;

    #[test]
    fn rounds_are_interleaved_and_each_has_its_own_number_of_them() {
        let (name, line) = ("someone".to_owned(), Err("nowhere".to_owned()));
        let (kind, environment, version) = (Kind::Peer, None, None);
        let who = Contestant { name, kind, line, environment, version };
        let life = |connections, rounds| Life { who: &who, connections, rounds };
        let lives = [life(1, 3), life(2, 1), life(3, 2), life(4, 0)];
        let order = interleaved(&lives).map(|life| life.connections).collect::<Vec<_>>();
        assert_eq!(order, [1, 2, 3, 1, 3, 1]);
        assert_eq!(interleaved(&[]).count(), 0);
    }
}
