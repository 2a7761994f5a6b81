//! Our tap on a wire: a process between client and server, and all that it has told so far.

use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Result, bail};

use super::note::Note;
use super::program::Program;
use super::settings::PATIENCE;
use super::wire::Wire;

/// Between two looks at what it has told
const LOOK: Duration = Duration::from_millis(5);

#[derive(Debug)]
pub(super) struct Tap {
    program: Program,
    /// Where a client meets it
    pub(super) address: String,
    heard: Vec<(Instant, Wire)>,
}

impl Tap {
    pub(super) fn new(program: Program) -> Result<Self> {
        let (_, address) = program.expect("where it listens", PATIENCE, |note| match note {
            Note::Listening(address) => Some(address.clone()),
            _ => None,
        })?;
        Ok(Self { program, address, heard: Vec::new() })
    }

    /// The command that starts one before this server
    pub(super) fn command(ours: &std::path::Path, server: &str) -> Command {
        let mut command = Command::new(ours);
        command.args(["tap", server]);
        command
    }

    /// What was said by now, and when: by the tap's clock, for its words may come late
    pub(super) fn heard(&mut self) -> &[(Instant, Wire)] {
        let told = self.program.told().into_iter().filter_map(|note| match note {
            Note::Wire(wire) => Some((when(wire.at), wire)),
            _ => None,
        });
        self.heard.extend(told);
        &self.heard
    }

    /// What was said since then
    pub(super) fn since(&mut self, then: Instant) -> Vec<Wire> {
        let since = self.heard().iter().filter(|(at, _)| *at >= then);
        since.map(|(_, wire)| wire.clone()).collect()
    }

    /// Waits until what was said since then passes; a peer may tell of it a little earlier
    pub(super) fn settle<T>(
        &mut self,
        then: Instant,
        patience: Duration,
        judge: impl Fn(&[Wire]) -> Result<T>,
    ) -> Result<T> {
        let deadline = Instant::now() + patience;
        loop {
            match judge(&self.since(then)) {
                Err(error) if Instant::now() > deadline => bail!("on the wire: {error:#}"),
                Err(_) => sleep(LOOK),
                passed => return passed,
            }
        }
    }
}

/// So many microseconds after 1970 began
fn when(micros: u64) -> Instant {
    let then = UNIX_EPOCH + Duration::from_micros(micros);
    let ago = SystemTime::now().duration_since(then).unwrap_or_default();
    Instant::now().checked_sub(ago).unwrap_or_else(Instant::now)
}
