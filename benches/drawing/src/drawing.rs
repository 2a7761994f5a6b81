//! An SVG, line by line.

use std::fmt::{Arguments, Display, Write};

/// Colours that are read on white and on black; where the reader's taste is known, better ones
const STYLE: &str = "\
text{font-family:system-ui,-apple-system,'Segoe UI',sans-serif;font-size:13px;fill:#59636e}\
.title{font-size:17px;font-weight:600;fill:#1f2328}\
.name{fill:#1f2328}.ours{fill:#0a7d4f;font-weight:600}.small{font-size:11.5px}\
.grid{stroke:#818b98;stroke-opacity:.22}.guide{stroke:#818b98;stroke-opacity:.45;fill:none}\
.span{stroke:#6e7781;stroke-width:2.5;stroke-linecap:round}.dot{fill:#6e7781}\
.span.ours{stroke:#0f9d63;stroke-width:4}.dot.ours{fill:#0f9d63}\
.bad{fill:#cf222e}\
.area{fill:#6e7781;fill-opacity:.35}.area.ours{fill:#0f9d63;fill-opacity:.4}\
.share{stroke:#1f6feb;stroke-width:1.5;fill:none}.mark{stroke:#cf222e;stroke-dasharray:3 4}\
@media(prefers-color-scheme:dark){text{fill:#9198a1}.title,.name{fill:#f0f6fc}\
.name.ours{fill:#4ade9c}.span{stroke:#9198a1}.dot{fill:#9198a1}\
.span.ours{stroke:#34c88a}.dot.ours{fill:#34c88a}.bad{fill:#ff7b72}.area{fill:#9198a1}\
.area.ours{fill:#34c88a}.share{stroke:#58a6ff}.mark{stroke:#ff7b72}}";

/// A drawing, line by line
#[derive(Debug)]
pub struct Drawing(String);

impl Drawing {
    /// An empty one, so wide and so high, with a title for who cannot see it
    #[must_use]
    pub fn begin((width, height): (f64, f64), title: &str) -> Self {
        Self(format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height:.0}\" \
             role=\"img\">\n<title>{title}</title>\n<style>{STYLE}</style>\n"
        ))
    }

    /// The drawing, whole
    #[must_use]
    pub fn end(mut self) -> String {
        self.0.push_str("</svg>\n");
        self.0
    }

    /// A line from here to there
    pub fn line(&mut self, class: &str, from: (f64, f64), to: (f64, f64)) {
        self.add(format_args!(
            "<line class=\"{class}\" x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\"/>",
            from.0, from.1, to.0, to.1
        ));
    }

    /// Words, anchored here by their `start`, `middle` or `end`
    pub fn text(&mut self, class: &str, at: (f64, f64), anchor: &str, text: impl Display) {
        self.add(format_args!(
            "<text class=\"{class}\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{text}</text>",
            at.0, at.1
        ));
    }

    /// Any other element
    pub fn add(&mut self, element: Arguments<'_>) {
        // Writing to a string cannot fail.
        _ = writeln!(self.0, "{element}");
    }
}
