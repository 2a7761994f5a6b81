//! Unsafe code has one place, and each file there has its proof.

use super::tree::{File, Finding, Tree};
use crate::source::{code_only, has_word};

const PLACE: &str = "crates/everbeat-ws/src/reviewed";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let published = tree.packages.iter().filter(|package| package.published);
    let sources = published.map(|package| format!("{}/src", package.folder)).collect::<Vec<_>>();
    let ours = |file: &&File| sources.iter().any(|source| file.is_in(source)) && !file.is_test();
    tree.rust().filter(ours).filter_map(complaint).collect()
}

fn complaint(file: &File) -> Option<Finding> {
    let line = code_only(&file.text).lines().position(|line| has_word(line, "unsafe"))?;
    let what = if !file.is_in(PLACE) {
        format!("unsafe code belongs into {PLACE}, a file for each idea")
    } else if !file.text.lines().any(|line| line == "//! # Proof") {
        "says `unsafe` and has no `//! # Proof`".to_owned()
    } else {
        return None;
    };
    Some(Finding::at(file, line + 1, what))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(path: &str, text: &str) -> Vec<Finding> {
        check(&Tree::of([(path, text)]).with_package("everbeat-ws", &[]))
    }

    const UNSAFE: &str = "fn f() {}\nunsafe fn g() {}\n";

    #[test]
    fn unsafe_code_elsewhere_is_found() {
        let found = findings("crates/everbeat-ws/src/read.rs", UNSAFE);
        assert!(
            found[0].to_string().starts_with("crates/everbeat-ws/src/read.rs:2: "),
            "{found:?}"
        );
        assert_eq!(findings("crates/everbeat-ws/src/reviewedly.rs", UNSAFE).len(), 1);
        // Tests may, and so may words
        assert_eq!(findings("crates/everbeat-ws/tests/counting.rs", UNSAFE), []);
        let words = "#![forbid(unsafe_code)]\n// unsafe\nfn f() {}\n";
        assert_eq!(findings("crates/everbeat-ws/src/lib.rs", words), []);
    }

    #[test]
    fn a_use_without_its_proof_is_found() {
        let path = "crates/everbeat-ws/src/reviewed/x.rs";
        assert_eq!(findings(path, UNSAFE).len(), 1);
        assert_eq!(
            findings(path, &format!("//! X.\n//!\n//! # Proof\n//!\n//! So.\n{UNSAFE}")),
            []
        );
    }
}
