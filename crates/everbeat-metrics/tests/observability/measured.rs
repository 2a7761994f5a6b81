//! Metrics: the page, the table of the crate, and a life.

use std::collections::{BTreeMap, BTreeSet};

use everbeat_metrics::{Kind, METRICS, REASONS};
use metrics_util::MetricKind;
use metrics_util::debugging::{DebugValue, DebuggingRecorder};

use crate::page::{quoted, rows};
use crate::world::{self, Left};

const fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Counter => "counter",
        Kind::Gauge => "gauge",
        _ => "histogram",
    }
}

#[test]
fn the_page_has_the_table_of_the_crate() {
    let table = METRICS.iter().map(|metric| {
        let labels = metric.labels.iter().map(|label| format!("`{label}`")).collect::<Vec<_>>();
        let labels = if labels.is_empty() { "none".to_owned() } else { labels.join(", ") };
        let (name, kind) = (format!("`{}`", metric.name), word(metric.kind).to_owned());
        vec![name, kind, metric.unit.as_str().to_owned(), labels, metric.about.to_owned()]
    });
    assert_eq!(rows("| name |"), table.collect::<Vec<_>>());
    let reasons = values().remove("reason").unwrap();
    assert_eq!(reasons, REASONS.iter().map(ToString::to_string).collect());
}

/// What each label may be, by the page
fn values() -> BTreeMap<String, BTreeSet<String>> {
    let row = |row: Vec<String>| (quoted(&row[0]).remove(0), quoted(&row[1]).into_iter().collect());
    rows("| label |").into_iter().map(row).collect()
}

#[test]
fn histograms_have_buckets_that_grow_and_others_none() {
    for metric in METRICS {
        assert_eq!(metric.buckets.is_empty(), metric.kind != Kind::Histogram, "{}", metric.name);
        assert!(metric.buckets.is_sorted(), "{}", metric.name);
    }
}

/// By name and labels
type Measured = BTreeMap<(String, Vec<String>), f64>;

/// What a life counted, checked against the table: a histogram is told by how much it has
fn measured() -> (Measured, Left) {
    let (recorder, mut left) = (DebuggingRecorder::new(), Left::default());
    metrics::with_local_recorder(&recorder, || world::play(Some(&mut left)));
    let values = values();
    let mut all = Measured::new();
    for (key, unit, about, value) in recorder.snapshotter().snapshot().into_vec() {
        let (kind, key) = key.into_parts();
        let metric = METRICS.iter().find(|metric| metric.name == key.name());
        let metric = metric.unwrap_or_else(|| panic!("{key:?} is not in the table"));
        let expected = match metric.kind {
            Kind::Counter => MetricKind::Counter,
            Kind::Gauge => MetricKind::Gauge,
            _ => MetricKind::Histogram,
        };
        assert_eq!((kind, unit), (expected, Some(metric.unit)), "{key:?}");
        assert_eq!(about.as_deref(), Some(metric.about));
        let labels = key.labels().map(|label| label.key()).collect::<Vec<_>>();
        assert_eq!(labels, metric.labels, "{key:?}");
        for label in key.labels() {
            assert!(values[label.key()].contains(label.value()), "{key:?} is not bounded");
        }
        let value = match value {
            DebugValue::Counter(count) => count as f64,
            DebugValue::Gauge(level) => level.into_inner(),
            DebugValue::Histogram(samples) => samples.len() as f64,
        };
        let labels = key.labels().map(|label| label.value().to_owned()).collect();
        all.insert((key.name().to_owned(), labels), value);
    }
    (all, left)
}

#[test]
fn a_life_counts_in_every_metric_and_the_accounts_add_up() {
    let (all, left) = measured();
    let of = |name: &str, labels: &[&str]| {
        let fits = |has: &[String]| labels.iter().all(|label| has.iter().any(|it| it == label));
        let fitting = all.iter().filter(|((other, has), _)| other == name && fits(has));
        fitting.map(|(_, value)| value).sum::<f64>()
    };
    for metric in METRICS {
        assert!(all.keys().any(|(name, _)| name == metric.name), "{} is not seen", metric.name);
        if metric.kind != Kind::Gauge {
            assert!(of(metric.name, &[]) > 0.0, "{} is 0 after a whole life", metric.name);
        }
    }
    for role in ["client", "server"] {
        assert_eq!(of("everbeat_connections_open", &[role]), 0.0);
        let opened = of("everbeat_connections_opened_total", &[role]);
        assert_eq!(opened, of("everbeat_connections_closed_total", &[role]), "{role}");
        for name in ["bytes", "messages", "suspects", "recoveries"] {
            assert!(of(&format!("everbeat_{name}_total"), &[role]) > 0.0, "{name} of a {role}");
        }
        assert!(of("everbeat_round_trip_seconds", &[role]) > 0.0, "{role}");
        assert!(of("everbeat_detection_seconds", &[role]) > 0.0, "{role}");
        let fate = |fate| of("everbeat_messages_total", &[role, fate]);
        let met = fate("delivered") + fate("unsent") + fate("unconfirmed");
        assert_eq!(fate("accepted"), met, "{role}");
    }
    assert_eq!(of("everbeat_connections_opened_total", &["server"]), left.served as f64);
    assert_eq!(of("everbeat_messages_total", &["client", "accepted"]), left.accepted as f64);
    // Each connection of a client was an attempt, and so was each failure.
    let attempts = of("everbeat_connect_attempts_total", &[]);
    let opened = of("everbeat_connections_opened_total", &["client"]);
    assert_eq!(attempts, opened + of("everbeat_connect_failures_total", &[]));
    assert_eq!(of("everbeat_connect_seconds", &[]), opened);
    assert_eq!(of("everbeat_gave_up_total", &["rejected"]), 1.0);
    assert_eq!(of("everbeat_connections_expired_total", &["evicted"]), 1.0);
    assert_eq!(of("everbeat_connections_closed_total", &["server", "dropped"]), 3.0);
}
