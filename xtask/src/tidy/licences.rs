//! Our two licences lie in the root, and travel with every published crate.

use super::tree::{Finding, Tree};

const TEXTS: &[(&str, &str)] =
    &[("LICENSE-MIT", "Permission is hereby granted"), ("LICENSE-APACHE", "Version 2.0")];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let published = tree.packages.iter().filter(|package| package.published);
    let folders = published.map(|package| format!("{}/", package.folder));
    let mut findings = Vec::new();
    for folder in std::iter::once(String::new()).chain(folders) {
        for (name, phrase) in TEXTS {
            let path = format!("{folder}{name}");
            let holds = tree.file(&path).is_some_and(|file| file.text.contains(phrase));
            if !holds {
                findings.push(Finding::new(path, "is missing, or is not that licence"));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_and_each_published_crate_need_both() {
        let mit = "Permission is hereby granted ..";
        let root = [("LICENSE-MIT", mit), ("LICENSE-APACHE", "Version 2.0 ..")];
        assert_eq!(check(&Tree::of(root)), []);
        assert_eq!(check(&Tree::of(root).with_package("x", &[])).len(), 2);
        assert_eq!(check(&Tree::of([("LICENSE-MIT", mit), ("LICENSE-APACHE", mit)])).len(), 1);
    }
}
