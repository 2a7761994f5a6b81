//! The ledger: which message was accepted when, which arrived, what its sender was told became of
//! it, and whether the three agree. Pure arithmetic over what the processes noted.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use everbeat_support::Fate;
use tokio::time::Instant;

use crate::note::Who;

/// A message: who sent it, and its number there
pub(crate) type Id = (Who, u64);

/// All messages of the run
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    messages: BTreeMap<Id, Message>,
}

#[derive(Debug, Default)]
struct Message {
    /// When it was accepted; a receiver may note its arrival before the sender's note is read
    sent_at: Option<Instant>,
    arrivals: u32,
    /// What it counts as
    fate: Option<Fate>,
    /// As what it was given back to the application
    returned: Option<Fate>,
}

/// How many messages met which fate
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) sent: u64,
    pub(crate) delivered: u64,
    pub(crate) unsent: u64,
    pub(crate) unconfirmed: u64,
    /// Appear nowhere: in no ledger, and not handed back either
    pub(crate) lost: u64,
}

/// What was accepted while there was no connection
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Waited {
    pub(crate) accepted: u64,
    /// Of those, what has not arrived
    pub(crate) missing: u64,
}

impl Ledger {
    pub(crate) fn sent(&mut self, id: Id, now: Instant) {
        self.messages.entry(id).or_default().sent_at = Some(now);
    }

    pub(crate) fn arrived(&mut self, id: Id) {
        self.messages.entry(id).or_default().arrivals += 1;
    }

    /// What its sender was told; returns when it was accepted, if that is known
    pub(crate) fn settled(&mut self, id: Id, fate: Fate) -> Option<Instant> {
        let message = self.messages.entry(id).or_default();
        message.fate = Some(fate);
        message.sent_at
    }

    /// What became of the messages that `who` sent in this time, in which nothing could arrive
    pub(crate) fn waited(&self, who: Who, time: Range<Instant>) -> Waited {
        let mut waited = Waited::default();
        for message in self.messages.range((who, 0)..=(who, u64::MAX)).map(|(_, message)| message) {
            if message.sent_at.is_some_and(|sent_at| time.contains(&sent_at)) {
                waited.accepted += 1;
                waited.missing += u64::from(message.arrivals == 0);
            }
        }
        waited
    }

    /// Its sender was given it back
    pub(crate) fn handed_back(&mut self, id: Id, fate: Fate) {
        self.messages.entry(id).or_default().returned = Some(fate);
    }

    pub(crate) fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for message in self.messages.values() {
            counts.sent += u64::from(message.sent_at.is_some());
            match message.fate {
                Some(Fate::Delivered) => counts.delivered += 1,
                Some(Fate::Unsent) => counts.unsent += 1,
                Some(Fate::Unconfirmed) => counts.unconfirmed += 1,
                None => {}
            }
            counts.lost += u64::from(message.arrivals == 0 && message.returned.is_none());
        }
        counts
    }

    /// Where the notes contradict each other; complete only once all processes have ended
    pub(crate) fn contradictions(&self) -> Vec<String> {
        let mut found = Vec::new();
        for (&(who, id), message) in &self.messages {
            let due_back = message.fate.filter(|&fate| fate != Fate::Delivered);
            let problem = match (message.fate, message.arrivals) {
                _ if message.sent_at.is_none() => "arrived or was settled, but was never accepted",
                (Some(Fate::Delivered), 0) => "counts as delivered, but is in no ledger",
                (Some(Fate::Unsent), 1..) => "counts as unsent, but is in a ledger",
                (None, _) => "was accepted and met no fate",
                (_, 2..) => "arrived more than once",
                _ if message.returned != due_back => "was not handed back as what it counts as",
                _ => continue,
            };
            found.push(format!("message {id} of {who} {problem}"));
        }
        found
    }
}

