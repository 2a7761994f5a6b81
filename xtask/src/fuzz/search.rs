//! The searching programs: built with coverage, then run one at a time.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::MANIFEST;
use super::progress::Progress;
use crate::shell::Shell;

/// Which edges were taken, and what was compared with what: by LLVM, in whatever is compiled
const COVERAGE: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
                        -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
                        -Cllvm-args=-sanitizer-coverage-pc-table \
                        -Cllvm-args=-sanitizer-coverage-trace-compares";

/// Programs that are built
pub(super) struct Search<'a> {
    shell: &'a Shell,
    programs: PathBuf,
}

/// How a search ended
pub(super) struct Ended {
    pub(super) inputs: u64,
    pub(super) edges: u64,
    /// What broke the property, if anything did
    pub(super) broken: Option<String>,
}

impl<'a> Search<'a> {
    pub(super) fn build(shell: &'a Shell) -> Result<Self> {
        // Named, the host's triple keeps the flags away from build scripts, which have no libFuzzer
        let host = host(shell)?;
        let target = shell.target("fuzz");
        let mut command = shell.cargo("build --release --features libfuzzer --bins");
        command.args(["--manifest-path", MANIFEST, "--target", &host, "--target-dir"]);
        shell.run(command.arg(&target).env("RUSTFLAGS", COVERAGE))?;
        Ok(Self { shell, programs: target.join(host).join("release") })
    }

    /// Looks for inputs that break `target` for so many seconds, or until one does
    pub(super) fn run(&self, target: &str, seconds: u64) -> Result<Ended> {
        let broken = self.shell.target("fuzz/broken").join(target);
        fs::create_dir_all(&broken)?;
        let mut command = self.program(target)?;
        command.arg(self.found(target)?);
        for folder in ["corpus", "findings"].map(|kept| self.kept(kept, target)) {
            if folder.exists() {
                command.arg(folder);
            }
        }
        let words = self.kept("dictionaries", target);
        if words.exists() {
            command.arg(format!("-dict={}", words.display()));
        }
        command.arg(format!("-max_total_time={seconds}"));
        command.args(["-timeout=10", "-rss_limit_mb=1024", "-print_final_stats=1"]);
        command.arg(format!("-artifact_prefix={}/", broken.display()));

        eprintln!("{target}: {seconds} s");
        let mut child = command.stderr(Stdio::piped()).spawn().context("it was just built")?;
        let mut progress = Progress::new(target);
        if let Some(stderr) = child.stderr.take() {
            for line in BufReader::new(stderr).split(b'\n') {
                progress.read(&String::from_utf8_lossy(&line?));
            }
        }
        let held = child.wait()?.success();
        if !held {
            progress.tell();
        }
        let Progress { inputs, edges, broken, .. } = progress;
        match (held, broken) {
            (true, _) => Ok(Ended { inputs, edges, broken: None }),
            (false, Some(broken)) => Ok(Ended { inputs, edges, broken: Some(broken) }),
            (false, None) => bail!("{target} failed without an input to blame"),
        }
    }

    /// The program that searches `target`
    pub(super) fn program(&self, target: &str) -> Result<Command> {
        let program = self.programs.join(target);
        if !program.exists() {
            bail!("{} is no program of {MANIFEST}", program.display());
        }
        Ok(self.shell.program(program))
    }

    /// What earlier searches found interesting here, and later ones go on from
    pub(super) fn found(&self, target: &str) -> Result<PathBuf> {
        let found = self.shell.target("fuzz/found").join(target);
        fs::create_dir_all(&found)?;
        Ok(found)
    }

    /// A folder, or a file, of the target's in the repository
    pub(super) fn kept(&self, kind: &str, target: &str) -> PathBuf {
        self.shell.root().join("fuzz").join(kind).join(target)
    }
}

fn host(shell: &Shell) -> Result<String> {
    let told = shell.read(shell.program("rustc").arg("-vV"))?;
    let host = told.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(ToOwned::to_owned).context("`rustc -vV` names no host")
}
