//! Other people's packages in the lock file: licences that suit ours, and no crate twice.
//!
//! Only what a user compiles with a published crate counts; tests and benches may use what they like.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::tree::{Finding, Tree};
use crate::metadata::list;

/// One of these must be offered
const LICENCES: &[&str] = &[
    "MIT",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Unicode-3.0",
    "Zlib",
    "Unlicense",
];

/// Crates that may be there twice, why, and when that ends
const TWICE: &[(&str, &str)] = &[
    ("async-channel", "async-std wants 1.x for ever, its own executor 2.x"),
    ("event-listener", "async-channel 1.x wants 2.x, everything else 5.x"),
    ("foldhash", "with hashbrown"),
    ("getrandom", "ring 0.17 is at 0.2, with feature `tls`; ends with ring's next version"),
    (
        "hashbrown",
        "metrics-util 0.20 is at 0.16, for the command's page; ends with its next version",
    ),
    ("http", "actix-web 4 has 0.2 in its API, everything else 1.x; ends with actix-web 5"),
    ("r-efi", "with getrandom, on UEFI alone"),
    ("rand", "metrics-util 0.20 is at 0.9, for the command's page; ends with its next version"),
    ("rand_core", "with rand"),
    ("socket2", "actix-server 2.6 is at 0.5; its next version wants a newer Rust than we do"),
    ("syn", "actix-web 4's derive_more is at 2, pin-project at 3; neither is in the program"),
    ("windows-sys", "ring 0.17 is at 0.52, with feature `tls`; ends with ring's next version"),
];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let published = tree.packages.iter().filter(|package| package.published);
    let roots = published.map(|package| &*package.name).collect::<BTreeSet<_>>();
    let used = compiled_with(&tree.graph, &roots);
    let packages =
        list(&tree.graph, "packages").filter(|package| used.contains(word(package, "id")));

    let mut findings = Vec::new();
    let mut versions = BTreeMap::<&str, Vec<&str>>::new();
    for package in packages {
        let name = word(package, "name");
        versions.entry(name).or_default().push(word(package, "version"));
        if !suits(word(package, "license")) {
            let what = format!("is under `{}`, which is not on our list", word(package, "license"));
            findings.push(Finding::new(name, what));
        }
    }
    for (name, versions) in versions {
        let twice = versions.len() > 1;
        let expected = TWICE.iter().any(|(expected, _)| *expected == name);
        if twice && !expected {
            let what = format!("is compiled in versions {}: one is enough", versions.join(" and "));
            findings.push(Finding::new(name, what));
        }
    }
    findings
}

/// The ids of everything that a user of `roots` compiles, on any platform
fn compiled_with<'a>(graph: &'a Value, roots: &BTreeSet<&str>) -> BTreeSet<&'a str> {
    let nodes = list(&graph["resolve"], "nodes")
        .map(|node| (word(node, "id"), node))
        .collect::<BTreeMap<_, _>>();
    let mut open = list(graph, "packages")
        .filter(|package| roots.contains(word(package, "name")))
        .map(|package| word(package, "id"))
        .collect::<Vec<_>>();
    let mut seen = BTreeSet::new();
    while let Some(id) = open.pop() {
        if !seen.insert(id) {
            continue;
        }
        let Some(node) = nodes.get(id) else { continue };
        for dependency in list(node, "deps") {
            // A normal dependency has no kind; tests' and build scripts' do not end in the program.
            if list(dependency, "dep_kinds").any(|kind| kind["kind"].is_null()) {
                open.push(word(dependency, "pkg"));
            }
        }
    }
    seen
}

/// Whether an SPDX expression lets us choose licences from our list
fn suits(expression: &str) -> bool {
    // `A/B` is how old manifests say `A OR B`.
    let expression = expression.replace('/', " OR ").replace(['(', ')'], " ");
    expression
        .split(" AND ")
        .all(|part| part.split(" OR ").any(|licence| LICENCES.contains(&licence.trim())))
}

fn word<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn tree(kind: Value, licence: &str) -> Tree {
        let package = |id: &str, name: &str, version: &str| json!({ "id": id, "name": name, "version": version, "license": licence });
        let graph = json!({
            "packages": [package("x1", "x", "1"), package("y1", "y", "1"), package("y2", "y", "2")],
            "resolve": { "nodes": [
                { "id": "x1", "deps": [
                    { "pkg": "y1", "dep_kinds": [{ "kind": null }] },
                    { "pkg": "y2", "dep_kinds": [{ "kind": kind }] },
                ] },
                { "id": "y1", "deps": [] }, { "id": "y2", "deps": [] },
            ] },
        });
        Tree { graph, ..Tree::default().with_package("x", &[]) }
    }

    #[test]
    fn two_versions_are_found_unless_one_is_for_tests() {
        assert_eq!(check(&tree(json!("dev"), "MIT")), []);
        let found = check(&tree(json!(null), "MIT"));
        assert_eq!(found.len(), 1);
        assert!(found[0].to_string().contains("1 and 2"));
    }

    #[test]
    fn a_licence_that_binds_users_is_found() {
        assert_eq!(check(&tree(json!("dev"), "GPL-3.0-only")).len(), 2);
    }

    #[test]
    fn expressions_offer_a_choice_or_do_not() {
        for fine in
            ["MIT", "MIT OR GPL-2.0", "Apache-2.0/MIT", "(MIT OR Apache-2.0) AND Unicode-3.0"]
        {
            assert!(suits(fine), "{fine}");
        }
        for bad in ["", "GPL-3.0", "MIT AND GPL-3.0"] {
            assert!(!suits(bad), "{bad}");
        }
    }
}
