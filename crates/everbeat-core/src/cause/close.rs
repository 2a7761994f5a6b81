//! Close codes and Close frames (RFC 6455, sections 5.5.1 and 7.4).

use core::fmt;

use bytestring::ByteString;

/// Why a connection is closed, as a number on the wire (RFC 6455, section 7.4)
///
/// A plain number: applications use 3000 to 4999 for codes of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_structs, reason = "a number on the wire, and no more than that")]
pub struct CloseCode(pub u16);

impl CloseCode {
    /// 1000: the purpose is fulfilled
    pub const NORMAL: Self = Self(1000);
    /// 1001: the server goes down, or the page was left
    pub const GOING_AWAY: Self = Self(1001);
    /// 1002: a protocol error
    pub const PROTOCOL: Self = Self(1002);
    /// 1003: a kind of data that the receiver cannot accept
    pub const UNSUPPORTED: Self = Self(1003);
    /// 1005: the Close frame had no code; never sent
    pub const NO_STATUS: Self = Self(1005);
    /// 1006: there was no Close frame; never sent
    pub const ABNORMAL: Self = Self(1006);
    /// 1007: data that contradicts its type, such as text that is not UTF-8
    pub const INVALID_DATA: Self = Self(1007);
    /// 1008: against the receiver's policy
    pub const POLICY: Self = Self(1008);
    /// 1009: a message too big to process
    pub const TOO_BIG: Self = Self(1009);
    /// 1011: the server met an unexpected condition
    pub const INTERNAL: Self = Self(1011);
    /// 1012: the service restarts (IANA registry)
    pub const RESTART: Self = Self(1012);
    /// 1013: try again later (IANA registry)
    pub const TRY_AGAIN: Self = Self(1013);
    /// 1014: a gateway got a bad answer from upstream (IANA registry)
    pub const BAD_GATEWAY: Self = Self(1014);

    /// 3000: not authenticated, or no longer (IANA registry); as HTTP's 401
    pub const UNAUTHORIZED: Self = Self(3000);
    /// 3003: authenticated, and not allowed (IANA registry); as HTTP's 403
    pub const FORBIDDEN: Self = Self(3003);

    /// Whether an endpoint may put this code into a Close frame (RFC 6455, section 7.4.2)
    #[must_use]
    pub const fn may_be_sent(self) -> bool {
        matches!(self.0, 1000..=1003 | 1007..=1014 | 3000..=4999)
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// A Close frame's body: a code and a reason of at most 123 bytes (RFC 6455, section 5.5.1)
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CloseFrame {
    /// The code
    pub code: CloseCode,
    /// For people and logs; may be empty
    pub reason: ByteString,
}

impl CloseFrame {
    /// The longest reason that fits a control frame, in bytes
    pub const MAX_REASON: usize = 123;

    /// A frame with this code and reason; a reason over [`MAX_REASON`](Self::MAX_REASON) bytes is
    /// cut at a character boundary
    #[must_use]
    pub fn new(code: CloseCode, reason: impl Into<ByteString>) -> Self {
        let reason = reason.into();
        if reason.len() <= Self::MAX_REASON {
            return Self { code, reason };
        }
        let end = (0..=Self::MAX_REASON).rev().find(|&end| reason.is_char_boundary(end));
        Self { code, reason: reason.slice_ref(&reason[..end.unwrap_or(0)]) }
    }
}

impl From<CloseCode> for CloseFrame {
    fn from(code: CloseCode) -> Self {
        Self { code, reason: ByteString::new() }
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn a_long_reason_is_cut_at_a_character() {
        let frame = CloseFrame::new(CloseCode::NORMAL, "é".repeat(100));
        assert_eq!(frame.reason.len(), 122);
        assert!(frame.reason.chars().all(|c| c == 'é'));
    }

    #[test]
    fn codes_that_only_describe_are_never_sent() {
        let sent: Vec<u16> = (0..=5000).filter(|&code| CloseCode(code).may_be_sent()).collect();
        assert!(!sent.iter().any(|code| matches!(code, 0..=999 | 1004..=1006 | 1015..=2999)));
        assert_eq!(sent.len(), 4 + 8 + 2000);
    }
}
