//! The clients: what each is doing, and its policy.

use std::time::Duration;

use everbeat_core::time::Instant;
use fastrand::Rng;

use super::{BEGIN, Setup};
use crate::policy::Policy;

/// All clients
pub(super) struct Crowd {
    clients: Vec<Client>,
    nobody: Client,
}

pub(super) struct Client {
    pub(super) policy: Policy,
    pub(super) state: State,
    /// The number of its latest attempt, and when that began
    pub(super) attempt: u32,
    pub(super) began: Instant,
    /// How many SYNs of it were not answered
    pub(super) syns: usize,
    /// After how many seconds it was told to come back
    pub(super) slot: u32,
    /// When it lost its connection
    pub(super) lost: Instant,
    road: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Connected,
    Waiting,
    Dialling,
}

impl Crowd {
    /// Everybody is connected
    pub(super) fn new(setup: &Setup) -> Self {
        let mut rng = Rng::with_seed(setup.seed);
        let (least, most) = setup.roads;
        let mut client = |number: u32| Client {
            policy: Policy::new(setup.kind_of(number), rng.u64(..)),
            state: State::Connected,
            attempt: 0,
            began: BEGIN,
            syns: 0,
            slot: 0,
            lost: BEGIN,
            road: Duration::from_secs_f64((least + (most - least) * rng.f64()) / 1_000.0),
        };
        Self { clients: (0..setup.clients).map(&mut client).collect(), nobody: client(0) }
    }

    /// One of them
    pub(super) fn at(&mut self, client: u32) -> &mut Client {
        self.clients.get_mut(client as usize).unwrap_or(&mut self.nobody)
    }

    pub(super) fn road(&self, client: u32) -> Duration {
        self.clients.get(client as usize).unwrap_or(&self.nobody).road
    }

    /// Whether this is an attempt that goes on
    pub(super) fn is_dialling(&self, client: u32, attempt: u32) -> bool {
        self.clients
            .get(client as usize)
            .is_some_and(|one| one.state == State::Dialling && one.attempt == attempt)
    }
}
