//! Installing a peer into a folder of its own below the target folder, once for each description.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result};

use super::peer::Peer;
use crate::debian;
use crate::lock::Lock;
use crate::shell::Shell;

/// What an installation was made from
const STAMP: &str = ".installed";
/// Installations that go on at one time
const AT_A_TIME: usize = 4;

/// Whether a peer can be had here
#[derive(Debug)]
pub(super) enum Installed {
    /// In this folder
    At(PathBuf),
    /// And why not
    Not(String),
}

/// Installs the peer unless that was done already; whoever wants the same meanwhile waits, and finds it
/// done
pub(super) fn ready(shell: &Shell, peer: &Peer) -> Result<Installed> {
    if let Some(why) = peer.needs.iter().find_map(|program| missing(program)) {
        return Ok(Installed::Not(why));
    }
    // Of a folder, that whoever else is in it finds it done.
    let name = peer.folder.file_name().context("a peer has a folder")?.to_string_lossy();
    let homes = shell.target("interop");
    let home = homes.join(&*name);
    fs::create_dir_all(&homes).with_context(|| homes.display().to_string())?;
    let _alone = Lock::hold(&homes.join(format!("{name}.lock")), &name)?;
    let wanted = fingerprint(&peer.folder)?;
    if is_there(&home, &wanted) {
        return Ok(Installed::At(home));
    }
    eprintln!("installing {name} ..");
    let begun = Instant::now();
    if home.exists() {
        fs::remove_dir_all(&home).with_context(|| home.display().to_string())?;
    }
    fs::create_dir_all(&home).with_context(|| home.display().to_string())?;
    if let Err(error) = install(shell, peer, &home) {
        return Ok(Installed::Not(format!("{name} cannot be installed here: {error:#}")));
    }
    fs::write(home.join(STAMP), wanted)?;
    eprintln!("installed {name} in {:.1?}", begun.elapsed());
    Ok(Installed::At(home))
}

/// The peers of these folders, each folder once and some at a time: they mostly wait for a network
pub(super) fn all<'a>(
    shell: &Shell,
    peers: impl IntoIterator<Item = &'a Peer>,
) -> Result<BTreeMap<&'a Path, Installed>> {
    let folders = peers.into_iter().map(|peer| (&*peer.folder, peer)).collect::<BTreeMap<_, _>>();
    let folders = folders.into_iter().collect::<Vec<_>>();
    let done = super::at_a_time(AT_A_TIME, &folders, |(folder, peer)| {
        ready(shell, peer).map(|installed| (*folder, installed))
    });
    done.into_iter().collect()
}

/// What was installed there is what is wanted
fn is_there(home: &Path, wanted: &str) -> bool {
    fs::read_to_string(home.join(STAMP)).is_ok_and(|found| found == wanted)
}

fn install(shell: &Shell, peer: &Peer, home: &Path) -> Result<()> {
    if !peer.debian.is_empty() {
        debian::unpack(shell, home, &peer.debian)?;
    }
    for line in &peer.install {
        let line = peer.line(line, home);
        let (program, words) = line.split_first().context("a command line has a program")?;
        shell.run(shell.program(program).args(words))?;
    }
    Ok(())
}

/// All that an installation is made from: a change of any file makes a new one
fn fingerprint(folder: &Path) -> Result<String> {
    let mut entries = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    let mut print = String::new();
    for path in entries.iter().map(fs::DirEntry::path) {
        if path.is_dir() {
            print += &fingerprint(&path)?;
            continue;
        }
        let text = fs::read(&path)?;
        print += &format!("{}\n{}\n", path.display(), String::from_utf8_lossy(&text));
    }
    Ok(print)
}

/// Why a program cannot be used, if it cannot
pub(super) fn missing(program: &str) -> Option<String> {
    is_missing(program).then(|| format!("there is no `{program}` on this machine"))
}

/// Nothing of that name can be started
fn is_missing(program: &str) -> bool {
    let mut command = Command::new(program);
    command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_err_and(|error| error.kind() == ErrorKind::NotFound)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_in_a_folder_within_is_a_part_of_it() {
        let folder = std::env::temp_dir().join(format!("everbeat-print-{}", std::process::id()));
        fs::create_dir_all(folder.join("src")).unwrap();
        let print = |text| {
            fs::write(folder.join("src/main.rs"), text).unwrap();
            fingerprint(&folder).unwrap()
        };
        assert_ne!(print("a"), print("b"));
        assert_eq!(print("a"), print("a"));
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_program_that_cannot_be_started_is_missing() {
        assert!(is_missing("there-is-no-such-program"));
        assert!(!is_missing(&crate::shell::cargo()));
    }
}
