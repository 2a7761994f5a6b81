//! `cargo xtask build`: every crate, example and bench, and core without std.

use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;

use crate::args::Args;
use crate::nostd;
use crate::report::Report;
use crate::shell::Shell;

pub(crate) fn run(shell: &Shell, args: Args) -> Result<ExitCode> {
    args.finish()?;
    let mut report = Report::new("build");

    let start = Instant::now();
    shell.run(&mut shell.cargo("build --workspace --all-targets"))?;
    report.row("workspace", start.elapsed().as_secs_f64(), "s", None::<f64>, true);

    let start = Instant::now();
    nostd::check(shell)?;
    report.row("core without std", start.elapsed().as_secs_f64(), "s", None::<f64>, true);

    Ok(report.finish(shell))
}
