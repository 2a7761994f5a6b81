//! `cargo xtask tidy`: the repository checks what people forget, each thing in a file of its own.
//!
//! A check looks at the tree and returns findings; it reads no file and starts no program, so that
//! its test is a tree of two lines that it must refuse.

mod arrows;
mod attributes;
mod book;
mod changelog;
mod compared;
mod core_dependencies;
mod fault_table;
mod file_size;
mod foreign;
mod licences;
mod links;
mod machine_paths;
mod map;
mod module_docs;
mod packages;
mod peers;
mod readme;
mod reviewed;
mod root_names;
mod runtime_size;
mod runtimes_alike;
mod todos;
mod tree;
mod whitespace;

use std::process::ExitCode;

use anyhow::{Result, bail};

use self::tree::{Finding, Tree};
use crate::args::Args;
use crate::report::Report;
use crate::shell::{GREEN, RED, Shell, paint};

/// A name for the table, and the check
type Check = (&'static str, fn(&Tree) -> Vec<Finding>);

const CHECKS: &[Check] = &[
    ("arrows between crates", arrows::check),
    ("core's dependencies", core_dependencies::check),
    ("licences and versions of dependencies", foreign::check),
    ("what registries want to know", packages::check),
    ("licences of ours", licences::check),
    ("file sizes", file_size::check),
    ("runtime crates are thin", runtime_size::check),
    ("runtime crates are alike", runtimes_alike::check),
    ("names at a crate's root", root_names::check),
    ("module docs", module_docs::check),
    ("attributes", attributes::check),
    ("unsafe code has one place", reviewed::check),
    ("white space", whitespace::check),
    ("things put off", todos::check),
    ("paths of one machine", machine_paths::check),
    ("links", links::check),
    ("readme is a page, and pages are compiled", readme::check),
    ("pages are a book", book::check),
    ("tests of the fault tables", fault_table::check),
    ("lines of loops and of what they become", compared::check),
    ("scenarios behind what is said of peers", peers::check),
    ("changelog", changelog::check),
];

pub(crate) fn run(shell: &Shell, mut args: Args) -> Result<ExitCode> {
    let map = args.flag("--map");
    args.finish()?;
    let tree = Tree::load(shell)?;
    if map {
        return Ok(map::run(shell, &tree));
    }

    let mut report = Report::new("tidy");
    inspect(&tree, &mut report);
    Ok(report.finish(shell))
}

/// The same as a step of something larger
pub(crate) fn passes(shell: &Shell) -> Result<()> {
    match inspect(&Tree::load(shell)?, &mut Report::new("tidy")) {
        0 => Ok(()),
        findings => bail!("{findings} findings"),
    }
}

/// Runs every check and tells what it found; returns how much that was
fn inspect(tree: &Tree, report: &mut Report) -> usize {
    let mut findings = 0;
    for (name, check) in CHECKS {
        let found = check(tree);
        findings += found.len();
        let mark = if found.is_empty() { paint(GREEN, "ok  ") } else { paint(RED, "FAIL") };
        eprintln!("{mark} {name}");
        for finding in &found {
            eprintln!("       {finding}");
        }
        report.row(*name, found.len(), "findings", 0, found.is_empty());
    }
    let (checks, files) = (CHECKS.len(), tree.files.len());
    eprintln!("{checks} checks over {files} files: {findings} findings");
    findings
}
