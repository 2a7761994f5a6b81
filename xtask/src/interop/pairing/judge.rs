//! Whether who answered and who did not is what was to be. Pure.

use anyhow::{Result, ensure};

use super::super::peer::Role;
use super::super::wire::{self, PING, PONG, TEXT, Wire};
use super::{BEAT, How, WATCHED};

/// Who pings and who answers: where the server answers, so many Pings that a connection without their
/// Pongs would be over, each answered, and they still talk
pub(super) fn judge(wires: &[Wire], how: How) -> Result<String> {
    wire::masks(wires)?;
    let server = wire::answered(wires, Role::Server)?;
    let count = |from, code| {
        let frames = wires.iter().filter_map(|wire| wire.frame_of(from));
        frames.filter(|frame| frame.code == code).count()
    };
    if how == How::NoPong {
        let (asked, answered) = (count(Role::Client, PING), count(Role::Server, PONG));
        ensure!(asked > 0 && answered == 0, "{asked} Pings and {answered} Pongs");
        ensure!(count(Role::Client, PONG) > 0, "the server was not answered");
        return Ok(format!("{server} Pings of the server's, answered, and no Pong of its"));
    }
    let client = wire::answered(wires, Role::Client)?;
    let due = WATCHED.div_duration_f64(BEAT) as usize - 2;
    ensure!(client >= due, "the client sent {client} Pings, and {due} were due");
    ensure!((server > 0) == (how == How::BothPing), "the server sent {server} Pings");
    let said = Role::ALL.map(|role| count(role, TEXT));
    ensure!(said == [1, 1], "the client says something and has it back: {said:?}");
    Ok(format!("{client} Pings of the client's and {server} of the server's, each answered"))
}

#[cfg(test)]
mod tests {
    use super::super::super::wire::{Frame, Seen};
    use super::*;

    fn frame(from: Role, code: u64) -> Wire {
        let masked = from == Role::Client;
        let frame = Frame { code, last: true, masked, bytes: 0, payload: Vec::new() };
        Wire { at: 7, connection: 1, from, seen: Seen::Frame(frame) }
    }

    #[test]
    fn who_is_kept_alive_is_answered_each_time() {
        let said = Role::ALL.map(|role| frame(role, TEXT));
        let asked = |times| {
            let pair = [frame(Role::Client, PING), frame(Role::Server, PONG)];
            let pairs = std::iter::repeat_n(pair, times).flatten();
            pairs.chain(said.clone()).collect::<Vec<_>>()
        };
        assert!(judge(&asked(5), How::Answers).is_ok());
        for text in &said {
            let without = asked(5).into_iter().filter(|wire| wire != text).collect::<Vec<_>>();
            assert!(judge(&without, How::Answers).is_err(), "they do not talk: {text:?}");
        }
        assert!(judge(&asked(3), How::Answers).is_err(), "too few to tell");
        assert!(judge(&asked(5), How::BothPing).is_err(), "it was to ping as well");
        let both = [asked(5), vec![frame(Role::Server, PING)]].concat();
        assert!(judge(&both, How::BothPing).is_ok());
        assert!(judge(&both, How::Answers).is_err(), "it was not to ping");
        let unanswered = std::iter::repeat_n(frame(Role::Client, PING), 5);
        assert!(judge(&unanswered.collect::<Vec<_>>(), How::Answers).is_err());
    }

    #[test]
    fn who_is_given_up_has_answered_nobody() {
        let (ping, pong) = (|from| frame(from, PING), |from| frame(from, PONG));
        let theirs = [ping(Role::Server), pong(Role::Client)];
        let mute = [&theirs[..], &[ping(Role::Client)]].concat();
        assert!(judge(&mute, How::NoPong).is_ok());
        assert!(judge(&theirs, How::NoPong).is_err(), "nobody asked");
        let answered = [&mute[..], &[pong(Role::Server)]].concat();
        assert!(judge(&answered, How::NoPong).is_err(), "it answered");
        assert!(judge(&[ping(Role::Client)], How::NoPong).is_err(), "it was to ping");
    }
}
