//! What registries and docs.rs say of a published crate: description, licence, repository, a README that
//! is of this crate and not of all of them, and documentation of all its features, each
//! item labelled with those that it is behind.

use super::tree::{Finding, Tree};

const LICENCE: &str = "MIT OR Apache-2.0";

/// Has an item's documentation say which features it needs; docs.rs builds with a nightly, others do not
/// see it
const LABELS: &str = "#![cfg_attr(docsrs, feature(doc_cfg))]";

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
        if package.features {
            if !package.documents_all {
                missing(
                    "has features, and no `all-features = true` in `[package.metadata.docs.rs]`",
                );
            }
            let root = tree.file(&format!("{}/src/lib.rs", package.folder));
            let labels = root.is_some_and(|file| file.text.lines().any(|line| line == LABELS));
            if !(package.documents_labels && labels) {
                missing(
                    "has features that docs.rs would not name at its items: \
                     `rustdoc-args = [\"--cfg\", \"docsrs\"]` in `[package.metadata.docs.rs]`, and \
                     `#![cfg_attr(docsrs, feature(doc_cfg))]` in its lib.rs",
                );
            }
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
        tree.packages[0].features = true;
        tree.files.clear();
        assert_eq!(check(&tree).len(), 6);

        tree.packages[0].published = false;
        assert_eq!(check(&tree), []);
    }

    #[test]
    fn features_are_documented_and_named_where_they_are_needed() {
        let findings = |root: &str, all, labels| {
            let root = ("crates/x/src/lib.rs", root);
            let mut tree = Tree::of([("crates/x/README.md", ""), root]).with_package("x", &[]);
            let package = &mut tree.packages[0];
            (package.features, package.documents_all, package.documents_labels) =
                (true, all, labels);
            check(&tree).len()
        };
        let root = format!("//! Waits\n\n{LABELS}\n");
        assert_eq!(findings(&root, true, true), 0);
        assert_eq!(findings(&root, false, true), 1);
        assert_eq!(findings(&root, true, false), 1);
        assert_eq!(findings(&format!("// {LABELS}\n"), true, true), 1);
        assert_eq!(findings("", false, false), 2);
    }
}
