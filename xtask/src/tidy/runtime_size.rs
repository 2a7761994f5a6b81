//! A runtime's crate is a timer, a dial, a listen and a spawn: what grows there belongs elsewhere.

use super::runtimes_alike::RUNTIMES;
use super::tree::{Finding, Tree};

const LESS_THAN: usize = 400;

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let runtimes = tree
        .packages
        .iter()
        .filter(|package| RUNTIMES.iter().any(|runtime| runtime.package == package.name));
    runtimes
        .filter_map(|package| {
            let source = format!("{}/src", package.folder);
            let lines: usize = tree
                .rust()
                .filter(|file| file.is_in(&source) && !file.is_test())
                .map(|file| file.lines())
                .sum();
            let what = format!("has {lines} lines, and must stay under {LESS_THAN}");
            (lines >= LESS_THAN).then(|| Finding::new(&package.name, what))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(lines: usize) -> Tree {
        Tree::of([
            ("crates/everbeat-tokio/src/lib.rs", &"\n".repeat(lines)),
            ("crates/everbeat-tokio/src/tests.rs", &"\n".repeat(LESS_THAN)),
            ("crates/everbeat-tokio/tests/echo.rs", &"\n".repeat(LESS_THAN)),
        ])
        .with_package("everbeat-tokio", &[])
    }

    #[test]
    fn all_files_count_together_and_tests_do_not() {
        assert_eq!(check(&tree(LESS_THAN - 1)), []);
        assert_eq!(check(&tree(LESS_THAN)).len(), 1);
    }
}
