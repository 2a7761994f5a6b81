//! The contracts on the simulator, which keeps them all, and on implementations that each break
//! one: a line that no broken implementation fails would check nothing.

#![expect(clippy::unwrap_used, reason = "a failed helper fails its test")]

mod meeting;
mod rig;
mod timer;
mod transport;

use std::collections::BTreeSet;

use everbeat_conformance::contracts::{broken, hold, lines};
use rig::{Fault, Place, Rig};

/// Each fault and the lines that it breaks: one, unless what it breaks is what another rests on
const BROKEN: &[(Fault, &[&str])] = &[
    (Fault::ClockGoesBack, &["timer: now never goes back"]),
    (Fault::CloneIsAnotherClock, &["timer: a clone tells the same time"]),
    (Fault::Early, &["timer: a sleep never completes before its deadline"]),
    (Fault::PastNeverComes, &["timer: a deadline that has passed completes"]),
    (Fault::Wraps, &["timer: deadlines beyond the range are split, not wrapped"]),
    (Fault::Disorder, &["timer: sleeps complete in the order of their deadlines"]),
    (Fault::ForgetsDeadline, &["sleep: it knows the deadline that it was given last"]),
    (Fault::IgnoresLater, &["sleep: reset to later, before completion"]),
    (Fault::IgnoresEarlier, &["sleep: reset to earlier, before completion"]),
    (Fault::OverForEver, &["sleep: reset after completion"]),
    (Fault::ReadyOnce, &["sleep: polled again after completion it is ready"]),
    (Fault::FirstSleepWaker, &["sleep: the waker of the latest poll is woken"]),
    (Fault::WakesAfterDrop, &["sleep: dropped, it wakes nobody"]),
    (
        Fault::NoSpawn,
        &[
            "spawn: a future runs though nobody waits for it",
            "spawn: a future goes on when it is woken",
        ],
    ),
    (Fault::PollsOnce, &["spawn: a future goes on when it is woken"]),
    (Fault::LosesEmpty, &["transport: messages arrive whole and in order"]),
    (
        Fault::LosesPong,
        &[
            "transport: a Ping is reported, and answered with its payload",
            "transport: a Ping amid a message is answered before its end",
        ],
    ),
    (
        Fault::LosesReply,
        &[
            "transport: a Close is reported, and answered",
            "transport: a server closes first, and a client after it",
        ],
    ),
    (
        Fault::PingWaits,
        &[
            "transport: a Ping needs no readiness and overtakes a message's rest",
            "transport: a Ping amid a message is answered before its end",
        ],
    ),
    (Fault::PongWaits, &["transport: a Ping amid a message is answered before its end"]),
    (Fault::CloseWaits, &["transport: a Close needs no readiness and overtakes a message's rest"]),
    (Fault::CountsOwnAside, &["transport: own messages are not sent aside"]),
    (Fault::ClosesAtOnce, &["transport: a server closes first, and a client after it"]),
    (Fault::DeafAfterError, &["transport: after an error of sending, what was said is still read"]),
    (Fault::CutIsPolite, &["transport: an end without Close is a cut"]),
    (Fault::KeepsOldPing, &["transport: a newer Ping replaces one that waits"]),
    (Fault::FlushLies, &["transport: a flush waits for the operating system"]),
    (Fault::FirstRecvWaker, &["transport: the latest context is woken"]),
    (Fault::CountsWholeMessages, &["transport: received counts in mid-message"]),
    (Fault::HalfSent, &["transport: sent counts what the operating system took"]),
    (Fault::PathBeyondSent, &["transport: path evidence is on the scale of sent"]),
    (Fault::ClosesUnflushed, &["transport: closing flushes first"]),
    (Fault::ClosesWithReset, &["transport: closing loses no Close to unread bytes"]),
    (Fault::PanicsAfterEnd, &["transport: after the end it can be closed and aborted"]),
    (
        Fault::DropSaysClose,
        &["transport: dropping ends it without Close", "transport: an end without Close is a cut"],
    ),
    (Fault::AbortDoesNothing, &["transport: abort ends it without Close"]),
    (Fault::ReleasesTooMuch, &["transport: what was released goes on"]),
    (Fault::SecondAttemptFails, &["connector: each attempt yields a transport of its own"]),
    (Fault::NeverRefused, &["connector: an attempt where nobody listens fails, and is retried"]),
    (
        Fault::LeaksAttempts,
        &[
            "connector: dropping an attempt frees what it held",
            "acceptor: errors of one socket are not reported by accepting",
        ],
    ),
    (Fault::RefusesSettings, &["connector: settings that can be are not refused"]),
    (Fault::OneUpgradeAtATime, &["acceptor: a slow upgrade blocks nobody"]),
    (Fault::TellsOfOne, &["acceptor: errors of one socket are not reported by accepting"]),
    (Fault::FirstAcceptWaker, &["acceptor: the latest context is woken"]),
    (Fault::LeaksUpgrades, &["acceptor: dropping an upgrade ends its connection"]),
];

#[test]
fn the_simulator_keeps_every_line() {
    hold(&Place(None), lines());
}

#[test]
fn every_broken_implementation_is_found_by_its_line() {
    let mut wrong = Vec::new();
    for (fault, expected) in BROKEN {
        let found = broken(&Place(Some(*fault)), lines());
        let names = found.iter().map(|(name, _)| *name).collect::<Vec<_>>();
        if names != *expected {
            wrong.push((fault, found));
        }
    }
    assert!(wrong.is_empty(), "{} are found by other lines: {wrong:#?}", wrong.len());
}

#[test]
fn every_line_has_an_implementation_that_fails_it() {
    let failed = BROKEN.iter().flat_map(|(_, lines)| *lines).copied().collect::<BTreeSet<_>>();
    let all = lines::<Rig>().iter().map(|line| line.name).collect::<BTreeSet<_>>();
    assert_eq!(failed, all);
}
