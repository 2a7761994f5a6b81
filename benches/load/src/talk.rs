//! What one connection says and hears, without its socket: Pings are answered, and each byte of a
//! message is the one that it should be.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Result, bail, ensure};

use crate::counts::Counts;
use crate::ears::Heard;
use crate::frames::{self, BINARY, PONG};
use crate::latency::Latency;
use crate::order::{Order, Until};
use crate::payload::{self, Block};

/// How many of the last broadcasts are kept: connections hear them one after the other
const BROADCASTS: usize = 4;

/// What all connections of a crowd share
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) counts: Counts,
    pub(crate) latency: Latency,
    pub(crate) block: Block,
    /// Keys of masks
    pub(crate) random: fastrand::Rng,
    /// What the connection whose turn it is has to say
    pub(crate) out: Vec<u8>,
    /// Nobody begins a message then
    pub(crate) until: Option<Instant>,
    /// Bytes as they are, and no WebSocket
    pub(crate) raw: bool,
    broadcasts: VecDeque<(u64, Arc<[u8]>)>,
}

impl Shared {
    pub(crate) fn new(connections: usize, seed: u64, raw: bool) -> Self {
        Self {
            counts: Counts::of(connections),
            latency: Latency::default(),
            block: Block::new(seed),
            random: fastrand::Rng::with_seed(seed),
            out: Vec::new(),
            until: None,
            raw,
            broadcasts: VecDeque::new(),
        }
    }

    fn broadcast(&mut self, number: u64, bytes: usize) -> Arc<[u8]> {
        let known =
            self.broadcasts.iter().find(|(known, said)| *known == number && said.len() == bytes);
        if let Some((_, said)) = known {
            return said.clone();
        }
        let said: Arc<[u8]> = payload::broadcast(number, bytes).into();
        self.broadcasts.truncate(BROADCASTS - 1);
        self.broadcasts.push_front((number, said.clone()));
        said
    }
}

/// One connection's part
#[derive(Debug)]
pub(crate) struct Talk {
    pub(crate) who: usize,
    /// How many messages it has said, and how many it has heard that were sent to all
    said: u64,
    heard: u64,
    part: Part,
    /// Of the message that is coming in
    got: usize,
    /// Pings whose Pongs are not with the kernel yet
    pub(crate) owed: u64,
}

#[derive(Debug)]
enum Part {
    Silent,
    /// The message that begins at `place` is on its way, and so many behind it
    Echo {
        place: usize,
        bytes: usize,
        since: Instant,
        left: u64,
    },
    /// So many are still to come
    Audience {
        bytes: usize,
        left: u64,
    },
}

impl Talk {
    pub(crate) const fn new(who: usize) -> Self {
        Self { who, said: 0, heard: 0, part: Part::Silent, got: 0, owed: 0 }
    }

    /// It has not done what it was told to
    pub(crate) const fn is_busy(&self) -> bool {
        match self.part {
            Part::Silent => false,
            Part::Echo { .. } => true,
            Part::Audience { left, .. } => left > 0,
        }
    }

    /// Begins what it is told to
    pub(crate) fn begin(&mut self, order: Order, shared: &mut Shared) {
        match order {
            Order::Echo { bytes, until } => {
                let left = if let Until::Times(times) = until { times } else { u64::MAX };
                self.say(bytes, left - 1, shared);
            }
            Order::Hear { bytes, times } => self.part = Part::Audience { bytes, left: times },
            Order::Forget => {}
        }
    }

    fn say(&mut self, bytes: usize, left: u64, shared: &mut Shared) {
        let place = Block::place(self.who, self.said);
        self.said += 1;
        let Shared { block, out, random, raw, .. } = shared;
        let message = block.message(place, bytes);
        match raw {
            true => out.extend_from_slice(message),
            false => frames::masked(BINARY, message, random.u32(..).to_be_bytes(), out),
        }
        self.part = Part::Echo { place, bytes, since: Instant::now(), left };
    }

    /// What answers is behind [`Shared::out`] then
    pub(crate) fn hear(&mut self, heard: Heard<'_>, shared: &mut Shared) -> Result<()> {
        match heard {
            Heard::Ping(payload) => {
                shared.counts.ping(self.who);
                let key = shared.random.u32(..).to_be_bytes();
                frames::masked(PONG, payload, key, &mut shared.out);
                self.owed += 1;
            }
            Heard::Pong => {}
            Heard::Close => bail!("it was closed"),
            Heard::Piece(piece, last) => self.piece(piece, last, shared)?,
        }
        Ok(())
    }

    fn piece(&mut self, piece: &[u8], last: bool, shared: &mut Shared) -> Result<()> {
        let (begin, end) = (self.got, self.got + piece.len());
        let is = |said: &[u8]| said.get(begin..end) == Some(piece) && last == (end == said.len());
        self.got = if last { 0 } else { end };
        match self.part {
            Part::Silent => bail!("a message that nobody asked for"),
            Part::Echo { place, bytes, since, left } => {
                ensure!(is(shared.block.message(place, bytes)), "not what was said comes back");
                if last {
                    let now = Instant::now();
                    shared.counts.echoes += 1;
                    shared.latency.note(now - since);
                    match left > 0 && shared.until.is_none_or(|until| now < until) {
                        true => self.say(bytes, left - 1, shared),
                        false => self.part = Part::Silent,
                    }
                }
            }
            Part::Audience { bytes, left } => {
                ensure!(left > 0, "more was sent to all than was said");
                let said = shared.broadcast(self.heard + 1, bytes);
                ensure!(is(&said), "not what was sent to all comes in");
                if last {
                    self.heard += 1;
                    self.part = Part::Audience { bytes, left: left - 1 };
                }
            }
        }
        Ok(())
    }

