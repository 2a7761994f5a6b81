//! The account of one client: what it accepted, what it was told became of each message, what its
//! server received; and whether the three agree. Pure.

use std::collections::HashSet;
use std::ops::AddAssign;

use everbeat_core::outcome::Tally;
use everbeat_support::{Fate, Fates};

use crate::ends::End;

/// What a client keeps of itself
#[derive(Debug, Default)]
pub(crate) struct Account {
    fates: Fates,
    /// Each message's fate, from the first on
    met: Vec<Fate>,
    tally: Tally,
    /// Settled and not yet handed back
    unconfirmed: Vec<u64>,
    unsent: Vec<u64>,
    /// Messages that were handed back and not settled so, or settled so and not handed back
    astray: u64,
    /// Messages that were not taken
    pub(crate) refused: u64,
    /// The server's answers that came
    pub(crate) answers: u64,
    newest_answer: u64,
    disorder: u64,
    pub(crate) ends: Vec<End>,
}

impl Account {
    /// The next message's number
    pub(crate) const fn next(&self) -> u64 {
        self.fates.next()
    }

    pub(crate) fn accepted(&mut self) {
        self.fates.accepted();
    }

    /// What the client counts now
    pub(crate) fn settle(&mut self, tally: Tally) {
        for (fate, ids) in self.fates.take(tally) {
            self.met.extend(ids.iter().map(|_| fate));
            match fate {
                Fate::Delivered => {}
                Fate::Unsent => self.unsent.extend(ids),
                Fate::Unconfirmed => self.unconfirmed.extend(ids),
            }
        }
        self.tally = tally;
    }

    /// What an end's event contains
    pub(crate) fn handed_back(&mut self, unconfirmed: &[u64], unsent: &[u64]) {
        for (settled, handed) in [(&mut self.unconfirmed, unconfirmed), (&mut self.unsent, unsent)]
        {
            if *settled != handed {
                self.astray += settled.len().abs_diff(handed.len()).max(1) as u64;
            }
            settled.clear();
        }
    }

    /// An answer to the message of this number
    pub(crate) fn answered(&mut self, number: u64) {
        self.answers += 1;
        self.disorder += u64::from(number <= self.newest_answer || number >= self.fates.next());
        self.newest_answer = number;
    }
}

/// What a server keeps of one client
#[derive(Debug, Default)]
pub(crate) struct Received {
    /// Connection and number of each message, in the order of arrival
    pub(crate) messages: Vec<(u64, u64)>,
    /// Answers that its connections took
    pub(crate) answered: u64,
    /// Of those, how many are proven to have arrived, and how many were told to be unproven
    pub(crate) proven: u64,
    pub(crate) unproven: u64,
    pub(crate) ends: Vec<End>,
}

/// How many messages met which fate, and how many accounts say otherwise
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sum {
    pub(crate) accepted: u64,
    pub(crate) delivered: u64,
    pub(crate) unconfirmed: u64,
    pub(crate) unsent: u64,
    pub(crate) received: u64,
    pub(crate) refused: u64,
    /// Messages by which the counts differ: the client's from ours, or its parts from their sum
    pub(crate) miscounted: u64,
    /// Messages that were not handed back as what they count as
    pub(crate) astray: u64,
    /// Messages that the server did not receive, and that are not unconfirmed or unsent either
    pub(crate) lost: u64,
    /// Messages that count as unsent, or were never accepted, and were received
    pub(crate) ghosts: u64,
    pub(crate) duplicates: u64,
    pub(crate) disorder: u64,
    pub(crate) answers: u64,
    /// Answers by which the server's counts differ
    pub(crate) answers_miscounted: u64,
    /// Answers that count as delivered, and did not come
    pub(crate) answers_lost: u64,
}

/// Compares what a client says with what its server says, once both have ended
pub(crate) fn compare(account: &Account, received: &Received) -> Sum {
    let accepted = account.fates.next() - 1;
    let Tally { delivered, unsent, unconfirmed, pending, .. } = account.tally;
    let arrived: HashSet<u64> = received.messages.iter().map(|&(_, number)| number).collect();
    let fate = |number: u64| account.met.get(usize::try_from(number).ok()?.checked_sub(1)?);
    let lost = (1..=accepted).filter(|&number| {
        !arrived.contains(&number) && matches!(fate(number), None | Some(Fate::Delivered))
    });
    let ghosts = arrived
        .iter()
        .filter(|&&number| number == 0 || number > accepted || fate(number) == Some(&Fate::Unsent));
    Sum {
        accepted,
        delivered,
        unconfirmed,
        unsent,
        received: arrived.len() as u64,
        refused: account.refused,
        miscounted: account.tally.accepted.abs_diff(accepted)
            + account.tally.accepted.abs_diff(delivered + unsent + unconfirmed)
            + pending
            + account.fates.waiting() as u64,
        astray: account.astray + (account.unconfirmed.len() + account.unsent.len()) as u64,
        lost: lost.count() as u64,
        ghosts: ghosts.count() as u64,
        duplicates: (received.messages.len() - arrived.len()) as u64,
        disorder: account.disorder
            + disorder(received, |number| fate(number) == Some(&Fate::Delivered)),
        answers: received.answered,
        answers_miscounted: received.answered.abs_diff(received.proven + received.unproven),
        answers_lost: received.proven.saturating_sub(account.answers),
    }
}

/// Messages behind a later one: of the same connection, or of all that are proven to have arrived
///
/// What was unproven when its connection ended may be read after the next connection's first.
fn disorder(received: &Received, is_delivered: impl Fn(u64) -> bool) -> u64 {
    let (mut connection, mut newest_of_it, mut newest) = (0, 0, 0);
    let mut behind = 0;
    for &(from, number) in &received.messages {
        if from != connection {
            (connection, newest_of_it) = (from, 0);
        }
        behind += u64::from(number < newest_of_it || number < newest && is_delivered(number));
        newest_of_it = newest_of_it.max(number);
        if is_delivered(number) {
            newest = newest.max(number);
        }
    }
    behind
}

impl AddAssign for Sum {
    fn add_assign(&mut self, other: Self) {
        let Self {
            accepted,
            delivered,
            unconfirmed,
            unsent,
            received,
            refused,
            miscounted,
            astray,
            lost,
            ghosts,
            duplicates,
            disorder,
            answers,
            answers_miscounted,
            answers_lost,
        } = other;
        self.accepted += accepted;
        self.delivered += delivered;
        self.unconfirmed += unconfirmed;
        self.unsent += unsent;
        self.received += received;
        self.refused += refused;
        self.miscounted += miscounted;
        self.astray += astray;
        self.lost += lost;
        self.ghosts += ghosts;
        self.duplicates += duplicates;
        self.disorder += disorder;
        self.answers += answers;
        self.answers_miscounted += answers_miscounted;
        self.answers_lost += answers_lost;
    }
}

#[cfg(test)]
#[path = "account_tests.rs"]
mod tests;
