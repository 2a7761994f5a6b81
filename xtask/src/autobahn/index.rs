//! What the suite has seen of a peer: its `index.json`, parsed.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::case::Case;

/// How a peer behaved; what is better comes first
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Behaviour {
    Ok,
    /// There is nothing that one has to do
    Informational,
    /// Right, and later than could be
    NonStrict,
    /// It ended as it should, but for the code of its Close
    WrongCode,
    /// It ended as it should, and said no Close
    Unclean,
    Unimplemented,
    /// The suite had to end what the peer should have ended
    FailedByClient,
    /// And whatever else the suite may say
    Failed,
}

impl Behaviour {
    const ALL: [Self; 8] = [
        Self::Ok,
        Self::Informational,
        Self::NonStrict,
        Self::WrongCode,
        Self::Unclean,
        Self::Unimplemented,
        Self::FailedByClient,
        Self::Failed,
    ];

    /// As the suite spells it
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Informational => "INFORMATIONAL",
            Self::NonStrict => "NON-STRICT",
            Self::WrongCode => "WRONG CODE",
            Self::Unclean => "UNCLEAN",
            Self::Unimplemented => "UNIMPLEMENTED",
            Self::FailedByClient => "FAILED BY CLIENT",
            Self::Failed => "FAILED",
        }
    }

    fn parse(name: &str) -> Self {
        Self::ALL.into_iter().find(|known| known.name() == name).unwrap_or(Self::Failed)
    }

    /// RFC 6455 is kept
    pub(super) fn is_fine(self) -> bool {
        self <= Self::NonStrict
    }
}

/// How a peer behaved in a case
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    /// Until the end
    pub(super) case: Behaviour,
    /// And at the end
    pub(super) close: Behaviour,
}

impl Seen {
    /// The worse of both
    pub(super) fn worst(self) -> Behaviour {
        self.case.max(self.close)
    }
}

/// How a peer behaved in every case that it was tried in
pub(super) type Index = BTreeMap<Case, Seen>;

/// Of the one peer that there is
pub(super) fn parse(text: &str) -> Result<Index> {
    let index: BTreeMap<String, BTreeMap<String, Value>> = serde_json::from_str(text)?;
    ensure!(index.len() <= 1, "{} peers in an index of one", index.len());
    let cases = index.into_values().flatten();
    cases.map(|(name, said)| Ok((name.parse()?, seen(&said).context(name)?))).collect()
}

fn seen(said: &Value) -> Result<Seen> {
    let of = |what| said[what].as_str().map(Behaviour::parse).with_context(|| format!("no {what}"));
    Ok(Seen { case: of("behavior")?, close: of("behaviorClose")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = r#"{"everbeat": {
        "6.4.3": {"behavior": "NON-STRICT", "behaviorClose": "OK", "duration": 2004},
        "7.1.5": {"behavior": "OK", "behaviorClose": "WRONG CODE", "reportfile": "x.json"},
        "1.1.1": {"behavior": "BORED", "behaviorClose": "OK"}
    }}"#;

    #[test]
    fn an_index_is_of_one_peer() {
        let index = parse(ONE).unwrap();
        let of = |name: &str| index[&name.parse::<Case>().unwrap()];
        assert_eq!(of("6.4.3"), Seen { case: Behaviour::NonStrict, close: Behaviour::Ok });
        assert_eq!(of("7.1.5").worst(), Behaviour::WrongCode);
        assert_eq!(of("1.1.1").case, Behaviour::Failed, "an unknown word");
        assert!(parse(r#"{"a": {}, "b": {}}"#).is_err());
        assert!(parse(r#"{"a": {"1.1.1": {"behavior": "OK"}}}"#).is_err(), "half a case");
        assert_eq!(parse("{}").unwrap(), Index::new());
    }

    #[test]
    fn three_words_of_the_suites_are_fine() {
        let fine = Behaviour::ALL.map(Behaviour::is_fine);
        assert_eq!(fine, [true, true, true, false, false, false, false, false]);
    }
}
