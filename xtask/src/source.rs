//! Rust source seen just well enough for tidy: which bytes are code, and which attributes stand in it.
//!
//! Not a parser: comments and literals are blanked, so that a check that looks for words sees code.

use std::iter;

/// `source` with comments and the contents of strings and characters as blanks; lines stay lines
pub(crate) fn code_only(source: &str) -> String {
    let bytes = source.as_bytes();
    let mut code = String::with_capacity(source.len());
    let mut at = 0;
    while at < bytes.len() {
        let rest = &source[at..];
        let (kept, blanked) = match token(rest, bytes[..at].last().copied()) {
            Token::Code(length) => (length, 0),
            Token::Blank(length) => (0, length),
        };
        code.push_str(&rest[..kept]);
        code.extend(rest[..blanked].chars().map(|c| if c == '\n' { c } else { ' ' }));
        at += kept + blanked;
    }
    code
}

enum Token {
    Code(usize),
    Blank(usize),
}

/// What `rest` begins with, and how many bytes of it
fn token(rest: &str, before: Option<u8>) -> Token {
    if rest.starts_with("//") {
        return Token::Blank(rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return Token::Blank(block_comment(rest));
    }
    if rest.starts_with('"') {
        return Token::Blank(string(rest));
    }
    let in_word = before.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if in_word {
        return Token::Code(rest.chars().next().map_or(1, char::len_utf8));
    }
    if let Some(length) = raw_string(rest) {
        return Token::Blank(length);
    }
    if rest.starts_with('\'') {
        return character(rest);
    }
    Token::Code(rest.chars().next().map_or(1, char::len_utf8))
}

fn block_comment(rest: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < rest.len() {
        let here = &rest.as_bytes()[at..];
        if here.starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if here.starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    rest.len()
}

fn string(rest: &str) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// `r".."`, `r#".."#`, and the same behind a `b` or a `c`
fn raw_string(rest: &str) -> Option<usize> {
    let body = rest.strip_prefix(['b', 'c']).unwrap_or(rest).strip_prefix('r')?;
    let hashes = body.len() - body.trim_start_matches('#').len();
    let body = body[hashes..].strip_prefix('"')?;
    let end = iter::once('"').chain(iter::repeat_n('#', hashes)).collect::<String>();
    let start = rest.len() - body.len();
    Some(body.find(&end).map_or(rest.len(), |at| start + at + end.len()))
}

/// A character's literal is blanked; a lifetime is code
fn character(rest: &str) -> Token {
    let mut chars = rest.char_indices().skip(1);
    match chars.next() {
        Some((_, '\\')) => {
            // Behind the escaped character, so that `'\''` does not end early.
            let end = rest.get(3..).and_then(|tail| tail.find('\''));
            Token::Blank(end.map_or(rest.len(), |at| at + 4))
        }
        Some(_) if chars.next().is_some_and(|(_, c)| c == '\'') => {
            Token::Blank(rest[1..].find('\'').map_or(rest.len(), |at| at + 2))
        }
        _ => Token::Code(1),
    }
}

/// An attribute without its `#[` and `]`, and the line that it begins on
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Attribute<'a> {
    pub(crate) line: usize,
    pub(crate) text: &'a str,
}

/// The attributes in code that `code_only` has cleaned
pub(crate) fn attributes(code: &str) -> Vec<Attribute<'_>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(hash) = code[at..].find('#') {
        at += hash + 1;
        let body = code[at..].trim_start_matches('!');
        if let Some(body) = body.strip_prefix('[') {
            let text = &body[..closing(body, '[', ']')];
            found.push(Attribute { line: line_at(code, at), text });
        }
    }
    found
}

/// Where the bracket closes that was opened just before `body`
pub(crate) fn closing(body: &str, open: char, close: char) -> usize {
    let mut depth = 1_usize;
    for (at, c) in body.char_indices() {
        if c == open {
            depth += 1;
        } else if c == close {
            depth -= 1;
            if depth == 0 {
                return at;
            }
        }
    }
    body.len()
}

/// The number of the line that holds byte `at`, from 1
pub(crate) fn line_at(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

/// Whether `word` stands in `text` as a word of its own
pub(crate) fn has_word(text: &str, word: &str) -> bool {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').any(|found| found == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_are_blanked_and_lines_stay() {
        let code =
            code_only("let a = \"// no \\\" comment\"; // yes\n/* a /* b */ c */ let c = 'x';");
        assert_eq!(code.lines().count(), 2);
        assert_eq!(
            code.split_whitespace().collect::<Vec<_>>(),
            ["let", "a", "=", ";", "let", "c", "=", ";"]
        );
    }

    #[test]
    fn raw_strings_end_at_their_hashes() {
        let code = code_only("r#\"a \" b\"# + br\"c\\\" + bar");
        assert_eq!(code.split_whitespace().collect::<Vec<_>>(), ["+", "+", "bar"]);
    }

    #[test]
    fn lifetimes_are_code_and_quotes_are_characters() {
        assert!(code_only("fn f<'a>(x: &'a str) {}").contains("&'a str"));
        assert_eq!(code_only("('\\'', '\"', 'é') \"x\" y").replace(' ', ""), "(,,)y");
    }

    #[test]
    fn attributes_are_found_with_their_lines() {
        let code = "#![a]\n#[b(c = [1], d)]\nfn f() {}\n";
        assert_eq!(
            attributes(code),
            [Attribute { line: 1, text: "a" }, Attribute { line: 2, text: "b(c = [1], d)" },]
        );
    }

    #[test]
    fn a_word_is_not_a_part_of_a_word() {
        assert!(has_word("cfg_attr(test, allow(x))", "allow"));
        assert!(!has_word("disallow(x)", "allow"));
    }
}
