//! A crowd and a server that restarts, event by event: TCP's handshake with its retries, the kernel's
//! backlog, upgrades that are done one after the other, and clients that give up.
//!
//! Not simulated: bytes. An upgrade is so much work, a packet so long on its way.

mod agenda;
mod crowd;
mod server;

use std::time::Duration;

use everbeat_core::Cause;
use everbeat_core::cause::{CloseCode, CloseFrame, Cut};
use everbeat_core::time::Instant;
use everbeat_server::storm::{Plan, Turn};

use self::agenda::{Agenda, Event, What};
use self::crowd::{Crowd, State};
use self::server::Server;
use crate::outcome::Outcome;
use crate::policy::Kind;

/// When it happens: clients have been connected for an hour
pub(crate) const BEGIN: Instant = Instant::from_nanos(3_600 * 1_000_000_000);
/// How long a client waits for an attempt
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
/// After how long it is seen that some will never be back
pub(crate) const HORIZON: Duration = Duration::from_secs(25 * 60);
/// When a SYN that nobody answers is sent again, from the first on (Linux, and RFC 6298)
const SYN_AGAIN: [Duration; 4] = [
    Duration::from_secs(1),
    Duration::from_secs(3),
    Duration::from_secs(7),
    Duration::from_secs(15),
];
/// How long a packet is on its way, by client, in milliseconds
pub(crate) const ROADS: (f64, f64) = (5.0, 50.0);

/// One restart
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) clients: u32,
    /// Upgrades a second
    pub(crate) capacity: u32,
    pub(crate) backlog: u32,
    /// Whether the server gives slots to those for whom it has no time
    pub(crate) slots: bool,
    pub(crate) kind: Kind,
    /// What every other client has instead
    pub(crate) others: Option<Kind>,
    pub(crate) way: Way,
    /// When the successor listens, from the beginning on
    pub(crate) opens: Duration,
    /// The least and the longest that a packet is on its way, in milliseconds
    pub(crate) roads: (f64, f64),
    pub(crate) seed: u64,
}

impl Setup {
    fn kind_of(&self, client: u32) -> Kind {
        self.others.filter(|_| client % 2 == 1).unwrap_or(self.kind)
    }
}

/// How the old server goes
#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
    /// At once, without a word
    Crash,
    /// It says 1012 to all, at once
    Together,
    /// It says 1012 to each in its turn
    InTurn(Plan),
}

struct World<'a> {
    setup: &'a Setup,
    agenda: Agenda,
    crowd: Crowd,
    server: Server,
    opens: Instant,
    outcome: Outcome,
    /// Who is not back yet
    away: u32,
}

/// What becomes of it
pub(crate) fn run(setup: &Setup) -> Outcome {
    let opens = BEGIN + setup.opens;
    let mut world = World {
        setup,
        agenda: Agenda::new(BEGIN),
        crowd: Crowd::new(setup),
        server: Server::new(setup),
        opens,
        outcome: Outcome::new(setup.clients),
        away: setup.clients,
    };
    for client in 0..setup.clients {
        let left = match setup.way {
            Way::Crash | Way::Together => BEGIN,
            Way::InTurn(plan) => BEGIN + plan.leave(client as usize).at,
        };
        world.agenda.add(left + world.crowd.road(client), What::Lost, client, 0);
    }
    while let Some(event) = world.agenda.next() {
        if event.at > opens + HORIZON || world.away == 0 {
            break;
        }
        world.handle(event);
    }
    world.outcome.finish();
    world.outcome
}

