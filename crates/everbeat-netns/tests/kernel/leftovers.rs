//! Whatever happens to us, nothing of ours stays.

use std::io::{BufRead, BufReader, Write, stdout};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Child, Command, Stdio};
use std::{env, thread};

use everbeat_netns::{Network, Place, Tools};

use super::{becomes, is_inhabited, network, network_of, possible};

/// Tells the process that is to be killed from the others
const VICTIM: &str = "EVERBEAT_NETNS_VICTIM";

#[test]
fn networks_are_gone_when_dropped() {
    let Some(tools) = possible("networks_are_gone_when_dropped") else { return };
    let (network, client, server) = network(&tools);
    let networks = [network_of(&client), network_of(&server)];
    assert_ne!(networks[0], networks[1]);
    assert!(networks.iter().all(|network| is_inhabited(network)));
    drop((network, client, server));
    assert!(!networks.iter().any(|network| is_inhabited(network)), "a thread has stayed there");
}

#[test]
fn networks_and_processes_are_gone_after_a_panic() {
    let Some(tools) = possible("networks_and_processes_are_gone_after_a_panic") else { return };
    let panicked = catch_unwind(|| {
        let (_network, client, _server) = network(&tools);
        let sleeper = client.place().spawn(sleeper(client.place())).unwrap();
        // Who is stopped cannot end by himself.
        everbeat_netns::stop(sleeper.id()).unwrap();
        // Nobody waits for it: the host's end is its own.
        std::panic::panic_any((network_of(&client), sleeper));
    });
    let (network, mut sleeper) = *panicked.unwrap_err().downcast::<(String, Child)>().unwrap();
    assert!(becomes(|| sleeper.try_wait().unwrap().is_some()), "a process has stayed");
    assert!(becomes(|| !is_inhabited(&network)), "something has stayed there");
}

#[test]
fn a_setup_that_fails_leaves_nothing() {
    let Some(tools) = possible("a_setup_that_fails_leaves_nothing") else { return };
    let threads = || std::fs::read_dir("/proc/self/task").unwrap().count();
    let named = |name: &str| {
        let all = std::fs::read_dir("/proc/self/task").unwrap();
        let names = all.filter_map(|it| std::fs::read_to_string(it.ok()?.path().join("comm")).ok());
        names.filter(|comm| comm.trim() == name).count()
    };
    assert!(threads() > 0);
    for names in [["twin-x", "twin-x"], ["fine-x", "much-too-long-for-a-link"], ["fine-x", "a b"]] {
        let error = Network::join(&tools, names).unwrap_err();
        assert_eq!((named("twin-x"), named("fine-x")), (0, 0), "{error:#}");
    }
}

#[test]
fn what_is_no_name_of_a_link_is_refused() {
    for name in ["", "a b", "a/b", "sixteen-letters-"] {
        let error = Place::new(name, &Tools::default()).unwrap_err();
        assert!(error.to_string().contains(&format!("`{name}`")), "{error:#}");
    }
}

#[test]
fn a_panic_in_a_place_is_its_callers_and_the_place_goes_on() {
    let Some(tools) = possible("a_panic_in_a_place_is_its_callers_and_the_place_goes_on") else {
        return;
    };
    let place = Place::new("place", &tools).unwrap();
    let here = thread::current().id();
    let panicked = catch_unwind(AssertUnwindSafe(|| place.run(|| panic!("on purpose"))));
    assert!(panicked.is_err());
    assert_ne!(place.run(|| thread::current().id()).unwrap(), here);
}

/// SIGKILL gives nobody a chance to clean up
#[test]
fn networks_and_processes_are_gone_when_we_are_killed() {
    let Some(_) = possible("networks_and_processes_are_gone_when_we_are_killed") else { return };
    let test = "leftovers::is_killed";
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]).env(VICTIM, "");
    let mut victim = command.stdout(Stdio::piped()).spawn().unwrap();
    let said = BufReader::new(victim.stdout.take().unwrap()).lines().map_while(Result::ok);
    let networks = said.filter(|line| line.starts_with("net:[")).take(3).collect::<Vec<_>>();
    assert_eq!(networks.len(), 3, "the other process did not make its networks");
    assert!(networks.iter().all(|network| is_inhabited(network)));
    victim.kill().unwrap();
    victim.wait().unwrap();
    assert!(becomes(|| !networks.iter().any(|network| is_inhabited(network))), "{networks:?} stay");
}

/// The process that is killed meanwhile; by itself, as a test among others, it is none
#[test]
fn is_killed() {
    if env::var_os(VICTIM).is_none() {
        return;
    }
    let tools = Tools::default();
    let (_network, hosts) = Network::join(&tools, ["one", "two", "three"]).unwrap();
    let sleeper = hosts[0].place().spawn(sleeper(hosts[0].place())).unwrap();
    everbeat_netns::stop(sleeper.id()).unwrap();
    let names = hosts.each_ref().map(network_of).join("\n");
    stdout().write_all(format!("\n{names}\n").as_bytes()).unwrap();
    // Until then; its end is no success.
    thread::sleep(super::PATIENCE);
    std::process::exit(1);
}

fn sleeper(place: &Place) -> Command {
    let mut command = place.command("sleep");
    command.arg("60").stdin(Stdio::null()).stdout(Stdio::null());
    command
}
