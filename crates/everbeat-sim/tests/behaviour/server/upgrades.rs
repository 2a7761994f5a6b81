//! Accepting: a slow upgrade blocks nobody and ends, the number of upgrades is bounded, and an
//! acceptor that cannot accept is not asked in a spin.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use everbeat_core::transport::Accept;
use everbeat_server::{Limits, Server};
use everbeat_sim::net::SimListener;
use everbeat_sim::net::{PipeError, Upgrading};
use everbeat_sim::{Pipe, Sim};

use super::rig::{Builder, SECOND, noting, reading, seconds, start};

/// A listener that fails at first, and whose first upgrades never get on
pub(super) struct Troubled {
    inner: SimListener,
    failures: Rc<Cell<u32>>,
    asked: Rc<Cell<u32>>,
    slow: u32,
}

pub(super) enum Upgrade {
    Slow(#[expect(dead_code, reason = "held, as a socket is")] Upgrading),
    Prompt(Upgrading),
}

impl Accept for Troubled {
    type Transport = Pipe;
    type Facts = String;
    type Request = ();
    type Error = PipeError;
    type Upgrade = Upgrade;

    fn poll_accept(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Upgrade, PipeError>> {
        self.asked.set(self.asked.get() + 1);
        if self.failures.get() > 0 {
            self.failures.set(self.failures.get() - 1);
            return Poll::Ready(Err(PipeError::Closed));
        }
        let accepted = Pin::new(&mut self.inner).poll_accept(cx);
        accepted.map_ok(|upgrade| {
            let slow = self.slow > 0;
            self.slow = self.slow.saturating_sub(1);
            if slow { Upgrade::Slow(upgrade) } else { Upgrade::Prompt(upgrade) }
        })
    }
}

impl Future for Upgrade {
    type Output = Result<(Pipe, String, ()), PipeError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut *self {
            Self::Slow(_) => Poll::Pending,
            Self::Prompt(upgrade) => Pin::new(upgrade).poll(cx),
        }
    }
}

pub(super) fn troubled(sim: &Sim, failures: u32, slow: u32) -> (Rc<Cell<u32>>, Builder<Troubled>) {
    let asked = Rc::new(Cell::new(0));
    let acceptor = Troubled {
        inner: sim.listen("server"),
        failures: Rc::new(Cell::new(failures)),
        asked: asked.clone(),
        slow,
    };
    (asked, Server::over(acceptor, sim.timer(), sim.handle(), 7))
}

#[test]
fn a_slow_upgrade_blocks_nobody_and_ends_in_time() {
    let mut sim = Sim::seed(1);
    let (_, builder) = troubled(&sim, 0, 3);
    let host = start(&sim, builder, noting(&sim).1);
    let handle = sim.handle();
    let slow: Vec<_> = (0..3)
        .map(|n| {
            let (sim, host) = (handle.clone(), format!("slow{n}"));
            let dialled = super::rig::dial(sim.clone(), host);
            handle.spawn(async move {
                assert!(dialled.await.is_none());
                sim.now()
            })
        })
        .collect();
    sim.run_for(SECOND / 10).unwrap();
    let (_heard, _reader) = reading(&sim, "prompt");
    sim.run_for(SECOND / 10).unwrap();
    assert_eq!(host.registry.len(), 1);
    assert_eq!(host.wheel.len(), 3 + 1, "a deadline each, and the connection's beat");
    sim.run_for(9 * SECOND).unwrap();
    assert!(slow.iter().all(|task| !task.is_finished()));
    sim.run_for(SECOND).unwrap();
    for task in &slow {
        assert!(task.take().unwrap() <= seconds(10.1));
    }
    assert_eq!((host.registry.len(), host.wheel.len()), (1, 1));
}

#[test]
fn the_number_of_upgrades_is_bounded() {
    let mut sim = Sim::seed(2);
    let (asked, builder) = troubled(&sim, 0, 2);
    let host = start(
        &sim,
        builder.limits(Limits::default().upgrades(2)).handshake_timeout(3 * SECOND),
        noting(&sim).1,
    );
    for n in 0..2 {
        sim.spawn(super::rig::dial(sim.handle(), format!("slow{n}")));
    }
    sim.run_for(SECOND / 10).unwrap();
    let (_heard, _reader) = reading(&sim, "prompt");
    let full = asked.get();
    sim.run_for(2 * SECOND).unwrap();
    assert_eq!((host.registry.len(), asked.get()), (0, full), "it waits in the backlog");
    sim.run_for(2 * SECOND).unwrap();
    assert_eq!(host.registry.len(), 1);
}

#[test]
fn an_acceptor_that_fails_is_asked_again_after_growing_pauses() {
    let mut sim = Sim::seed(3);
    let (asked, builder) = troubled(&sim, 7, 0);
    let host = start(&sim, builder, noting(&sim).1);
    let (_heard, _reader) = reading(&sim, "patient");
    // 50, 100, 200, 400 and 800 ms, then a second each.
    sim.run_for(3 * SECOND).unwrap();
    assert_eq!((asked.get(), host.registry.len()), (7, 0));
    sim.run_for(SECOND).unwrap();
    assert_eq!(host.registry.len(), 1);
    assert!(asked.get() < 20, "{} times", asked.get());
}
