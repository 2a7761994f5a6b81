//! As much of RFC 6455 as a peer needs that allocates nothing: frames in a buffer, and a Pong.

/// The operation code of what goes on with a message (RFC 6455, section 5.2)
pub const CONTINUATION: u8 = 0;
/// That of a text
pub const TEXT: u8 = 1;
/// That of a binary message
pub const BINARY: u8 = 2;
/// That of a Close
pub const CLOSE: u8 = 8;
/// That of a Ping
pub const PING: u8 = 9;
/// That of a Pong
pub const PONG: u8 = 10;

/// The longest payload of a control frame
const CONTROL: usize = 125;

/// A frame that lies whole in a buffer
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Frame<'a> {
    /// Its operation code
    pub code: u8,
    /// Nothing of its message comes behind it
    pub last: bool,
    /// Its payload, as it came
    pub payload: &'a [u8],
    /// What a client has masked it with
    pub key: Option<[u8; 4]>,
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
    let (code, last) = (head & 0x0f, head & 0x80 != 0);
    Some(Frame { code, last, payload: rest.get(..payload)?, key, length })
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
    let mut frame = Vec::with_capacity(bytes + 14);
    masked(BINARY, &vec![0; bytes], [0; 4], &mut frame);
    frame
}

/// Writes a client's frame behind `out`, masked with this key
pub fn masked(code: u8, payload: &[u8], key: [u8; 4], out: &mut Vec<u8>) {
    head(code, payload.len(), 0x80, out);
    out.extend_from_slice(&key);
    let begin = out.len();
    out.extend_from_slice(payload);
    unmask(&mut out[begin..], key);
}

/// Writes the head of a frame, whole and final, behind `out`
///
/// `masked` is the bit that says so, or 0.
pub fn head(code: u8, length: usize, masked: u8, out: &mut Vec<u8>) {
    out.push(0x80 | code);
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short @ ..126), _) => out.push(masked | short),
        (_, Ok(long)) => {
            out.push(masked | 126);
            out.extend_from_slice(&long.to_be_bytes());
        }
        _ => {
            out.push(masked | 127);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
}

/// Takes the mask off a payload, or puts it on
pub fn unmask(payload: &mut [u8], key: [u8; 4]) {
    let twice = u64::from_ne_bytes(doubled(key));
    let mut eights = payload.chunks_exact_mut(8);
    for eight in &mut eights {
        let mut word = [0; 8];
        word.copy_from_slice(eight);
        eight.copy_from_slice(&(u64::from_ne_bytes(word) ^ twice).to_ne_bytes());
    }
    for (byte, key) in eights.into_remainder().iter_mut().zip(doubled(key)) {
        *byte ^= key;
    }
}

const fn doubled([a, b, c, d]: [u8; 4]) -> [u8; 8] {
    [a, b, c, d, a, b, c, d]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_masked_frame_is_read_with_its_key() {
        for length in [0, 7, 125, 126, 65_535, 65_536] {
            let payload = (0..length).map(|at| at as u8).collect::<Vec<_>>();
            let mut bytes = Vec::new();
            masked(BINARY, &payload, [1, 2, 3, 4], &mut bytes);
            let frame = first(&bytes).unwrap();
            assert_eq!((frame.code, frame.length), (BINARY, bytes.len()));
            assert_eq!(frame.key, Some([1, 2, 3, 4]));
            let plain = frame.payload.iter().zip([1, 2, 3, 4].iter().cycle());
            assert!(plain.map(|(byte, key)| byte ^ key).eq(payload), "{length}");
        }
    }

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
        assert!(frame.last && !first(&[0x02, 1, 7]).unwrap().last);
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
