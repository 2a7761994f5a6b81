//! Which part of the sum a block belongs to: its call stack says so.

use serde::Serialize;

use crate::heap::Point;

/// What no stack tells
pub(crate) const OTHER: &str = "other";

/// What a thread keeps of a large message, for the next one of whichever connection: so many pieces at
/// most (`everbeat-ws`'s pools), however many connections there are
pub(crate) const ROOM: &str = "room that the threads keep";

/// The wheel's chunks: whoever is armed anew goes from one to another, whatever else happens
pub(crate) const WHEEL: &str = "wheel";

/// What belongs to the crowd or to the counting, and not to whom it is about
const NOT_THEIRS: &[&str] =
    &["memory/src/crowd.rs", "memory/src/secrets.rs", "load/src/upgrade.rs"];

/// A part's name, and what must occur in a function's name or file
///
/// The innermost function that fits any of them decides: a task is spawned by somebody, and nobody is to
/// be charged for what he only called.
const PARTS: &[(&str, &[&str])] = &[
    (ROOM, &["src/read/body.rs", "room (everbeat-ws/src/pool.rs", "what_is_said_to_all"]),
    ("TLS: deframer and records", &["rustls/", "rustls-"]),
    ("TLS: session, with the socket in it", &["src/tls/"]),
    (
        "registration of the socket",
        // The last is async-io's list of who awaits it: whoever dialled did.
        &[
            "ScheduledIo",
            "registration_set.rs",
            "insert_io",
            "slab::Entry<core::option::Option<core::task::wake::Waker>",
        ],
    ),
    ("place in the nest", &["everbeat-nest/src/table"]),
    ("task", &["bind_new_task<", "async-task-", "async-executor-", "task/core.rs"]),
    ("request's head", &["http::header::", "http-", "request::Parts", "src/upgrade/"]),
    ("what only some have", &["registry/aside", "connection/unusual"]),
    ("record and facts", &["registry::record::Record"]),
    ("registry's table", &["src/registry"]),
    ("serving, with its handler", &["everbeat-tokio/src/runtime"]),
    ("admission", &["src/admission"]),
    (WHEEL, &["time/wheel"]),
    (
        "timer of the runtime",
        &["tokio::time::", "time/sleep.rs", "insert_timer", "async_io::Timer", "process_timer_ops"],
    ),
    ("what is under way", &["underway", "src/pool"]),
    ("connector", &["everbeat-ws/src/connect"]),
    ("client", &["everbeat-core/src/client", "everbeat-core/src/reconnect"]),
    ("connection", &["everbeat-core/src/connection", "begin<everbeat_ws::accept", "src/tasks/"]),
    ("socket", &["everbeat-ws/src/", "everbeat-nest/src/tcp"]),
];

/// A part of the sum
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct Part {
    pub(crate) name: &'static str,
    pub(crate) bytes: f64,
    pub(crate) blocks: f64,
}

/// The part of this stack; `None` if it is nobody's whom this is about
pub(crate) fn of(stack: &[String]) -> Option<&'static str> {
    let fits = |name: &str, needles: &[&str]| needles.iter().any(|needle| name.contains(needle));
    if stack.iter().any(|name| fits(name, NOT_THEIRS)) {
        return None;
    }
    let part = |name: &String| PARTS.iter().find(|(_, needles)| fits(name, needles));
    Some(stack.iter().find_map(part).map_or(OTHER, |(name, _)| name))
}

/// Blocks of all connections together in a part
pub(crate) fn blocks_of(points: &[Point], name: &str) -> u64 {
    points.iter().filter(|point| of(&point.stack) == Some(name)).map(|point| point.blocks).sum()
}

/// The parts for one connection, in the order of the list
pub(crate) fn sum(points: &[Point], connections: usize) -> Vec<Part> {
    let names = PARTS.iter().map(|(name, _)| *name).chain([OTHER]);
    let part = |name| {
        let mine = points.iter().filter(|point| of(&point.stack) == Some(name));
        let (bytes, blocks) = mine.fold((0, 0), |sum, p| (sum.0 + p.bytes, sum.1 + p.blocks));
        let each = |sum: u64| (sum as f64 / connections as f64 * 100.0).round() / 100.0;
        Part { name, bytes: each(bytes), blocks: each(blocks) }
    };
    names.map(part).filter(|part| part.bytes > 0.0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(bytes: u64, stack: &[&str]) -> Point {
        let stack = stack.iter().map(|&name| name.to_owned()).collect();
        Point { bytes, blocks: 2, stack }
    }

    #[test]
    fn the_innermost_that_fits_decides_and_a_stranger_is_other() {
        let wheel = "grow (everbeat-core/src/time/wheel/table.rs:1:2)";
        let connection = "poll (everbeat-core/src/connection/driver.rs:3:4)";
        let points = [
            point(400, &["alloc (alloc.rs:1:1)", wheel, connection]),
            point(300, &["alloc (alloc.rs:1:1)", connection, wheel]),
            point(200, &["alloc (alloc.rs:1:1)", "somebody::else (else.rs:1:1)"]),
            point(999, &[wheel, "join (benches/memory/src/crowd.rs:1:1)"]),
        ];
        let part = |name, bytes| Part { name, bytes, blocks: 1.0 };
        assert_eq!((blocks_of(&points, WHEEL), blocks_of(&points, ROOM)), (2, 0));
        let sums = [part("wheel", 200.0), part("connection", 150.0), part(OTHER, 100.0)];
        assert_eq!(sum(&points, 2), sums);
    }
}
