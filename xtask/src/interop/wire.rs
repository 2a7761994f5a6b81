//! What went over the wire between two peers, as our tap tells it, and what that has to be
//! (RFC 6455, section 5). Pure.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::note::bytes;
use super::peer::Role;

pub(super) const TEXT: u64 = 1;
pub(super) const CLOSE: u64 = 8;
pub(super) const PING: u64 = 9;
pub(super) const PONG: u64 = 10;

/// Something that one side sent
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wire {
    /// When, in microseconds since 1970 began
    pub(super) at: u64,
    pub(super) connection: u64,
    pub(super) from: Role,
    pub(super) seen: Seen,
}

/// What it sent
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Seen {
    /// The first line of a request or of an answer
    Head(String),
    Frame(Frame),
    /// Nothing more
    End,
}

/// A frame, without what a message says
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) code: u64,
    pub(super) last: bool,
    pub(super) masked: bool,
    pub(super) bytes: u64,
    /// Of a control frame
    pub(super) payload: Vec<u8>,
}

impl Wire {
    pub(super) fn parse(value: &Value) -> Result<Self> {
        let at = value["at"].as_u64().context("when?")?;
        let connection = value["connection"].as_u64().context("which connection?")?;
        let from = value["from"].as_str();
        let from = Role::ALL.into_iter().find(|role| Some(role.name()) == from);
        let from = from.context("from whom?")?;
        let (head, frame) = (value["seen"]["head"].as_str(), &value["seen"]["frame"]);
        let seen = match head {
            Some(head) => Seen::Head(head.into()),
            None if frame.is_object() => Seen::Frame(Frame {
                code: frame["code"].as_u64().context("which frame?")?,
                last: frame["last"].as_bool().context("the last?")?,
                masked: frame["masked"].as_bool().context("masked?")?,
                bytes: frame["bytes"].as_u64().context("how long?")?,
                payload: bytes(frame["payload"].as_str().unwrap_or_default())?,
            }),
            None => {
                ensure!(value["seen"]["end"] == true, "nothing was seen");
                Seen::End
            }
        };
        Ok(Self { at, connection, from, seen })
    }

    /// Its frame, if it is one of that side's
    pub(super) fn frame_of(&self, from: Role) -> Option<&Frame> {
        match &self.seen {
            Seen::Frame(frame) if self.from == from => Some(frame),
            _ => None,
        }
    }

    /// Its head, if it is one of that side's
    pub(super) fn head_of(&self, from: Role) -> Option<&str> {
        match &self.seen {
            Seen::Head(line) if self.from == from => Some(line),
            _ => None,
        }
    }
}

/// Clients mask and servers do not
pub(super) fn masks(wires: &[Wire]) -> Result<()> {
    let wrong = wires.iter().find(|wire| {
        let masked = wire.from == Role::Client;
        matches!(&wire.seen, Seen::Frame(frame) if frame.masked != masked)
    });
    ensure!(wrong.is_none(), "a mask that should not be, or none: {wrong:?}");
    Ok(())
}

/// How many Pings that side sent; each must have been answered with what it carried, but for the
/// newest, whose answer may be on its way
///
/// Several Pings may have one answer, that to the last of them (section 5.5.3).
pub(super) fn answered(wires: &[Wire], from: Role) -> Result<usize> {
    let (mut pings, mut waiting, mut newest) = (0, 0, &[][..]);
    for wire in wires {
        if let Some(ping) = wire.frame_of(from).filter(|frame| frame.code == PING) {
            (pings, waiting, newest) = (pings + 1, waiting + 1, &ping.payload);
            let from = from.name();
            // Two on the way at one time are fine; a third would have been answered before.
            ensure!(waiting <= 2, "two Pings of the {from}'s were not answered before {ping:?}");
        }
        let pong = wire.frame_of(from.other()).filter(|frame| frame.code == PONG);
        if pong.is_some_and(|pong| pong.payload == newest) {
            waiting = 0;
        }
    }
    Ok(pings)
}

/// That side's last Ping is followed by nothing of the other's, and by no Close of its own
pub(super) fn unanswered(wires: &[Wire], from: Role) -> Result<()> {
    let ping = |wire: &Wire| wire.frame_of(from).is_some_and(|frame| frame.code == PING);
    let last = wires.iter().rposition(ping).context("there is no Ping")?;
    let after = wires.get(last + 1..).unwrap_or_default();
    let said = after.iter().find(|wire| matches!(wire.seen, Seen::Frame(_)));
    ensure!(said.is_none(), "there is something behind the last Ping: {said:?}");
    Ok(())
}

