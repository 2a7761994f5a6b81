//! Relative links in Markdown lead somewhere: to a file or a folder, and to a heading if they name one.

use super::tree::{File, Finding, Tree};

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.with_ending("md") {
        for (line, target) in links(&file.text) {
            if let Err(what) = resolve(tree, file, &target) {
                findings.push(Finding::at(file, line, what));
            }
        }
    }
    findings
}

/// Targets of `[text](target)` and of `[name]: target`, outside code, with their lines
fn links(markdown: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut fenced = false;
    for (index, line) in markdown.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced {
            continue;
        }
        // Every second piece between backticks is code.
        let prose = line.split('`').step_by(2).collect::<Vec<_>>().join("`");
        let inline = prose.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        let named = prose.strip_prefix('[').and_then(|rest| rest.split_once("]: "));
        let targets = inline.chain(named.map(|(_, target)| target));
        found.extend(
            targets
                // A title may follow the target.
                .filter_map(|target| target.split_whitespace().next())
                .map(|target| (index + 1, target.to_owned())),
        );
    }
    found
}

fn resolve(tree: &Tree, from: &File, target: &str) -> Result<(), String> {
    if ["https://", "http://", "mailto:"].iter().any(|scheme| target.starts_with(scheme)) {
        return Ok(());
    }
    let (path, heading) = target.split_once('#').unwrap_or((target, ""));
    let path = if path.is_empty() { from.path.clone() } else { join(&from.path, path)? };
    let folder = path.trim_end_matches('/');
    let is_folder = folder.is_empty() || tree.files.iter().any(|file| file.is_in(folder));
    match tree.file(&path) {
        None if is_folder => Ok(()),
        None => Err(format!("`{target}` leads nowhere")),
        Some(file) if heading.is_empty() || file.ending() != Some("md") => Ok(()),
        Some(file) if headings(&file.text).any(|found| found == heading) => Ok(()),
        Some(_) => Err(format!("`{target}` names a heading that is not there")),
    }
}

/// `target` as seen from the file `from`, relative to the root
pub(super) fn join(from: &str, target: &str) -> Result<String, String> {
    let mut parts = from.split('/').collect::<Vec<_>>();
    parts.pop();
    for part in target.split('/') {
        match part {
            "." => {}
            ".." if parts.pop().is_none() => {
                return Err(format!("`{target}` leaves the repository"));
            }
            ".." => {}
            part => parts.push(part),
        }
    }
    Ok(parts.join("/"))
}

/// The anchors that a forge makes of headings: small letters, hyphens for blanks, no punctuation
fn headings(markdown: &str) -> impl Iterator<Item = String> {
    markdown.lines().filter(|line| line.starts_with('#')).map(|line| {
        let title = line.trim_start_matches('#').trim().to_lowercase();
        let kept = title.chars().filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(text: &str) -> Vec<String> {
        let files = [("docs/a.md", text), ("README.md", "# Two, words\n"), ("docs/deep/b.rs", "")];
        check(&Tree::of(files)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn files_folders_headings_and_the_web_are_somewhere() {
        let fine = "[a](../README.md) [b](deep/b.rs#L3) [c](deep) [d](../) [e](https://x.y)\n\
            [f](../README.md#two-words)\n[name]: deep/\n";
        assert_eq!(findings(fine), [""; 0]);
    }

    #[test]
    fn what_leads_nowhere_is_found() {
        assert_eq!(findings("[a](b.md)"), ["docs/a.md:1: `b.md` leads nowhere"]);
        assert_eq!(findings("\n[name]: b.md").len(), 1);
        assert_eq!(findings("[a](../README.md#three)").len(), 1);
        assert_eq!(findings("[a](#nothing)").len(), 1);
        assert_eq!(findings("[a](../../x)").len(), 1);
    }

    #[test]
    fn code_holds_no_links() {
        assert_eq!(findings("`a[0](x)`\n```\n[a](b.md)\n```\n"), [""; 0]);
    }
}
