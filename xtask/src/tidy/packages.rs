//! What registries and docs.rs say of a published crate: description, licence, repository, a README that
//! is of this crate and not of all of them, and documentation of all its features.

use super::tree::{Finding, Tree};

const LICENCE: &str = "MIT OR Apache-2.0";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in tree.packages.iter().filter(|package| package.published) {
        let mut missing = |what: &str| findings.push(Finding::new(&package.name, what));
        if package.description.as_ref().is_none_or(|text| text.trim().is_empty()) {
            missing("is published without a description");
        }
        if package.repository.is_none() {
            missing("is published without its repository");
        }
        if package.licence.as_deref() != Some(LICENCE) {
            missing("is not under `MIT OR Apache-2.0`");
        }
        if tree.file(&format!("{}/README.md", package.folder)).is_none() {
            missing("is published without a README.md of its own");
        }
        if package.hides_features {
            missing("has features, and no `all-features = true` in `[package.metadata.docs.rs]`");
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_thing_is_missed() {
        let mut tree = Tree::of([("crates/x/README.md", "")]).with_package("x", &[]);
        assert_eq!(check(&tree), []);

        tree.packages[0].description = Some(" ".into());
        tree.packages[0].repository = None;
        tree.packages[0].licence = Some("MIT".into());
        tree.packages[0].hides_features = true;
        tree.files.clear();
        assert_eq!(check(&tree).len(), 5);

        tree.packages[0].published = false;
        assert_eq!(check(&tree), []);
    }
}
