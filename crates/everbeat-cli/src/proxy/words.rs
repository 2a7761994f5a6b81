//! The proxy's commands as words: what a line means, and how an answer reads.

use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use everbeat_faults::{Direction, Fault};
use serde_json::{Value, json};

use crate::span;

/// Every command, for `--help` and `help`
pub(super) const HELP: &str = "\
Faults; WAY is to-server, to-client or both, which it is if nothing is said:
  black-hole [WAY]       bytes vanish, and sockets stay open
  delay [WAY] TIME       what is sent arrives later
  rate [WAY] BYTES       no more than so many bytes a second
  stall [WAY]            nothing is read, so that the sender blocks
  cut-at [WAY] BYTES     an end of stream after exactly so many bytes of a connection
  half-close [WAY]       the receiver sees the end of the stream, now
  reset                  both ends see a reset, now
  heal                   ends all but what happened at once
Commands, a line each on stdin or --control:
  FAULT                  for all connections, and those that come
  on NUMBER FAULT        for one connection
  to SERVER:PORT         where connections go that come from now on
  list                   the connections that are open
  help, quit";

/// What a line asks for
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// An empty line
    Nothing,
    Fault(Fault),
    On(u64, Fault),
    To(String),
    List,
    Help,
    Quit,
}

pub(super) fn command(line: &str) -> Result<Command, String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    match *words.as_slice() {
        [] => Ok(Command::Nothing),
        ["list"] => Ok(Command::List),
        ["help"] => Ok(Command::Help),
        ["quit"] => Ok(Command::Quit),
        ["to", upstream] => Ok(Command::To(upstream.to_owned())),
        ["on", number, ref rest @ ..] => {
            let number = number.parse().map_err(|_| format!("`{number}` is no number"))?;
            Ok(Command::On(number, fault(rest)?))
        }
        ref words => fault(words).map(Command::Fault),
    }
}

/// `5s black-hole both`
pub(super) fn timed(text: &str) -> Result<(Duration, Fault), String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let Some((time, rest)) = words.split_first() else {
        return Err("write a time and a fault".into());
    };
    // A fault may be there from the start, which is no duration otherwise.
    let time = if matches!(*time, "0" | "0s") { Duration::ZERO } else { span::parse(time)? };
    Ok((time, fault(rest)?))
}

fn fault(words: &[&str]) -> Result<Fault, String> {
    let Some((name, rest)) = words.split_first() else {
        return Err("which fault?".into());
    };
    let (way, rest) = match rest.split_first() {
        Some((&"to-server", rest)) => (Direction::ToServer, rest),
        Some((&"to-client", rest)) => (Direction::ToClient, rest),
        Some((&"both", rest)) => (Direction::Both, rest),
        _ => (Direction::Both, rest),
    };
    let number = |text: &str| text.parse::<u64>().map_err(|_| format!("`{text}` is no number"));
    Ok(match (*name, rest) {
        ("black-hole", []) => Fault::BlackHole(way),
        ("delay", [time]) => Fault::Delay(way, span::parse(time)?),
        ("rate", [bytes]) => {
            let bytes: NonZeroU32 =
                bytes.parse().map_err(|_| format!("`{bytes}` is no rate: 1 or more bytes"))?;
            Fault::Rate(way, bytes)
        }
        ("stall", []) => Fault::Stall(way),
        ("cut-at", [bytes]) => Fault::CutAt(way, number(bytes)?),
        ("half-close", []) => Fault::HalfClose(way),
        ("reset", []) => Fault::Reset,
        ("heal", []) => Fault::Heal,
        _ => return Err(format!("`{}` is no fault; `help` says which are", words.join(" "))),
    })
}

/// The answer to a command that was carried out
pub(super) fn done(what: impl fmt::Display) -> Value {
    json!({ "event": "done", "done": what.to_string() })
}

/// The answer to one that is none, or could not be carried out
pub(super) fn refused(why: impl fmt::Display) -> Value {
    json!({ "event": "error", "error": why.to_string() })
}

/// An answer for people
pub(super) fn answer(answer: &Value) -> String {
    if let Some(why) = answer["error"].as_str() {
        return format!("no: {why}");
    }
    if let Some(help) = answer["help"].as_str() {
        return help.to_owned();
    }
    if let Some(open) = answer["open"].as_array() {
        let mut lines = vec![format!("{} open of {}", open.len(), answer["accepted"])];
        lines.extend(open.iter().map(|one| {
            let [to_server, to_client] = [&one["bytes_to_server"], &one["bytes_to_client"]];
            format!("  {}: {to_server} bytes to the server, {to_client} back", one["connection"])
        }));
        return lines.join("\n");
    }
    match (answer["done"].as_str(), answer["connection"].as_u64()) {
        (Some(done), Some(number)) => format!("{done}, connection {number}"),
        (Some(done), None) => format!("done: {done}"),
        (None, _) => answer.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_of_the_help_can_be_said() {
        let (way, time) = (Direction::ToClient, Duration::from_millis(200));
        let cases = [
            ("black-hole", Fault::BlackHole(Direction::Both)),
            ("delay to-client 200ms", Fault::Delay(way, time)),
            ("rate to-client 5", Fault::Rate(way, NonZeroU32::new(5).unwrap())),
            ("stall to-server", Fault::Stall(Direction::ToServer)),
            ("cut-at both 0", Fault::CutAt(Direction::Both, 0)),
            ("half-close", Fault::HalfClose(Direction::Both)),
            ("reset", Fault::Reset),
            ("heal", Fault::Heal),
        ];
        for (line, fault) in cases {
            assert_eq!(command(line), Ok(Command::Fault(fault)), "{line}");
            let name = line.split(' ').next().unwrap();
            assert!(HELP.contains(&format!("\n  {name} ")), "{name}");
        }
    }

    #[test]
    fn commands_are_told_from_faults() {
        assert_eq!(command("  "), Ok(Command::Nothing));
        assert_eq!(command("on 7 reset"), Ok(Command::On(7, Fault::Reset)));
        assert_eq!(command("to [::1]:80"), Ok(Command::To("[::1]:80".into())));
        assert_eq!([command("list"), command("quit")], [Ok(Command::List), Ok(Command::Quit)]);
    }

    #[test]
    fn what_is_no_command_says_why() {
        let lines = ["rate 0", "delay", "delay 5d", "on x reset", "on 7", "reset now", "explode"];
        for line in lines {
            assert!(command(line).is_err(), "{line}");
        }
        assert!(command("explode").unwrap_err().contains("help"));
    }

    #[test]
    fn a_step_of_a_schedule_has_a_time() {
        let hole = Fault::BlackHole(Direction::ToServer);
        assert_eq!(timed("5s black-hole to-server"), Ok((Duration::from_secs(5), hole)));
        assert_eq!(timed("0 reset"), Ok((Duration::ZERO, Fault::Reset)));
        assert!(timed("black-hole").is_err() && timed("").is_err());
    }
}
