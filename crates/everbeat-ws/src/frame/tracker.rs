//! Which frame may come next, and whether its header keeps the rules and the limits. It sees
//! headers only, so that nothing of a refused frame is ever buffered.

use super::{Header, Opcode, Parsed};
use crate::error::ProtocolError;
use crate::role::{Role, Rules};
use crate::settings::Settings;

/// The state between frames: nothing, between messages
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tracker {
    /// The bytes so far of a message that is not whole
    open: Option<u64>,
}

impl Tracker {
    /// Reads the next frame's header from its first bytes, once they are enough
    ///
    /// After `Whole` the frame counts as begun: its payload must follow before the next call.
    #[inline]
    pub(crate) fn begin(
        &mut self,
        rules: Rules<'_>,
        bytes: &[u8],
    ) -> Result<Parsed, ProtocolError> {
        let parsed = Header::parse(bytes)?;
        if let Parsed::Whole(header) = parsed {
            self.admit(rules, &header)?;
        }
        Ok(parsed)
    }

    /// Whether a message has begun and not ended
    pub(crate) const fn is_open(&self) -> bool {
        self.open.is_some()
    }

    fn admit(&mut self, rules: Rules<'_>, header: &Header) -> Result<(), ProtocolError> {
        match (rules.role, header.mask) {
            (Role::Server, None) => return Err(ProtocolError::Unmasked),
            (Role::Client, Some(_)) => return Err(ProtocolError::Masked),
            _ => {}
        }
        if header.opcode.is_control() {
            return match header {
                Header { fin: false, .. } => Err(ProtocolError::FragmentedControl),
                Header { payload: 126.., .. } => Err(ProtocolError::LongControl(header.payload)),
                _ => Ok(()),
            };
        }
        let before = match (header.opcode, self.open) {
            (Opcode::Continuation, None) => return Err(ProtocolError::Continuation),
            (Opcode::Continuation, Some(before)) => before,
            (_, Some(_)) => return Err(ProtocolError::Interleaved),
            (_, None) => 0,
        };
        let &Settings { max_frame, max_message, .. } = rules.settings;
        if header.payload > max_frame as u64 {
            return Err(ProtocolError::FrameTooLong { bytes: header.payload, max: max_frame });
        }
        let bytes = before.saturating_add(header.payload);
        if bytes > max_message as u64 {
            return Err(ProtocolError::MessageTooLong { bytes, max: max_message });
        }
        self.open = (!header.fin).then_some(bytes);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(fin: bool, opcode: Opcode, payload: usize, masked: bool) -> Vec<u8> {
        let (bytes, len) = Header::encode(fin, opcode, payload, masked.then_some([1, 2, 3, 4]));
        bytes[..len].to_vec()
    }

    /// A side, and the state of what it hears
    struct Side(Role, Settings, Tracker);

    impl Side {
        fn new(role: Role, settings: &Settings) -> Self {
            Self(role, *settings, Tracker::default())
        }

        fn begin(&mut self, bytes: &[u8]) -> Result<Parsed, ProtocolError> {
            self.2.begin(Rules { role: self.0, settings: &self.1 }, bytes)
        }
    }

    fn error(side: &mut Side, bytes: &[u8]) -> ProtocolError {
        side.begin(bytes).unwrap_err()
    }

    #[test]
    fn a_message_is_open_from_its_first_fragment_to_its_last() {
        let mut tracker = Side::new(Role::Client, &Settings::default());
        let frames = [
            (frame(false, Opcode::Text, 5, false), true),
            (frame(true, Opcode::Ping, 5, false), true),
            (frame(false, Opcode::Continuation, 0, false), true),
            (frame(true, Opcode::Continuation, 9, false), false),
            (frame(true, Opcode::Binary, 9, false), false),
        ];
        for (frame, open) in frames {
            assert!(matches!(tracker.begin(&frame), Ok(Parsed::Whole(_))));
            assert_eq!(tracker.2.is_open(), open);
        }
    }

    #[test]
    fn order_and_masks_are_checked() {
        let settings = Settings::default();
        let mut client = Side::new(Role::Client, &settings);
        let mut server = Side::new(Role::Server, &settings);
        let continuation = frame(true, Opcode::Continuation, 1, false);
        assert_eq!(error(&mut client, &continuation), ProtocolError::Continuation);
        assert_eq!(error(&mut server, &continuation), ProtocolError::Unmasked);
        let masked = frame(true, Opcode::Text, 1, true);
        assert_eq!(error(&mut client, &masked), ProtocolError::Masked);
        assert_eq!(
            error(&mut client, &frame(false, Opcode::Ping, 1, false)),
            ProtocolError::FragmentedControl
        );
        assert_eq!(
            error(&mut client, &frame(true, Opcode::Pong, 126, false)),
            ProtocolError::LongControl(126)
        );
        assert!(client.begin(&frame(false, Opcode::Text, 1, false)).is_ok());
        assert_eq!(
            error(&mut client, &frame(true, Opcode::Text, 1, false)),
            ProtocolError::Interleaved
        );
    }

    #[test]
    fn limits_hold_for_frames_and_for_the_sum_of_fragments() {
        let settings = Settings::default().max_frame(100).max_message(250);
        let mut tracker = Side::new(Role::Client, &settings);
        assert_eq!(
            error(&mut tracker, &frame(true, Opcode::Text, 101, false)),
            ProtocolError::FrameTooLong { bytes: 101, max: 100 }
        );
        assert!(tracker.begin(&frame(false, Opcode::Binary, 100, false)).is_ok());
        assert!(tracker.begin(&frame(false, Opcode::Continuation, 100, false)).is_ok());
        // A control frame counts for neither
        assert!(tracker.begin(&frame(true, Opcode::Ping, 125, false)).is_ok());
        assert_eq!(
            error(&mut tracker, &frame(true, Opcode::Continuation, 51, false)),
            ProtocolError::MessageTooLong { bytes: 251, max: 250 }
        );
    }

    #[test]
    fn a_length_beyond_every_memory_is_only_a_number() {
        let mut tracker = Side::new(Role::Client, &Settings::default());
        let mut bytes = vec![0x82, 127];
        let longest = u64::MAX >> 1;
        bytes.extend_from_slice(&longest.to_be_bytes());
        assert_eq!(
            error(&mut tracker, &bytes),
            ProtocolError::FrameTooLong { bytes: longest, max: Settings::MAX_FRAME }
        );
    }
}
