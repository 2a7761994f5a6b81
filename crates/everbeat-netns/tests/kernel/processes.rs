//! Processes of a host: where they are, and that they stop and go on.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;
use std::{fs, io};

use everbeat_netns::{Place, resume, stop};

use super::{becomes, possible};

#[test]
fn a_process_is_where_it_was_started() {
    let Some(tools) = possible("a_process_is_where_it_was_started") else { return };
    let place = Place::new("place", &tools).unwrap();
    let mut command = place.command("readlink");
    command.arg("/proc/self/ns/net").stdout(Stdio::piped());
    let output = place.spawn(command).unwrap().wait_with_output().unwrap();
    let there = fs::read_link(place.network()).unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap().trim(), there.to_string_lossy());
    assert_ne!(fs::read_link("/proc/self/ns/net").unwrap(), there);
}

#[test]
fn a_stopped_process_does_nothing_until_it_goes_on() {
    let Some(tools) = possible("a_stopped_process_does_nothing_until_it_goes_on") else { return };
    let place = Place::new("place", &tools).unwrap();
    let mut command = place.command("cat");
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = place.spawn(command).unwrap();
    let (mut stdin, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let mut said = BufReader::new(stdout).lines();
    stdin.write_all(b"one\n").unwrap();
    assert_eq!(said.next().unwrap().unwrap(), "one");
    stop(child.id()).unwrap();
    let state = || fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap();
    assert!(becomes(|| state().contains(") T ")), "{}", state());
    stdin.write_all(b"two\n").unwrap();
    resume(child.id()).unwrap();
    assert!(becomes(|| !state().contains(") T ")), "{}", state());
    assert_eq!(said.next().unwrap().unwrap(), "two");
    drop(stdin);
    assert!(child.wait().unwrap().success());
}

#[test]
fn nobody_is_stopped_by_a_number_that_means_many() {
    for many in [0, u32::MAX] {
        assert_eq!(stop(many).unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }
}