/// There is a Ping of that side's behind which nothing of the other's came, for so long, until that side
/// ended the connection
pub(super) fn left_without_pong(wires: &[Wire], from: Role, least: Duration) -> Result<()> {
    let left = wires.iter().enumerate().any(|(index, end)| {
        let of_it = |wire: &&Wire| wire.connection == end.connection;
        let before = wires.get(..index).unwrap_or_default().iter().rev().filter(of_it);
        // What that side said last, as far as the other was silent since.
        let since = before.take_while(|wire| wire.from == from);
        let pings = since.filter(|wire| wire.frame_of(from).is_some_and(|it| it.code == PING));
        // The first, for they are met from the end.
        let ping = pings.last();
        let borne = ping.map(|ping| Duration::from_micros(end.at.saturating_sub(ping.at)));
        end.from == from && end.seen == Seen::End && borne.is_some_and(|borne| borne >= least)
    });
    ensure!(left, "every Ping of the {}'s that it waited for was answered", from.name());
    Ok(())
}

/// Nobody says anything but Pings and Pongs, and nobody ends
pub(super) fn idle(wires: &[Wire]) -> Result<()> {
    let said = wires.iter().find(|wire| match &wire.seen {
        Seen::Frame(frame) => !matches!(frame.code, PING | PONG),
        Seen::Head(_) | Seen::End => true,
    });
    ensure!(said.is_none(), "it was not quiet: {said:?}");
    Ok(())
}

/// How many frames that side's longest-winded message had, and how long its longest frame was
pub(super) fn pieces(wires: &[Wire], from: Role) -> (u64, u64) {
    let (mut most, mut longest, mut frames) = (0, 0, 0);
    for frame in wires.iter().filter_map(|wire| wire.frame_of(from)) {
        if frame.code >= CLOSE {
            continue;
        }
        frames = if frame.code == 0 { frames + 1 } else { 1 };
        (most, longest) = (most.max(frames), longest.max(frame.bytes));
    }
    (most, longest)
}

