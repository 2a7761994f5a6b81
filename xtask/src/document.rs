//! What a command has written in documents: between two lines of comment, so that people see whose it
//! is and the next run finds it.

use std::fs;

use anyhow::{Context, Result};

use crate::shell::Shell;

/// Puts a text between these lines of a document of the root
pub(crate) fn put(shell: &Shell, document: &str, marks: [&str; 2], text: &str) -> Result<()> {
    let path = shell.root().join(document);
    let old = fs::read_to_string(&path).with_context(|| document.to_owned())?;
    let new = between(&old, marks, text);
    fs::write(&path, new.with_context(|| format!("{document} has no place for it"))?)?;
    Ok(())
}

/// A text in which what is between these lines is another
fn between(text: &str, marks: [&str; 2], other: &str) -> Option<String> {
    let (before, rest) = text.split_once(marks[0])?;
    let (_, after) = rest.split_once(marks[1])?;
    Some(format!("{before}{}\n{other}{}{after}", marks[0], marks[1]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_marks_is_another() {
        let marks = ["<!-- a -->", "<!-- b -->"];
        let text = "1\n<!-- a -->\nold\n<!-- b -->\n2\n";
        let new = between(text, marks, "new\n").unwrap();
        assert_eq!(new, "1\n<!-- a -->\nnew\n<!-- b -->\n2\n");
        assert_eq!(between(&new, marks, "new\n").unwrap(), new);
        assert_eq!(between("1\n", marks, "new\n"), None);
    }
}