impl World<'_> {
    fn handle(&mut self, event: Event) {
        let Event { at: now, what, client, attempt } = event;
        let current = self.crowd.is_dialling(client, attempt);
        match what {
            What::Lost => {
                self.crowd.at(client).lost = now;
                let cause = self.farewell(client);
                self.ended(client, &cause, now);
            }
            What::Begin => self.begin(client, now),
            What::Syn if current => self.syn(client, attempt, now),
            What::Refused if current => {
                self.ended(client, &Cause::Unreachable { detail: "".into() }, now);
            }
            What::Busy if current => {
                let seconds = self.crowd.at(client).slot;
                let retry_after = Some(Duration::from_secs(seconds.into()));
                self.ended(client, &Cause::Rejected { status: 503, retry_after }, now);
            }
            What::GiveUp if current => {
                self.ended(client, &Cause::TimedOut { limit: PATIENCE }, now);
            }
            What::Up if current => self.connected(client, now),
            What::Up => self.outcome.for_nobody += 1,
            What::Done => {
                self.server.idle();
                self.serve(now);
            }
            What::Upgraded => {
                self.answer(What::Up, client, attempt, now);
                self.server.idle();
                self.serve(now);
            }
            // Of an attempt that its client has given up
            What::Syn | What::Refused | What::Busy | What::GiveUp => {}
        }
    }

    /// Why a connection of the old server ended, as its client sees it
    fn farewell(&self, client: u32) -> Cause {
        match self.setup.way {
            Way::Crash => Cause::Cut { how: Cut::Reset, detail: "".into() },
            Way::Together => Cause::from(Some(CloseCode::RESTART.into())),
            Way::InTurn(plan) => {
                let frame = CloseFrame::from(plan.leave(client as usize).window);
                Cause::from(Some(frame))
            }
        }
    }

    /// A connection ended or an attempt failed
    fn ended(&mut self, client: u32, cause: &Cause, now: Instant) {
        let one = self.crowd.at(client);
        one.state = State::Waiting;
        if let Some(at) = one.policy.handle_end(cause, now) {
            let attempt = one.attempt;
            self.agenda.add(at, What::Begin, client, attempt);
        }
    }

    fn begin(&mut self, client: u32, now: Instant) {
        let road = self.crowd.road(client);
        let one = self.crowd.at(client);
        one.attempt += 1;
        (one.state, one.began, one.syns) = (State::Dialling, now, 0);
        let attempt = one.attempt;
        self.outcome.attempt((now + road).saturating_duration_since(BEGIN));
        self.send_syn(client, attempt, now);
    }

    fn send_syn(&mut self, client: u32, attempt: u32, now: Instant) {
        self.outcome.syns += 1;
        self.answer(What::Syn, client, attempt, now);
    }

    /// A SYN has arrived
    fn syn(&mut self, client: u32, attempt: u32, now: Instant) {
        if now < self.opens {
            self.answer(What::Refused, client, attempt, now);
            return;
        }
        let one = self.crowd.at(client);
        let give_up = one.began + PATIENCE;
        if self.server.enqueue(client, attempt) {
            self.agenda.add(give_up, What::GiveUp, client, attempt);
            self.serve(now);
            return;
        }
        let again = SYN_AGAIN.get(one.syns).map(|delay| one.began + *delay);
        one.syns += 1;
        match again.filter(|again| *again < give_up) {
            Some(again) => self.send_syn(client, attempt, again),
            None => self.agenda.add(give_up, What::GiveUp, client, attempt),
        }
    }

    /// The server takes from its backlog, if it is idle
    fn serve(&mut self, now: Instant) {
        while let Some((client, attempt)) = self.server.take() {
            match self.server.turn(now) {
                None => {
                    // It does the upgrade itself, whether or not its client is still there
                    let done = now + self.server.upgrade();
                    self.agenda.add(done, What::Upgraded, client, attempt);
                    self.server.busy();
                }
                Some(Turn::Now) => {
                    let done = self.server.begin(now);
                    self.answer(What::Up, client, attempt, done);
                }
                Some(Turn::After { seconds }) => {
                    let done = now + Server::REFUSAL;
                    self.outcome.refused += 1;
                    self.crowd.at(client).slot = seconds;
                    self.answer(What::Busy, client, attempt, done);
                    self.agenda.add(done, What::Done, client, attempt);
                    self.server.busy();
                }
                Some(_) => {}
            }
        }
    }

    /// Something is sent to or by a client, and arrives
    fn answer(&mut self, what: What, client: u32, attempt: u32, sent: Instant) {
        self.agenda.add(sent + self.crowd.road(client), what, client, attempt);
    }

    fn connected(&mut self, client: u32, now: Instant) {
        let one = self.crowd.at(client);
        one.state = State::Connected;
        one.policy.handle_connected(now);
        let lost = one.lost;
        self.away -= 1;
        let since = now.saturating_duration_since(self.opens);
        self.outcome.connected(since, now.saturating_duration_since(lost));
    }
}

