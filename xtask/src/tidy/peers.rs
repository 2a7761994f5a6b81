//! What the page on peers says names a scenario that there is, and of every peer it says something.

use std::collections::BTreeSet;

use super::tree::{File, Finding, Tree};
use crate::interop::{self, Described};

const PAGE: &str = "docs/peers.md";
/// The head of a table's column that holds nothing but scenarios
const COLUMN: &str = "scenario";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let scenarios = interop::scenario_names();
    let (mut findings, mut peers) = (Vec::new(), Vec::new());
    for file in tree.with_ending("json") {
        let Some(folder) = file.path.strip_suffix("/peer.json") else { continue };
        match interop::described(folder, &file.text) {
            Ok(described) => peers.extend(described.into_iter().map(|peer| (file, peer))),
            Err(error) => findings.push(Finding::new(&file.path, format!("{error:#}"))),
        }
    }
    for (file, Described { name, excused }) in &peers {
        for scenario in excused.iter().filter(|scenario| !scenarios.contains(&***scenario)) {
            let what = format!("`{name}` is excused for `{scenario}`, which is no scenario");
            findings.push(Finding::new(&file.path, what));
        }
    }
    if peers.is_empty() {
        return findings;
    }
    let Some(page) = tree.file(PAGE) else {
        findings.push(Finding::new(PAGE, "is missing: it says what is known of each peer"));
        return findings;
    };
    let mut names = peers.iter().map(|(_, peer)| &*peer.name).collect::<BTreeSet<_>>();
    // One by one: an iterator of what is static would ask the same of all names.
    for other in interop::others() {
        names.insert(other);
    }
    let said = prose(page).flat_map(|(_, line)| quoted(line, false)).collect::<BTreeSet<_>>();
    for name in names.difference(&said) {
        findings.push(Finding::new(PAGE, format!("says nothing of `{name}`")));
    }
    findings.extend(unknown(page, &scenarios, &names));
    findings.extend(unbacked(page, &scenarios));
    findings
}

/// What is in brackets, or in a column of scenarios, and is none
fn unknown(page: &File, scenarios: &BTreeSet<&str>, names: &BTreeSet<&str>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut column = None;
    for (number, line) in prose(page) {
        let cells = line.starts_with('|').then(|| line.trim_matches('|').split('|'));
        let cells = cells.into_iter().flatten().map(str::trim).collect::<Vec<_>>();
        column = match cells[..] {
            [] => None,
            _ => column.or_else(|| cells.iter().position(|cell| *cell == COLUMN)),
        };
        let cell = column.and_then(|column| cells.get(column)).copied().unwrap_or_default();
        let word = |word: &str| names.contains(word) || interop::words().any(|known| known == word);
        let bracketed = quoted(line, true).into_iter().filter(|name| !word(name));
        for name in bracketed.chain(quoted(cell, false)).filter(|name| !scenarios.contains(name)) {
            findings.push(Finding::at(page, number, format!("`{name}` is no scenario")));
        }
    }
    findings
}

/// Sections without a scenario: nothing there was seen
fn unbacked(page: &File, scenarios: &BTreeSet<&str>) -> Vec<Finding> {
    let mut sections = Vec::new();
    for (number, line) in prose(page) {
        if line.starts_with("## ") || line.starts_with("### ") {
            sections.push((number, line, line.starts_with("### "), false));
        }
        let shown = quoted(line, false).iter().any(|name| scenarios.contains(name));
        if let Some((.., seen)) = sections.last_mut() {
            *seen |= shown;
        }
    }
    // A section that has sections of its own may leave it to these.
    let above = |index: usize| {
        let next = sections.get(index + 1);
        sections.get(index).is_some_and(|it| !it.2) && next.is_some_and(|next| next.2)
    };
    let bare = sections.iter().enumerate().filter(|(index, it)| !it.3 && !above(*index));
    bare.map(|(_, (number, line, ..))| {
        Finding::at(page, *number, format!("no scenario shows what `{line}` says"))
    })
    .collect()
}

