//! The run over time, to be looked at: an SVG, and lines of blocks for a terminal.

use std::fmt::Write;

use crate::watch::Sample;

const WIDTH: f64 = 960.0;
const LEFT: f64 = 110.0;
const RIGHT: f64 = 24.0;
const HEIGHT: f64 = 130.0;
const GAP: f64 = 40.0;
const TOP: f64 = 50.0;
/// How wide a line of blocks is
const BLOCKS: usize = 64;

/// One curve
struct Curve {
    name: &'static str,
    colour: &'static str,
    value: fn(&Sample) -> f64,
}

const CURVES: [Curve; 6] = [
    Curve { name: "live", colour: "#1b7f3b", value: |sample| sample.live as f64 },
    Curve { name: "reconnects", colour: "#9a5b00", value: |sample| sample.reconnects as f64 },
    Curve { name: "roads faulty", colour: "#b3261e", value: |sample| sample.faulty as f64 },
    Curve {
        name: "allocated, MiB",
        colour: "#00727a",
        value: |sample| mebibytes(sample.allocated),
    },
    Curve { name: "resident, MiB", colour: "#1f5fa8", value: |sample| mebibytes(sample.resident) },
    Curve { name: "descriptors", colour: "#6b3fa0", value: |sample| sample.descriptors as f64 },
];

fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// The SVG, whole
pub(crate) fn svg(title: &str, samples: &[Sample]) -> String {
    let height = TOP + (HEIGHT + GAP) * CURVES.len() as f64;
    let last = samples.last().map_or(0.0, |sample| sample.at.as_secs_f64()).max(1.0);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"{LEFT}\" y=\"28\" font-size=\"15\">{title}</text>\n"
    );
    for (place, curve) in CURVES.iter().enumerate() {
        panel(&mut svg, curve, samples, TOP + (HEIGHT + GAP) * place as f64, last);
    }
    svg.push_str("</svg>\n");
    svg
}

fn panel(svg: &mut String, curve: &Curve, samples: &[Sample], top: f64, last: f64) {
    let bottom = top + HEIGHT;
    let most = samples.iter().map(curve.value).fold(1.0, f64::max);
    let x = |seconds: f64| LEFT + (WIDTH - LEFT - RIGHT) * seconds / last;
    let y = |value: f64| bottom - HEIGHT * value / most;
    let Curve { name, colour, value } = curve;
    let right = WIDTH - RIGHT;
    // Writing to a string cannot fail.
    for (share, at) in [(0.0, bottom), (0.5, top + HEIGHT / 2.0), (1.0, top)] {
        _ = writeln!(
            svg,
            "<line x1=\"{LEFT}\" y1=\"{at:.1}\" x2=\"{right}\" y2=\"{at:.1}\" stroke=\"#ddd\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"#555\">{:.0}</text>",
            LEFT - 8.0,
            at + 4.0,
            most * share,
        );
    }
    let step = if last > 100.0 { (last / 100.0).ceil() * 10.0 } else { 10.0 };
    let mut seconds = 0.0;
    while seconds <= last {
        let (at, under) = (x(seconds), bottom + 16.0);
        _ = writeln!(
            svg,
            "<text x=\"{at:.1}\" y=\"{under:.1}\" text-anchor=\"middle\" fill=\"#555\">\
             {seconds:.0} s</text>",
        );
        seconds += step;
    }
    let points = samples
        .iter()
        .map(|sample| format!("{:.1},{:.1}", x(sample.at.as_secs_f64()), y(value(sample))));
    let points = points.collect::<Vec<_>>().join(" ");
    _ = writeln!(
        svg,
        "<polyline points=\"{points}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.6\"/>\
         <text x=\"{LEFT}\" y=\"{:.1}\" fill=\"{colour}\">{name}</text>",
        top - 6.0,
    );
}

/// A line for each curve: its name, its blocks, its least and most
pub(crate) fn blocks(samples: &[Sample]) -> Vec<String> {
    let line = |curve: &Curve| {
        let values: Vec<_> = samples.iter().map(curve.value).collect();
        let most = values.iter().copied().fold(0.0, f64::max);
        let least = values.iter().copied().fold(f64::INFINITY, f64::min).min(most);
        let name = curve.name;
        format!("{name:<15}{}  {least:.0} to {most:.0}", spark(&values, most))
    };
    CURVES.iter().map(line).collect()
}

fn spark(values: &[f64], most: f64) -> String {
    const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let width = BLOCKS.min(values.len()).max(1);
    let mut columns: Vec<f64> = vec![0.0; width];
    for (place, &value) in values.iter().enumerate() {
        if let Some(column) = columns.get_mut(place * width / values.len()) {
            *column = column.max(value);
        }
    }
    let level = |value: f64| {
        let share = if most > 0.0 { value / most } else { 0.0 };
        LEVELS.get((share * 7.0).round() as usize).copied().unwrap_or('█')
    };
    columns.into_iter().map(level).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn samples() -> Vec<Sample> {
        let sample = |second: u64| Sample {
            at: Duration::from_secs(second),
            live: second as usize,
            ..Sample::default()
        };
        (0..=7).map(sample).collect()
    }

    #[test]
    fn a_line_rises_with_its_values() {
        let lines = blocks(&samples());
        assert_eq!(lines[0], "live           ▁▂▃▄▅▆▇█  0 to 7");
        assert_eq!(lines[1], "reconnects     ▁▁▁▁▁▁▁▁  0 to 0");
        assert_eq!(blocks(&[]).len(), CURVES.len());
    }

    #[test]
    fn a_curve_begins_and_ends_at_its_panels_corners() {
        let svg = svg("a run", &samples());
        assert!(svg.contains(&format!("points=\"{LEFT:.1},{:.1} ", TOP + HEIGHT)), "{svg}");
        assert!(svg.contains(&format!("{:.1},{TOP:.1}\"", WIDTH - RIGHT)));
        assert_eq!(svg.matches("<polyline").count(), CURVES.len());
    }
}
