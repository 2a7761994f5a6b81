//! What a run leaves: the page and the object in the target folder, and, if it is to be kept, what
//! documents have: the plot, the table of everybody in BENCHMARKS.md, and the one in brief in README.

use std::fs;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::figures::Figures;
use super::goals::RESIDENT;
use super::{page, tables};
use crate::document;
use crate::report::Report;
use crate::shell::Shell;

/// Between these lines of a document is what this command wrote
const MARKS: [&str; 2] = ["<!-- cargo xtask bench -->", "<!-- end of it -->"];

/// It has everybody's figures
const DOCUMENT: &str = "BENCHMARKS.md";
/// And it what is promised, in brief
const IN_BRIEF: &str = "README.md";

/// The plot in both
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
    let page = page::html(figures, surroundings, report);
    fs::write(folder.join("report.html"), page)?;
    fs::write(folder.join("report.json"), format!("{:#}\n", report.whole(shell)))?;
    fs::write(folder.join("table.md"), tables::whole(figures))?;
    let told = folder.strip_prefix(shell.root()).unwrap_or(&folder).display().to_string();
    eprintln!("written: {told}/report.html, report.json, table.md");
    Ok(())
}

/// Puts plot and tables into the documents
pub(super) fn keep(
    shell: &Shell,
    figures: &Figures,
    surroundings: &Value,
    report: &Report,
) -> Result<()> {
    ensure!(report.is_valid(), "what is invalid is not kept");
    fs::write(shell.root().join(PLOT), page::svg(figures, RESIDENT))?;
    document::put(shell, IN_BRIEF, MARKS, &brief(figures, surroundings))?;
    document::put(shell, DOCUMENT, MARKS, &whole(figures, surroundings))
}

fn drawn() -> String {
    format!("![bytes for an idle connection]({PLOT})\n")
}

/// What README has
fn brief(figures: &Figures, surroundings: &Value) -> String {
    format!("{}\n{}", drawn(), tables::brief(figures, surroundings))
}

/// What BENCHMARKS.md has
fn whole(figures: &Figures, surroundings: &Value) -> String {
    format!("{}\n{}\n{}", drawn(), tables::whole(figures), tables::head(surroundings))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::contestants::ours;
    use super::*;

    #[test]
    fn readme_has_one_plot_and_a_table_in_brief_and_the_document_all_of_it() {
        let mut figures = Figures::default();
        figures.add(RESIDENT, "bytes", &ours("tokio"), 878.0);
        figures.add(RESIDENT, "bytes", "gorilla", 22_788.0);
        let surroundings = json!({ "date": "2000-01-01", "commit": "abc" });
        let [brief, whole] = [brief, whole].map(|text| text(&figures, &surroundings));
        for text in [&brief, &whole] {
            assert!(text.starts_with("![bytes for an idle connection](docs/bench.svg)\n\n|"));
            assert!(text.contains("2000-01-01") && text.ends_with('\n'), "{text}");
        }
        assert!(brief.contains("|best of others|") && !brief.contains("| gorilla |"));
        assert!(whole.contains("| gorilla |") && whole.contains("commit abc"));
    }

    #[test]
    fn both_documents_have_a_place_for_it() {
        let shell = Shell::new(false).unwrap();
        for document in [IN_BRIEF, DOCUMENT] {
            let text = fs::read_to_string(shell.root().join(document)).unwrap();
            for mark in MARKS {
                assert_eq!(text.matches(mark).count(), 1, "{mark} in {document}");
            }
        }
    }
}
