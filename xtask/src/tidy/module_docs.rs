//! Every file begins with what it decides and what it leaves to others.

use super::tree::{Finding, Tree};

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let silent = tree.rust().filter(|file| !file.text.starts_with("//! "));
    silent
        .map(|file| Finding::at(file, 1, "begin with `//! `: what it decides, what it leaves"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_says_what_the_file_is() {
        let found =
            check(&Tree::of([("a.rs", "//! Waits\n"), ("b.rs", "// Waits\n"), ("c.md", "")]));
        assert_eq!(found.len(), 1);
        assert!(found[0].to_string().starts_with("b.rs:1"));
    }
}
