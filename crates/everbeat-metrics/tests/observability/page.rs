//! The tables of the page.

use std::fs;
use std::path::{Path, PathBuf};

/// The repository's root
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The rows of the page's tables of so many columns whose first line begins with `head`, cell by cell
pub(crate) fn rows(head: &str) -> Vec<Vec<String>> {
    let page = fs::read_to_string(root().join("docs/observability.md")).unwrap();
    let table = page.lines().skip_while(|line| !line.starts_with(head)).skip(2);
    let rows = table.take_while(|line| line.starts_with('|'));
    let cells = |row: &str| {
        let row = row.trim().trim_start_matches('|').trim_end_matches('|');
        row.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>()
    };
    let rows = rows.map(cells).collect::<Vec<_>>();
    assert!(!rows.is_empty(), "the page has no table {head}");
    rows
}

/// What a cell has in backticks
pub(crate) fn quoted(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(ToOwned::to_owned).collect()
}
