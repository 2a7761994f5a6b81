//! The README's code is compiled: some crate takes it in as a doctest.

use super::tree::{Finding, Tree};

/// Written apart, or this file would be what it looks for
const INCLUDED: &str = concat!("include_", "str!(\"");

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    if tree.file("README.md").is_none() {
        return vec![Finding::new("README.md", "is missing")];
    }
    let included = tree.rust().any(|file| {
        file.text
            .split(INCLUDED)
            .skip(1)
            .any(|rest| rest.split('"').next().is_some_and(|path| path.ends_with("../README.md")))
    });
    let what = "is compiled by no crate: `#[doc = include_str!(..)]` belongs on an item that only \
        doctests see";
    (!included).then(|| Finding::new("README.md", what)).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn somebody_takes_it_in() {
        let line = |path: &str| format!("#[doc = {INCLUDED}{path}\")]\n");
        let tree = |rust: &str| Tree::of([("README.md", ""), ("crates/x/src/lib.rs", rust)]);
        assert_eq!(check(&tree(&line("../../../README.md"))), []);
        assert_eq!(check(&tree(&line("notes.md"))).len(), 1);
        assert_eq!(check(&tree("// README.md\n")).len(), 1);
        assert_eq!(check(&Tree::default()).len(), 1);
    }
}