/// One Close of each side on its last connection, `first` of the closing one, and no frame of anybody's
/// behind its own
pub(super) fn closed(wires: &[Wire], closing: Role, code: u64, reason: &str) -> Result<()> {
    let last = wires.iter().map(|wire| wire.connection).max().unwrap_or_default();
    let of = |from| {
        let wires = wires.iter().filter(move |wire| wire.connection == last);
        let frames = wires.filter_map(move |wire| wire.frame_of(from));
        frames.skip_while(|frame| frame.code != CLOSE).collect::<Vec<_>>()
    };
    for from in Role::ALL {
        let closes = of(from);
        ensure!(closes.len() == 1, "the {} said {closes:?} from its Close on", from.name());
    }
    let first = of(closing);
    let said = first.first().map(|frame| &*frame.payload).and_then(<[u8]>::split_first_chunk);
    let (said_code, said_reason) = said.context("a Close without a code")?;
    let said_code = u64::from(u16::from_be_bytes(*said_code));
    ensure!(
        said_code == code && said_reason == reason.as_bytes(),
        "the Close on the wire says {said_code} `{}`",
        String::from_utf8_lossy(said_reason)
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn frame(from: Role, code: u64, payload: &[u8]) -> Wire {
        let (bytes, payload) = (payload.len() as u64, payload.to_vec());
        let masked = from == Role::Client;
        let frame = Frame { code, last: true, masked, bytes, payload };
        Wire { at: 7, connection: 1, from, seen: Seen::Frame(frame) }
    }

    const US: Role = Role::Client;
    const THEM: Role = Role::Server;

    #[test]
    fn what_the_tap_tells_is_read() {
        let parse = |seen| {
            Wire::parse(&json!({ "at": 7, "connection": 1, "from": "client", "seen": seen }))
        };
        let ping = json!({ "frame": {
            "code": 9, "last": true, "masked": true, "bytes": 1, "payload": "07"
        }});
        assert_eq!(parse(ping).unwrap(), frame(US, PING, &[7]));
        let head = parse(json!({ "head": "GET / HTTP/1.1" })).unwrap();
        assert_eq!((head.head_of(US), head.head_of(THEM)), (Some("GET / HTTP/1.1"), None));
        assert_eq!(parse(json!({ "end": true })).unwrap().seen, Seen::End);
        for nothing in [json!({}), json!({ "frame": {} }), json!({ "end": 3 })] {
            assert!(parse(nothing).is_err());
        }
        assert!(
            Wire::parse(&json!({ "at": 7, "connection": 1, "from": "me", "seen": {} })).is_err()
        );
    }

    #[test]
    fn a_ping_wants_its_own_payload_back() {
        let (ping, pong) = (|byte| frame(US, PING, &[byte]), |byte| frame(THEM, PONG, &[byte]));
        assert_eq!(answered(&[ping(1), pong(1), ping(2), pong(2)], US).unwrap(), 2);
        assert_eq!(answered(&[ping(1), pong(1), ping(2)], US).unwrap(), 2, "under way");
        assert_eq!(answered(&[ping(1), ping(2), pong(2), ping(3)], US).unwrap(), 3, "coalesced");
        assert!(answered(&[ping(1), ping(2), ping(3)], US).is_err());
        assert!(answered(&[ping(1), pong(9), ping(2), pong(9), ping(3)], US).is_err());
        assert_eq!(answered(&[ping(1), pong(1)], THEM).unwrap(), 0);
    }

    #[test]
    fn behind_an_unanswered_ping_there_is_nothing() {
        let (ping, pong) = (frame(US, PING, b"x"), frame(THEM, PONG, b"x"));
        assert!(unanswered(&[ping.clone(), pong.clone(), ping.clone()], US).is_ok());
        assert!(unanswered(&[ping.clone(), pong.clone()], US).is_err());
        assert!(unanswered(&[ping, frame(US, CLOSE, b"")], US).is_err());
        assert!(unanswered(&[pong], US).is_err(), "nobody asked");
    }

    #[test]
    fn who_is_given_up_for_a_ping_has_left_it_without_a_pong() {
        let at = |ms: u64, wire: Wire| Wire { at: ms * 1000, ..wire };
        let end = |from| Wire { at: 0, connection: 1, from, seen: Seen::End };
        let (ping, pong) = (|| frame(US, PING, b"x"), || frame(THEM, PONG, b"x"));
        let waited = |wires: &[Wire]| left_without_pong(wires, US, Duration::from_millis(900));
        let left = [at(0, ping()), at(1, pong()), at(400, ping()), at(1300, end(US))];
        assert!(waited(&left).is_ok());
        assert!(waited(&left[..3]).is_err(), "nobody gave up");
        let early = [at(400, ping()), at(1299, end(US))];
        assert!(waited(&early).is_err(), "it was not waited for");
        let answered = [at(400, ping()), at(401, pong()), at(1400, end(US))];
        assert!(waited(&answered).is_err(), "it was answered");
        let theirs = [at(400, ping()), at(1400, end(THEM))];
        assert!(waited(&theirs).is_err(), "they ended it");
        let mut next = [at(400, ping()), at(900, pong()), at(1300, end(US))];
        next[1].connection = 2;
        assert!(waited(&next).is_ok(), "the answer is another connection's");
        let again = [at(0, ping()), at(400, ping()), at(900, end(US))];
        assert!(waited(&again).is_ok(), "it is the first that is waited for");
    }

    #[test]
    fn idle_is_pings_and_pongs() {
        let quiet = [frame(US, PING, b""), frame(THEM, PONG, b"")];
        assert!(idle(&quiet).is_ok() && masks(&quiet).is_ok());
        for loud in [frame(US, 1, b""), frame(THEM, CLOSE, b"")] {
            assert!(idle(&[loud]).is_err());
        }
        let end = Wire { at: 7, connection: 1, from: THEM, seen: Seen::End };
        assert!(idle(&[end]).is_err());
    }

    #[test]
    fn a_client_masks_and_a_server_does_not() {
        for from in Role::ALL {
            let mut wire = frame(from, PING, b"");
            assert!(masks(std::slice::from_ref(&wire)).is_ok());
            if let Seen::Frame(frame) = &mut wire.seen {
                frame.masked = !frame.masked;
            }
            assert!(masks(&[wire]).is_err(), "{}", from.name());
        }
    }

    #[test]
    fn a_message_has_its_first_frame_and_those_that_go_on_with_it() {
        let bytes = [0; 9];
        let frames = [(1, 3), (2, 5), (PING, 9), (0, 4), (0, 1), (2, 2)];
        let wires = frames.map(|(code, length)| frame(US, code, &bytes[..length]));
        assert_eq!(pieces(&wires, US), (3, 5));
        assert_eq!(pieces(&wires, THEM), (0, 0));
    }

    #[test]
    fn a_close_is_said_once_by_each_and_last() {
        let (bye, other) = (&[3, 232, b'x'][..], &[3, 233][..]);
        let (ours, theirs) = (frame(US, CLOSE, bye), frame(THEM, CLOSE, other));
        let fine = [frame(US, 1, b""), ours.clone(), frame(THEM, 1, b""), theirs.clone()];
        assert!(closed(&fine, US, 1000, "x").is_ok());
        assert!(closed(&fine, US, 1001, "x").is_err() && closed(&fine, US, 1000, "y").is_err());
        assert!(closed(&fine, THEM, 1001, "").is_ok());
        assert!(closed(&fine[..2], US, 1000, "x").is_err(), "no answer");
        let after = [ours.clone(), theirs.clone(), frame(US, PING, b"")];
        assert!(closed(&after, US, 1000, "x").is_err(), "behind it");
        assert!(closed(&[ours.clone(), ours, theirs], US, 1000, "x").is_err(), "twice");
    }
}
