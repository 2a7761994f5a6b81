//! What the pages of studies and benchmarks are drawn with: an SVG line by line, one style for all, and
//! figures with their intervals. It stands on nothing, so that `xtask` can use it.

#![forbid(unsafe_code)]

mod dots;
mod drawing;
pub mod page;

pub use dots::{Dot, Dots, told};
pub use drawing::Drawing;
