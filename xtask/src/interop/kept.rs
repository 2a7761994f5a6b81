//! The matrix as documents have it: a line a peer and role, a column a scenario, over all runtimes and
//! schemes, and in brief a line a role; who took part in which version, and when. Pure, but for `keep`.

use std::collections::BTreeMap;
use std::fmt::Write;

use anyhow::{Result, ensure};

use super::Sum;
use super::matrix::{Row, Table, Verdict};
use crate::document;
use crate::shell::Shell;

/// Between these lines of a document is what this command wrote
const MARKS: [&str; 2] = ["<!-- cargo xtask interop -->", "<!-- end of interop -->"];
const DOCUMENT: &str = "docs/interop.md";
/// It has who took part, and how many scenarios in which role
const IN_BRIEF: &str = "README.md";

/// Puts the matrix of a whole run into the documents
pub(super) fn keep(shell: &Shell, rows: &[Row], versions: &BTreeMap<String, String>) -> Result<()> {
    let Sum { failed, skipped, valid } = Sum::of(rows);
    ensure!(valid && failed == 0, "what failed or was invalid is not kept");
    ensure!(skipped.is_empty(), "what was not tried is not kept: {}", skipped.join(", "));
    let date = shell.read(shell.program("date").args(["-u", "+%F"]))?;
    let kernel = shell.read(shell.program("uname").arg("-sr"))?;
    let head = format!("{}, {}", date.trim(), kernel.trim());
    document::put(shell, IN_BRIEF, MARKS, &brief(rows, versions, &head))?;
    document::put(shell, DOCUMENT, MARKS, &page(rows, versions, &head))
}

/// How many passed, and what became of the others
fn sum(rows: &[Row]) -> String {
    let passed = passed(rows.iter());
    let others = match passed == rows.len() {
        true => "",
        false => ", and the others ended as they are known to",
    };
    format!("{passed} of {} trials passed{others}", rows.len())
}

fn passed<'a>(rows: impl Iterator<Item = &'a Row>) -> usize {
    rows.filter(|row| row.verdict() == Verdict::Pass).count()
}

/// A line for each role, with the trials of everybody who had it: together whose numbers are the same,
/// and the version where a name comes first
fn brief(rows: &[Row], versions: &BTreeMap<String, String>, head: &str) -> String {
    let mut brief = format!("{head}: {} ([each scenario]({DOCUMENT})).\n", sum(rows));
    _ = writeln!(brief, "\n| as | trials that passed, of each |\n|---|---|");
    let mut told = Vec::new();
    for role in once(rows.iter().map(|row| row.words()[1])) {
        let mut counts: Vec<(String, Vec<String>)> = Vec::new();
        for peer in once(rows.iter().map(|row| row.words()[0])) {
            let those = || rows.iter().filter(|row| row.words()[..2] == [peer, role]);
            let count = match (those().count(), passed(those())) {
                (0, _) => continue,
                (all, passed) if all == passed => format!("{all}"),
                (all, passed) => format!("{passed} of {all}"),
            };
            let version = match told.contains(&peer) {
                true => String::new(),
                false => version(versions, peer),
            };
            told.push(peer);
            let name = format!("{peer}{version}");
            match counts.iter_mut().find(|(other, _)| *other == count) {
                Some((_, names)) => names.push(name),
                None => counts.push((count, vec![name])),
            }
        }
        let counts = counts.iter().map(|(count, names)| format!("{count}: {}", names.join(", ")));
        _ = writeln!(brief, "| {role} | {} |", counts.collect::<Vec<_>>().join("; "));
    }
    brief
}

/// Each word once, where it came first
fn once<'a>(words: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut all = Vec::new();
    for word in words {
        if !all.contains(&word) {
            all.push(word);
        }
    }
    all
}

fn version(versions: &BTreeMap<String, String>, peer: &str) -> String {
    versions.get(peer).map_or_else(String::new, |version| format!(" {version}"))
}

fn page(rows: &[Row], versions: &BTreeMap<String, String>, head: &str) -> String {
    let mut page = format!("{head}: {}.\n", sum(rows));
    let (mut notes, mut lines) = (Vec::new(), String::new());
    for wanted in Table::ALL {
        let columns = columns(rows.iter().filter(|row| row.table() == wanted));
        lines += "\n";
        lines += &table(rows, &columns, versions, &mut notes);
    }
    page += &lines;
    for (number, note) in notes.iter().enumerate() {
        let gap = if number == 0 { "\n" } else { "" };
        // Nothing that is written into a string fails.
        _ = writeln!(page, "{gap}{}. {note}", number + 1);
    }
    page
}

/// Who plays: a name and a role; and the scenarios, in the order in which they came
struct Columns<'a> {
    players: Vec<[&'a str; 2]>,
    scenarios: Vec<&'a str>,
}

