//! Pages that compare a loop with what it becomes say of how many lines each is: as many as there are.
//!
//! The first block of Rust on such a page is the loop, all of it. The second is what it becomes, of which
//! the route and its handler count, and not the rest of a program around them.

use super::tree::{Finding, Tree};

/// The pages, each with a sentence of the form of [`SENTENCE`]
const PAGES: [&str; 3] = ["docs/axum.md", "docs/hyper.md", "docs/actix.md"];

const SENTENCE: &str = "`A lines where there were B, as rustfmt has both`";

/// Where the rest of a program begins, in a block that has one
const REST: [&str; 3] = ["async fn signal(", "#[tokio::main]", "fn main("];

/// A loop and what it becomes, as rustfmt has them
#[derive(Debug)]
pub(crate) struct Compared {
    page: String,
    before: String,
    after: String,
}

impl Compared {
    /// Those of all pages; `format` is rustfmt
    pub(super) fn of<E>(
        tree: &Tree,
        mut format: impl FnMut(&str) -> Result<String, E>,
    ) -> Result<Vec<Self>, E> {
        let pages = PAGES.iter().filter_map(|path| tree.file(path));
        let found = pages.filter_map(|page| Some((page, blocks(&page.text)?)));
        found
            .map(|(page, [before, after])| {
                let (before, after) = (format(&before)?, format(&after)?);
                Ok(Self { page: page.path.clone(), before, after })
            })
            .collect()
    }
}

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let pages = PAGES.iter().filter_map(|path| tree.file(path));
    let findings = pages.filter_map(|page| {
        let Some(compared) = tree.compared.iter().find(|compared| compared.page == page.path)
        else {
            return Some(Finding::new(&*page.path, "has no two blocks of Rust to compare"));
        };
        let counted = (lines(&compared.after), lines(&compared.before));
        let said = said(&page.text);
        (said != Some(counted)).then(|| {
            let (after, before) = counted;
            let what = match said {
                Some((a, b)) => {
                    format!("says {a} lines where there were {b}: they are {after} and {before}")
                }
                None => format!("wants one {SENTENCE}: they are {after} and {before}"),
            };
            Finding::new(&*page.path, what)
        })
    });
    findings.collect()
}

/// The two figures, if there is one sentence that has them
fn said(page: &str) -> Option<(usize, usize)> {
    let flat = page.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut figures = flat.match_indices(" lines where ").filter_map(|(at, words)| {
        let after = flat[..at].rsplit(' ').next()?.parse().ok()?;
        let mut rest = flat[at + words.len()..].split(' ').take(4);
        let before = rest
            .find_map(|word| word.trim_end_matches(|c: char| !c.is_ascii_digit()).parse().ok())?;
        Some((after, before))
    });
    figures.next().filter(|_| figures.next().is_none())
}

/// The two blocks of code as they are to be counted, without what rustdoc hides
fn blocks(page: &str) -> Option<[String; 2]> {
    let mut blocks = page.split("\n```rust").skip(1).filter_map(|block| {
        let (_, code) = block.split_once('\n')?;
        let code = code.split("\n```").next()?;
        let shown = code.lines().filter(|line| *line != "#" && !line.starts_with("# "));
        Some(shown.map(|line| format!("{line}\n")).collect::<String>())
    });
    let (before, after) = (blocks.next()?, blocks.next()?);
    let begins_rest = |line: &str| REST.iter().any(|rest| line.starts_with(rest));
    let counted = after.lines().take_while(|line| !begins_rest(line));
    let after = counted.map(|line| format!("{line}\n")).collect();
    Some([before, after])
}

/// What a reader has to read: no blank lines, no comments, no imports
fn lines(code: &str) -> usize {
    let passed_over =
        |line: &str| line.is_empty() || line.starts_with("//") || line.starts_with("use ");
    code.lines().filter(|line| !passed_over(line.trim())).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = "const A: u8 = 1;\n\nfn a() {\n    // b\n}";
    const AFTER: &str = "use x;\n\nfn a() { b }\n# _ = a;\nasync fn signal() {}";

    fn findings(said: &str, before: &str) -> Vec<String> {
        let page = format!(
            "# x\n\n```rust,ignore\n{before}\n```\n\n```rust,no_run\n{AFTER}\n```\n\n{said}\n"
        );
        let mut tree = Tree::of([(PAGES[0], &page)]);
        // In place of rustfmt: a line for each brace
        let format = |code: &str| Ok::<_, ()>(code.replace("{ ", "{\n").replace(" }", "\n}"));
        tree.compared = Compared::of(&tree, format).unwrap();
        check(&tree).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn figures_are_those_of_the_code_as_it_is_formatted() {
        let good =
            "It has 3 lines where there\nwere 3, as rustfmt has both; a map of 9 lines (none).";
        assert_eq!(findings(good, BEFORE), [""; 0]);
        assert_eq!(findings("3 lines where there were 3.", BEFORE), [""; 0]);
        let other = BEFORE.replace("// b", "b");
        assert_eq!(
            findings(good, &other),
            ["docs/axum.md: says 3 lines where there were 3: they are 3 and 4"]
        );
        assert_eq!(findings("4 lines where there were 3", BEFORE).len(), 1);
    }

    #[test]
    fn a_page_without_its_sentence_or_its_code_is_told_so() {
        let none = findings("Fewer lines.", BEFORE);
        assert!(none[0].contains("wants one") && none[0].contains("3 and 3"), "{none:?}");
        let twice = "3 lines where there were 3, 3 lines where there were 3";
        assert_eq!(findings(twice, BEFORE).len(), 1);
        assert_eq!(check(&Tree::of([(PAGES[1], "# x\n\n```rust\nx\n```\n")])).len(), 1);
    }
}
