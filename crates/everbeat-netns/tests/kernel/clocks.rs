//! Clocks that jump: of the process that is dressed with one, and no other's.

use std::env;
use std::io::{BufRead, BufReader, Write, stdin, stdout};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use everbeat_netns::{Clock, Kind};

use super::possible;

/// Tells the process that is dressed from the others
const TELLER: &str = "EVERBEAT_NETNS_TELLER";
const HOUR: Duration = Duration::from_secs(3_600);

#[test]
fn both_clocks_jump() {
    if let Some([wall, monotonic]) = jumps("both_clocks_jump", Kind::Both) {
        assert!(wall >= HOUR && monotonic >= HOUR, "{wall:?}, {monotonic:?}");
    }
}

#[test]
fn only_the_wall_clock_jumps() {
    if let Some([wall, monotonic]) = jumps("only_the_wall_clock_jumps", Kind::Wall) {
        assert!(wall >= HOUR && monotonic < HOUR, "{wall:?}, {monotonic:?}");
    }
}

/// By how much each of a process's clocks goes on while it is told to jump an hour
fn jumps(test: &str, kind: Kind) -> Option<[Duration; 2]> {
    let mut clock = Clock::new(&possible(test)?, kind).unwrap();
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "clocks::tells", "--nocapture"]).env(TELLER, "");
    clock.dress(&mut command);
    let mut teller = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut stdin, stdout) = (teller.stdin.take().unwrap(), teller.stdout.take().unwrap());
    let mut said = BufReader::new(stdout).lines().map_while(Result::ok);
    assert!(said.by_ref().any(|line| line == "began"), "the other process did not begin");
    clock.jump(HOUR).unwrap();
    stdin.write_all(b"now\n").unwrap();
    let went = said.find_map(|line| {
        let (wall, monotonic) = line.strip_prefix("went ")?.split_once(' ')?;
        Some([wall, monotonic].map(|millis| Duration::from_millis(millis.parse().unwrap())))
    });
    assert!(teller.wait().unwrap().success());
    went
}

/// The process that is dressed; by itself, as a test among others, it is none
#[test]
fn tells() {
    if env::var_os(TELLER).is_none() {
        return;
    }
    let (wall, monotonic) = (SystemTime::now(), Instant::now());
    let say = |what: String| stdout().write_all(format!("\n{what}\n").as_bytes()).unwrap();
    say("began".into());
    stdin().lines().next().unwrap().unwrap();
    let (wall, monotonic) = (wall.elapsed().unwrap(), monotonic.elapsed());
    say(format!("went {} {}", wall.as_millis(), monotonic.as_millis()));
}
