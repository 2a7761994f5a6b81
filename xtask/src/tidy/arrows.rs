//! Which crate may depend on which: the layers, as a table. ARCHITECTURE.md says why.

use super::tree::{Finding, Tree};

/// A crate of ours, what it may build on, and what its tests may use besides
struct Rule {
    name: &'static str,
    builds_on: &'static [&'static str],
    tests_use: &'static [&'static str],
}

const ASYNC_IO: &str = "everbeat-async-io";
const CONFORMANCE: &str = "everbeat-conformance";
const CORE: &str = "everbeat-core";
const FAULTS: &str = "everbeat-faults";
const HOSTED: &str = "everbeat-hosted";
const HYPER: &str = "everbeat-hyper";
const LINK: &str = "everbeat-link";
const METRICS: &str = "everbeat-metrics";
const MUSEUM: &str = "everbeat-museum";
const NEST: &str = "everbeat-nest";
const NETNS: &str = "everbeat-netns";
const SERVER: &str = "everbeat-server";
const SIM: &str = "everbeat-sim";
const TOKIO: &str = "everbeat-tokio";
const WS: &str = "everbeat-ws";

/// A runtime's crate: the edge of everything, so that only programs stand on it
const fn runtime(name: &'static str) -> Rule {
    Rule { name, builds_on: &[CORE, WS, SERVER, ASYNC_IO, NEST], tests_use: &[FAULTS, CONFORMANCE] }
}

const RULES: &[Rule] = &[
    Rule { name: CORE, builds_on: &[], tests_use: &[] },
    Rule { name: WS, builds_on: &[CORE], tests_use: &[FAULTS, SIM] },
    Rule { name: SERVER, builds_on: &[CORE], tests_use: &[] },
    Rule { name: SIM, builds_on: &[CORE], tests_use: &[SERVER] },
    Rule { name: ASYNC_IO, builds_on: &[CORE, NEST, WS], tests_use: &[] },
    Rule { name: NEST, builds_on: &[CORE, WS], tests_use: &[] },
    // Its own tests run the simulator, and break one runtime.
    Rule { name: CONFORMANCE, builds_on: &[CORE, WS, SERVER], tests_use: &[SIM, "everbeat-smol"] },
    Rule { name: FAULTS, builds_on: &[], tests_use: &[] },
    Rule { name: NETNS, builds_on: &[], tests_use: &[] },
    Rule { name: LINK, builds_on: &[NETNS], tests_use: &[] },
    Rule { name: METRICS, builds_on: &[CORE, SERVER], tests_use: &[SIM] },
    Rule { name: MUSEUM, builds_on: &[CORE], tests_use: &[SERVER, SIM] },
    runtime(TOKIO),
    runtime("everbeat-async-std"),
    runtime("everbeat-smol"),
    // Servers inside other people's servers, which are tokio's.
    Rule { name: HOSTED, builds_on: &[CORE, WS, SERVER, TOKIO], tests_use: &[] },
    Rule { name: HYPER, builds_on: &[HOSTED, TOKIO, WS], tests_use: &[METRICS] },
    Rule { name: "everbeat-actix", builds_on: &[HOSTED, WS], tests_use: &[TOKIO] },
    Rule { name: "everbeat-axum", builds_on: &[HYPER], tests_use: &[TOKIO] },
    Rule { name: "everbeat-tungstenite", builds_on: &[CORE], tests_use: &["everbeat-smol", TOKIO] },
    Rule { name: "everbeat-watch", builds_on: &[CORE], tests_use: &[TOKIO] },
    Rule { name: "everbeat-support", builds_on: &[CORE], tests_use: &[] },
    Rule { name: "everbeat-load", builds_on: &["everbeat-support"], tests_use: &[] },
    Rule { name: "everbeat-drawing", builds_on: &[], tests_use: &[] },
    Rule { name: "xtask", builds_on: &[NETNS, "everbeat-drawing"], tests_use: &[] },
];

/// Nobody depends on these, so that they may use everything
const PROGRAMS: &[&str] = &[
    "everbeat-benches",
    "everbeat-chaos",
    "everbeat-cli",
    "everbeat-demo",
    "everbeat-detection",
    "everbeat-examples",
    "everbeat-floor",
    "everbeat-idle",
    "everbeat-memory",
    "everbeat-interop",
    "everbeat-reality",
    "everbeat-storm",
    "everbeat-streams",
    "everbeat-soak",
];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in &tree.packages {
        if PROGRAMS.contains(&&*package.name) {
            continue;
        }
        let Some(rule) = RULES.iter().find(|rule| rule.name == package.name) else {
            let what = "has no place among the layers: give it a line in xtask's tidy/arrows.rs";
            findings.push(Finding::new(&package.name, what));
            continue;
        };
        let ours = |name: &str| tree.packages.iter().any(|package| package.name == name);
        for line in package.dependencies.iter().filter(|line| ours(&line.name)) {
            let name = &*line.name;
            let allowed = rule.builds_on.contains(&name)
                || line.dev && (rule.tests_use.contains(&name) || name == package.name);
            if !allowed {
                let for_tests = if line.dev { ", not even for tests" } else { "" };
                let what = format!("must not depend on {name}{for_tests}");
                findings.push(Finding::new(&package.name, what));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(packages: &[(&str, &[&str])]) -> Vec<String> {
        let tree = packages
            .iter()
            .fold(Tree::default(), |tree, (name, lines)| tree.with_package(name, lines));
        check(&tree).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_layers_as_they_are_meant() {
        let none = findings(&[
            (CORE, &["bytes", "dev:proptest"]),
            (WS, &[CORE, "dev:everbeat-faults"]),
            (SERVER, &[CORE]),
            (SIM, &[CORE, "dev:everbeat-server"]),
            (FAULTS, &["tokio"]),
            (ASYNC_IO, &[CORE, WS]),
            (CONFORMANCE, &[CORE, WS, SERVER, "dev:everbeat-sim"]),
            ("everbeat-tokio", &[CORE, WS, SERVER, "dev:everbeat-conformance"]),
            ("everbeat-smol", &[CORE, WS, SERVER, ASYNC_IO]),
            ("everbeat-demo", &["everbeat-tokio", FAULTS]),
        ]);
        assert_eq!(none, [""; 0]);
    }

    #[test]
    fn core_stands_alone_in_tests_too() {
        let found = findings(&[(CORE, &["dev:everbeat-sim"]), (SIM, &[CORE])]);
        assert_eq!(found, ["everbeat-core: must not depend on everbeat-sim, not even for tests"]);
    }

    #[test]
    fn the_server_names_no_runtime_and_no_codec() {
        let packages: &[(&str, &[&str])] =
            &[(SERVER, &[WS, "everbeat-tokio"]), (WS, &[]), ("everbeat-tokio", &[])];
        assert_eq!(findings(packages).len(), 2);
    }

    #[test]
    fn what_tests_may_use_a_crate_may_not_build_on() {
        assert_eq!(findings(&[(SIM, &[SERVER]), (SERVER, &[])]).len(), 1);
    }

    #[test]
    fn a_new_crate_needs_a_place() {
        assert!(findings(&[("everbeat-new", &[])])[0].contains("no place among the layers"));
    }
}