    /// Bytes as they come, of one who says one thing at a time
    pub(crate) fn hear_raw(&mut self, piece: &[u8], shared: &mut Shared) -> Result<()> {
        let last = matches!(self.part, Part::Echo { bytes, .. } if self.got + piece.len() == bytes);
        self.piece(piece, last, shared)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const ECHO: Order = Order::Echo { bytes: 64, until: Until::Times(2) };

    fn shared(raw: bool) -> Shared {
        let mut shared = Shared::new(1, 7, raw);
        shared.block.hold(64);
        shared.counts.connected(0);
        shared
    }

    /// What it has said, without its mask
    fn said(shared: &mut Shared) -> Vec<u8> {
        let out = std::mem::take(&mut shared.out);
        let frame = frames::first(&out).unwrap();
        let mut payload = frame.payload.to_vec();
        frames::unmask(&mut payload, frame.key.unwrap());
        payload
    }

    #[test]
    fn an_echo_goes_on_until_it_was_said_as_often_as_wanted() {
        let (mut talk, mut shared) = (Talk::new(0), shared(false));
        talk.begin(ECHO, &mut shared);
        for time in 1..=2 {
            let message = said(&mut shared);
            assert!(talk.is_busy());
            talk.hear(Heard::Piece(&message[..9], false), &mut shared).unwrap();
            talk.hear(Heard::Piece(&message[9..], true), &mut shared).unwrap();
            assert_eq!(shared.counts.echoes, time);
        }
        assert!(!talk.is_busy() && shared.out.is_empty());
        assert!(talk.hear(Heard::Piece(&[1], true), &mut shared).is_err(), "nobody asked for it");
    }

    #[test]
    fn an_echo_ends_with_its_time() {
        let (mut talk, mut shared) = (Talk::new(0), shared(false));
        let until = Until::Over(Duration::ZERO);
        shared.until = Some(Instant::now());
        talk.begin(Order::Echo { bytes: 64, until }, &mut shared);
        let message = said(&mut shared);
        talk.hear(Heard::Piece(&message, true), &mut shared).unwrap();
        assert!(!talk.is_busy());
    }

    #[test]
    fn one_wrong_byte_is_noticed_and_so_are_missing_and_more() {
        for (at, length) in [(0, 64), (63, 64), (99, 63), (99, 65)] {
            let (mut talk, mut shared) = (Talk::new(0), shared(false));
            talk.begin(ECHO, &mut shared);
            let mut message = said(&mut shared);
            message.resize(length, 0);
            if let Some(byte) = message.get_mut(at) {
                *byte ^= 1;
            }
            assert!(talk.hear(Heard::Piece(&message, true), &mut shared).is_err(), "{at} {length}");
        }
    }

    #[test]
    fn raw_bytes_are_a_message_once_they_are_as_many() {
        let (mut talk, mut shared) = (Talk::new(0), shared(true));
        talk.begin(ECHO, &mut shared);
        let message = std::mem::take(&mut shared.out);
        talk.hear_raw(&message[..1], &mut shared).unwrap();
        assert_eq!(shared.counts.echoes, 0);
        talk.hear_raw(&message[1..], &mut shared).unwrap();
        assert_eq!(shared.counts.echoes, 1);
        assert!(talk.hear_raw(&message, &mut shared).is_err(), "the next one is another");
    }

    #[test]
    fn what_is_sent_to_all_comes_in_its_order_and_once() {
        let order = Order::Hear { bytes: 100, times: 2 };
        let hear = |numbers: &[u64]| {
            let (mut talk, mut shared) = (Talk::new(0), shared(false));
            talk.begin(order, &mut shared);
            for number in numbers {
                let said = payload::broadcast(*number, 100);
                talk.hear(Heard::Piece(&said, true), &mut shared)?;
            }
            Ok::<_, anyhow::Error>(talk.is_busy())
        };
        assert!(hear(&[1]).unwrap() && !hear(&[1, 2]).unwrap());
        for wrong in [&[2][..], &[1, 1], &[1, 2, 3]] {
            assert!(hear(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_ping_is_answered_with_its_payload_and_owed_until_it_is_written() {
        let (mut talk, mut shared) = (Talk::new(0), shared(false));
        talk.hear(Heard::Ping(&[1, 2, 3]), &mut shared).unwrap();
        assert_eq!(frames::first(&shared.out).unwrap().code, PONG);
        assert_eq!((said(&mut shared), talk.owed), (vec![1, 2, 3], 1));
        assert!(talk.hear(Heard::Close, &mut shared).is_err());
    }
}
