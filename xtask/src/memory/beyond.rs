//! Whether TLS makes anything else of a connection larger: what is not TLS's own is held against the
//! plain connection that was counted in the same run.

use super::cases::CASES;
use super::counted::Counted;

/// The parts that TLS brings
const TLS: &str = "TLS";
/// The one of them that is a block of ours, with rustls's session and the socket in it
const SESSION: &str = "TLS: session";
/// The wheel's chunks, from one to another of which goes whoever is armed anew, with TLS and without
const WHEEL: &str = "wheel";

/// What a secure connection holds beyond a plain one, without what is TLS's own
#[derive(Debug)]
pub(super) struct Beyond<'a> {
    pub(super) name: &'a str,
    pub(super) bytes: f64,
    blocks: f64,
    /// Of the session, which is to be one
    session: f64,
}

impl<'a> Beyond<'a> {
    /// Of the bytes: what a few beats hold that are under way when it is counted
    pub(super) const MOST: f64 = 8.0;
    /// Of the blocks, for the same reason
    const BLOCKS: f64 = 0.1;

    /// `None` where one of both was not counted
    pub(super) fn of(counts: &'a [Counted]) -> Option<Self> {
        let is_secure = |name: &str| CASES.iter().any(|case| case.tls && case.name == name);
        let secure = counts.iter().find(|counted| is_secure(&counted.name))?;
        let plain = counts.iter().find(|counted| Some(&*counted.name) == plain_of(&secure.name))?;
        let [secure_sum, plain_sum] = [secure, plain].map(|counted| {
            let others = counted.parts().filter(|part| !part.0.starts_with(TLS) && part.0 != WHEEL);
            others.fold((0.0, 0.0), |sum, part| (sum.0 + part.1, sum.1 + part.2))
        });
        let (bytes, blocks) = (secure_sum.0 - plain_sum.0, secure_sum.1 - plain_sum.1);
        let sessions = secure.parts().filter(|part| part.0.starts_with(SESSION));
        let session = sessions.map(|part| part.2).sum();
        Some(Self { name: &secure.name, bytes, blocks, session })
    }

    pub(super) fn is_nothing(&self) -> bool {
        self.bytes <= Self::MOST
            && self.blocks <= Self::BLOCKS
            && (self.session - 1.0).abs() <= Self::BLOCKS
    }
}

/// The plain connection that this secure one is held against
fn plain_of(secure: &str) -> Option<&str> {
    secure.strip_prefix("wss ")
}

/// Whether a secure one is held against it
pub(super) fn is_plain(name: &str) -> bool {
    CASES.iter().any(|case| plain_of(case.name) == Some(name))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn counted(name: &str, session: f64, connection: [f64; 2], wheel: f64) -> Counted {
        let [bytes, blocks] = connection;
        let object = json!({ "parts": [
            { "name": "TLS: session, with the socket in it", "bytes": 9_999.0, "blocks": session },
            { "name": "TLS: deframer and records", "bytes": 9_999.0, "blocks": 7.0 },
            { "name": "connection", "bytes": bytes, "blocks": blocks },
            { "name": "wheel", "bytes": wheel, "blocks": 0.1 },
        ]});
        Counted { name: name.into(), goal: None, object }
    }

    fn plain() -> Counted {
        counted("server, tokio", 0.0, [300.0, 2.0], 22.0)
    }

    fn is_nothing(session: f64, connection: [f64; 2], wheel: f64) -> bool {
        let counts = [plain(), counted("wss server, tokio", session, connection, wheel)];
        Beyond::of(&counts).is_some_and(|beyond| beyond.is_nothing())
    }

    #[test]
    fn what_is_not_tls_is_as_much_as_without() {
        assert!(is_nothing(1.0, [300.0, 2.0], 22.0) && is_nothing(1.0, [307.0, 2.05], 22.0));
        assert!(!is_nothing(1.0, [309.0, 2.0], 22.0), "more of it");
        assert!(!is_nothing(1.0, [300.0, 3.0], 22.0), "a small block of its own");
        assert!(!is_nothing(2.0, [300.0, 2.0], 22.0), "a second block that is called TLS's");
        assert!(!is_nothing(0.0, [300.0, 2.0], 22.0), "no session is none that was counted");
        assert!(is_nothing(1.0, [300.0, 2.0], 99.0), "the wheel's chunks are nobody's");
    }

    #[test]
    fn nothing_is_said_where_nothing_can_be() {
        assert!(Beyond::of(&[plain()]).is_none());
        let secure = counted("wss server, tokio", 1.0, [300.0, 2.0], 22.0);
        assert!(Beyond::of(&[secure]).is_none());
    }

    #[test]
    fn the_plain_one_is_counted_beside_it() {
        assert!(is_plain("server, tokio") && !is_plain("server, smol"));
        assert!(!is_plain("wss server, tokio"));
    }
}
