//! Few names at a library's root: a newcomer reads them all at once.

use super::tree::{Finding, Tree};
use crate::source::{closing, code_only};

const MOST: usize = 15;

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in tree.packages.iter().filter(|package| package.published) {
        let root = format!("{}/src/lib.rs", package.folder);
        let Some(file) = tree.file(&root) else {
            continue;
        };
        let names = names(&code_only(&file.text));
        if names.len() > MOST {
            let what =
                format!("has {} names, {MOST} is the most: {}", names.len(), names.join(" "));
            findings.push(Finding::new(&root, what));
        }
        if names.iter().any(|name| name == "*") {
            findings.push(Finding::new(&root, "`pub use ..::*` hides how many names there are"));
        }
    }
    findings
}

/// The public names that a root file gives, in the order of their lines
pub(super) fn names(code: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut rest = code;
    let mut begins_item = true;
    while let Some(c) = rest.chars().next() {
        if c == '{' {
            // Whatever is inside a module, an impl or a function is not at the root.
            rest = rest.get(1 + closing(&rest[1..], '{', '}') + 1..).unwrap_or("");
            begins_item = true;
            continue;
        }
        if let Some(item) = rest.strip_prefix("pub ").filter(|_| begins_item) {
            let length = public_item(item, &mut names);
            rest = &item[length..];
            begins_item = true;
            continue;
        }
        begins_item = c.is_whitespace() || c == ';' || c == ']';
        rest = &rest[c.len_utf8()..];
    }
    names
}

/// Notes what a `pub` item is called; returns how much of it was read
fn public_item(item: &str, names: &mut Vec<String>) -> usize {
    if let Some(used) = item.strip_prefix("use ") {
        let end = used.find(';').unwrap_or(used.len());
        used_names(&used[..end], names);
        return "use ".len() + end;
    }
    let mut words =
        item.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|w| !w.is_empty());
    let modifiers = ["const", "async", "unsafe", "extern", "C"];
    let mut word = words.next();
    // `const fn f` has modifiers, `const LIMIT` is an item.
    while word.is_some_and(|word| modifiers.contains(&word)) {
        let next = words.next();
        if word == Some("const")
            && next.is_some_and(|next| next != "fn" && !modifiers.contains(&next))
        {
            names.extend(next.map(String::from));
            return 0;
        }
        word = next;
    }
    names.extend(words.next().map(String::from));
    0
}

/// The leaves of a `use` tree
fn used_names(tree: &str, names: &mut Vec<String>) {
    for leaf in tree.split([',', '{', '}']) {
        let leaf = leaf.trim();
        // `a::` stands before its own braces, and nothing stands behind the last comma.
        if leaf.is_empty() || leaf.ends_with("::") {
            continue;
        }
        let name = leaf.rsplit_once(" as ").map_or(leaf, |(_, name)| name);
        let name = name.rsplit("::").next().unwrap_or(name).trim();
        if name != "_" {
            names.push(name.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_modules_and_uses_are_names() {
        let code = "pub mod a; mod b; pub(crate) mod c;\npub use a::{D, e::{F as G, H}, self as i};\n\
            #[x]\npub const fn j() { pub_k(); }\npub const L: u8 = 1;\npub struct M { pub n: u8 }\n\
            pub use o::P as _;\nimpl M { pub fn q() {} }\npub unsafe trait R {}";
        assert_eq!(names(code), ["a", "D", "G", "H", "i", "j", "L", "M", "R"]);
    }

    #[test]
    fn one_name_too_many_is_found() {
        let root = |count: usize| {
            let text = (0..count).map(|n| format!("pub mod m{n};\n")).collect::<String>();
            check(&Tree::of([("crates/x/src/lib.rs", &text)]).with_package("x", &[]))
        };
        assert_eq!(root(MOST), []);
        assert_eq!(root(MOST + 1).len(), 1);
    }

    #[test]
    fn a_glob_is_found() {
        let tree = Tree::of([("crates/x/src/lib.rs", "pub use y::*;\n")]).with_package("x", &[]);
        assert_eq!(check(&tree).len(), 1);
    }
}
