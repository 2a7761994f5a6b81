//! A run in which all is well, and each thing that may be wrong with it.

use super::*;

fn good() -> Run {
    let mut run = Run { clients: 100, ..Run::default() };
    (run.found.sum.accepted, run.found.sum.answers) = (900, 200);
    (run.found.sum.delivered, run.found.sum.unconfirmed, run.found.sum.unsent) = (700, 150, 50);
    run.kinds = Kind::ALL.map(|kind| (kind, Count { times: 1, hit: 3, unnoticed: 0 })).into();
    run.ends = Ends {
        served: 150,
        joined: 150,
        stayed: 7,
        closed: 7,
        descriptors: Some((30, 30)),
        resident: Some((50 << 20, 51 << 20)),
        ..Ends::default()
    };
    run
}

/// The rows that were not met
fn missed(change: impl FnOnce(&mut Run)) -> Vec<String> {
    let mut run = good();
    change(&mut run);
    let missed = rows(&run).into_iter().filter(|row| row["met"] != true);
    missed.filter_map(|row| row["name"].as_str().map(String::from)).collect()
}

#[test]
fn all_is_well() {
    assert_eq!(missed(|_| {}), [""; 0]);
    assert!(is_valid(&good()));
}

#[test]
fn each_thing_that_is_wrong_misses_its_row() {
    type Change = fn(&mut Run);
    let changes: [(&str, Change); 31] = [
        ("messages accepted", |run| run.found.sum.accepted = 99),
        ("delivered", |run| run.found.sum.delivered = 0),
        ("unconfirmed", |run| run.found.sum.unconfirmed = 0),
        ("unsent", |run| run.found.sum.unsent = 0),
        ("refused", |run| run.found.sum.refused = 1),
        ("outcomes that do not add up", |run| run.found.sum.miscounted = 1),
        ("not handed back as counted", |run| run.found.sum.astray = 1),
        ("clients without an account", |run| run.found.missing = 1),
        ("lost: not received, and not handed back", |run| run.found.sum.lost = 1),
        ("received, but counted as unsent", |run| run.found.sum.ghosts = 1),
        ("received twice", |run| run.found.sum.duplicates = 1),
        ("received out of order", |run| run.found.sum.disorder = 1),
        ("answers sent", |run| run.found.sum.answers = 0),
        ("answers that do not add up", |run| run.found.sum.answers_miscounted = 1),
        ("answers delivered, but not received", |run| run.found.sum.answers_lost = 1),
        ("not connected at first", |run| run.never_up = 1),
        ("not connected again", |run| run.not_back = 1),
        ("all connected again after", |run| run.back_after = settings::BACK * 2),
        ("ended without a reason", |run| run.found.alarms = 1),
        ("reset", |run| run.kinds[0].1.hit = 0),
        ("broken, and not noticed in time", |run| run.kinds[3].1.unnoticed = 1),
        ("served, as handlers count", |run| run.ends.joined = 149),
        ("still registered before the shutdown", |run| run.ends.lingered = 1),
        ("closed by the shutdown", |run| run.ends.closed = 6),
        ("cut by the shutdown", |run| run.ends.cut = 1),
        ("still registered", |run| run.ends.registered = 1),
        ("tasks left", |run| run.ends.tasks = 1),
        ("tasks left on tokio", |run| run.ends.tokio_tasks = 1),
        ("descriptors, as before", |run| run.ends.descriptors = Some((30, 31))),
        ("allocated, more than before", |run| run.ends.heap = (0, ALLOCATED + 1024)),
        ("resident memory, more than before", |run| {
            run.ends.resident = Some((0, RESIDENT + BOOKED * 900 + 1024));
        }),
    ];
    for (row, change) in changes {
        assert_eq!(missed(change), [row]);
    }
}

#[test]
fn a_stall_is_no_verdict() {
    let mut run = good();
    run.late = settings::STALLED + Duration::from_millis(1);
    assert!(!is_valid(&run));
    assert_eq!(missed(|run| run.late = settings::STALLED * 2), ["lateness"]);
}

#[test]
fn memory_that_cannot_be_told_is_no_row() {
    let run = Run { ends: Ends { resident: None, descriptors: None, ..Ends::default() }, ..good() };
    let names = rows(&run);
    let told = |name: &str| names.iter().any(|row| row["name"] == name);
    assert!(!told("descriptors, as before") && !told("resident memory, more than before"));
    assert!(told("tasks left"));
}
