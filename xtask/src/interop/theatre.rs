//! What every stage of a run is built from: our program, certificates, and what networks and proxies
//! are made with, as far as they can be had here.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::Result;
use everbeat_netns::Tools;

use super::install;
use super::middle::Middles;
use super::peer::Role;
use super::road::Road;
use super::settings::{MARGIN, OUR_FRAME};
use crate::chaos::{Had, tools};
use crate::shell::Shell;

#[derive(Debug)]
pub(super) struct Theatre {
    /// Our program
    pub(super) ours: PathBuf,
    /// Where it has put `ca.pem`, `cert.pem` and `key.pem`
    pub(super) certificates: PathBuf,
    /// Networks are made with these; or why there are none
    pub(super) tools: Result<Tools, String>,
    pub(super) middles: Middles,
    /// Why there is no Python here, if there is none
    pub(super) python: Option<String>,
    /// For what a proxy needs to have in files
    pub(super) folder: PathBuf,
    /// Where our sources are
    pub(super) root: PathBuf,
    /// Who plays in our place, if not we
    stand_in: Option<Vec<String>>,
}

/// What a run needs beside programs
#[derive(Debug, Clone, Default)]
pub(super) struct Wanted {
    pub(super) roads: bool,
    pub(super) middles: bool,
    /// Another program's command line in the place of ours
    pub(super) stand_in: Option<Vec<String>>,
}

impl Theatre {
    /// Certificates are made anew for each run
    pub(super) fn new(shell: &Shell, wanted: Wanted) -> Result<Self> {
        let program = format!("everbeat-interop{}", std::env::consts::EXE_SUFFIX);
        let ours = shell.target("debug").join(program);
        let folder = shell.target("interop");
        let certificates = folder.join("certificates");
        let mut make = shell.program(&ours);
        make.arg("certificates").arg(&certificates).arg(Road::SERVER.to_string());
        shell.run(&mut make)?;
        let tools = match wanted.roads.then(|| tools(shell)).transpose()? {
            Some(Had::All(tools)) => Ok(tools),
            Some(Had::Not(why)) => Err(why),
            None => Err("no road was wanted".into()),
        };
        let middles = if wanted.middles { Middles::find(shell) } else { Middles::default() };
        let python = install::missing("python3");
        let root = shell.root().to_owned();
        let stand_in = wanted.stand_in;
        Ok(Self { ours, certificates, tools, middles, python, folder, root, stand_in })
    }

    /// What TLS needs in this role; `known` if clients show who they are, too
    pub(super) fn certificates(
        &self,
        role: Role,
        known: bool,
    ) -> impl Iterator<Item = (&'static str, PathBuf)> {
        options(role, known).map(|(option, file)| (option, self.certificates.join(file)))
    }

    /// Our program in this role, on this runtime
    pub(super) fn ours(&self, role: Role, place: &str, runtime: &str) -> Command {
        let mut command = Command::new(&self.ours);
        command.args([role.name(), place, "--runtime", runtime]);
        command
    }

    /// Who plays in our place, if anybody: told to beat and to give up as ours is, and nothing that is
    /// ours alone
    pub(super) fn stand_in(
        &self,
        role: Role,
        place: &str,
        rule: &[(&str, Duration)],
    ) -> Option<Command> {
        let (program, words) = self.stand_in.as_ref()?.split_first()?;
        let mut command = Command::new(program);
        command.args(words).args([role.name(), place, "--fragment", &OUR_FRAME.to_string()]);
        let told = rule.iter().filter(|(option, _)| ["--beat", "--timeout"].contains(option));
        add(&mut command, &told.copied().collect::<Vec<_>>());
        // Ours does not wait for an answer to its Close before it says that somebody is dead.
        add(&mut command, &[("--close-timeout", MARGIN / 5)]);
        Some(command)
    }

    pub(super) const fn is_stood_in_for(&self) -> bool {
        self.stand_in.is_some()
    }
}

/// What a side shows, and whom it trusts: a server asks its clients for nothing unless they are to be
/// known
fn options(role: Role, known: bool) -> impl Iterator<Item = (&'static str, &'static str)> {
    let shows = [("--cert", "cert.pem"), ("--key", "key.pem")].into_iter();
    let trusts = [("--ca", "ca.pem")].into_iter();
    let (shown, trusted) = (role == Role::Server || known, role == Role::Client || known);
    shows.filter(move |_| shown).chain(trusts.filter(move |_| trusted))
}

/// Options with a duration each
pub(super) fn add(command: &mut Command, options: &[(&str, Duration)]) {
    for (option, duration) in options {
        command.args([option, &*duration.as_millis().to_string()]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_shows_who_it_is_only_where_the_server_asks() {
        let names = |role, known| options(role, known).map(|(name, _)| name).collect::<Vec<_>>();
        assert_eq!(names(Role::Server, false), ["--cert", "--key"]);
        assert_eq!(names(Role::Client, false), ["--ca"]);
        for role in Role::ALL {
            assert_eq!(names(role, true), ["--cert", "--key", "--ca"]);
        }
    }
}
