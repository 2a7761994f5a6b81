//! The rows: each with a goal and whether it was met. Pure.

use std::time::Duration;

use everbeat_support::rows::{at_least, at_most, millis, none, row, told};
use serde_json::Value;

use crate::found::{Count, Found};
use crate::plan::Kind;
use crate::settings;

/// How much more may be allocated after the run than before it
///
/// 0 to 17 KiB were seen: executors, reactors and pools hold what they held after the warm-up. The
/// bound is two of their tables, each of a few words for each of some thousand tasks, that double
/// once more; what each connection left behind would be seen from 20 bytes on, for a minute makes
/// 13,000 of them.
pub(crate) const ALLOCATED: u64 = 256 << 10;

/// How much more memory may be resident after the run than before it, beside what the books took
///
/// The allocator keeps what was freed, for the next one, so that this tells how high the run's
/// highest wave was over the warm-up's: 1 MiB for 500 clients, 10 for 2,000 in a minute. It is
/// here for what no allocator knows of, such as threads.
pub(crate) const RESIDENT: u64 = 8 << 20;
/// How much the books take for a message, while their vectors grow
pub(crate) const BOOKED: u64 = 64;

/// A run, whole
#[derive(Debug, Default)]
pub(crate) struct Run {
    pub(crate) clients: u64,
    pub(crate) found: Found,
    pub(crate) kinds: Vec<(Kind, Count)>,
    /// Clients that were not connected when nothing had gone wrong yet
    pub(crate) never_up: u64,
    /// Clients that were not connected again after the last fault, and how long the last one took
    pub(crate) not_back: u64,
    pub(crate) back_after: Duration,
    /// Connections that the clients made
    pub(crate) connected: u64,
    pub(crate) ends: Ends,
    pub(crate) late: Duration,
    /// The share of one processor that the run took, in percent
    pub(crate) busy: Option<u64>,
}

/// What was there when all had been told to end
#[derive(Debug, Default)]
pub(crate) struct Ends {
    /// Connections that the servers count, and handlers that began
    pub(crate) served: u64,
    pub(crate) joined: u64,
    /// Clients that stayed until the servers shut down, and connections that these closed and cut
    pub(crate) stayed: u64,
    pub(crate) closed: u64,
    pub(crate) cut: u64,
    /// In the registries: others than those who stay, before the shutdown; anybody, after it
    pub(crate) lingered: u64,
    pub(crate) registered: u64,
    pub(crate) tasks: u64,
    pub(crate) tokio_tasks: u64,
    /// Before the run and after it
    pub(crate) descriptors: Option<(u64, u64)>,
    pub(crate) heap: (u64, u64),
    pub(crate) resident: Option<(u64, u64)>,
}

/// All rows of a run
pub(crate) fn rows(run: &Run) -> Vec<Value> {
    let Run { found, ends, .. } = run;
    let sum = &found.sum;
    let mut rows = vec![
        at_least("messages accepted", sum.accepted, "messages", run.clients),
        at_least("delivered", sum.delivered, "messages", 1),
        at_least("unconfirmed", sum.unconfirmed, "messages", 1),
        at_least("unsent", sum.unsent, "messages", 1),
        at_least("answers sent", sum.answers, "messages", run.clients / settings::ANSWER_EVERY),
        none("clients without an account", found.missing, "clients"),
    ];
    rows.extend(sum.disagreements());
    rows.extend([
        none("not connected at first", run.never_up, "clients"),
        none("not connected again", run.not_back, "clients"),
        at_most(
            "all connected again after",
            millis(run.back_after),
            "ms",
            millis(settings::BACK + run.late),
        ),
        told("connections made", run.connected, "connections"),
        told("found dead", found.dead, "ends"),
        told("found cut", found.cut, "ends"),
        none("ended without a reason", found.alarms, "ends"),
    ]);
    for (kind, count) in &run.kinds {
        rows.push(at_least(&kind.to_string(), count.hit, "connections", 1));
    }
    let unnoticed = run.kinds.iter().map(|(_, count)| count.unnoticed).sum();
    rows.push(none("broken, and not noticed in time", unnoticed, "connections"));
    let Ends { served, joined, .. } = *ends;
    rows.extend([
        row("served, as handlers count", served, "connections", joined, served == joined),
        none("still registered before the shutdown", ends.lingered, "connections"),
        row("closed by the shutdown", ends.closed, "connections", ends.stayed, {
            ends.closed == ends.stayed && ends.stayed > 0
        }),
        none("cut by the shutdown", ends.cut, "connections"),
        none("still registered", ends.registered, "connections"),
        none("tasks left", ends.tasks, "tasks"),
        none("tasks left on tokio", ends.tokio_tasks, "tasks"),
    ]);
    rows.extend(ends.descriptors.map(|(before, after)| {
        row("descriptors, as before", after, "descriptors", before, before == after)
    }));
    let (before, after) = ends.heap;
    let growth = after.saturating_sub(before);
    rows.push(at_most("allocated, more than before", growth >> 10, "KiB", ALLOCATED >> 10));
    rows.extend(ends.resident.map(|(before, after)| {
        let growth = after.saturating_sub(before);
        let allowed = RESIDENT + BOOKED * sum.accepted;
        at_most("resident memory, more than before", growth >> 10, "KiB", allowed >> 10)
    }));
    rows.extend(run.busy.map(|busy| told("processors, of 100 each", busy, "%")));
    rows.push(at_most("lateness", millis(run.late), "ms", millis(settings::STALLED)));
    rows
}

/// Whether the machine kept up, so that the run says something
pub(crate) fn is_valid(run: &Run) -> bool {
    run.late <= settings::STALLED
}

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;
