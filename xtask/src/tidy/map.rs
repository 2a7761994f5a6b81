//! `tidy --map`: the tree in numbers, as ARCHITECTURE.md and a closing note want them.

use std::process::ExitCode;

use super::root_names;
use super::tree::{File, Tree};
use crate::metadata::Package;
use crate::report::Report;
use crate::shell::Shell;
use crate::source::code_only;

/// One crate in numbers
#[derive(Debug, PartialEq, Eq)]
struct Row<'a> {
    name: &'a str,
    files: usize,
    lines: usize,
    test_lines: usize,
    median: usize,
    largest: usize,
    largest_path: &'a str,
    /// Public names at the root of a published library
    names: Option<usize>,
}

pub(super) fn run(shell: &Shell, tree: &Tree) -> ExitCode {
    let rows = tree.packages.iter().filter_map(|package| row(tree, package)).collect::<Vec<_>>();
    if !shell.json {
        println!("| crate | files | lines | of tests | median | largest file | root names |");
        println!("|---|--:|--:|--:|--:|---|--:|");
    }
    let mut report = Report::new("tidy --map");
    for row in &rows {
        if shell.json {
            let values = [
                ("lines", row.lines),
                ("test lines", row.test_lines),
                ("median", row.median),
                ("largest", row.largest),
            ];
            for (what, value) in values {
                report.row(format!("{}: {what}", row.name), value, "lines", None::<u64>, true);
            }
        } else {
            println!("{}", line(row));
        }
    }
    report.finish(shell)
}

fn row<'a>(tree: &'a Tree, package: &'a Package) -> Option<Row<'a>> {
    let mut files = tree.files_of(package).filter(|f| f.ending() == Some("rs")).collect::<Vec<_>>();
    files.sort_by_key(|file| file.lines());
    let largest = *files.last()?;
    let sum = |files: &[&File]| files.iter().map(|file| file.lines()).sum();
    let tests = files.iter().copied().filter(|file| file.is_test()).collect::<Vec<_>>();
    let root = tree.file(&format!("{}/src/lib.rs", package.folder));
    Some(Row {
        name: &package.name,
        files: files.len(),
        lines: sum(&files),
        test_lines: sum(&tests),
        median: files[files.len() / 2].lines(),
        largest: largest.lines(),
        largest_path: largest.path.strip_prefix(&package.folder)?.trim_start_matches('/'),
        names: root
            .filter(|_| package.published && package.has_library())
            .map(|root| root_names::names(&code_only(&root.text)).len()),
    })
}

fn line(row: &Row<'_>) -> String {
    let Row { name, files, lines, test_lines, median, largest, largest_path, names } = row;
    let names = names.map_or_else(String::new, |names| names.to_string());
    format!(
        "| {name} | {files} | {lines} | {test_lines} | {median} | `{largest_path}`, {largest} | {names} |"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_in_numbers() {
        let tree = Tree::of([
            ("crates/x/src/lib.rs", "//! x\npub mod a;\n"),
            ("crates/x/src/a.rs", "//! a\n\n\n"),
            ("crates/x/tests/b.rs", "//! b\n\n\n\n"),
            ("crates/x/notes.md", "\n\n\n\n\n\n\n"),
        ])
        .with_package("x", &[]);
        let row = row(&tree, &tree.packages[0]).unwrap();
        assert_eq!((row.files, row.lines, row.test_lines), (3, 9, 4));
        assert_eq!((row.median, row.largest, row.largest_path), (3, 4, "tests/b.rs"));
        assert_eq!(row.names, Some(1));
        assert_eq!(line(&row), "| x | 3 | 9 | 4 | 3 | `tests/b.rs`, 4 | 1 |");
    }
}
