//! Absolute paths of somebody's machine: they work there and nowhere else.

use super::tree::{Finding, Tree};

/// Written apart, or this file would be a finding
const FOLDERS: &[&str] =
    &[concat!("/wo", "rk/"), concat!("/tm", "p/"), concat!("/ro", "ot/"), concat!("/ho", "me/")];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in &tree.files {
        for (index, line) in file.text.lines().enumerate() {
            if let Some(folder) = FOLDERS.iter().find(|folder| begins_a_path(line, folder)) {
                let what = format!("names a path of one machine ({folder})");
                findings.push(Finding::at(file, index + 1, what));
            }
        }
    }
    findings
}

/// `folder` stands there as the beginning of a path, not as the middle of a longer one or of an URL
fn begins_a_path(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        before.is_none_or(|c| !c.is_alphanumeric() && !['.', '_', '-', '}', '/'].contains(&c))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_one_machine_is_found_anywhere() {
        for folder in FOLDERS {
            let line = format!("see `{folder}notes.md`\n");
            assert_eq!(check(&Tree::of([("a.md", &line)])).len(), 1, "{line}");
        }
    }

    #[test]
    fn the_middle_of_a_relative_path_or_an_url_is_not() {
        for before in ["src", "..", "https://example.com", "${dir}"] {
            let line = format!("{before}{}x\n", FOLDERS[0]);
            assert_eq!(check(&Tree::of([("a.md", &line)])), [], "{line}");
        }
    }
}
