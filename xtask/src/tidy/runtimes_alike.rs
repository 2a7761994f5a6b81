//! The runtimes' crates have the same names and say the same words: what differs is timer, dial,
//! listen and spawn, so that a user who changes runtimes changes one name.

use std::collections::BTreeSet;

use super::root_names::names;
use super::tree::{Finding, Tree};
use crate::source::code_only;

/// A runtime, and how it is written in words, in paths and in types
pub(super) struct Runtime {
    pub(super) package: &'static str,
    word: &'static str,
    path: &'static str,
    kind: &'static str,
}

/// The first is what the others are compared with
pub(super) const RUNTIMES: &[Runtime] = &[
    Runtime { package: "everbeat-tokio", word: "tokio", path: "tokio", kind: "Tokio" },
    Runtime {
        package: "everbeat-async-std",
        word: "async-std",
        path: "async_std",
        kind: "AsyncStd",
    },
    Runtime { package: "everbeat-smol", word: "smol", path: "smol", kind: "Smol" },
];

/// The same text in all of them but for the runtime's name, and but for what a module says of itself
const SAME: &[&str] = &["lib.rs", "client.rs", "server.rs", "transport.rs"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let Some((model, others)) = RUNTIMES.split_first() else {
        return Vec::new();
    };
    let mut findings = Vec::new();
    for other in others.iter().filter(|other| folder(tree, other).is_some()) {
        let (expected, found) = (modules(tree, model), modules(tree, other));
        for module in expected.symmetric_difference(&found) {
            let what = format!("{module} is in only one of it and {}", model.package);
            findings.push(Finding::new(other.package, what));
        }
        for module in expected.intersection(&found) {
            let text = |runtime: &Runtime| text(tree, runtime, module).unwrap_or_default();
            let (expected, found) = (text(model), text(other));
            let difference = if SAME.contains(&module.as_str()) {
                first_difference(&same_words(&expected, model), &same_words(&found, other))
            } else {
                let names = |text: &str, runtime: &Runtime| {
                    let mut names = names(&code_only(&neutral(text, runtime)));
                    names.sort_unstable();
                    names
                };
                first_difference(&names(&expected, model), &names(&found, other))
            };
            if let Some((expected, found)) = difference {
                let what = format!("has `{found}` where {} has `{expected}`", model.package);
                findings.push(Finding::new(format!("{}/src/{module}", other.package), what));
            }
        }
    }
    findings
}

fn folder<'a>(tree: &'a Tree, runtime: &Runtime) -> Option<&'a str> {
    let package = tree.packages.iter().find(|package| package.name == runtime.package)?;
    Some(&package.folder)
}

/// The files of its source that are not tests
fn modules(tree: &Tree, runtime: &Runtime) -> BTreeSet<String> {
    let Some(folder) = folder(tree, runtime) else { return BTreeSet::new() };
    let source = format!("{folder}/src/");
    let files = tree.rust().filter(|file| !file.is_test());
    files.filter_map(|file| file.path.strip_prefix(&source)).map(String::from).collect()
}

fn text(tree: &Tree, runtime: &Runtime, module: &str) -> Option<String> {
    let path = format!("{}/src/{module}", folder(tree, runtime)?);
    Some(tree.file(&path)?.text.clone())
}

/// The text with a name in place of the runtime's
fn neutral(text: &str, runtime: &Runtime) -> String {
    text.replace(runtime.kind, "Runtime")
        .replace(runtime.path, "runtime")
        .replace(runtime.word, "runtime")
}

/// The words of a file, without what it says of itself; where a line ends is the formatter's
fn same_words(text: &str, runtime: &Runtime) -> Vec<String> {
    let text = neutral(text, runtime);
    let of_code = text.lines().filter(|line| {
        let prose = line.strip_prefix("//!").is_some_and(|rest| !rest.trim_start().is_empty());
        !prose
    });
    let mut words = of_code.flat_map(str::split_whitespace).map(String::from).collect::<Vec<_>>();
    words.retain(|word| !["//!", "///"].contains(&word.as_str()));
    words
}

/// The first place where two lists differ: what is there in each
fn first_difference(expected: &[String], found: &[String]) -> Option<(String, String)> {
    let at = |list: &[String], n: usize| list.get(n).map_or("nothing", String::as_str).to_owned();
    (0..expected.len().max(found.len()))
        .map(|n| (at(expected, n), at(found, n)))
        .find(|(expected, found)| expected != found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIENT: &str = "//! On X.\npub use c::*;\n/// On tokio\npub type C = W<crate::Tokio>;\n";
    const TIMER: &str = "pub struct TokioTimer;\npub struct TokioSleep;\n";

    fn findings(client: &str, timer: &str, more: &str) -> Vec<String> {
        let tree = Tree::of([
            ("crates/everbeat-tokio/src/client.rs", CLIENT),
            ("crates/everbeat-tokio/src/timer.rs", TIMER),
            ("crates/everbeat-async-std/src/client.rs", client),
            ("crates/everbeat-async-std/src/timer.rs", timer),
            (more, ""),
        ]);
        let tree = tree.with_package("everbeat-tokio", &[]).with_package("everbeat-async-std", &[]);
        check(&tree).iter().map(ToString::to_string).collect()
    }

    const LIKE_CLIENT: &str =
        "//! Of another.\npub use c::*;\n/// On async-std\npub type C = W<crate::AsyncStd>;\n";
    const LIKE_TIMER: &str = "pub use io::{Sleep as AsyncStdSleep, Timer as AsyncStdTimer};\n";

    #[test]
    fn another_name_and_another_way_are_no_difference() {
        assert_eq!(findings(LIKE_CLIENT, LIKE_TIMER, "a.rs"), [""; 0]);
    }

    #[test]
    fn another_word_in_a_file_that_must_be_the_same_is_found() {
        let found = findings(&LIKE_CLIENT.replace("type C", "type D"), LIKE_TIMER, "a.rs");
        let expected = "everbeat-async-std/src/client.rs: has `D` where everbeat-tokio has `C`";
        assert_eq!(found, [expected]);
        let longer = format!("{LIKE_CLIENT}pub type E = C;\n");
        assert_eq!(findings(&longer, LIKE_TIMER, "a.rs").len(), 1);
        // The name of the runtime that it was copied from
        assert_eq!(findings(CLIENT, LIKE_TIMER, "a.rs").len(), 1);
    }

    #[test]
    fn a_public_name_that_only_one_has_is_found() {
        let more = format!("{LIKE_TIMER}pub struct Extra;\n");
        assert_eq!(findings(LIKE_CLIENT, &more, "a.rs").len(), 1);
        assert_eq!(findings(LIKE_CLIENT, "", "a.rs").len(), 1);
    }

    #[test]
    fn a_module_that_only_one_has_is_found() {
        for more in ["crates/everbeat-async-std/src/extra.rs", "crates/everbeat-tokio/src/extra.rs"]
        {
            let found = findings(LIKE_CLIENT, LIKE_TIMER, more);
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].contains("extra.rs is in only one"));
        }
    }
}
