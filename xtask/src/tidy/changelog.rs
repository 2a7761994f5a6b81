//! The changelog always has a place for the next change.

use super::tree::{Finding, Tree};

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let open = tree
        .file("CHANGELOG.md")
        .is_some_and(|file| file.text.lines().any(|line| line.trim_end() == "## [Unreleased]"));
    let missing = || Finding::new("CHANGELOG.md", "needs a section `## [Unreleased]`");
    (!open).then(missing).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_section_is_looked_for_as_a_heading() {
        assert_eq!(check(&Tree::of([("CHANGELOG.md", "# Changelog\n\n## [Unreleased]\n")])), []);
        assert_eq!(check(&Tree::of([("CHANGELOG.md", "Nothing is [Unreleased]\n")])).len(), 1);
        assert_eq!(check(&Tree::default()).len(), 1);
    }
}