/// By how much an unconfirmed message was written too early to be without proof, if it was
///
/// It was written when it was accepted, or when the connection came that it had waited for.
pub(crate) fn overdue(
    sent_at: Instant,
    connected_at: Option<Instant>,
    cut_at: Instant,
    allowed: Duration,
) -> Option<Duration> {
    let written_at = connected_at.map_or(sent_at, |connected| sent_at.max(connected));
    cut_at.saturating_duration_since(written_at).checked_sub(allowed).filter(|late| !late.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtimes::Runtime;

    const CLIENT: Who = Who::Client(Runtime::Tokio);

    const SECOND: Duration = Duration::from_secs(1);

    fn ledger(fate: Option<Fate>, arrivals: u32) -> Ledger {
        let mut ledger = Ledger::default();
        let id = (CLIENT, 1);
        ledger.sent(id, Instant::now());
        (0..arrivals).for_each(|_| ledger.arrived(id));
        fate.map(|fate| ledger.settled(id, fate));
        if let Some(returned @ (Fate::Unsent | Fate::Unconfirmed)) = fate {
            ledger.handed_back(id, returned);
        }
        ledger
    }

    #[test]
    fn what_agrees_is_no_contradiction() {
        for (fate, arrivals) in [
            (Fate::Delivered, 1),
            (Fate::Unsent, 0),
            (Fate::Unconfirmed, 0),
            (Fate::Unconfirmed, 1),
        ] {
            let ledger = ledger(Some(fate), arrivals);
            assert_eq!(ledger.contradictions(), [""; 0]);
            assert_eq!(ledger.counts().lost, 0);
        }
    }

    #[test]
    fn what_does_not_agree_is_found() {
        for (fate, arrivals, problem) in [
            (Some(Fate::Delivered), 0, "in no ledger"),
            (Some(Fate::Unsent), 1, "is in a ledger"),
            (Some(Fate::Delivered), 2, "more than once"),
            (None, 0, "no fate"),
        ] {
            let found = ledger(fate, arrivals).contradictions();
            assert!(found.len() == 1 && found[0].contains(problem), "{found:?}");
        }
        let mut kept = Ledger::default();
        kept.sent((CLIENT, 1), Instant::now());
        kept.settled((CLIENT, 1), Fate::Unconfirmed);
        assert!(kept.contradictions()[0].contains("not handed back"));
        assert_eq!(kept.counts().lost, 1);
        let mut stranger = Ledger::default();
        stranger.arrived((Who::Witness, 9));
        assert!(stranger.contradictions()[0].contains("never accepted"));
    }

    #[test]
    fn lost_is_what_appears_nowhere_whatever_its_sender_was_told() {
        assert_eq!(ledger(None, 0).counts().lost, 1);
        assert_eq!(ledger(None, 1).counts().lost, 0);
        let claimed = ledger(Some(Fate::Delivered), 0).counts();
        assert_eq!((claimed.sent, claimed.delivered, claimed.lost), (1, 1, 1));
    }

    #[test]
    fn what_waited_is_missing_until_it_arrives() {
        let start = Instant::now();
        let at = |seconds| start + SECOND * seconds;
        let mut ledger = Ledger::default();
        for id in 1..=4 {
            ledger.sent((CLIENT, id), at(id as u32));
        }
        ledger.sent((Who::Witness, 2), at(2));
        let waited = |ledger: &Ledger| ledger.waited(CLIENT, at(2)..at(4));
        assert_eq!(waited(&ledger), Waited { accepted: 2, missing: 2 });
        ledger.arrived((CLIENT, 2));
        assert_eq!(waited(&ledger), Waited { accepted: 2, missing: 1 });
        ledger.handed_back((CLIENT, 3), Fate::Unsent);
        assert_eq!(waited(&ledger).missing, 1, "handed back is not arrived");
    }

    #[test]
    fn a_message_ages_from_when_it_was_written() {
        let start = Instant::now();
        let at = |seconds| start + SECOND * seconds;
        assert_eq!(overdue(at(1), None, at(4), SECOND * 3), None);
        assert_eq!(overdue(at(0), None, at(4), SECOND * 3), Some(SECOND));
        // It waited for the connection, so it was written with it.
        assert_eq!(overdue(at(0), Some(at(3)), at(4), SECOND * 3), None);
        // Written behind the cut.
        assert_eq!(overdue(at(5), Some(at(3)), at(4), SECOND * 3), None);
    }
}
