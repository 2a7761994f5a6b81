//! The code of the README, of the book and of the crates' own pages is compiled: some crate takes each
//! of them in as a doctest. And the README makes its case in a page, which is a number of words.

use super::links::join;
use super::tree::{File, Finding, Tree};

/// Written apart, or this file would be what it looks for
const INCLUDED: &str = concat!("include_", "str!(\"");

/// The most that the README may have, code, tables and what a run has written into it included: what is
/// more is a chapter's
const WORDS: usize = 1_720;

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let Some(readme) = tree.file("README.md") else {
        return vec![Finding::new("README.md", "is missing")];
    };
    let words = readme.text.split_whitespace().count();
    let long = (words > WORDS).then(|| {
        let what = format!("has {words} words, and a page has {WORDS}: give some to a chapter");
        Finding::new("README.md", what)
    });
    let included: Vec<_> = tree.rust().flat_map(included).collect();
    let what = "is compiled by no crate: `#[doc = include_str!(..)]` belongs on an item that only \
        doctests see";
    let left_out = tree
        .with_ending("md")
        .filter(|page| page.path == "README.md" || is_page(&page.path) && has_code(&page.text))
        .filter(|page| !included.contains(&page.path))
        .map(|page| Finding::new(&*page.path, what));
    long.into_iter().chain(left_out).collect()
}

/// What a file of Rust takes in, relative to the root
fn included(file: &File) -> impl Iterator<Item = String> {
    let targets = file.text.split(INCLUDED).skip(1).filter_map(|rest| rest.split('"').next());
    targets.filter_map(|target| join(&file.path, target).ok())
}

/// A page of the book, or what a registry shows of a crate
fn is_page(path: &str) -> bool {
    path.starts_with("docs/") || path.starts_with("crates/") && path.ends_with("/README.md")
}

/// Whether there is Rust in it that is not said to be somebody else's
fn has_code(markdown: &str) -> bool {
    let mut fences = markdown.lines().filter_map(|line| line.trim_start().strip_prefix("```rust"));
    fences.any(|words| !words.contains("ignore"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODE: &str = "```rust,no_run\nx\n```\n";

    fn line(path: &str) -> String {
        format!("#[doc = {INCLUDED}{path}\")]\n")
    }

    #[test]
    fn somebody_takes_the_readme_in() {
        let tree = |rust: &str| Tree::of([("README.md", ""), ("crates/x/src/lib.rs", rust)]);
        assert_eq!(check(&tree(&line("../../../README.md"))), []);
        assert_eq!(check(&tree(&line("../README.md"))).len(), 1, "that is its crate's");
        assert_eq!(check(&tree(&line("notes.md"))).len(), 1);
        assert_eq!(check(&tree("// README.md\n")).len(), 1);
        assert_eq!(check(&Tree::default()).len(), 1);
    }

    #[test]
    fn the_readme_is_a_page() {
        let rust = line("../../../README.md");
        let found = |words: usize| {
            let text = "a  b\n".repeat(words / 2);
            check(&Tree::of([("README.md", &*text), ("crates/x/src/lib.rs", &*rust)]))
        };
        assert_eq!(found(WORDS), []);
        let long = found(WORDS + 2);
        assert_eq!(long.len(), 1);
        assert!(long[0].to_string().contains(&format!("has {} words", WORDS + 2)), "{}", long[0]);
    }

    #[test]
    fn pages_with_code_are_taken_in_too() {
        let tree = |path: &str, page: &str, more: &str| {
            let rust = line("../README.md") + more;
            Tree::of([("README.md", ""), (path, page), ("examples/lib.rs", &rust)])
        };
        for path in ["docs/a.md", "crates/x/README.md"] {
            assert_eq!(check(&tree(path, CODE, "")).len(), 1, "{path}");
            assert_eq!(check(&tree(path, CODE, &line(&format!("../{path}")))), []);
            assert_eq!(check(&tree(path, "```rust,ignore\nx\n```\n", "")), []);
            assert_eq!(check(&tree(path, "```sh\nx\n```\n", "")), []);
        }
        assert_eq!(check(&tree("interop/README.md", CODE, "")), []);
    }
}
