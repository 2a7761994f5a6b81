//! Masks by the widest steps of a processor that has wider ones than its kind must have.
//!
//! # Proof
//!
//! Code that was compiled for AVX2 may run where AVX2 is, and it is only called behind the question
//! whether it is. What it does is safe code, the same that runs without it: nothing in it relies on
//! the feature, and it touches no memory but the slice.

use crate::frame::{LONG, strides};

/// Combines all long strides of these bytes with a mask; what is left
#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "what a processor has is only known when it runs")]
pub(crate) fn long_strides(bytes: &mut [u8], mask: u32) -> &mut [u8] {
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: this processor has it
        unsafe { with_avx2(bytes, mask) }
    } else {
        strides::<LONG>(bytes, mask)
    }
}

/// Other kinds have in each processor what they have
#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn long_strides(bytes: &mut [u8], mask: u32) -> &mut [u8] {
    strides::<LONG>(bytes, mask)
}

/// Twice as wide
///
/// # Safety
///
/// The processor must have AVX2.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
#[expect(unsafe_code, reason = "a compiler of today takes it for safe, ours is older")]
unsafe fn with_avx2(bytes: &mut [u8], mask: u32) -> &mut [u8] {
    strides::<LONG>(bytes, mask)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_the_same_as_without() {
        let bytes: Vec<u8> = (0..4 * LONG + 3).map(|i| (i % 251) as u8).collect();
        for (start, len) in [(0, LONG), (3, 2 * LONG), (1, 3 * LONG + 5), (7, LONG - 1), (0, 0)] {
            let [mut ours, mut plain] = [bytes.clone(), bytes.clone()];
            let left = long_strides(&mut ours[start..start + len], 0x0102_0304).len();
            assert_eq!(left, strides::<LONG>(&mut plain[start..start + len], 0x0102_0304).len());
            assert_eq!(left, len % LONG);
            assert_eq!(ours, plain, "{len} from {start}");
        }
    }
}
