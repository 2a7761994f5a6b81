//! The road's TCP: what is sent again and when, what fills, what is told, and how it ends.

mod ends;
mod evidence;
mod loss;
mod partition;
mod suspend;
mod window;
