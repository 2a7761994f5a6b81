//! Which ends of connections a fault explains; every other end is a false alarm. Pure.

use crate::note::{How, Who};
use crate::trials::Notice;

/// Which ends a fault explains
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Causes {
    Nothing,
    Fault(Notice),
    /// The road leads to a server that closes
    Flapping,
    /// The play is over
    Everything,
}

impl Causes {
    /// Whether `observer` may say that its connection with `peer` ended, and ended so
    pub(crate) fn explain(self, observer: Who, peer: Who, how: How) -> bool {
        let notice = match self {
            Self::Nothing => return false,
            Self::Everything => return how != How::Dead,
            Self::Flapping => return peer.is_client() && how != How::Dead,
            Self::Fault(notice) => notice,
        };
        let concerned = match peer {
            Who::Client(_) => !matches!(notice, Notice::Server | Notice::Nobody),
            Who::Witness => matches!(notice, Notice::Clients | Notice::Hung),
            Who::Sloth => notice == Notice::Server,
            _ => false,
        };
        let deaf = match notice {
            Notice::Both | Notice::Either => true,
            Notice::Hung => observer != Who::Server,
            Notice::ServerThenClient | Notice::Server => observer == Who::Server,
            Notice::ClientThenServer => observer.is_client(),
            Notice::Told | Notice::Clients | Notice::Nobody => false,
        };
        concerned && (how != How::Dead || deaf)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtimes::Runtime;

    const CLIENT: Who = Who::Client(Runtime::Tokio);

    #[test]
    fn without_a_fault_every_end_is_an_alarm() {
        for how in [How::Dead, How::Cut, How::Closed, How::Other] {
            assert!(!Causes::Nothing.explain(Who::Server, CLIENT, how));
            assert!(!Causes::Fault(Notice::Nobody).explain(CLIENT, CLIENT, how));
        }
    }

    #[test]
    fn only_the_deaf_end_may_say_dead() {
        let hole = Causes::Fault(Notice::ServerThenClient);
        assert!(hole.explain(Who::Server, CLIENT, How::Dead));
        assert!(!hole.explain(CLIENT, CLIENT, How::Dead));
        assert!(hole.explain(CLIENT, CLIENT, How::Cut));
        let both = Causes::Fault(Notice::Both);
        assert!(both.explain(CLIENT, CLIENT, How::Dead));
        assert!(!Causes::Flapping.explain(CLIENT, CLIENT, How::Dead));
        assert!(!Causes::Everything.explain(Who::Server, Who::Witness, How::Dead));
    }

    #[test]
    fn a_server_that_hangs_is_found_dead_and_finds_nobody_dead() {
        let hung = Causes::Fault(Notice::Hung);
        assert!(hung.explain(CLIENT, CLIENT, How::Dead));
        assert!(hung.explain(Who::Witness, Who::Witness, How::Dead));
        assert!(hung.explain(Who::Server, Who::Witness, How::Cut));
        assert!(!hung.explain(Who::Server, CLIENT, How::Dead));
        let either = Causes::Fault(Notice::Either);
        assert!(either.explain(CLIENT, CLIENT, How::Dead));
        assert!(either.explain(Who::Server, CLIENT, How::Dead));
        assert!(!either.explain(Who::Witness, Who::Witness, How::Dead));
    }

    #[test]
    fn the_witness_is_concerned_only_when_the_server_goes() {
        let cut = |notice| Causes::Fault(notice).explain(Who::Witness, Who::Witness, How::Cut);
        assert!(cut(Notice::Clients));
        assert!(!cut(Notice::Both) && !cut(Notice::Told) && !cut(Notice::Server));
    }
}
