//! `everbeat ping` over a road that can be taken away: what the kernel's evidence is for. Between hosts
//! of this machine's kernel; where there can be none it says so.

use std::io::{BufRead, BufReader};
use std::process::{ChildStdout, Stdio};

use everbeat_netns::{Network, Place, Tools, skipped};

const EVERBEAT: &str = env!("CARGO_BIN_EXE_everbeat");

/// A program at a place, and what it says line by line
fn start(
    place: &Place,
    args: &[&str],
) -> (std::process::Child, impl Iterator<Item = String> + use<>) {
    let mut command = place.command(EVERBEAT);
    command.args(args).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = place.spawn(command).unwrap();
    let lines = BufReader::<ChildStdout>::new(child.stdout.take().unwrap()).lines();
    (child, lines.map(Result::unwrap))
}

#[test]
fn a_hole_in_the_road_is_told_from_an_application_that_hangs() {
    let tools = Tools::default();
    if let Some(why) = tools.missing() {
        skipped("a_hole_in_the_road_is_told_from_an_application_that_hangs", &why);
        return;
    }
    let (network, [client, server]) = Network::join(&tools, ["client", "server"]).unwrap();
    let (_serving, mut served) = start(server.place(), &["serve", "0.0.0.0:9001"]);
    served.find(|line| line.contains("listening")).unwrap();
    let url = format!("ws://{}:9001/", server.v4());
    let (mut pinging, mut said) = start(client.place(), &["ping", "-i", "100ms", "-W", "2s", &url]);
    said.find(|line| line.starts_with("beat 2:")).unwrap();
    network.part(&client, &server).unwrap();
    let dead = said.find(|line| line.contains("dead")).unwrap();
    assert!(dead.contains("dead (path)"), "{dead}");
    assert!(said.any(|line| line.contains("the road is gone")));
    assert!(said.any(|line| line.contains(" answered, ")), "and the figures");
    assert_eq!(pinging.wait().unwrap().code(), Some(1));
}
