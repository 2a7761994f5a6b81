//! Masks (RFC 6455, section 5.3).

use crate::reviewed;

/// Four bytes that a client's payload is combined with
pub(crate) type Mask = [u8; WORD];

/// A mask's length
const WORD: usize = 4;

/// How many bytes are done at once: so many steps of a processor, even its widest, that going round
/// costs little beside them
pub(crate) const LONG: usize = 512;

/// The same for what is left of them, and for small payloads
const SHORT: usize = 64;

/// Masks or unmasks a payload from its first byte
#[inline]
pub(crate) fn apply(bytes: &mut [u8], mask: Mask) {
    let word = u32::from_ne_bytes(mask);
    let rest = if bytes.len() < LONG { bytes } else { reviewed::long_strides(bytes, word) };
    let rest = strides::<SHORT>(rest, word);
    let rest = strides::<WORD>(rest, word);
    rest.iter_mut().zip(&mask).for_each(|(byte, mask)| *byte ^= mask);
}

/// The same, while it is copied to a place as long as it is
pub(crate) fn copy(from: &[u8], into: &mut [u8], mask: Mask) {
    let word = u32::from_ne_bytes(mask);
    let (long, tail) = from.split_at(from.len() - from.len() % LONG);
    let (into, rest) = into.split_at_mut(long.len());
    for (from, into) in long.chunks_exact(LONG).zip(into.chunks_exact_mut(LONG)) {
        for (from, into) in from.chunks_exact(WORD).zip(into.chunks_exact_mut(WORD)) {
            if let Some(from) = from.first_chunk() {
                into.copy_from_slice(&combine(*from, word));
            }
        }
    }
    rest.copy_from_slice(tail);
    apply(rest, mask);
}

/// The mask of what comes behind so many bytes
#[inline]
pub(crate) fn behind(mut mask: Mask, bytes: usize) -> Mask {
    mask.rotate_left(bytes % WORD);
    mask
}

/// Does as many whole strides as there are, each of them without a loop; what is left
#[inline(always)]
pub(crate) fn strides<const STRIDE: usize>(bytes: &mut [u8], word: u32) -> &mut [u8] {
    let mut strides = bytes.chunks_exact_mut(STRIDE);
    for stride in &mut strides {
        for part in stride.chunks_exact_mut(WORD) {
            if let Some(part) = part.first_chunk_mut() {
                *part = combine(*part, word);
            }
        }
    }
    strides.into_remainder()
}

#[inline]
const fn combine(part: [u8; WORD], word: u32) -> [u8; WORD] {
    (u32::from_ne_bytes(part) ^ word).to_ne_bytes()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn is_the_rfc_formula(bytes in proptest::collection::vec(any::<u8>(), 0..1500), mask: Mask) {
            let expected: Vec<u8> =
                bytes.iter().enumerate().map(|(i, byte)| byte ^ mask[i % 4]).collect();
            let mut copied = vec![0; bytes.len()];
            copy(&bytes, &mut copied, mask);
            prop_assert_eq!(&copied, &expected);
            let mut masked = bytes;
            apply(&mut masked, mask);
            prop_assert_eq!(&masked, &expected);
        }

        #[test]
        fn goes_on_behind_any_part(
            bytes in proptest::collection::vec(any::<u8>(), 0..30),
            mask: Mask,
            cut in 0..30usize,
        ) {
            let mut whole = bytes.clone();
            apply(&mut whole, mask);
            let mut parts = bytes;
            let cut = cut.min(parts.len());
            let (first, second) = parts.split_at_mut(cut);
            apply(first, mask);
            apply(second, behind(mask, cut));
            prop_assert_eq!(parts, whole);
        }
    }
}
