//! The exhibits: what went wrong elsewhere, in the simulator, and what everbeat does there. And the
//! rules that they are measured against.

mod clocks;
mod false_alarms;
mod half_open;
mod hubs;
mod roads;
mod rules;
mod storms;
mod support;
