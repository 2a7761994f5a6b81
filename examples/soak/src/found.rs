//! What a run came to, before anybody judges it: pure arithmetic over the accounts.

use std::collections::BTreeMap;
use std::time::Duration;

use everbeat_support::account::{Account, Received, Sum, compare};
use tokio::time::Instant;

use crate::ends::{End, Happened, How, Kept, has_noticed, is_explained};
use crate::plan::Kind;

/// How many ends without a reason are told in words
const SHOWN: usize = 4;

/// What became of the clients
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) sum: Sum,
    /// Clients that left no account
    pub(crate) missing: u64,
    pub(crate) dead: u64,
    pub(crate) cut: u64,
    /// Ends that nothing explains
    pub(crate) alarms: u64,
    /// Some of them, in words
    pub(crate) words: Vec<String>,
}

/// The accounts of one road: of each of its clients, both sides
pub(crate) type Accounts = BTreeMap<usize, (Option<Kept<Account>>, Kept<Received>)>;

/// When ends are asked for, and how late the machine was
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    pub(crate) start: Instant,
    pub(crate) closing: Instant,
    pub(crate) late: Duration,
}

impl Found {
    /// Adds one road's clients
    pub(crate) fn add(&mut self, accounts: &Accounts, happened: &[Happened], times: Times) {
        for (client, (account, received)) in accounts {
            let Some(account) = account else {
                self.missing += 1;
                continue;
            };
            self.sum += compare(&account.account, &received.account);
            for end in account.ends.iter().chain(&received.ends) {
                self.end(*client, end, happened, times);
            }
        }
    }

    fn end(&mut self, client: usize, end: &End, happened: &[Happened], times: Times) {
        self.dead += u64::from(end.how == How::Dead);
        self.cut += u64::from(end.how == How::Cut && end.up);
        if is_explained(end, happened, times.closing, times.late) {
            return;
        }
        self.alarms += 1;
        if self.words.len() < SHOWN {
            let at = end.at.saturating_duration_since(times.start).as_secs_f64();
            let what = if end.up { "connection" } else { "attempt" };
            let beside = happened.iter().map(|fault| {
                let since = |at: Instant| at.saturating_duration_since(times.start).as_secs_f64();
                format!("{} at {:.2} to {:.2} s", fault.kind, since(fault.begin), since(fault.end))
            });
            let beside = beside.collect::<Vec<_>>().join(", ");
            self.words.push(format!(
                "client {client}'s {what} ended at {at:.2} s as {:?} for the {:?}, without reason; \
                 on its road: {beside}",
                end.how, end.side,
            ));
        }
    }
}

/// How often a kind of fault has happened, to how many connections, and how many did not end by it
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) times: u64,
    pub(crate) hit: u64,
    pub(crate) unnoticed: u64,
}

/// Counts each kind of fault on one road
pub(crate) fn count(
    counts: &mut [(Kind, Count)],
    accounts: &Accounts,
    happened: &[Happened],
    late: Duration,
) {
    for (kind, count) in counts {
        for fault in happened.iter().filter(|fault| fault.kind == *kind) {
            count.times += 1;
            count.hit += fault.hit.len() as u64;
            let unnoticed = fault.hit.iter().filter(|client| {
                let account = accounts.get(client).and_then(|(account, _)| account.as_ref());
                kind.breaks() && account.is_some_and(|it| !has_noticed(&it.ends, fault, late))
            });
            count.unnoticed += unnoticed.count() as u64;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ends::Side;

    const SECOND: Duration = Duration::from_secs(1);

    fn road(ends: Vec<End>) -> Accounts {
        let account = Kept { ends, ..Kept::default() };
        [(3, (Some(account), Kept::default()))].into()
    }

    fn counted(accounts: &Accounts, kind: Kind, begin: Instant) -> Count {
        let mut counts = [(kind, Count::default())];
        let fault = Happened { kind, begin, end: begin, hit: vec![3] };
        count(&mut counts, accounts, &[fault], Duration::ZERO);
        counts[0].1
    }

    #[test]
    fn a_connection_that_outlives_its_reset_has_not_noticed() {
        let begin = Instant::now();
        let ends = vec![End { at: begin, side: Side::Client, how: How::Cut, up: true }];
        let noticed = Count { times: 1, hit: 1, unnoticed: 0 };
        assert_eq!(counted(&road(ends), Kind::Reset, begin), noticed);
        let outlived = Count { unnoticed: 1, ..noticed };
        assert_eq!(counted(&road(vec![]), Kind::Reset, begin), outlived);
        assert_eq!(counted(&road(vec![]), Kind::Slow, begin), noticed);
    }

    #[test]
    fn ends_of_either_side_need_a_reason_and_accounts_must_be_there() {
        let start = Instant::now();
        let times = Times { start, closing: start + SECOND, late: Duration::ZERO };
        let end = |side| End { at: start, side, how: How::Dead, up: true };
        let mut accounts = road(vec![end(Side::Client)]);
        if let Some((_, received)) = accounts.get_mut(&3) {
            received.ends.push(end(Side::Server));
        }
        accounts.insert(4, Default::default());
        let mut found = Found::default();
        found.add(&accounts, &[], times);
        assert_eq!((found.alarms, found.dead, found.missing), (2, 2, 1));
        assert!(found.words[0].contains("client 3"), "{:?}", found.words);
    }
}
