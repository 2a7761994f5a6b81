//! A Close frame's body: two bytes of code, then a reason (RFC 6455, section 5.5.1).

use bytestring::ByteString;
use everbeat_core::cause::{CloseCode, CloseFrame};

use crate::error::ProtocolError;

/// Reads the body of a Close frame
pub(crate) fn close_frame(payload: &[u8]) -> Result<Option<CloseFrame>, ProtocolError> {
    match payload {
        [] => Ok(None),
        [_] => Err(ProtocolError::CloseLength),
        [high, low, reason @ ..] => {
            let code = CloseCode(u16::from_be_bytes([*high, *low]));
            if !code.may_be_sent() {
                return Err(ProtocolError::Code(code));
            }
            let reason = ByteString::try_from(reason).map_err(|_| ProtocolError::Utf8)?;
            Ok(Some(CloseFrame::new(code, reason)))
        }
    }
}

/// Writes the body of a Close frame; empty for none, and for a code that is never sent
pub(crate) fn close_payload(frame: Option<&CloseFrame>, body: &mut Vec<u8>) {
    let Some(frame) = frame.filter(|frame| frame.code.may_be_sent()) else {
        return;
    };
    // The fields are public, so the reason may have been made longer after `new` had cut it
    let frame = CloseFrame::new(frame.code, frame.reason.clone());
    body.extend_from_slice(&frame.code.0.to_be_bytes());
    body.extend_from_slice(frame.reason.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        for frame in [None, Some(CloseFrame::new(CloseCode(4003), "byé"))] {
            let mut body = Vec::new();
            close_payload(frame.as_ref(), &mut body);
            assert_eq!(close_frame(&body), Ok(frame));
        }
    }

    #[test]
    fn a_code_that_only_describes_is_not_put_on_the_wire() {
        let mut body = Vec::new();
        close_payload(Some(&CloseCode::NO_STATUS.into()), &mut body);
        assert!(body.is_empty());
    }

    #[test]
    fn a_reason_made_too_long_still_fits() {
        let mut frame = CloseFrame::new(CloseCode::NORMAL, "");
        frame.reason = "é".repeat(200).into();
        let mut body = Vec::new();
        close_payload(Some(&frame), &mut body);
        assert!(body.len() <= 125);
        assert!(close_frame(&body).is_ok());
    }

    #[test]
    fn bad_bodies_are_told_apart() {
        assert_eq!(close_frame(&[3]), Err(ProtocolError::CloseLength));
        for code in [0, 999, 1004, 1005, 1006, 1015, 2999, 5000] {
            let body = u16::to_be_bytes(code);
            assert_eq!(close_frame(&body), Err(ProtocolError::Code(CloseCode(code))));
        }
        assert_eq!(close_frame(&[3, 232, 0xff]), Err(ProtocolError::Utf8));
    }
}
