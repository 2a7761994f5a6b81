//! The table of metrics: names, kinds, units, labels. Each is API: it is not renamed, and gains no
//! label, but in a version that may break.

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

/// What is told of a quantity
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// It only grows
    Counter,
    /// It is as it is now
    Gauge,
    /// How often it was how large
    Histogram,
}

/// One metric
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Metric {
    /// Its name
    pub name: &'static str,
    /// Its kind
    pub kind: Kind,
    /// What it is counted in
    pub unit: Unit,
    /// Its labels, each of a fixed set of values
    pub labels: &'static [&'static str],
    /// What it says
    pub about: &'static str,
    /// For exporters that want them: the upper bounds of a histogram's buckets, in its unit; empty for
    /// other kinds
    pub buckets: &'static [f64],
}

pub(crate) const OPEN: &str = "everbeat_connections_open";
pub(crate) const OPENED: &str = "everbeat_connections_opened_total";
pub(crate) const CLOSED: &str = "everbeat_connections_closed_total";
pub(crate) const EXPIRED: &str = "everbeat_connections_expired_total";
pub(crate) const ATTEMPTS: &str = "everbeat_connect_attempts_total";
pub(crate) const FAILURES: &str = "everbeat_connect_failures_total";
pub(crate) const CONNECT: &str = "everbeat_connect_seconds";
pub(crate) const GAVE_UP: &str = "everbeat_gave_up_total";
pub(crate) const ROUND_TRIP: &str = "everbeat_round_trip_seconds";
pub(crate) const DETECTION: &str = "everbeat_detection_seconds";
pub(crate) const STALLED: &str = "everbeat_stalled_seconds";
pub(crate) const SUSPECTS: &str = "everbeat_suspects_total";
pub(crate) const RECOVERIES: &str = "everbeat_recoveries_total";
pub(crate) const MESSAGES: &str = "everbeat_messages_total";
pub(crate) const BYTES: &str = "everbeat_bytes_total";
pub(crate) const QUEUED: &str = "everbeat_queued_bytes";

/// From a machine's own loopback to a satellite with a queue in front of it
const ROUND_TRIPS: &[f64] =
    &[0.000_1, 0.000_5, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];
/// Around what is promised: 10 s and 20 s after a Ping, 45 s for a server's defaults
const DETECTIONS: &[f64] =
    &[0.5, 1.0, 2.0, 3.0, 5.0, 7.5, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0, 120.0];
/// Up to the limit of an attempt, 10 s
const CONNECTS: &[f64] = &[0.001, 0.005, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
/// From what counts as a stall, a second, to a night
const STALLS: &[f64] = &[1.0, 2.0, 5.0, 15.0, 60.0, 300.0, 3_600.0, 28_800.0];

const fn counter(
    name: &'static str,
    unit: Unit,
    labels: &'static [&'static str],
    about: &'static str,
) -> Metric {
    Metric { name, kind: Kind::Counter, unit, labels, about, buckets: &[] }
}

const fn gauge(
    name: &'static str,
    unit: Unit,
    labels: &'static [&'static str],
    about: &'static str,
) -> Metric {
    Metric { name, kind: Kind::Gauge, unit, labels, about, buckets: &[] }
}

const fn seconds(
    name: &'static str,
    labels: &'static [&'static str],
    buckets: &'static [f64],
    about: &'static str,
) -> Metric {
    Metric { name, kind: Kind::Histogram, unit: Unit::Seconds, labels, about, buckets }
}

/// All metrics there are
pub const METRICS: &[Metric] = &[
    gauge(OPEN, Unit::Count, &["role"], "Connections that stand"),
    counter(OPENED, Unit::Count, &["role"], "Connections that came to stand"),
    counter(CLOSED, Unit::Count, &["role", "reason"], "Connections that ended, and why"),
    counter(
        EXPIRED,
        Unit::Count,
        &["rule"],
        "Connections that a rule of the server ended, the silent too",
    ),
    counter(ATTEMPTS, Unit::Count, &[], "Attempts of clients to connect"),
    counter(FAILURES, Unit::Count, &["reason"], "Attempts of clients that failed, and why"),
    seconds(CONNECT, &[], CONNECTS, "How long attempts took that succeeded, from dial to upgrade"),
    counter(GAVE_UP, Unit::Count, &["reason"], "Clients that will not try again, and why"),
    seconds(
        ROUND_TRIP,
        &["role"],
        ROUND_TRIPS,
        "From a Ping to its Pong, smoothed; each connection once a sample",
    ),
    seconds(
        DETECTION,
        &["role", "verdict"],
        DETECTIONS,
        "How long nothing had been heard, or none of our bytes had got out, when a peer was declared dead",
    ),
    seconds(STALLED, &["role"], STALLS, "How long our own process or machine did not run"),
    counter(SUSPECTS, Unit::Count, &["role"], "Peers that should have answered by now"),
    counter(RECOVERIES, Unit::Count, &["role"], "Suspected peers that were heard again"),
    counter(MESSAGES, Unit::Count, &["role", "fate"], "Messages, and what became of them"),
    counter(
        BYTES,
        Unit::Bytes,
        &["role", "direction"],
        "Bytes of sockets, the upgrade's and frames' too",
    ),
    gauge(
        QUEUED,
        Unit::Bytes,
        &[],
        "Bytes of payload that wait in the mailboxes of a server's connections",
    ),
];

/// Tells the installed recorder what each metric is, and in which unit
///
/// Once, behind the recorder's installation; without a recorder nothing happens.
pub fn describe() {
    for metric in METRICS {
        let Metric { name, unit, about, .. } = *metric;
        match metric.kind {
            Kind::Counter => describe_counter!(name, unit, about),
            Kind::Gauge => describe_gauge!(name, unit, about),
            Kind::Histogram => describe_histogram!(name, unit, about),
        }
    }
}
