//! Runs that are as they must be, and each way in which they are not.

use super::*;
use crate::note::End;
use crate::schedule::{Schedule, Ways};

const SECOND: Duration = Duration::from_secs(1);
/// When the one fault begins
const BEGIN: Duration = Duration::from_secs(10);

/// A fault from 10 s to 18 s, and both sides connected at 1 s
fn lane(kind: Kind) -> Lane {
    let windows = Schedule::new(1, SECOND * 900).windows;
    let window = windows.into_iter().find(|window| window.kind == kind).unwrap();
    let happened = vec![Happened { window, begin: BEGIN, end: BEGIN + SECOND * 8 }];
    let mut lane = Lane { happened, closing: SECOND * 30, ..Lane::default() };
    lane.up(1.0, Side::Client, 0);
    lane.up(1.0, Side::Server, 1);
    lane
}

impl Lane {
    fn tell(&mut self, at: f64, side: Side, note: Note) {
        self.entries.push(Entry { at: Duration::from_secs_f64(at), side, note });
    }

    fn up(&mut self, at: f64, side: Side, number: u64) {
        self.tell(at, side, Note::Up(number));
    }

    fn down(&mut self, at: f64, side: Side, number: u64, how: How) {
        let end = End { how, sentence: "gone".into() };
        self.tell(at, side, Note::Down(number, end));
    }

    /// Both notice at that time, and the client is back at 20 s
    fn noticed(mut self, client: f64, server: f64) -> Self {
        self.down(client, Side::Client, 0, How::Dead);
        self.down(server, Side::Server, 1, How::Dead);
        self.up(20.0, Side::Client, 0);
        self.up(20.0, Side::Server, 2);
        self
    }
}

const HOLE: Kind = Kind::Hole(Ways::Both);

#[test]
fn a_death_that_both_notice_in_time_is_as_it_must_be() {
    let verdicts = lane(HOLE).noticed(14.9, 15.0).judge();
    assert_eq!(verdicts.findings.len(), 2);
    assert!(verdicts.findings.iter().all(Finding::held), "{:?}", verdicts.findings);
    assert_eq!(verdicts.findings[0].took, Some(Duration::from_millis(4_900)));
    assert!(verdicts.alarms.is_empty() && verdicts.astray.is_empty());
}

#[test]
fn a_death_that_one_side_notices_late_or_never_breaks_the_promise() {
    let held = |lane: Lane| lane.judge().findings.iter().map(Finding::held).collect::<Vec<_>>();
    assert_eq!(held(lane(HOLE).noticed(15.1, 15.0)), [false, true]);
    assert_eq!(held(lane(HOLE).noticed(15.0, 15.1)), [true, false]);
    assert_eq!(held(lane(HOLE)), [false, false]);
    // Whoever has ended before was not hit, and needs to notice nothing.
    let mut before = lane(HOLE);
    before.down(9.0, Side::Server, 1, How::Cut);
    assert_eq!(held(before), [false]);
}

#[test]
fn a_promise_is_held_but_for_the_lateness_of_its_time() {
    let late = |at: f64, millis| {
        let mut lane = lane(HOLE).noticed(15.3, 15.0);
        lane.late.push((Duration::from_secs_f64(at), Duration::from_millis(millis)));
        lane.judge()
    };
    assert!(late(12.0, 300).findings.iter().all(Finding::held));
    assert!(!late(12.0, 200).findings.iter().all(Finding::held));
    assert!(!late(3.0, 300).findings.iter().all(Finding::held), "it was late before");
    let stalled = late(12.0, 501);
    assert_eq!((stalled.findings.len(), stalled.stalled), (0, 1));
}

#[test]
fn a_process_that_is_stopped_is_late_by_that_and_another_is_not() {
    let late = |side| {
        let mut lane = lane(Kind::StopClient).noticed(18.5, 14.0);
        lane.tell(18.1, side, Note::Late(8_000));
        lane.judge().stalled
    };
    assert_eq!((late(Side::Client), late(Side::Server)), (0, 1));
    let jumped = |clocked| {
        let mut lane = lane(Kind::Jump);
        lane.clocked = clocked;
        lane.tell(10.1, Side::Client, Note::Late(3_600_000));
        lane.judge().stalled
    };
    assert_eq!((jumped(Some(Side::Client)), jumped(Some(Side::Server))), (0, 1));
}

#[test]
fn who_is_stopped_notices_when_it_goes_on() {
    let findings = lane(Kind::StopServer).noticed(14.0, 18.4).judge().findings;
    assert!(findings.iter().all(Finding::held), "{findings:?}");
    assert_eq!(findings[1].took, Some(Duration::from_millis(400)));
    let late = lane(Kind::StopServer).noticed(14.0, 23.1).judge();
    assert!(!late.findings[1].held());
    assert_eq!(late.alarms.len(), 1, "and that late it is no notice any more");
}

#[test]
fn an_end_on_a_path_that_was_fine_is_a_false_alarm() {
    for kind in [Kind::Far, Kind::Lossy, Kind::Bloat, Kind::Jump, Kind::PauseServer, Kind::Flap] {
        let verdicts = lane(kind).noticed(14.0, 14.0).judge();
        assert_eq!((verdicts.alarms.len(), verdicts.findings.len()), (2, 0), "{kind}");
    }
    let mut early = lane(HOLE).noticed(14.0, 14.0);
    early.down(9.9, Side::Client, 0, How::Dead);
    early.down(19.0, Side::Server, 1, How::Cut);
    assert_eq!(early.judge().alarms.len(), 2);
}

#[test]
fn whoever_came_behind_a_kill_was_not_killed() {
    for kind in [Kind::Kill, Kind::Renumber] {
        let mut lane = lane(kind);
        for (side, number, next) in [(Side::Client, 0, 0), (Side::Server, 1, 2)] {
            lane.down(10.1, side, number, How::Cut);
            lane.up(10.5, side, next);
            lane.down(13.0, side, next, How::Dead);
            lane.up(13.5, side, next);
        }
        let verdicts = lane.judge();
        assert_eq!((verdicts.findings.len(), verdicts.alarms.len()), (2, 2), "{kind}");
        assert!(verdicts.findings.iter().all(Finding::held));
    }
    // What goes on hits whoever comes.
    let mut refused = lane(Kind::Refuse);
    refused.down(10.1, Side::Client, 0, How::Cut);
    refused.up(10.5, Side::Client, 0);
    refused.down(13.0, Side::Client, 0, How::Cut);
    assert!(refused.judge().alarms.is_empty());
}

#[test]
fn who_watches_may_end_by_a_moment_without_a_link() {
    let mut watching = lane(Kind::Flap).noticed(10.1, 14.0);
    watching.watches = true;
    let verdicts = watching.judge();
    assert!(verdicts.alarms.is_empty() && verdicts.findings.is_empty());
}

#[test]
fn who_was_told_to_close_closes_and_is_not_dead() {
    for (how, alarms) in [(How::Closed, 0), (How::Dead, 1), (How::Cut, 1)] {
        let mut lane = lane(Kind::Far);
        lane.down(30.1, Side::Client, 0, how);
        assert_eq!(lane.judge().alarms.len(), alarms, "{how:?}");
    }
}

#[test]
fn a_client_that_does_not_come_back_in_time_is_astray() {
    let back = |at: f64| {
        let mut lane = lane(HOLE);
        lane.down(14.0, Side::Client, 0, How::Dead);
        lane.up(at, Side::Client, 0);
        lane.judge().astray.len()
    };
    assert_eq!((back(22.9), back(23.1)), (0, 1));
}
