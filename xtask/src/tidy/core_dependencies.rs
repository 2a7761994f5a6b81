//! What everbeat-core stands on: exactly this handful, because every user compiles it.

use std::collections::BTreeSet;

use super::tree::{Finding, Tree};

const HANDFUL: &[&str] =
    &["bytes", "bytestring", "fastrand", "futures-core", "futures-sink", "pin-project", "tracing"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let Some(core) = tree.packages.iter().find(|package| package.name == "everbeat-core") else {
        return vec![Finding::new("everbeat-core", "is not in the workspace")];
    };
    let meant = HANDFUL.iter().copied().collect::<BTreeSet<_>>();
    let found = core
        .dependencies
        .iter()
        .filter(|line| !line.dev)
        .map(|line| &*line.name)
        .collect::<BTreeSet<_>>();
    let added = found.difference(&meant).map(|name| {
        Finding::new(&core.name, format!("depends on {name}, which is not one of the handful"))
    });
    let gone = meant.difference(&found).map(|name| {
        Finding::new(&core.name, format!("no longer depends on {name}: take it off the list"))
    });
    added.chain(gone).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_the_handful_and_anything_for_tests() {
        let lines = [HANDFUL, &["dev:proptest"]].concat();
        let tree = Tree::default().with_package("everbeat-core", &lines);
        assert_eq!(check(&tree), []);
    }

    #[test]
    fn one_more_and_one_less_are_both_found() {
        let lines = [&HANDFUL[1..], &["serde"]].concat();
        let found = check(&Tree::default().with_package("everbeat-core", &lines));
        assert_eq!(found.len(), 2);
        assert!(found[0].to_string().contains("serde"));
        assert!(found[1].to_string().contains("bytes"));
    }
}
