//! However a run ends, nothing of it stays: no process, no network, no clock.

#![cfg(target_os = "linux")]
#![expect(clippy::disallowed_methods, reason = "processes know no virtual time")]
#![expect(clippy::unwrap_used, reason = "a failed helper fails its test")]

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use everbeat_netns::{Tools, skipped};

/// What takes longer hangs
const PATIENCE: Duration = Duration::from_secs(30);

#[test]
fn a_run_that_is_interrupted_leaves_nothing() {
    if let Some(left) = ends_by("a_run_that_is_interrupted_leaves_nothing", "INT") {
        assert_eq!(left, Left { code: Some(3), clocks: 0 });
    }
}

#[test]
fn a_run_that_is_told_to_end_leaves_nothing() {
    if let Some(left) = ends_by("a_run_that_is_told_to_end_leaves_nothing", "TERM") {
        assert_eq!(left, Left { code: Some(3), clocks: 0 });
    }
}

/// SIGKILL gives nobody a chance to clean up: a clock's few bytes stay until the next run
#[test]
fn a_run_that_is_killed_leaves_clocks_alone() {
    if let Some(left) = ends_by("a_run_that_is_killed_leaves_clocks_alone", "KILL") {
        assert_eq!(left, Left { code: None, clocks: 3 });
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Left {
    code: Option<i32>,
    /// Files of clocks
    clocks: usize,
}

/// Ends a run by this signal when all its lanes play; its processes and networks must be gone
fn ends_by(test: &str, signal: &str) -> Option<Left> {
    if let Some(why) = Tools::default().missing() {
        skipped(test, &why);
        return None;
    }
    let temporary = env::temp_dir().join(format!("everbeat-chaos-{}-{signal}", std::process::id()));
    fs::create_dir_all(&temporary).unwrap();
    let mut run = Command::new(env!("CARGO_BIN_EXE_everbeat-chaos"));
    run.args(["--minutes", "1"]).env("TMPDIR", &temporary).stdout(Stdio::piped());
    let mut run = run.stderr(Stdio::null()).spawn().unwrap();
    wait_for_all_lanes(&mut run);
    let (networks, children) = (networks_of(run.id()), children_of(run.id()));
    // Of each lane two hosts and two routers, each a network; and a client and a server.
    assert_eq!((networks.len(), children.len()), (3 * 4, 3 * 2));
    // Whoever is stopped cannot end by himself.
    tell("STOP", children.first().unwrap());
    tell(signal, &run.id().to_string());
    let code = run.wait().unwrap().code();
    let gone = |child: &String| !Path::new("/proc").join(child).exists();
    assert!(becomes(|| children.iter().all(gone)), "a process has stayed");
    let inhabited = || all_networks().intersection(&networks).count();
    assert!(becomes(|| inhabited() == 0), "somebody is still in a network");
    let clocks = fs::read_dir(&temporary).unwrap().count();
    fs::remove_dir_all(&temporary).unwrap();
    Some(Left { code, clocks })
}

fn wait_for_all_lanes(run: &mut Child) {
    let mut lines = BufReader::new(run.stdout.take().unwrap()).lines().map_while(Result::ok);
    let connected = lines.by_ref().filter(|line| line.ends_with("client  connected")).take(3);
    assert_eq!(connected.count(), 3, "it has ended before all were connected");
    // It writes on, and must not be held up.
    thread::spawn(move || lines.for_each(drop));
}

fn tell(signal: &str, process: &str) {
    assert!(Command::new("kill").args(["-s", signal, process]).status().unwrap().success());
}

/// Waits until something is so
fn becomes(mut so: impl FnMut() -> bool) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        if so() {
            return true;
        }
        thread::sleep(Duration::from_millis(20));
    }
    false
}

fn folders(path: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(path).into_iter().flatten();
    entries.filter_map(|entry| Some(entry.ok()?.path())).collect()
}

/// The networks in which a process has threads, but for ours
fn networks_of(process: u32) -> BTreeSet<PathBuf> {
    let threads = folders(&Path::new("/proc").join(process.to_string()).join("task"));
    let ours = fs::read_link("/proc/self/ns/net").unwrap();
    let networks = threads.iter().filter_map(|thread| fs::read_link(thread.join("ns/net")).ok());
    networks.filter(|network| *network != ours).collect()
}

/// The networks in which anybody on this machine is
fn all_networks() -> BTreeSet<PathBuf> {
    let threads = folders(Path::new("/proc")).into_iter().flat_map(|it| folders(&it.join("task")));
    // Who ends meanwhile is nowhere.
    threads.filter_map(|thread| fs::read_link(thread.join("ns/net")).ok()).collect()
}

fn children_of(process: u32) -> Vec<String> {
    let is_child = |path: &PathBuf| {
        // Behind a name, which may be of any words, are a letter and the parent's number.
        let stat = fs::read_to_string(path.join("stat")).unwrap_or_default();
        let words = stat.rsplit_once(") ").map(|(_, words)| words).unwrap_or_default();
        words.split(' ').nth(1) == Some(&process.to_string())
    };
    let children = folders(Path::new("/proc")).into_iter().filter(is_child);
    children.filter_map(|path| Some(path.file_name()?.to_str()?.to_owned())).collect()
}
