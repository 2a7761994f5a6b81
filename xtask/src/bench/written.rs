//! What a run leaves: the page and the object in the target folder, and, if it is to be kept, the plot
//! and the table that BENCHMARKS.md has.

use std::fs;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::figures::Figures;
use super::goals::RESIDENT;
use super::page;
use crate::document;
use crate::report::Report;
use crate::shell::Shell;

/// Between these lines of the document is what this command wrote
const MARKS: [&str; 2] = ["<!-- cargo xtask bench -->", "<!-- end of it -->"];

/// The document that has them
const DOCUMENT: &str = "BENCHMARKS.md";

/// The plot in it, which the README shows too
const PLOT: &str = "docs/bench.svg";

/// Leaves the page, the object and the table
pub(super) fn write(
    shell: &Shell,
    figures: &Figures,
    surroundings: &Value,
    report: &Report,
) -> Result<()> {
    let folder = shell.target("bench");
    fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    let page = page::html(figures, surroundings, report.is_valid());
    fs::write(folder.join("report.html"), page)?;
    fs::write(folder.join("report.json"), format!("{:#}\n", report.whole(shell)))?;
    fs::write(folder.join("table.md"), page::table(figures))?;
    let told = folder.strip_prefix(shell.root()).unwrap_or(&folder).display().to_string();
    eprintln!("written: {told}/report.html, report.json, table.md");
    Ok(())
}

/// Puts plot and table into the document
pub(super) fn keep(shell: &Shell, figures: &Figures, report: &Report) -> Result<()> {
    ensure!(report.is_valid(), "what is invalid is not kept");
    fs::write(shell.root().join(PLOT), page::svg(figures, RESIDENT))?;
    let table = page::table(figures);
    let shown = format!("![bytes for an idle connection]({PLOT})\n\n{table}");
    document::put(shell, DOCUMENT, MARKS, &shown)
}