#[cfg(test)]
mod tests {
    use everbeat_server::storm::Restart;

    use super::*;

    pub(super) fn setup(kind: Kind) -> Setup {
        Setup {
            clients: 2_000,
            capacity: 200,
            backlog: 4_096,
            slots: false,
            kind,
            others: None,
            way: Way::Crash,
            opens: Duration::from_secs(5),
            roads: ROADS,
            seed: 1,
        }
    }

    #[test]
    fn the_same_seed_has_the_same_outcome_and_another_has_not() {
        let once = run(&setup(Kind::FullJitter));
        assert_eq!(once, run(&setup(Kind::FullJitter)));
        assert_ne!(once, run(&Setup { seed: 2, ..setup(Kind::FullJitter) }));
    }

    /// A queue that is never empty, up to those who wait long: 1,000 of 2,000 at 200 a second
    #[test]
    fn the_server_works_as_fast_as_it_can() {
        for kind in [Kind::Fixed, Kind::SocketIo, Kind::Everbeat] {
            let outcome = run(&setup(kind));
            let half = outcome.back(0.5).unwrap();
            assert!((5.0..5.6).contains(&half), "{kind:?}: {half} s");
        }
    }

    #[test]
    fn whoever_finds_the_server_down_is_refused_and_comes_again() {
        let outcome = run(&Setup { capacity: 100_000, ..setup(Kind::Fixed) });
        // After 1, 2, 3, 4 and 5 s and a little
        assert!((5.0..=6.0).contains(&outcome.attempts_each()), "{}", outcome.attempts_each());
        assert_eq!(outcome.syns, outcome.attempts);
    }

    #[test]
    fn who_finds_no_room_sends_his_syn_again_after_1_3_and_7_seconds() {
        // All at once after 1 s: one is served, 100 wait, the others find no room
        let crowded = Setup {
            backlog: 100,
            opens: Duration::ZERO,
            way: Way::Together,
            roads: (10.0, 10.0),
            clients: 1_000,
            ..setup(Kind::Fixed)
        };
        let outcome = run(&crowded);
        let by = [1.6, 2.6, 4.6, 8.6, 11.9].map(|second| outcome.back_by(second));
        assert_eq!(by, [0.101, 0.202, 0.303, 0.404, 0.404]);
        assert_eq!(outcome.share_back(), 1.0, "after 10 s they give up and begin again");
    }

    /// The backlog is 20 s of work, and clients wait for 10
    #[test]
    fn a_backlog_that_is_longer_than_its_clients_patience_serves_the_gone() {
        let many = Setup { clients: 20_000, ..setup(Kind::FullJitter) };
        let collapsed = run(&many);
        assert_eq!(collapsed.back(0.5), None, "{:?}", collapsed.back(0.5));
        assert!(collapsed.for_nobody > 100_000, "{}", collapsed.for_nobody);
        let advised = run(&Setup { backlog: 1_000, ..many.clone() });
        assert!(advised.back(1.0).is_some());
        let obeying = Setup { slots: true, kind: Kind::Everbeat, ..many };
        let mixed = run(&Setup { others: Some(Kind::SocketIo), ..obeying.clone() });
        assert!(mixed.back(0.99).unwrap() < 1.5 * 100.0, "{:?}", mixed.back(0.99));
        let slots = run(&obeying);
        let last = slots.back(1.0).unwrap();
        assert!(last < 20_000.0 / 200.0 / 0.9 + 15.0, "{last}");
        assert!(slots.for_nobody < 100, "{}", slots.for_nobody);
    }

    #[test]
    fn in_turn_each_comes_once_and_evenly() {
        let plan = Restart::per_second(200).plan(2_000, Duration::from_secs(5));
        let way = Way::InTurn(plan);
        let outcome = run(&Setup { way, opens: Duration::ZERO, ..setup(Kind::Everbeat) });
        assert_eq!((outcome.attempts, outcome.syns), (2_000, 2_000));
        assert!(outcome.peak(10) <= 200.0, "{}", outcome.peak(10));
        // Who has a turn within 4 s is served until then
        assert!(outcome.away(0.3).unwrap() < 0.4);
    }
}
