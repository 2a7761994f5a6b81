//! A user of one runtime compiles no other: `cargo tree` says so.

use anyhow::{Result, bail};

use super::Outcome;
use crate::shell::Shell;

/// A crate of ours, what must be in its tree, and what must not
struct Rule {
    package: &'static str,
    needs: &'static [&'static str],
    without: &'static [&'static str],
}

const RULES: &[Rule] = &[
    Rule {
        package: "everbeat-tokio",
        needs: &["tokio"],
        without: &["async-std", "smol", "async-io", "async-executor", "async-global-executor"],
    },
    // The two share a reactor, and nothing else: each has an executor of its own.
    Rule {
        package: "everbeat-async-std",
        needs: &["async-std", "async-io"],
        without: &["tokio", "smol"],
    },
    Rule {
        package: "everbeat-smol",
        needs: &["smol", "async-io"],
        without: &["tokio", "async-std", "async-global-executor"],
    },
    // None brings a second WebSocket along: what frames is the tungstenite of everbeat-ws.
    Rule {
        package: "everbeat-hyper",
        needs: &["hyper", "tokio"],
        without: &["tokio-tungstenite", "axum", "async-std", "smol", "async-io"],
    },
    Rule {
        package: "everbeat-axum",
        needs: &["axum", "hyper", "tokio"],
        without: &["tokio-tungstenite", "async-std", "smol", "async-io"],
    },
    Rule {
        package: "everbeat-actix",
        needs: &["actix-web", "tokio"],
        without: &[
            "actix-ws",
            "tokio-tungstenite",
            "hyper",
            "axum",
            "async-std",
            "smol",
            "async-io",
        ],
    },
    Rule {
        package: "everbeat-ws",
        needs: &["async-tungstenite"],
        without: &["tokio", "async-std", "smol", "async-io"],
    },
    Rule {
        package: "everbeat-server",
        needs: &["everbeat-core"],
        without: &["tokio", "async-std", "smol", "async-io"],
    },
    Rule {
        package: "everbeat-metrics",
        needs: &["everbeat-server", "metrics"],
        without: &["tokio", "async-std", "smol", "async-io"],
    },
    Rule {
        package: "everbeat-watch",
        needs: &["everbeat-core"],
        without: &["tokio", "async-std", "smol", "async-io"],
    },
];

pub(super) fn run(shell: &Shell) -> Result<Outcome> {
    let mut problems = Vec::new();
    for rule in RULES {
        // With all features, on every kind of system that runtimes are made for. In a browser
        // async-std's own dependencies name tokio; it has no sockets there.
        let line = "tree --edges normal --prefix none --format {p} --all-features \
            --target x86_64-unknown-linux-gnu --target aarch64-apple-darwin \
            --target x86_64-pc-windows-msvc";
        let tree = shell.read(shell.cargo(line).args(["--package", rule.package]))?;
        let found = judge(rule, &tree);
        let crates = tree.lines().filter_map(name).collect::<std::collections::BTreeSet<_>>().len();
        eprintln!("  {}: {crates} crates, {} problems", rule.package, found.len());
        problems.extend(found);
    }
    if !problems.is_empty() {
        bail!("{}", problems.join("; "));
    }
    Ok(Outcome::Passed)
}

/// What is wrong with a tree, a crate a line
fn judge(rule: &Rule, tree: &str) -> Vec<String> {
    let has = |wanted: &str| tree.lines().filter_map(name).any(|name| name == wanted);
    let missing = rule.needs.iter().filter(|needed| !has(needed)).map(|needed| {
        // A tree that lacks what must be there is no evidence for anything.
        format!("{} has no {needed} in its tree", rule.package)
    });
    let pulled = rule.without.iter().filter(|unwanted| has(unwanted));
    missing.chain(pulled.map(|other| format!("{} pulls {other}", rule.package))).collect()
}

/// The crate in a line such as `tokio v1.43.0 (*)`
fn name(line: &str) -> Option<&str> {
    line.split_whitespace().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: Rule = Rule { package: "everbeat-x", needs: &["x"], without: &["smol"] };

    #[test]
    fn its_own_runtime_alone_is_fine() {
        assert_eq!(judge(&RULE, "everbeat-x v0.1.0 (path)\nx v1.2.3\nsmol_str v1.0.0\n"), [""; 0]);
    }

    #[test]
    fn another_runtime_is_found_however_deep() {
        let found = judge(&RULE, "everbeat-x v0.1.0\nx v1.2.3\nsmol v2.0.2 (*)\n");
        assert_eq!(found, ["everbeat-x pulls smol"]);
    }

    #[test]
    fn a_tree_without_its_own_runtime_proves_nothing() {
        assert_eq!(judge(&RULE, ""), ["everbeat-x has no x in its tree"]);
    }
}