fn columns<'a>(rows: impl Iterator<Item = &'a Row>) -> Columns<'a> {
    let mut columns = Columns { players: Vec::new(), scenarios: Vec::new() };
    for row in rows {
        let [peer, role, _, _, scenario] = row.words();
        if !columns.players.contains(&[peer, role]) {
            columns.players.push([peer, role]);
        }
        if !columns.scenarios.contains(&scenario) {
            columns.scenarios.push(scenario);
        }
    }
    columns
}

fn table(
    rows: &[Row],
    columns: &Columns<'_>,
    versions: &BTreeMap<String, String>,
    notes: &mut Vec<String>,
) -> String {
    let Columns { players, scenarios } = columns;
    let mut table =
        format!("| | {} |\n|---|{}\n", scenarios.join(" | "), ":-:|".repeat(scenarios.len()));
    for [peer, role] in players {
        let version = version(versions, peer);
        let cells = scenarios.iter().map(|scenario| {
            let of = |row: &&Row| {
                let words = row.words();
                [words[0], words[1], words[4]] == [*peer, *role, *scenario]
            };
            cell(rows.iter().filter(of), notes)
        });
        let cells = cells.collect::<Vec<_>>().join(" | ");
        _ = writeln!(table, "| {peer}{version}, {role} | {cells} |");
    }
    table
}

/// How many trials passed; the number of a note if some ended otherwise, as is known
fn cell<'a>(rows: impl Iterator<Item = &'a Row>, notes: &mut Vec<String>) -> String {
    let (mut passed, mut numbers) = (0, Vec::new());
    for row in rows {
        if row.verdict() == Verdict::Pass {
            passed += 1;
            continue;
        }
        let number = notes.iter().position(|note| note == row.reason()).unwrap_or_else(|| {
            notes.push(row.reason().to_owned());
            notes.len() - 1
        });
        if !numbers.contains(&number) {
            numbers.push(number);
        }
    }
    let mut words = Vec::new();
    if passed > 0 {
        words.push(format!("{passed}"));
    }
    words.extend(numbers.iter().map(|number| format!("note {}", number + 1)));
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run() -> ([Row; 8], BTreeMap<String, String>) {
        let row = |words: [&str; 5], verdict, why: &str| Row::of(words, verdict, why);
        let rows = [
            row(["ws", "server", "tokio", "ws", "idle"], Verdict::Pass, ""),
            row(["ws", "server", "smol", "wss", "idle"], Verdict::Pass, ""),
            row(["ws", "client", "tokio", "ws", "ping"], Verdict::Expected, "it has no such call"),
            row(["ws", "client", "smol", "ws", "ping"], Verdict::Expected, "it has no such call"),
            row(["faye", "server", "tokio", "ws", "idle"], Verdict::Pass, ""),
            row(["rocket", "server", "tokio", "ws", "idle"], Verdict::Pass, ""),
            row(["faye", "server of java", "-", "ws", "pairing"], Verdict::Pass, ""),
            row(["nginx", "proxy", "tokio", "ws", "5s-cut"], Verdict::Pass, ""),
        ];
        (rows, BTreeMap::from([("ws".into(), "8.1".into())]))
    }

    #[test]
    fn in_brief_each_role_has_a_line_and_the_lines_add_up() {
        let (rows, versions) = run();
        let brief = brief(&rows, &versions, "2000-01-01, Linux 6");
        let said = "2000-01-01, Linux 6: 6 of 8 trials passed, and the others ended as they are known \
            to ([each scenario](docs/interop.md)).\n\n\
            | as | trials that passed, of each |\n|---|---|\n\
            | server | 2: ws 8.1; 1: faye, rocket |\n\
            | client | 0 of 2: ws |\n\
            | server of java | 1: faye |\n\
            | proxy | 1: nginx |\n";
        assert_eq!(brief, said);
    }

    #[test]
    fn the_page_counts_passes_and_gives_each_reason_once() {
        let (rows, versions) = run();
        let page = page(&rows, &versions, "2000-01-01, Linux 6");
        for line in [
            "2000-01-01, Linux 6: 6 of 8 trials passed, and the others ended as they are known to.\n",
            "| | idle | ping |\n",
            "| ws 8.1, server | 2 |  |\n",
            "| ws 8.1, client |  | note 1 |\n",
            "\n| | pairing |\n|---|:-:|\n| faye, server of java | 1 |\n",
            "\n| | 5s-cut |\n|---|:-:|\n| nginx, proxy | 1 |\n",
            "\n1. it has no such call\n",
        ] {
            assert!(page.contains(line), "{line}: {page}");
        }
        assert_eq!(page.matches("no such call").count(), 1);
    }
}
