//! Attributes that hide something: an ignored test, an allowed lint, an expectation without reason.

use super::tree::{Finding, Tree};
use crate::source::{attributes, code_only, has_word};

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.rust() {
        for attribute in attributes(&code_only(&file.text)) {
            if let Some(what) = complaint(attribute.text) {
                findings.push(Finding::at(file, attribute.line, what));
            }
        }
    }
    findings
}

fn complaint(attribute: &str) -> Option<&'static str> {
    if has_word(attribute, "ignore") {
        Some("a test that never runs cannot fail: mend it or drop it")
    } else if has_word(attribute, "allow") {
        Some("write `expect(lint, reason = ..)`: it ends when the reason does")
    } else if has_word(attribute, "expect") && !has_word(attribute, "reason") {
        Some("an expectation needs its `reason = ..`")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(source: &str) -> usize {
        check(&Tree::of([("a.rs", source)])).len()
    }

    #[test]
    fn what_hides_something_is_found() {
        assert_eq!(findings("#[test]\n#[ignore = \"slow\"]\nfn f() {}"), 1);
        assert_eq!(findings("#![allow(dead_code)]"), 1);
        assert_eq!(findings("#[cfg_attr(test, allow(dead_code))]"), 1);
        assert_eq!(findings("#[expect(dead_code)]"), 1);
    }

    #[test]
    fn reasons_words_and_comments_are_fine() {
        assert_eq!(findings("#[expect(dead_code, reason = \"why\")]"), 0);
        assert_eq!(findings("fn allow(ignore: u8) {} // #[allow(x)]"), 0);
        assert_eq!(findings("let text = \"#[ignore]\";"), 0);
    }
}
