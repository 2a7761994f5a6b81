//! The faults, as data: what is done, who must notice it and how, and what that rests on.

use everbeat_faults::{Direction, Fault};

use crate::args::Mechanism;
use crate::note::By;
use crate::settings;

/// One fault and what is expected of it
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trial {
    pub(crate) name: &'static str,
    pub(crate) deed: Deed,
    pub(crate) notice: Notice,
    /// What the clients' kernel has evidence of, where one is asked that knows the path
    pub(crate) by: Option<By>,
    /// What it cannot be passed without
    pub(crate) needs: &'static [Mechanism],
}

/// What is done
#[derive(Clone, Copy, Debug)]
pub(crate) enum Deed {
    /// This is done to the client's road until it was noticed
    Road(Fault),
    /// What the clients say is lost on the road, until it was noticed; their acknowledgements pass
    Payload,
    /// The clients' host loses its addresses, until it was noticed
    Addresses,
    /// The server is stopped with SIGSTOP until it was noticed: its kernel goes on acknowledging
    Stop,
    /// A peer stops to read
    Sloth,
    /// The server is killed with SIGKILL, and started again on the same port
    Kill,
    /// The same, with many clients connected to it
    Crowd,
    /// The road leads to a server that accepts and then closes, for a while
    Flapping,
    /// The road is slow for a while, and one end silent at a time
    Slow,
}

/// Who must notice
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Notice {
    /// Client and server, each by the silence
    Both,
    /// Client and server, one by the silence, the other likewise or by its hanging up
    Either,
    /// The server by the silence, the client by the server's hanging up
    ServerThenClient,
    /// The client by the silence, the server by the client's hanging up
    ClientThenServer,
    /// Client and server, as fast as the kernels tell
    Told,
    /// The server, that nothing gets out
    Server,
    /// Both clients, as fast as the kernels tell
    Clients,
    /// Both clients, by the silence
    Hung,
    /// Nobody: it is no fault
    Nobody,
}

use Mechanism::{Backoff, Expiry, Heartbeat, Jitter, Queue};

pub(crate) const TRIALS: [Trial; 10] = [
    Trial {
        name: "black hole, both ways",
        deed: Deed::Road(Fault::BlackHole(Direction::Both)),
        notice: Notice::Both,
        by: None,
        needs: &[Heartbeat, Expiry],
    },
    Trial {
        name: "black hole, to the server",
        deed: Deed::Road(Fault::BlackHole(Direction::ToServer)),
        notice: Notice::ServerThenClient,
        by: None,
        needs: &[Expiry],
    },
    Trial {
        name: "black hole, to the client",
        deed: Deed::Road(Fault::BlackHole(Direction::ToClient)),
        notice: Notice::ClientThenServer,
        by: None,
        needs: &[Heartbeat],
    },
    Trial {
        name: "reset",
        deed: Deed::Road(Fault::Reset),
        notice: Notice::Told,
        by: None,
        needs: &[],
    },
    Trial {
        name: "half-close, to the client",
        deed: Deed::Road(Fault::HalfClose(Direction::ToClient)),
        notice: Notice::Told,
        by: None,
        needs: &[],
    },
    Trial {
        name: "a peer that stops reading",
        deed: Deed::Sloth,
        notice: Notice::Server,
        by: None,
        needs: &[Expiry],
    },
    Trial {
        name: "server killed and restarted",
        deed: Deed::Kill,
        notice: Notice::Clients,
        by: None,
        needs: &[Queue],
    },
    Trial {
        name: "the same, with 50 clients",
        deed: Deed::Crowd,
        notice: Notice::Clients,
        by: None,
        needs: &[Jitter],
    },
    Trial {
        name: "a server that accepts and then closes",
        deed: Deed::Flapping,
        notice: Notice::Nobody,
        by: None,
        needs: &[Backoff],
    },
    Trial {
        name: "600 ms of delay, each way",
        deed: Deed::Slow,
        notice: Notice::Nobody,
        by: None,
        needs: &[],
    },
];

/// On hosts: what a proxy cannot do, or does not show to a kernel
pub(crate) const ON_HOSTS: [Trial; 8] = [
    Trial {
        name: "black hole, both ways",
        deed: Deed::Road(Fault::BlackHole(Direction::Both)),
        notice: Notice::Both,
        by: Some(By::Path),
        needs: &[Heartbeat, Expiry],
    },
    // Without acknowledgements the other direction dries up too.
    Trial {
        name: "black hole, to the server",
        deed: Deed::Road(Fault::BlackHole(Direction::ToServer)),
        notice: Notice::Either,
        by: None,
        needs: &[],
    },
    Trial {
        name: "black hole, to the client",
        deed: Deed::Road(Fault::BlackHole(Direction::ToClient)),
        notice: Notice::Either,
        by: Some(By::Path),
        needs: &[],
    },
    Trial {
        name: "payload lost, to the server",
        deed: Deed::Payload,
        notice: Notice::Either,
        by: Some(By::OneWay),
        needs: &[],
    },
    Trial {
        name: "the clients' address removed",
        deed: Deed::Addresses,
        notice: Notice::Both,
        by: Some(By::Path),
        needs: &[Heartbeat, Expiry],
    },
    Trial {
        name: "server's process stopped",
        deed: Deed::Stop,
        notice: Notice::Hung,
        by: Some(By::App),
        needs: &[Heartbeat],
    },
    Trial {
        name: "reset",
        deed: Deed::Road(Fault::Reset),
        notice: Notice::Told,
        by: None,
        needs: &[],
    },
    Trial {
        name: "server killed and restarted",
        deed: Deed::Kill,
        notice: Notice::Clients,
        by: None,
        needs: &[Queue],
    },
];

impl Trial {
    /// The list to run: with a mechanism broken, what rests on it comes first
    pub(crate) fn all(broken: Option<Mechanism>, netns: bool) -> Vec<Self> {
        let mut trials = if netns { ON_HOSTS.to_vec() } else { TRIALS.to_vec() };
        trials.sort_by_key(|trial| !broken.is_some_and(|broken| trial.needs.contains(&broken)));
        trials
    }

    /// When it must have been noticed, if the machine were never late
    pub(crate) const fn allowed(&self) -> std::time::Duration {
        match self.notice {
            Notice::Told | Notice::Clients => settings::TOLD,
            _ => settings::SILENCE,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_bound_is_looser_than_promised() {
        let longest = std::time::Duration::from_secs(6);
        let mut all = TRIALS.iter().chain(&ON_HOSTS);
        assert!(all.all(|trial| trial.allowed() + settings::STALLED <= longest));
    }

    #[test]
    fn a_broken_mechanism_is_missed_at_once() {
        for broken in [Heartbeat, Backoff, Expiry, Jitter, Queue] {
            assert!(Trial::all(Some(broken), false)[0].needs.contains(&broken));
        }
        for (netns, list) in [(false, &TRIALS[..]), (true, &ON_HOSTS)] {
            let names = Trial::all(None, netns).into_iter().map(|trial| trial.name);
            assert!(names.eq(list.iter().map(|trial| trial.name)));
        }
    }
}