/// Its lines with their numbers, from 1, without what is quoted in blocks
fn prose(page: &File) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    page.text.lines().enumerate().filter_map(move |(index, line)| {
        let fence = line.starts_with("```");
        fenced ^= fence;
        (!fenced && !fence).then_some((index + 1, line))
    })
}

/// What is between backticks; only where that is in brackets, if wanted
fn quoted(line: &str, bracketed: bool) -> Vec<&str> {
    let (mut found, mut depth) = (Vec::new(), 0_u32);
    for (index, part) in line.split('`').enumerate() {
        if index % 2 == 1 {
            if depth > 0 || !bracketed {
                found.push(part);
            }
            continue;
        }
        for c in part.chars() {
            match c {
                '(' => depth += 1,
                ')' => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: &str = r#"{ "needs": [], "install": [], "start": ["x"], "version": ["x"] }"#;
    const PAGE_OF_ALL: &str = "# Peers\n\n## All\n\n`faye`, `nginx`, `haproxy` and `http.server` \
        answer (`idle`, `echo` with `wss`), and `ping(x)` (see [there](x.md)) is a call.\n\n\
        ```text\n(`nothing`)\n```\n\n| who | scenario |\n|---|---|\n| a `page` | `page-hidden` |\n";

    fn findings(peer: &str, page: &str) -> Vec<String> {
        let tree = Tree::of([("interop/faye/peer.json", peer), (PAGE, page)]);
        check(&tree).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_is_said_names_scenarios_and_every_peer() {
        assert_eq!(findings(PEER, PAGE_OF_ALL), [""; 0]);
        let finds = |from: &str, to: &str, what: &str| {
            assert!(PAGE_OF_ALL.contains(from), "{from}");
            let found = findings(PEER, &PAGE_OF_ALL.replace(from, to));
            assert!(found.len() == 1 && found[0].contains(what), "{from} > {to}: {found:?}");
        };
        finds("(`idle`", "(`idles`", "docs/peers.md:5: `idles` is no scenario");
        finds("`wss`)", "`wsss`)", "`wsss` is no scenario");
        finds("`page-hidden`", "`page-hid`", "docs/peers.md:13: `page-hid` is no scenario");
        finds("`faye`,", "faye,", "says nothing of `faye`");
        finds("`haproxy`", "HAProxy", "says nothing of `haproxy`");
        finds("\n\n| who", "\n\n## Of none\n\nSo it is.\n\n## Of one\n\n| who", "`## Of none`");
    }

    #[test]
    fn a_section_may_leave_it_to_its_own() {
        assert_eq!(findings(PEER, &PAGE_OF_ALL.replace("## All", "## All\n\n### Here")), [""; 0]);
        let bare = PAGE_OF_ALL.replace("## All", "## All\n\n### There\n\n### Here");
        assert_eq!(
            findings(PEER, &bare),
            ["docs/peers.md:5: no scenario shows what `### There` says"]
        );
    }

    #[test]
    fn what_is_described_is_an_exception_of_scenarios() {
        let with = |scenario: &str| {
            let expected = format!(
                r#""expected": [{{ "scenario": {scenario}, "error": "e", "why": "w" }}], "needs""#
            );
            findings(&PEER.replace("\"needs\"", &expected), PAGE_OF_ALL)
        };
        assert_eq!(with("[\"idle\", \"stop\"]"), [""; 0]);
        for (nothing, named) in [("\"*\"", "`*`"), ("[\"idle\", \"idler\"]", "`idler`")] {
            let found = with(nothing);
            assert!(found.len() == 1 && found[0].contains(named), "{found:?}");
        }
        assert_eq!(findings("{", PAGE_OF_ALL).len(), 1);
    }

    #[test]
    fn a_peer_without_a_page_is_found_and_no_peer_needs_none() {
        assert_eq!(check(&Tree::of([("interop/faye/peer.json", PEER)])).len(), 1);
        assert_eq!(check(&Tree::default()), []);
        let only_measured = PEER.replace(r#""start": ["x"], "#, "");
        assert_eq!(check(&Tree::of([("interop/aiohttp/peer.json", &only_measured)])), []);
    }
}
