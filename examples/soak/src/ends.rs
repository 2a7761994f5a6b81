//! Ends of connections: which fault explains each, which have none, and which faults ended nothing.
//! Pure.

use std::time::Duration;

pub(crate) use everbeat_support::How;
use tokio::time::Instant;

use crate::plan::Kind;
use crate::settings;

/// Who saw it
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Client,
    Server,
}

/// An end that somebody saw
#[derive(Clone, Copy, Debug)]
pub(crate) struct End {
    pub(crate) at: Instant,
    pub(crate) side: Side,
    pub(crate) how: How,
    /// Whether there was a connection, and not only an attempt
    pub(crate) up: bool,
}

/// An account, and the ends that its keeper saw
#[derive(Debug, Default)]
pub(crate) struct Kept<T> {
    pub(crate) account: T,
    pub(crate) ends: Vec<End>,
}

/// A fault that has happened
#[derive(Clone, Debug)]
pub(crate) struct Happened {
    pub(crate) kind: Kind,
    pub(crate) begin: Instant,
    /// When it was over
    pub(crate) end: Instant,
    /// Who was connected when it began
    pub(crate) hit: Vec<usize>,
}

impl Happened {
    fn covers(&self, at: Instant, allowed: Duration) -> bool {
        (self.begin..=self.end + allowed).contains(&at)
    }

    fn explains(&self, end: &End, late: Duration) -> bool {
        // An attempt may have begun in the fault, and takes its time to fail.
        match end.up {
            true => {
                self.kind.explains(end.side, end.how)
                    && self.covers(end.at, settings::MARGIN + late)
            }
            false => {
                self.kind.breaks() && self.covers(end.at, settings::DIAL + settings::MARGIN + late)
            }
        }
    }
}

/// Whether an end had a reason: a fault on its road, or that all was told to close
pub(crate) fn is_explained(
    end: &End,
    happened: &[Happened],
    closing: Instant,
    late: Duration,
) -> bool {
    let asked = end.at >= closing && (end.how == How::Closed || !end.up);
    asked || happened.iter().any(|happened| happened.explains(end, late))
}

/// Whether a client that was connected when the fault began has lost that connection by it
pub(crate) fn has_noticed(ends: &[End], happened: &Happened, late: Duration) -> bool {
    let mut lost = ends.iter().filter(|end| end.up && end.side == Side::Client);
    lost.any(|end| happened.covers(end.at, settings::MARGIN + late))
}

#[cfg(test)]
mod tests {
    use everbeat_faults::Direction;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn happened(kind: Kind, begin: Instant) -> Happened {
        Happened { kind, begin, end: begin + kind.length(), hit: vec![0] }
    }

    fn end(at: Instant, how: How) -> End {
        End { at, side: Side::Client, how, up: true }
    }

    #[test]
    fn an_end_is_explained_by_a_fault_of_its_time_and_kind() {
        let begin = Instant::now();
        let closing = begin + SECOND * 60;
        let hole = [happened(Kind::BlackHole(Direction::Both), begin)];
        let over = hole[0].end + settings::MARGIN;
        let is = |end: &End, late| is_explained(end, &hole, closing, late);
        assert!(is(&end(begin + SECOND, How::Dead), Duration::ZERO));
        assert!(is(&end(over, How::Cut), Duration::ZERO));
        assert!(!is(&end(over + SECOND, How::Cut), Duration::ZERO));
        assert!(is(&end(over + SECOND, How::Cut), SECOND));
        assert!(!is(&end(begin - SECOND, How::Dead), SECOND));
        assert!(!is(&end(begin + SECOND, How::Other), Duration::ZERO));
        let attempt = End { up: false, ..end(over + SECOND, How::Other) };
        assert!(is(&attempt, Duration::ZERO));
        assert!(!is(&end(begin, How::Closed), Duration::ZERO));
    }

    #[test]
    fn slow_is_no_fault() {
        let begin = Instant::now();
        let slow = [happened(Kind::Slow, begin)];
        let attempt = End { up: false, ..end(begin, How::Other) };
        for end in [end(begin, How::Dead), end(begin, How::Cut), attempt] {
            assert!(!is_explained(&end, &slow, begin + SECOND * 9, Duration::ZERO));
        }
    }

    #[test]
    fn who_was_told_to_close_closes_and_is_neither_cut_nor_dead() {
        let closing = Instant::now();
        let is = |end: &End| is_explained(end, &[], closing, Duration::ZERO);
        assert!(is(&end(closing, How::Closed)));
        assert!(!is(&end(closing, How::Cut)) && !is(&end(closing, How::Dead)));
        assert!(is(&End { up: false, ..end(closing, How::Other) }));
    }

    #[test]
    fn a_fault_is_noticed_by_the_end_of_a_connection_in_its_time() {
        let begin = Instant::now();
        let reset = happened(Kind::Reset, begin);
        let seen = |end: End| has_noticed(&[end], &reset, Duration::ZERO);
        assert!(seen(end(begin + SECOND, How::Cut)));
        assert!(!seen(end(begin + SECOND * 2, How::Cut)));
        assert!(!seen(End { up: false, ..end(begin, How::Cut) }));
        assert!(!seen(End { side: Side::Server, ..end(begin, How::Cut) }));
    }
}
