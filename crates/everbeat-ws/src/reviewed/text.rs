//! A text that the codec has validated becomes ours without being validated again.
//!
//! # Proof
//!
//! `ByteString::from_bytes_unchecked` asks for bytes that are valid UTF-8. The argument's type says
//! so: a `Utf8Bytes` is only made from a `str`, a `String`, or bytes that `str::from_utf8` accepted,
//! or by an unsafe function whose caller promised it; and its bytes cannot be changed through it,
//! nor through the `Bytes` that it becomes here, both of which are immutable.

use async_tungstenite::tungstenite::Utf8Bytes;
use bytes::Bytes;
use bytestring::ByteString;

#[expect(unsafe_code, reason = "validating every text twice would cost a pass over its bytes")]
pub(crate) fn validated(text: Utf8Bytes) -> ByteString {
    let bytes = Bytes::from(text);
    // SAFETY: the bytes of a `Utf8Bytes` are valid UTF-8, as above
    unsafe { ByteString::from_bytes_unchecked(bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_bytes() {
        assert_eq!(validated("grüße, 🦀".into()), "grüße, 🦀");
    }
}
