//! As much of RFC 6455 as a peer needs that allocates nothing: frames in a buffer, and a Pong.

/// The operation code of what goes on with a message (RFC 6455, section 5.2)
pub const CONTINUATION: u8 = 0;
/// That of a binary message
pub const BINARY: u8 = 2;
/// That of a Ping
pub const PING: u8 = 9;
const PONG: u8 = 10;

/// The longest payload of a control frame
const CONTROL: usize = 125;

/// A frame that lies whole in a buffer
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Frame<'a> {
    /// Its operation code
    pub code: u8,
    /// Its payload, as it came
    pub payload: &'a [u8],
    key: Option<[u8; 4]>,
    /// Its length with its head
    pub length: usize,
}

/// The frame at the beginning, if all of it is there
#[must_use]
pub fn first(bytes: &[u8]) -> Option<Frame<'_>> {
    let (&[head, second], rest) = bytes.split_first_chunk()?;
    let (payload, rest) = match second & 0x7f {
        126 => {
            let (length, rest) = rest.split_first_chunk()?;
            (usize::from(u16::from_be_bytes(*length)), rest)
        }
        127 => {
            let (length, rest) = rest.split_first_chunk()?;
            (usize::try_from(u64::from_be_bytes(*length)).ok()?, rest)
        }
        short => (usize::from(short), rest),
    };
    let (key, rest) = match second & 0x80 {
        0 => (None, rest),
        _ => rest.split_first_chunk().map(|(key, rest)| (Some(*key), rest))?,
    };
    let head_length = bytes.len() - rest.len();
    let length = head_length + payload;
    Some(Frame { code: head & 0x0f, payload: rest.get(..payload)?, key, length })
}

/// Writes what answers this Ping into `space`; a client's is masked, with a key of zeros
pub fn pong<'a>(ping: &Frame<'_>, masked: bool, space: &'a mut [u8; 256]) -> &'a [u8] {
    let payload = &ping.payload[..ping.payload.len().min(CONTROL)];
    let head = if masked { 6 } else { 2 };
    space.fill(0);
    space[0] = 0x80 | PONG;
    space[1] = payload.len() as u8 | if masked { 0x80 } else { 0 };
    let key = ping.key.unwrap_or_default();
    for (index, byte) in payload.iter().enumerate() {
        space[head + index] = byte ^ key[index % 4];
    }
    &space[..head + payload.len()]
}

/// A client's message of so many bytes, masked with a key of zeros
#[must_use]
pub fn message(bytes: usize) -> Vec<u8> {
    let mut frame = vec![0x80 | BINARY, 0x80 | 127];
    frame.extend_from_slice(&(bytes as u64).to_be_bytes());
    frame.resize(frame.len() + 4 + bytes, 0);
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_read_when_it_is_whole() {
        let message = message(70_000);
        assert_eq!(first(&message[..message.len() - 1]), None);
        let frame = first(&message).unwrap();
        assert_eq!(
            (frame.code, frame.payload.len(), frame.length),
            (BINARY, 70_000, message.len())
        );
        let frame = first(&[0x82, 1, 7, 0x89]).unwrap();
        assert_eq!((frame.code, frame.payload, frame.length), (BINARY, &[7][..], 3));
    }

    #[test]
    fn a_ping_is_answered_with_its_payload() {
        let mut space = [1; 256];
        let plain = first(&[0x89, 2, 7, 8]).unwrap();
        assert_eq!(pong(&plain, true, &mut space), [0x8a, 0x82, 0, 0, 0, 0, 7, 8]);
        let masked = first(&[0x89, 0x82, 1, 2, 3, 4, 7 ^ 1, 8 ^ 2]).unwrap();
        assert_eq!(pong(&masked, false, &mut space), [0x8a, 2, 7, 8]);
    }
}
