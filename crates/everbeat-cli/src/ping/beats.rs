//! Which answer is for which beat, and which beats are lost.
//!
//! TCP loses none on the way, but a peer may answer only the newest of several (RFC 6455, section
//! 5.5.3), and at an end some are still out.

use std::collections::VecDeque;
use std::time::Duration;

use everbeat_core::time::Instant;

/// The most beats that are waited for; beyond it the oldest counts as lost
const MOST: usize = 4_096;

#[derive(Debug)]
struct Out {
    number: u64,
    payload: [u8; 8],
    /// When the kernel was asked to take it; `None` while it waits to be written
    at: Option<Instant>,
}

/// The beats that are out, and how many were lost
#[derive(Debug, Default)]
pub(super) struct Beats {
    out: VecDeque<Out>,
    sent: u64,
    answered: u64,
    lost: u64,
}

/// An answer to a beat
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Answered {
    pub(super) number: u64,
    pub(super) round_trip: Duration,
    /// How many older ones it passes over, which will not be answered any more
    pub(super) skipped: u64,
}

impl Beats {
    /// A beat was given to the transport; its number
    pub(super) fn sent(&mut self, payload: [u8; 8]) -> u64 {
        self.sent += 1;
        // One that was never written is replaced by the transport.
        let before = self.out.len();
        self.out.retain(|out| out.at.is_some());
        self.lost += (before - self.out.len()) as u64;
        if self.out.len() == MOST {
            self.out.pop_front();
            self.lost += 1;
        }
        self.out.push_back(Out { number: self.sent, payload, at: None });
        self.sent
    }

    /// All that was given to the transport has been written; the call that did it began at `at`
    pub(super) fn flushed(&mut self, at: Instant) {
        if let Some(newest) = self.out.back_mut() {
            newest.at.get_or_insert(at);
        }
    }

    /// A Pong came; `None` if it answers none of them
    pub(super) fn answer(&mut self, payload: &[u8], now: Instant) -> Option<Answered> {
        let place = self.out.iter().position(|out| out.payload == payload)?;
        let skipped = self.out.drain(..place).count() as u64;
        let out = self.out.pop_front()?;
        self.answered += 1;
        self.lost += skipped;
        // Answered before its write was seen to be done: then that is not what took the time.
        let round_trip = now.saturating_duration_since(out.at.unwrap_or(now));
        Some(Answered { number: out.number, round_trip, skipped })
    }

    /// Nothing more is waited for
    pub(super) fn give_up(&mut self) {
        self.lost += self.out.len() as u64;
        self.out.clear();
    }

    /// How many are waited for
    pub(super) fn out(&self) -> usize {
        self.out.len()
    }

    pub(super) const fn totals(&self) -> Totals {
        Totals { sent: self.sent, answered: self.answered, lost: self.lost }
    }
}

/// How many beats met which fate
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Totals {
    pub(super) sent: u64,
    pub(super) answered: u64,
    pub(super) lost: u64,
}

impl Totals {
    /// Of those whose fate is known, in percent
    pub(super) fn loss(self) -> f64 {
        match self.answered + self.lost {
            0 => 0.0,
            known => self.lost as f64 * 100.0 / known as f64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::from_origin(Duration::from_millis(millis))
    }

    fn beat(beats: &mut Beats, payload: u8, millis: u64) -> u64 {
        let number = beats.sent([payload; 8]);
        beats.flushed(at(millis));
        number
    }

    #[test]
    fn each_answer_finds_its_beat_whatever_is_out() {
        let mut beats = Beats::default();
        assert_eq!([beat(&mut beats, 1, 0), beat(&mut beats, 2, 100)], [1, 2]);
        let first = beats.answer(&[1; 8], at(130)).unwrap();
        assert_eq!((first.number, first.round_trip), (1, Duration::from_millis(130)));
        assert_eq!(beats.answer(&[1; 8], at(131)), None, "answered once");
        assert_eq!(beats.answer(&[9; 8], at(131)), None, "foreign");
        let second = beats.answer(&[2; 8], at(140)).unwrap();
        assert_eq!((second.round_trip, second.skipped), (Duration::from_millis(40), 0));
        assert_eq!(beats.totals(), Totals { sent: 2, answered: 2, lost: 0 });
    }

    #[test]
    fn a_peer_that_answers_the_newest_passes_over_the_others() {
        let mut beats = Beats::default();
        for number in 1..=3 {
            beat(&mut beats, number, u64::from(number));
        }
        assert_eq!(beats.answer(&[3; 8], at(5)).unwrap().skipped, 2);
        assert_eq!(beats.totals(), Totals { sent: 3, answered: 1, lost: 2 });
        assert!((beats.totals().loss() - 66.67).abs() < 0.01);
    }

    #[test]
    fn what_is_out_at_the_end_is_lost_and_what_was_never_written_too() {
        let mut beats = Beats::default();
        beats.sent([1; 8]);
        beat(&mut beats, 2, 7);
        assert_eq!(beats.out(), 1);
        beats.give_up();
        assert_eq!(beats.totals(), Totals { sent: 2, answered: 0, lost: 2 });
    }

    #[test]
    fn a_peer_that_never_answers_costs_a_bounded_memory() {
        let mut beats = Beats::default();
        for number in 0..MOST as u64 + 3 {
            beats.sent(number.to_be_bytes());
            beats.flushed(at(number));
        }
        assert_eq!((beats.out(), beats.totals().lost), (MOST, 3));
    }

    #[test]
    fn a_late_write_counts_from_when_it_was_done() {
        let mut beats = Beats::default();
        beats.sent([1; 8]);
        beats.flushed(at(50));
        beats.flushed(at(70));
        assert_eq!(beats.answer(&[1; 8], at(80)).unwrap().round_trip, Duration::from_millis(30));
    }
}
