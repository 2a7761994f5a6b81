//! White space that only a diff sees: ends of files, ends of lines, tabs.

use super::tree::{File, Finding, Tree};

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    tree.files.iter().flat_map(of_file).collect()
}

fn of_file(file: &File) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !file.text.is_empty() && !file.text.ends_with('\n') {
        findings.push(Finding::at(file, file.lines(), "end the file with a newline"));
    }
    if file.text.ends_with("\n\n") {
        findings.push(Finding::at(file, file.lines(), "one newline at the end is enough"));
    }
    for (index, line) in file.text.lines().enumerate() {
        if line.ends_with([' ', '\t', '\r']) {
            findings.push(Finding::at(file, index + 1, "has blanks at its end"));
        }
        if file.ending() == Some("rs") && line.contains('\t') {
            findings.push(Finding::at(file, index + 1, "has a tab"));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(path: &str, text: &str) -> usize {
        check(&Tree::of([(path, text)])).len()
    }

    #[test]
    fn each_kind_of_it_is_found() {
        assert_eq!(findings("a.rs", "//! x"), 1);
        assert_eq!(findings("a.rs", "//! x\n\n"), 1);
        assert_eq!(findings("a.md", "x \ny\n"), 1);
        assert_eq!(findings("a.rs", "\tx\n"), 1);
    }

    #[test]
    fn clean_and_empty_files_are_fine() {
        assert_eq!(findings("a.rs", "//! x\n"), 0);
        assert_eq!(findings("a.rs", ""), 0);
        assert_eq!(findings("Makefile", "\tx\n"), 0);
    }
}
