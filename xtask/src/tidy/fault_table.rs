//! Every line of a table of faults names a test that shows it, and the test is there.

use super::tree::{Finding, Tree};

/// Where the tables are, and below which heading
const TABLES: [(&str, &str); 12] = [
    ("README.md", "## What happens when"),
    ("docs/faults.md", "## The table"),
    ("docs/server.md", "## What ends a connection"),
    ("docs/messages.md", "## How it is known"),
    ("docs/security.md", "## What a peer can do, and what it costs"),
    ("docs/from-a-loop.md", "## The same failures"),
    ("docs/from-ezsockets.md", "## What is different when something fails"),
    ("docs/from-reconnecting-websocket.md", "## What is different when something fails"),
    ("docs/museum.md", "## The exhibits"),
    ("docs/actix.md", "## The same failures"),
    ("docs/axum.md", "## The same failures"),
    ("docs/hyper.md", "## The same failures"),
];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    TABLES.iter().flat_map(|(path, heading)| check_table(tree, path, heading)).collect()
}

fn check_table(tree: &Tree, path: &str, heading: &str) -> Vec<Finding> {
    let Some(file) = tree.file(path) else {
        return Vec::new();
    };
    let section = file.text.split(heading).nth(1).and_then(|rest| rest.split("\n## ").next());
    let rows: Vec<_> = section
        .unwrap_or_default()
        .lines()
        .filter(|line| line.starts_with('|') && !line.starts_with("|--"))
        .skip(1)
        .collect();
    if rows.is_empty() {
        return vec![Finding::new(path, "has no table of faults")];
    }
    let mut findings = Vec::new();
    for row in rows {
        let shown_by = row.trim_end_matches('|').rsplit('|').next().unwrap_or_default();
        let mut quoted = false;
        let outside_quotes = |c| {
            quoted ^= c == '"';
            c == ',' && !quoted
        };
        let tests: Vec<_> =
            shown_by.split(outside_quotes).map(str::trim).filter(|it| !it.is_empty()).collect();
        if tests.is_empty() {
            findings.push(Finding::new(path, format!("no test shows `{row}`")));
        }
        for test in tests.into_iter().filter(|test| !exists(tree, test)) {
            findings.push(Finding::new(path, format!("{test} is no test")));
        }
    }
    findings
}

/// A function that is a test, in backticks, or a line of the conformance suite, in quotes
fn exists(tree: &Tree, test: &str) -> bool {
    if let Some(name) = test.strip_prefix('`').and_then(|test| test.strip_suffix('`')) {
        let function = format!("fn {name}(");
        return tree.rust().any(|file| {
            let mut before = ["", "", ""];
            file.text.lines().any(|line| {
                let is = line.contains(&function) && before.iter().any(|line| is_test(line));
                before = [before[1], before[2], line.trim()];
                is
            })
        });
    }
    let suite = |path: &str| path.starts_with("crates/everbeat-conformance/src/");
    test.len() > 2
        && test.starts_with('"')
        && test.ends_with('"')
        && tree.rust().any(|file| suite(&file.path) && file.text.contains(&format!("{test} =>")))
}

fn is_test(line: &str) -> bool {
    line.starts_with("#[") && line.trim_end_matches([']', ')']).ends_with("test")
        || line.starts_with("#[tokio::test(")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many findings there are in each place, which are as many
    fn findings(row: &str, rust: &str) -> usize {
        let suite = "    \"a line holds\" => check,\n    \"one, and two\" => check,\n";
        let found = TABLES.map(|(path, heading)| {
            let text =
                format!("# x\n\n{heading}\n\n| a | b | c |\n|---|---|---|\n{row}\n\n## More\n");
            check(&Tree::of([
                (path, &*text),
                ("crates/x/src/lib.rs", rust),
                ("crates/everbeat-conformance/src/lines.rs", suite),
            ]))
            .len()
        });
        assert!(found.iter().all(|one| *one == found[0]), "{found:?}");
        found[0]
    }

    #[test]
    fn every_row_names_tests_that_are_there() {
        let test = "#[test]\nfn it_holds() {\n}\n";
        assert_eq!(findings("| x | y | `it_holds` |", test), 0);
        assert_eq!(findings("| x | y | `it_holds`, \"a line holds\" |", test), 0);
        assert_eq!(findings("| x | y | \"one, and two\", `it_holds` |", test), 0);
        assert_eq!(
            findings("| x | y | `it_holds` |", "#[tokio::test]\nasync fn it_holds() {\n"),
            0
        );
        assert_eq!(findings("| x | y | |", test), 1);
        assert_eq!(findings("| x | y | `it_fails` |", test), 1);
        assert_eq!(findings("| x | y | \"no line\" |", test), 1);
        assert_eq!(findings("| x | y | `it_holds` |", "fn it_holds() {\n}\n"), 1);
        assert_eq!(findings("", test), 1);
    }
}
