//! Things put off have an issue, so that somebody finds them again.

use super::tree::{Finding, Tree};
use crate::source::has_word;

/// Written apart, or this file would be a finding
const MARKS: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files.iter().filter(|file| file.ending() != Some("md")) {
        for (index, line) in file.text.lines().enumerate() {
            let put_off = MARKS.iter().find(|mark| has_word(line, mark));
            if let Some(mark) = put_off.filter(|_| !names_issue(line)) {
                let what = format!("{mark} without an issue: do it now, or file it and link it");
                findings.push(Finding::at(file, index + 1, what));
            }
        }
    }
    findings
}

/// `#12`, or a link to one
fn names_issue(line: &str) -> bool {
    ["#", "/issues/"].iter().any(|before| {
        line.split(before).skip(1).any(|after| after.starts_with(|c: char| c.is_ascii_digit()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_needs_an_issue() {
        for mark in MARKS {
            assert_eq!(check(&Tree::of([("a.rs", &format!("// {mark}: later\n"))])).len(), 1);
            assert_eq!(check(&Tree::of([("a.rs", &format!("// {mark}(#12): later\n"))])), []);
        }
        let line = format!("# {}: see https://example.com/x/issues/7\n", MARKS[0]);
        assert_eq!(check(&Tree::of([("a.toml", &line)])), []);
    }

    #[test]
    fn a_mark_is_a_word_and_prose_may_speak_of_it() {
        assert_eq!(check(&Tree::of([("a.rs", &format!("fn {}_LIST() {{}}\n", MARKS[0]))])), []);
        assert_eq!(check(&Tree::of([("a.md", &format!("no {} here\n", MARKS[0]))])), []);
    }
}
