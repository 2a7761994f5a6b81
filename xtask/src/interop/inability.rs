//! What a peer cannot do, by its description: a scenario that needs it is not played, and says why.
//! Pure.

use anyhow::{Result, ensure};
use serde_json::Value;

use super::peer::{Role, list, word};

/// Words for what a peer may be unable to do
const WORDS: [&str; 12] = [
    "beat",
    "expire",
    "tell",
    "ping",
    "close",
    "hear",
    "fragment",
    "freeze",
    "slow",
    "return",
    "beat-in-silence",
    "certificate",
];

/// Something that a peer cannot do
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Inability {
    /// In this role; in both without one
    role: Option<String>,
    /// A word, with a close code behind it if it is about that code only
    what: String,
    why: String,
}

/// `[{"what": "close", "codes": [1001, 1008], "role": "client", "why": ".."}, ..]`
pub(super) fn parse(cannot: Option<&Value>) -> Result<Vec<Inability>> {
    let mut all = Vec::new();
    for entry in cannot.map_or(Ok(&[][..]), list)? {
        let (what, why) = (word(&entry["what"])?, word(&entry["why"])?);
        ensure!(WORDS.contains(&&*what), "`{what}` is nothing that a peer could do");
        let role = entry["role"].as_str().map(String::from);
        let mut add = |what: &str| {
            all.push(Inability { role: role.clone(), what: what.into(), why: why.clone() });
        };
        match entry.get("codes") {
            None => add(&what),
            Some(codes) => list(codes)?.iter().for_each(|code| add(&format!("{what} {code}"))),
        }
    }
    Ok(all)
}

/// Why it is among them, if it is
pub(super) fn of<'a>(cannot: &'a [Inability], role: Role, what: &str) -> Option<&'a str> {
    let mut of_role = cannot.iter().filter(|entry| entry.is_of(role));
    of_role.find(|entry| entry.what == what).map(|entry| &*entry.why)
}

/// Something that begins so is among them
pub(super) fn begins(cannot: &[Inability], role: Role, what: &str) -> bool {
    cannot.iter().any(|entry| entry.is_of(role) && entry.what.starts_with(what))
}

impl Inability {
    fn is_of(&self, role: Role) -> bool {
        self.role.as_deref().is_none_or(|known| known == role.name())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_cannot_be_is_said_for_a_role_or_for_both() {
        let cannot = json!([
            { "what": "ping", "role": "client", "why": "a page has no such call" },
            { "what": "close", "codes": [1001, 1008], "why": "not a page's codes" },
        ]);
        let cannot = parse(Some(&cannot)).unwrap();
        assert_eq!(of(&cannot, Role::Client, "ping"), Some("a page has no such call"));
        assert_eq!(of(&cannot, Role::Server, "ping"), None);
        assert_eq!(of(&cannot, Role::Server, "close 1008"), Some("not a page's codes"));
        assert_eq!(of(&cannot, Role::Server, "close 1000"), None);
        assert!(begins(&cannot, Role::Client, "close ") && !begins(&cannot, Role::Client, "hear "));
        assert!(begins(&cannot, Role::Client, "pi") && !begins(&cannot, Role::Server, "pi"));
        assert_eq!(parse(None).unwrap(), []);
    }

    #[test]
    fn an_unknown_word_is_refused() {
        assert!(parse(Some(&json!([{ "what": "fly", "why": "no wings" }]))).is_err());
        assert!(parse(Some(&json!([{ "what": "ping" }]))).is_err());
    }
}
