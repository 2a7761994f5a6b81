//! Logarithmic axes: from values to places, with ticks at numbers that people like.

/// Times that make good ticks, in seconds
const TIMES: [f64; 17] = [
    0.5, 1.0, 2.0, 3.0, 5.0, 7.0, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0, 90.0, 120.0, 300.0, 600.0,
    1_200.0,
];

/// A logarithmic axis
#[derive(Debug)]
pub(super) struct Axis {
    /// The values at its ends, and where these are drawn
    values: (f64, f64),
    places: (f64, f64),
    ticks: Vec<f64>,
}

impl Axis {
    /// From left to right
    pub(super) fn times(times: impl Iterator<Item = f64>, from: f64, to: f64) -> Self {
        let (least, most) = bounds(times).unwrap_or((10.0, 60.0));
        let (least, most) = ((least * 0.8).max(0.4), (most * 1.08).max(1.0));
        let shown = |tick: &&f64| (least..=most).contains(*tick);
        let mut ticks: Vec<_> = TIMES.iter().filter(shown).copied().collect();
        // On a wide axis every other of them would run into its neighbour.
        if most / least > 25.0 {
            ticks.retain(|tick| ![3.0, 7.0, 15.0, 45.0, 90.0].contains(tick));
        }
        Self { values: (least, most), places: (from, to), ticks }
    }

    /// From top to bottom, in whole decades that are at least so high, and all together so high;
    /// `None` without rates
    pub(super) fn rates(
        rates: impl Iterator<Item = f64>,
        top: f64,
        decade: f64,
        all: f64,
    ) -> Option<Self> {
        let (least, most) = bounds(rates)?;
        let (low, high) = (least.log10().floor() as i32, most.log10().ceil() as i32);
        let high = high.max(low + 1);
        let height = (decade * f64::from(high - low)).max(all);
        let ticks = (low..=high).map(|power| 10_f64.powi(power)).collect();
        let values = (10_f64.powi(low), 10_f64.powi(high));
        Some(Self { values, places: (top + height, top), ticks })
    }

    /// Where a value is drawn
    pub(super) fn at(&self, value: f64) -> f64 {
        let (least, most) = self.values;
        let share = (value.clamp(least, most) / least).ln() / (most / least).ln();
        self.places.0 + (self.places.1 - self.places.0) * share
    }

    /// Where it ends, the farther from the top or the left
    pub(super) fn end(&self) -> f64 {
        self.places.0.max(self.places.1)
    }

    /// The greatest value that it shows
    pub(super) const fn last(&self) -> f64 {
        self.values.1
    }

    pub(super) fn ticks(&self) -> impl Iterator<Item = (f64, f64)> {
        self.ticks.iter().map(|tick| (*tick, self.at(*tick)))
    }
}

fn bounds(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values.fold(None, |bounds, value| {
        let (least, most) = bounds.unwrap_or((value, value));
        Some((value.min(least), value.max(most)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_decade_is_as_high_as_the_other() {
        let axis = Axis::rates([0.02, 8.0].into_iter(), 50.0, 60.0, 0.0).unwrap();
        let places: Vec<_> = axis.ticks().map(|(_, at)| at.round()).collect();
        assert_eq!(places, [230.0, 170.0, 110.0, 50.0]);
        assert_eq!(axis.end(), 230.0);
        let roomy = Axis::rates([0.02, 8.0].into_iter(), 50.0, 60.0, 300.0).unwrap();
        assert_eq!(roomy.end(), 350.0);
        assert!(Axis::rates([].into_iter(), 50.0, 60.0, 0.0).is_none());
    }

    #[test]
    fn what_is_measured_lies_between_the_ends() {
        let axis = Axis::times([12.0, 119.0].into_iter(), 0.0, 100.0);
        assert!(axis.at(12.0) > 0.0 && axis.at(119.0) < 100.0);
        assert!(axis.ticks().all(|(_, at)| (0.0..=100.0).contains(&at)));
    }
}
