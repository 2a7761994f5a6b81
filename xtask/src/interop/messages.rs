//! The messages that must come back as they were sent: both kinds, empty, around the steps of a
//! frame's length (RFC 6455, section 5.2), beyond ASCII, and too large for one frame.

use super::note::Payload;

/// The lengths of a frame's payload at which its header grows, and their neighbours
const SIZES: [usize; 10] = [0, 1, 124, 125, 126, 127, 65_534, 65_535, 65_536, 65_537];

/// More than one frame, on either side
pub(super) const LARGE: usize = 1 << 20;

/// Characters of one to four bytes, ten bytes together: cut anywhere but at a character
const BEYOND_ASCII: &str = "aü€𝄞";

pub(super) fn all() -> Vec<Payload> {
    let mut messages = Vec::new();
    for size in SIZES.into_iter().chain([LARGE]) {
        messages.push(Payload::Text(text(size)));
        messages.push(Payload::Binary(bytes(size)));
    }
    for few in ["é", "𝄞", "\0", "\u{feff}\r\n\u{10ffff}"] {
        messages.push(Payload::Text(few.into()));
    }
    messages.push(Payload::Text(BEYOND_ASCII.repeat(LARGE.div_ceil(BEYOND_ASCII.len()))));
    messages
}

/// Letters, in an order that tells a lost or doubled byte
fn text(size: usize) -> String {
    (0..size).map(|at| char::from(b'a' + (at % 23) as u8)).collect()
}

/// Every byte there is, in an order that does not fit into frames
fn bytes(size: usize) -> Vec<u8> {
    (0..size).map(|at| (at % 251) as u8).map(|byte| byte.wrapping_mul(7)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::settings::FRAGMENT;
    use super::*;

    #[test]
    fn both_kinds_have_every_size() {
        let messages = all();
        for size in [0, 1, 125, 126, 65_535, 65_536, LARGE] {
            for kind in ["text", "binary"] {
                let wanted = format!("{kind}, {size} bytes");
                assert!(messages.iter().any(|message| message.describe() == wanted), "{wanted}");
            }
        }
    }

    #[test]
    fn the_large_ones_are_cut_in_the_middle_of_characters() {
        const { assert!(LARGE > 8 * FRAGMENT) };
        assert_eq!(BEYOND_ASCII.len(), 10);
        let text = BEYOND_ASCII.repeat(LARGE / 10);
        let cuts = |step: usize| {
            (1..LARGE / step).filter(|cut| !text.is_char_boundary(cut * step)).count()
        };
        assert!(cuts(64 << 10) > 4, "ours");
        assert!(cuts(FRAGMENT) > 4, "theirs");
    }
}
