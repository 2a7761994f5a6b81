//! The documents are a book: every page is a chapter of its contents, and says at its end which is next.

use super::tree::{Finding, Tree};

/// Where the contents are
const CONTENTS: &str = "docs/README.md";

/// A chapter, as the contents have it
struct Chapter<'a> {
    title: &'a str,
    page: &'a str,
}

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let Some(contents) = tree.file(CONTENTS) else {
        return vec![Finding::new(CONTENTS, "is missing: it is the contents of the book")];
    };
    let (mut chapters, mut findings) = (Vec::new(), Vec::new());
    for (index, line) in contents.text.lines().enumerate() {
        let Some((number, chapter)) = chapter(line) else { continue };
        chapters.push(chapter);
        if number != chapters.len() {
            let what = format!("is chapter {}, and not {number}", chapters.len());
            findings.push(Finding::at(contents, index + 1, what));
        }
    }
    for page in pages(tree) {
        if chapters.iter().filter(|chapter| chapter.page == page).count() != 1 {
            let what = "is no chapter of the contents, or two";
            findings.push(Finding::new(format!("docs/{page}"), what));
        }
    }
    for (index, chapter) in chapters.iter().enumerate() {
        let path = format!("docs/{}", chapter.page);
        // A page that is not there is a matter of links.
        let Some(file) = tree.file(&path) else { continue };
        let last = end(chapters.get(index + 1));
        if file.text.trim_end().lines().next_back() != Some(&*last) {
            findings.push(Finding::new(path, format!("does not end with `{last}`")));
        }
    }
    findings
}

/// The pages that should be a chapter each
fn pages(tree: &Tree) -> impl Iterator<Item = &str> {
    let names = tree.with_ending("md").filter_map(|file| file.path.strip_prefix("docs/"));
    names.filter(|name| !name.contains('/') && *name != "README.md")
}

/// `3. [Title](page.md): what it is about`
fn chapter(line: &str) -> Option<(usize, Chapter<'_>)> {
    let (number, rest) = line.split_once(". [")?;
    let (title, rest) = rest.split_once("](")?;
    let (page, _) = rest.split_once(')')?;
    Some((number.parse().ok()?, Chapter { title, page }))
}

/// The last line of a page, by which the next one is found
fn end(next: Option<&Chapter<'_>>) -> String {
    let contents = "[Contents](README.md)";
    next.map_or_else(
        || contents.to_owned(),
        |Chapter { title, page }| format!("{contents} · next: [{title}]({page})"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "# One\n\n[Contents](README.md) · next: [Two](two.md)\n";
    const TWO: &str = "# Two\n\n[Contents](README.md)\n";

    fn findings(contents: &str, one: &str, two: &str) -> Vec<String> {
        let files = [(CONTENTS, contents), ("docs/one.md", one), ("docs/two.md", two)];
        check(&Tree::of(files)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn chapters_are_all_there_and_in_order() {
        let contents = "1. [One](one.md): of one\n\nAnd then:\n\n2. [Two](two.md)\n";
        assert_eq!(findings(contents, ONE, TWO), [""; 0]);
        assert_eq!(
            findings(contents, "# One\n", TWO),
            ["docs/one.md: does not end with `[Contents](README.md) · next: [Two](two.md)`"]
        );
        assert_eq!(findings(contents, ONE, ONE).len(), 1, "nothing is behind the last");
        assert_eq!(findings(&contents.replace("2.", "3."), ONE, TWO).len(), 1);
        assert_eq!(
            findings("1. [Two](two.md)\n", ONE, TWO),
            ["docs/one.md: is no chapter of the contents, or two"]
        );
        assert_eq!(check(&Tree::default()).len(), 1);
    }
}
