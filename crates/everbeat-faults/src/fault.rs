//! What can go wrong, as data: [`Fault`] and [`Direction`], and the state that a list of faults
//! folds into. How bytes obey is decided in `lane`.

use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

/// Which way bytes go
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a connection has two directions and no third")]
pub enum Direction {
    /// From the client to the server
    ToServer,
    /// From the server to the client
    ToClient,
    /// Each of the two, separately
    Both,
}

impl Direction {
    pub(crate) const fn includes(self, lane: Self) -> bool {
        matches!(
            (self, lane),
            (Self::Both, _) | (Self::ToServer, Self::ToServer) | (Self::ToClient, Self::ToClient)
        )
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ToServer => "to the server",
            Self::ToClient => "to the client",
            Self::Both => "both ways",
        })
    }
}

/// One thing that goes wrong with connections
///
/// *States* stay, also for connections made later, until [`Fault::Heal`]. *Moments* hit the
/// connections that are open, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// State: bytes vanish, and so do the end of stream and the reset behind them; sockets stay
    /// open
    ///
    /// What was under way is lost too. A connection made meanwhile reaches the server only if the
    /// direction to the server is open.
    BlackHole(Direction),
    /// State: what is sent arrives this much later, in order
    ///
    /// A direction holds at most 256 KiB; beyond it the sender has to wait, as on a long road.
    Delay(Direction, Duration),
    /// State: no more than so many bytes a second
    Rate(Direction, NonZeroU32),
    /// State: nothing is read from the direction's sender, so that the kernels' buffers fill and
    /// it blocks; what was read already goes on
    Stall(Direction),
    /// State: after exactly so many bytes, counted from the connection's beginning, its receiver
    /// sees the end of the stream and its sender a reset
    ///
    /// A connection that has carried more is cut at once.
    CutAt(Direction, u64),
    /// Moment: the direction's receiver sees the end of the stream behind what is under way;
    /// whatever its sender still sends vanishes
    HalfClose(Direction),
    /// Moment: both ends see a reset, and what is under way is lost
    Reset,
    /// Ends all states
    ///
    /// A connection that lost bytes is reset, for TCP never shows a stream with a hole. One that
    /// only lost an end of stream or a reset is shown it now.
    Heal,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BlackHole(direction) => write!(f, "black hole, {direction}"),
            Self::Delay(direction, delay) => write!(f, "delay of {delay:?}, {direction}"),
            Self::Rate(direction, rate) => write!(f, "{rate} bytes a second, {direction}"),
            Self::Stall(direction) => write!(f, "nothing read, {direction}"),
            Self::CutAt(direction, at) => write!(f, "cut at byte {at}, {direction}"),
            Self::HalfClose(direction) => write!(f, "half-close, {direction}"),
            Self::Reset => f.write_str("reset"),
            Self::Heal => f.write_str("heal"),
        }
    }
}

/// All faults of one connection, folded
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Faults {
    pub(crate) to_server: LaneFaults,
    pub(crate) to_client: LaneFaults,
    pub(crate) reset: bool,
}

/// The faults of one direction
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LaneFaults {
    pub(crate) black_hole: bool,
    pub(crate) delay: Duration,
    pub(crate) rate: Option<NonZeroU32>,
    pub(crate) stall: bool,
    pub(crate) cut_at: Option<u64>,
    pub(crate) half_close: bool,
}

impl Faults {
    /// Adds a fault
    pub(crate) fn inject(&mut self, fault: Fault) {
        match fault {
            Fault::BlackHole(to) => self.each(to, |lane| lane.black_hole = true),
            Fault::Delay(to, delay) => self.each(to, |lane| lane.delay = delay),
            Fault::Rate(to, rate) => self.each(to, |lane| lane.rate = Some(rate)),
            Fault::Stall(to) => self.each(to, |lane| lane.stall = true),
            Fault::CutAt(to, at) => self.each(to, |lane| lane.cut_at = Some(at)),
            Fault::HalfClose(to) => self.each(to, |lane| lane.half_close = true),
            Fault::Reset => self.reset = true,
            // A moment that the connection has not seen yet happens all the same.
            Fault::Heal => self.each(Direction::Both, |lane| {
                *lane = LaneFaults { half_close: lane.half_close, ..LaneFaults::default() };
            }),
        }
    }

    /// The states alone: what a new connection begins with
    pub(crate) fn states(mut self) -> Self {
        self.reset = false;
        self.each(Direction::Both, |lane| lane.half_close = false);
        self
    }

    fn each(&mut self, to: Direction, mut change: impl FnMut(&mut LaneFaults)) {
        if to.includes(Direction::ToServer) {
            change(&mut self.to_server);
        }
        if to.includes(Direction::ToClient) {
            change(&mut self.to_client);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_touches_its_direction_only() {
        let mut faults = Faults::default();
        faults.inject(Fault::BlackHole(Direction::ToServer));
        assert!(faults.to_server.black_hole && !faults.to_client.black_hole);
        faults.inject(Fault::Delay(Direction::ToClient, Duration::from_secs(1)));
        assert_eq!(faults.to_server.delay, Duration::ZERO);
        faults.inject(Fault::Stall(Direction::Both));
        assert!(faults.to_server.stall && faults.to_client.stall);
    }

    #[test]
    fn heal_ends_states_and_undoes_no_moment() {
        let mut faults = Faults::default();
        faults.inject(Fault::CutAt(Direction::ToClient, 7));
        faults.inject(Fault::HalfClose(Direction::ToServer));
        faults.inject(Fault::Reset);
        faults.inject(Fault::Heal);
        assert!(faults.reset && faults.to_server.half_close);
        assert_eq!(faults.states(), Faults::default());
    }
}
