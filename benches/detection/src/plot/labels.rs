//! Names beside their marks, moved apart so that none covers another.

/// Places as near to these as can be, in the same order, at least `apart` from each other
///
/// The wanted places are in ascending order. What does not fit below `bottom` moves all above it
/// up, but never above `top`.
pub(super) fn spread(wanted: &[f64], apart: f64, top: f64, bottom: f64) -> Vec<f64> {
    let mut places = Vec::with_capacity(wanted.len());
    let mut least = top;
    for &place in wanted {
        let place = place.max(least);
        places.push(place);
        least = place + apart;
    }
    let mut most = bottom;
    for place in places.iter_mut().rev() {
        *place = place.min(most).max(top);
        most = *place - apart;
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_far_apart_stay_where_they_are() {
        assert_eq!(spread(&[10.0, 50.0, 90.0], 15.0, 0.0, 100.0), [10.0, 50.0, 90.0]);
    }

    #[test]
    fn names_that_are_near_move_down_and_at_the_bottom_up() {
        assert_eq!(spread(&[10.0, 11.0, 12.0], 15.0, 0.0, 100.0), [10.0, 25.0, 40.0]);
        assert_eq!(spread(&[95.0, 96.0, 97.0], 15.0, 0.0, 100.0), [70.0, 85.0, 100.0]);
    }
}
