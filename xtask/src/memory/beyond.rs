//! Whether TLS makes anything else of a connection larger: what is not TLS's own is held against the
//! plain connection that was counted in the same run.

use super::{CASES, Counted};

/// What a secure connection holds beyond a plain one, without what is TLS's own
#[derive(Debug)]
pub(super) struct Beyond<'a> {
    pub(super) name: &'a str,
    pub(super) bytes: f64,
    blocks: f64,
}

impl<'a> Beyond<'a> {
    /// Of the bytes: chunks of the wheel and a few beats that are under way move between two runs
    pub(super) const MOST: f64 = 16.0;
    /// Of the blocks, for the same reason
    const BLOCKS: f64 = 0.1;

    /// `None` where one of both was not counted
    pub(super) fn of(counts: &'a [Counted]) -> Option<Self> {
        let is_secure = |name: &str| CASES.iter().any(|case| case.tls && case.name == name);
        let secure = counts.iter().find(|counted| is_secure(&counted.name))?;
        let plain = secure.name.strip_prefix("wss ")?;
        let plain = counts.iter().find(|counted| counted.name == plain)?;
        let [secure_sum, plain_sum] = [secure, plain].map(|counted| {
            let others = counted.parts().filter(|part| !part.0.starts_with("TLS"));
            others.fold((0.0, 0.0), |sum, part| (sum.0 + part.1, sum.1 + part.2))
        });
        let (bytes, blocks) = (secure_sum.0 - plain_sum.0, secure_sum.1 - plain_sum.1);
        Some(Self { name: &secure.name, bytes, blocks })
    }

    pub(super) fn is_nothing(&self) -> bool {
        self.bytes <= Self::MOST && self.blocks <= Self::BLOCKS
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn counted(name: &str, tls: f64, connection: [f64; 2]) -> Counted {
        let [bytes, blocks] = connection;
        let object = json!({ "parts": [
            { "name": "TLS: session", "bytes": tls, "blocks": 3.0 },
            { "name": "connection", "bytes": bytes, "blocks": blocks },
        ]});
        Counted { name: name.into(), goal: None, object }
    }

    fn is_nothing(connection: [f64; 2]) -> bool {
        let plain = counted("server, tokio", 0.0, [300.0, 2.0]);
        let counts = [plain, counted("wss server, tokio", 9_999.0, connection)];
        Beyond::of(&counts).is_some_and(|beyond| beyond.is_nothing())
    }

    #[test]
    fn what_is_not_tls_is_as_much_as_without() {
        assert!(is_nothing([300.0, 2.0]) && is_nothing([310.0, 2.05]) && is_nothing([250.0, 1.0]));
        assert!(!is_nothing([317.0, 2.0]), "more of it");
        assert!(!is_nothing([308.0, 3.0]), "a small block of its own");
    }

    #[test]
    fn nothing_is_said_where_nothing_can_be() {
        assert!(Beyond::of(&[counted("server, tokio", 0.0, [300.0, 2.0])]).is_none());
        assert!(Beyond::of(&[counted("wss server, tokio", 0.0, [300.0, 2.0])]).is_none());
    }
}
