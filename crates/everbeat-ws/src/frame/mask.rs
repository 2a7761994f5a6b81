//! Masks (RFC 6455, section 5.3).

/// Four bytes that a client's payload is combined with
pub(crate) type Mask = [u8; 4];

/// Masks or unmasks a payload from its first byte
pub(crate) fn apply(bytes: &mut [u8], mask: Mask) {
    // Eight bytes at a time, which compilers turn into wider steps still
    let wide = u64::from_ne_bytes([
        mask[0], mask[1], mask[2], mask[3], mask[0], mask[1], mask[2], mask[3],
    ]);
    let mut chunks = bytes.chunks_exact_mut(8);
    for chunk in &mut chunks {
        let mut word = [0; 8];
        word.copy_from_slice(chunk);
        chunk.copy_from_slice(&(u64::from_ne_bytes(word) ^ wide).to_ne_bytes());
    }
    for (byte, mask) in chunks.into_remainder().iter_mut().zip(mask.iter().cycle()) {
        *byte ^= mask;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn is_the_rfc_formula(bytes in proptest::collection::vec(any::<u8>(), 0..40), mask: Mask) {
            let mut masked = bytes.clone();
            apply(&mut masked, mask);
            for (i, (plain, masked)) in bytes.iter().zip(&masked).enumerate() {
                prop_assert_eq!(plain ^ mask[i % 4], *masked);
            }
        }
    }
}
