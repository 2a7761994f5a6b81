//! The page `docs/observability.md` against what there is: what the sources can say, and what is
//! seen of a whole life in the simulator, with a missed beat, a stall, deaths and reconnects.

#![expect(clippy::unwrap_used, reason = "these are tests")]

mod measured;
mod page;
mod sources;
mod traced;
mod world;
