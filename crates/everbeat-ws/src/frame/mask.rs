//! Masks (RFC 6455, section 5.3).

/// Four bytes that a client's payload is combined with
pub(crate) type Mask = [u8; 4];

/// How many bytes are done at once: so many steps of a processor, even its widest, that going round
/// costs little beside them
const LONG: usize = 512;

/// The same for what is left of them, and for small payloads
const SHORT: usize = 64;

/// Masks or unmasks a payload from its first byte
#[inline]
pub(crate) fn apply(bytes: &mut [u8], mask: Mask) {
    let word = u32::from_ne_bytes(mask);
    let rest = strides::<LONG>(bytes, word);
    let rest = strides::<SHORT>(rest, word);
    let rest = strides::<{ size_of::<Mask>() }>(rest, word);
    rest.iter_mut().zip(&mask).for_each(|(byte, mask)| *byte ^= mask);
}

/// Does as many whole strides as there are, each of them without a loop; what is left
#[inline]
fn strides<const STRIDE: usize>(bytes: &mut [u8], word: u32) -> &mut [u8] {
    let mut strides = bytes.chunks_exact_mut(STRIDE);
    for stride in &mut strides {
        for part in stride.chunks_exact_mut(size_of::<Mask>()) {
            if let Some(part) = part.first_chunk_mut() {
                *part = (u32::from_ne_bytes(*part) ^ word).to_ne_bytes();
            }
        }
    }
    strides.into_remainder()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn is_the_rfc_formula(bytes in proptest::collection::vec(any::<u8>(), 0..1500), mask: Mask) {
            let mut masked = bytes.clone();
            apply(&mut masked, mask);
            for (i, (plain, masked)) in bytes.iter().zip(&masked).enumerate() {
                prop_assert_eq!(plain ^ mask[i % 4], *masked);
            }
        }
    }
}
