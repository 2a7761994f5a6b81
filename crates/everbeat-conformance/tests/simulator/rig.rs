//! The simulator as a subject, whole or with one fault.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use everbeat_conformance::contracts::{Host, Job, Local, Subject};
use everbeat_sim::{Sim, SimHandle};

use crate::meeting::{Acceptor, Connector};
use crate::timer::Clock;
use crate::transport::Wire;

/// What is broken
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    ClockGoesBack,
    CloneIsAnotherClock,
    Early,
    PastNeverComes,
    Wraps,
    Disorder,
    ForgetsDeadline,
    IgnoresLater,
    IgnoresEarlier,
    OverForEver,
    ReadyOnce,
    FirstSleepWaker,
    WakesAfterDrop,
    NoSpawn,
    PollsOnce,
    LosesEmpty,
    LosesPong,
    LosesReply,
    PingWaits,
    CloseWaits,
    PongWaits,
    KeepsOldPing,
    FlushLies,
    FirstRecvWaker,
    CountsWholeMessages,
    HalfSent,
    PathBeyondSent,
    ClosesUnflushed,
    ClosesAtOnce,
    DeafAfterError,
    CutIsPolite,
    CountsOwnAside,
    ClosesWithReset,
    PanicsAfterEnd,
    DropSaysClose,
    AbortDoesNothing,
    ReleasesTooMuch,
    SecondAttemptFails,
    NeverRefused,
    LeaksAttempts,
    RefusesSettings,
    OneUpgradeAtATime,
    TellsOfOne,
    FirstAcceptWaker,
    LeaksUpgrades,
}

/// A simulation for each check, with this fault
pub(crate) struct Place(pub(crate) Option<Fault>);

/// The simulator, with this fault
#[derive(Clone)]
pub(crate) struct Rig {
    handle: SimHandle,
    fault: Option<Fault>,
}

impl Host for Place {
    type Subject = Rig;

    fn run(&self, check: fn(Rig) -> Local<()>) {
        let mut sim = Sim::seed(7);
        let rig = Rig { handle: sim.handle(), fault: self.0 };
        sim.block_on(check(rig), Duration::from_secs(3_600)).unwrap();
    }
}

impl Subject for Rig {
    type Timer = Clock;
    type Transport = Wire;
    type Connector = Connector;
    type Acceptor = Acceptor;

    fn timer(&self) -> Clock {
        Clock::new(self.handle.timer(), self.fault)
    }

    fn wait(&self, time: Duration) -> Local<()> {
        Box::pin(self.handle.sleep(time))
    }

    fn spawn(&self, mut job: Job) {
        match self.fault {
            Some(Fault::NoSpawn) => {}
            Some(Fault::PollsOnce) => drop(self.handle.spawn(poll_fn(move |cx| {
                let _whether = job.as_mut().poll(cx);
                Poll::Ready(())
            }))),
            _ => drop(self.handle.spawn(job)),
        }
    }

    fn listen(&self) -> Local<(Acceptor, Connector)> {
        let acceptor = Acceptor::new(self.handle.listen("server"), self.fault);
        let connector = Connector::new(self.handle.connector("server"), self.fault);
        Box::pin(async { (acceptor, connector) })
    }

    fn refused(&self) -> Local<Connector> {
        let mut connector = Connector::new(self.handle.connector("nobody"), self.fault);
        connector.refused = true;
        Box::pin(async { connector })
    }
}
