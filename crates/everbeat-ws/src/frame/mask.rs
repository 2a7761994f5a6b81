//! Masks (RFC 6455, section 5.3).

/// Four bytes that a client's payload is combined with
pub(crate) type Mask = [u8; 4];

/// How many bytes are done at once: a few of a processor's widest steps, so that going round costs
/// little beside them
const STRIDE: usize = 64;

/// Masks or unmasks a payload from its first byte
#[inline]
pub(crate) fn apply(bytes: &mut [u8], mask: Mask) {
    let mut strides = bytes.chunks_exact_mut(STRIDE);
    if strides.len() > 0 {
        let mut wide = [0; STRIDE];
        wide.chunks_exact_mut(4).for_each(|part| part.copy_from_slice(&mask));
        for stride in &mut strides {
            stride.iter_mut().zip(&wide).for_each(|(byte, mask)| *byte ^= mask);
        }
    }
    let mut parts = strides.into_remainder().chunks_exact_mut(4);
    for part in &mut parts {
        part.iter_mut().zip(&mask).for_each(|(byte, mask)| *byte ^= mask);
    }
    parts.into_remainder().iter_mut().zip(&mask).for_each(|(byte, mask)| *byte ^= mask);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn is_the_rfc_formula(bytes in proptest::collection::vec(any::<u8>(), 0..300), mask: Mask) {
            let mut masked = bytes.clone();
            apply(&mut masked, mask);
            for (i, (plain, masked)) in bytes.iter().zip(&masked).enumerate() {
                prop_assert_eq!(plain ^ mask[i % 4], *masked);
            }
        }
    }
}
