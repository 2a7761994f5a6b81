//! The slab against a map, and its bounds.

use std::collections::BTreeMap;
use std::vec::Vec;

use proptest::prelude::*;

use super::slab::Slab;

proptest! {
    /// Crowds come and go by the hundred, so that chunks are filled, emptied, kept and given back.
    #[test]
    fn keeps_what_a_map_keeps_and_no_chunk_but_one_without_a_value(
        ops in proptest::collection::vec((any::<bool>(), 1..300usize, any::<u64>()), 1..60),
    ) {
        let (mut slab, mut map) = (Slab::new(), BTreeMap::new());
        let mut value = 0u64;
        for (come, count, seed) in ops {
            let mut rng = fastrand::Rng::with_seed(seed);
            for _ in 0..count {
                if come {
                    value += 1;
                    prop_assert_eq!(map.insert(slab.insert(value), value), None, "a place twice");
                } else if let Some(number) = rng.choice(map.keys().copied()) {
                    prop_assert_eq!(slab.remove(number), map.remove(&number));
                    prop_assert_eq!(slab.remove(number), None);
                }
            }
            prop_assert_eq!(slab.len(), map.len());
            for (number, value) in &map {
                prop_assert_eq!(slab.get(*number), Some(value));
            }
            let mut chunks: Vec<_> = map.keys().map(|number| number / 128).collect();
            chunks.dedup();
            prop_assert!(slab.capacity() <= (chunks.len() + 1) * 128);
        }
        let mut values: Vec<_> = slab.into_values().collect();
        values.sort_unstable();
        let mut expected: Vec<_> = map.into_values().collect();
        expected.sort_unstable();
        prop_assert_eq!(values, expected);
    }
}

#[test]
fn who_comes_gets_a_place_in_the_lowest_chunk_that_has_one() {
    let mut slab = Slab::new();
    let numbers: Vec<_> = (0..1_000).map(|value| slab.insert(value)).collect();
    assert!(numbers.iter().copied().eq(0..1_000), "no hole is left");
    for number in [900, 400, 5] {
        assert_eq!(slab.remove(number), Some(number));
    }
    assert_eq!([(); 4].map(|()| slab.insert(0)), [5, 400, 900, 1_000]);
}

#[test]
fn one_who_comes_and_goes_at_a_chunks_edge_does_not_allocate_each_time() {
    let mut slab = Slab::new();
    (0..128).for_each(|value| assert_eq!(slab.insert(value), value));
    for value in 0..10 {
        let number = slab.insert(value);
        assert_eq!((number, slab.capacity()), (128, 256));
        slab.remove(number);
        assert_eq!(slab.capacity(), 256, "the chunk is kept for the next");
    }
    (0..128).for_each(|number| assert_eq!(slab.remove(number), Some(number)));
    assert_eq!(slab.capacity(), 128, "and one is enough");
}
