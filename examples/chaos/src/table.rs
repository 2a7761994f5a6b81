//! The findings as a table: a line for each kind of fault, with how long either side took.

use std::time::Duration;

use everbeat_drawing::Dot;
use everbeat_support::How;
use everbeat_support::rows::{millis, row};
use serde_json::Value;

use crate::judge::Finding;
use crate::schedule::{Kind, Side};

/// How long one side took to notice one kind of fault, each time
#[derive(Debug)]
pub(crate) struct Times<'a> {
    kind: Kind,
    side: Side,
    findings: Vec<&'a Finding>,
}

/// All that was found, by kind and side
pub(crate) fn times(findings: &[Finding]) -> Vec<Times<'_>> {
    let sides = |kind| [Side::Client, Side::Server].map(|side| (kind, side));
    let all = Kind::ALL.into_iter().flat_map(sides).map(|(kind, side)| {
        let of = |finding: &&Finding| (finding.kind, finding.side) == (kind, side);
        Times { kind, side, findings: findings.iter().filter(of).collect() }
    });
    all.filter(|times| !times.findings.is_empty()).collect()
}

impl Times<'_> {
    fn name(&self) -> String {
        format!("{}: {}", self.kind, self.side)
    }

    /// As far as it was noticed, the shortest first
    fn took(&self) -> Vec<Duration> {
        let mut took = self.findings.iter().filter_map(|it| it.took).collect::<Vec<_>>();
        took.sort();
        took
    }

    pub(crate) fn held(&self) -> bool {
        self.findings.iter().all(|finding| finding.held())
    }

    /// For people
    pub(crate) fn line(&self) -> String {
        let took = self.took();
        let seconds = |took: Option<&Duration>| match took {
            Some(took) => format!("{:.2}", took.as_secs_f64()),
            None => "-".into(),
        };
        let hows = [How::Dead, How::Cut, How::Closed, How::Other].into_iter().filter_map(|how| {
            let count = self.findings.iter().filter(|finding| finding.how == Some(how)).count();
            (count > 0).then(|| format!("{count} {how:?}").to_lowercase())
        });
        let hows = hows.collect::<Vec<_>>().join(", ");
        format!(
            "{:<34}{:>3} of {:<3}{:>8}{:>8} s  {hows}",
            self.name(),
            took.len(),
            self.findings.len(),
            seconds(took.get(took.len() / 2)),
            seconds(took.last()),
        )
    }

    /// For machines: the worst of them, and whether each held
    pub(crate) fn row(&self) -> Value {
        let all = self.took().len() == self.findings.len();
        let worst = self.took().last().copied().filter(|_| all).map(millis);
        let goal = self.findings.iter().map(|finding| millis(finding.allowed)).max();
        row(&format!("{}, noticed at worst after", self.name()), worst, "ms", goal, self.held())
    }

    /// For the plot, in seconds; nothing if it was never noticed
    pub(crate) fn dot(&self) -> Option<Dot> {
        let took = self.took();
        let middle = took.get(took.len() / 2)?.as_secs_f64();
        let (low, high) = (took.first()?.as_secs_f64(), took.last()?.as_secs_f64());
        Some(Dot { name: self.name(), low, middle, high, ours: self.held() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::PROMISE;

    fn finding(kind: Kind, millis: Option<u64>) -> Finding {
        Finding {
            kind,
            side: Side::Client,
            at: Duration::ZERO,
            took: millis.map(Duration::from_millis),
            allowed: PROMISE,
            how: millis.map(|_| How::Dead),
        }
    }

    #[test]
    fn times_are_told_by_kind_with_their_worst() {
        let findings =
            [(Kind::Unplug, 4_000), (Kind::Kill, 20), (Kind::Unplug, 5_000), (Kind::Unplug, 4_500)];
        let findings = findings.map(|(kind, millis)| finding(kind, Some(millis)));
        let times = times(&findings);
        assert_eq!(times.len(), 2);
        assert_eq!(
            times[0].line(),
            "link down: client                   3 of 3      4.50    5.00 s  3 dead"
        );
        let row = times[0].row();
        assert_eq!((&row["value"], &row["met"]), (&Value::from(5_000), &Value::from(true)));
        let dot = times[0].dot().unwrap();
        assert_eq!((dot.low, dot.middle, dot.high), (4.0, 4.5, 5.0));
    }

    #[test]
    fn one_that_was_never_noticed_has_no_worst_and_is_not_met() {
        let findings = [finding(Kind::Kill, Some(20)), finding(Kind::Kill, None)];
        let row = times(&findings)[0].row();
        assert_eq!((&row["value"], &row["met"]), (&Value::Null, &Value::from(false)));
        let late = [finding(Kind::Kill, Some(5_001))];
        assert_eq!(times(&late)[0].row()["met"], false);
    }
}
