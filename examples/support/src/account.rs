//! The account of one client: what it accepted, what it was told became of each message, what its
//! server received; and whether the three agree. Pure.

use std::collections::HashSet;
use std::ops::AddAssign;

use everbeat_core::Message;
use everbeat_core::outcome::{Disconnected, Tally};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::rows::none;
use crate::{Fate, Fates};

/// What a client keeps of itself; as a line of JSON it is one that is closed
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Account {
    fates: Fates,
    /// Each message's fate, from the first on
    met: Vec<Fate>,
    counted: Counted,
    /// Settled and not yet handed back
    unconfirmed: Vec<u64>,
    unsent: Vec<u64>,
    /// Messages that were handed back and not settled so, or settled so and not handed back
    astray: u64,
    refused: u64,
    /// The server's answers that came
    answers: u64,
    newest_answer: u64,
    disorder: u64,
}

/// What the client counts itself
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Counted {
    accepted: u64,
    delivered: u64,
    unsent: u64,
    unconfirmed: u64,
    pending: u64,
}

impl Account {
    /// The next message's number
    #[must_use]
    pub const fn next(&self) -> u64 {
        self.fates.next()
    }

    /// The next message was taken
    pub fn accepted(&mut self) {
        self.fates.accepted();
    }

    /// The next message was not taken; its number is the next one's
    pub const fn refused(&mut self) {
        self.refused += 1;
    }

    /// What the client counts now
    pub fn settle(&mut self, tally: Tally) {
        for (fate, ids) in self.fates.take(tally) {
            self.met.extend(ids.iter().map(|_| fate));
            match fate {
                Fate::Delivered => {}
                Fate::Unsent => self.unsent.extend(ids),
                Fate::Unconfirmed => self.unconfirmed.extend(ids),
            }
        }
        let Tally { accepted, delivered, unsent, unconfirmed, pending, .. } = tally;
        self.counted = Counted { accepted, delivered, unsent, unconfirmed, pending };
    }

    /// What an end's event contains
    fn handed_back(&mut self, unconfirmed: &[u64], unsent: &[u64]) {
        for (settled, handed) in [(&mut self.unconfirmed, unconfirmed), (&mut self.unsent, unsent)]
        {
            if *settled != handed {
                self.astray += settled.len().abs_diff(handed.len()).max(1) as u64;
            }
            settled.clear();
        }
    }

    /// A connection has ended, or the client: what it hands back
    pub fn ended(&mut self, end: &Disconnected) {
        let numbers = |messages: &[Message]| -> Vec<_> {
            messages.iter().map(|message| numbered(message).unwrap_or(0)).collect()
        };
        self.handed_back(&numbers(&end.unconfirmed.messages), &numbers(&end.unsent));
    }

    /// An answer to the message of this number
    pub fn answered(&mut self, number: u64) {
        self.answers += 1;
        self.disorder += u64::from(number <= self.newest_answer || number >= self.fates.next());
        self.newest_answer = number;
    }
}

/// The number that a message begins with
#[must_use]
pub fn numbered(message: &Message) -> Option<u64> {
    message.as_text()?.split(' ').next()?.parse().ok()
}

/// What a server keeps of one client
#[derive(Debug, Default, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "a server fills it in")]
pub struct Received {
    /// Connection and number of each message, in the order of arrival
    pub messages: Vec<(u64, u64)>,
    /// Answers that its connections took
    pub answered: u64,
    /// Of those, how many are proven to have arrived
    pub proven: u64,
    /// And how many were told to be unproven
    pub unproven: u64,
}

/// How many messages met which fate, and how many accounts say otherwise
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "programs judge each count")]
pub struct Sum {
    /// Messages that the client took
    pub accepted: u64,
    /// Of those, proven to have arrived
    pub delivered: u64,
    /// Written without proof
    pub unconfirmed: u64,
    /// Never written
    pub unsent: u64,
    /// Messages that the server received, each once
    pub received: u64,
    /// Messages that were not taken
    pub refused: u64,
    /// Messages by which the counts differ: the client's from ours, or its parts from their sum
    pub miscounted: u64,
    /// Messages that were not handed back as what they count as
    pub astray: u64,
    /// Messages that the server did not receive, and that are not unconfirmed or unsent either
    pub lost: u64,
    /// Messages that count as unsent, or were never accepted, and were received
    pub ghosts: u64,
    /// Messages that the server received again
    pub duplicates: u64,
    /// Messages and answers behind a later one
    pub disorder: u64,
    /// Answers that the server's connections took
    pub answers: u64,
    /// Answers by which the server's counts differ
    pub answers_miscounted: u64,
    /// Answers that count as delivered, and did not come
    pub answers_lost: u64,
}

/// Compares what a client says with what its server says, once both have ended
#[must_use]
pub fn compare(account: &Account, received: &Received) -> Sum {
    let accepted = account.fates.next() - 1;
    let Counted { accepted: taken, delivered, unsent, unconfirmed, pending } = account.counted;
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
        miscounted: taken.abs_diff(accepted)
            + taken.abs_diff(delivered + unsent + unconfirmed)
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

impl Sum {
    /// A row for each way in which accounts may not agree
    #[must_use]
    pub fn disagreements(&self) -> Vec<Value> {
        let rows = [
            ("refused", self.refused),
            ("outcomes that do not add up", self.miscounted),
            ("not handed back as counted", self.astray),
            ("lost: not received, and not handed back", self.lost),
            ("received, but counted as unsent", self.ghosts),
            ("received twice", self.duplicates),
            ("received out of order", self.disorder),
            ("answers that do not add up", self.answers_miscounted),
            ("answers delivered, but not received", self.answers_lost),
        ];
        rows.map(|(name, count)| none(name, count, "messages")).into()
    }
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
