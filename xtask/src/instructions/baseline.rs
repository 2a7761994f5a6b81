//! The counts that were committed, and how far from them is too far.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::{Counts, Row};

/// What was counted once, and with what
#[derive(Debug)]
pub(super) struct Baseline {
    made_with: Value,
    scenarios: Value,
}

/// How counts stand to the baseline
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Drift {
    /// How many more instructions than then lie between us and async-tungstenite
    pub(super) by: i64,
    /// How many are allowed either way: 2 % of what a message cost then
    pub(super) allowed: u64,
}

impl Drift {
    pub(super) const fn is_allowed(&self) -> bool {
        self.by.unsigned_abs() <= self.allowed
    }
}

impl Baseline {
    pub(super) fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("{}", path.display()))?;
        let mut value: Value = serde_json::from_str(&text)?;
        Ok(Self { made_with: value["made_with"].take(), scenarios: value["scenarios"].take() })
    }

    pub(super) fn of(made_with: &Value, rows: &[Row]) -> Self {
        let scenarios = rows.iter().map(|Row { name, counts: Counts { bare, ours }, .. }| {
            let alone = json!({ "ours": ours });
            (name.clone(), bare.map_or(alone, |bare| json!({ "bare": bare, "ours": ours })))
        });
        Self { made_with: made_with.clone(), scenarios: Value::Object(scenarios.collect()) }
    }

    pub(super) fn write(&self, path: &Path) -> Result<()> {
        let unit = "instructions a message, from send to recv, at both ends; or of what the name says alone";
        let Self { made_with, scenarios } = self;
        let value = json!({ "unit": unit, "made_with": made_with, "scenarios": scenarios });
        fs::write(path, format!("{value:#}\n"))?;
        Ok(())
    }

    /// What it was made with that is different now, as `name: then, now`
    ///
    /// Another compiler inlines differently and another codec costs something else, so that nobody
    /// here is to be blamed for what changes with them.
    pub(super) fn made_otherwise(&self, now: &Value) -> Vec<String> {
        let names = now.as_object().into_iter().flatten();
        names
            .filter(|(name, now)| self.made_with[name.as_str()] != **now)
            .map(|(name, now)| format!("{name}: {}, now {now}", self.made_with[name.as_str()]))
            .collect()
    }

    /// What was counted then
    pub(super) fn counts(&self, name: &str) -> Option<Counts> {
        let then = &self.scenarios[name];
        Some(Counts { bare: then["bare"].as_u64(), ours: then["ours"].as_u64()? })
    }

    /// How far the distance between both sides has moved; `None` for a scenario that is new
    ///
    /// The distance and not the count: a machine that copies bytes in other ways changes both sides.
    pub(super) fn drift(&self, name: &str, now: Counts) -> Option<Drift> {
        let then = self.counts(name)?;
        Some(Drift { by: now.over_bare() - then.over_bare(), allowed: then.ours / 50 })
    }
}

#[cfg(test)]
mod tests {
    use super::super::Goal;
    use super::*;

    fn baseline() -> Baseline {
        let made_with = json!({ "rustc": "1.95.0", "tungstenite": "0.30.0" });
        let scenarios = json!({ "text": { "bare": 1_000, "ours": 1_200 } });
        Baseline { made_with, scenarios }
    }

    #[test]
    fn two_per_cent_of_a_message_either_way() {
        let by = |bare, ours| baseline().drift("text", Counts { bare: Some(bare), ours }).unwrap();
        assert_eq!(by(1_000, 1_200), Drift { by: 0, allowed: 24 });
        assert!(by(1_000, 1_224).is_allowed() && !by(1_000, 1_225).is_allowed());
        assert!(by(1_000, 1_176).is_allowed() && !by(1_000, 1_175).is_allowed());
        assert!(by(2_000, 2_200).is_allowed(), "what changes both sides changes nothing");
        assert!(baseline().drift("binary", Counts { bare: Some(1), ours: 1 }).is_none());
    }

    #[test]
    fn another_compiler_is_named() {
        let now = json!({ "rustc": "1.96.0", "tungstenite": "0.30.0" });
        assert_eq!(baseline().made_otherwise(&now), [r#"rustc: "1.95.0", now "1.96.0""#]);
        assert!(baseline().made_otherwise(&baseline().made_with).is_empty());
    }

    #[test]
    fn what_is_written_is_read() {
        let path = std::env::temp_dir().join(format!("everbeat-counts-{}", std::process::id()));
        let counts = Counts { bare: Some(1_000), ours: 1_200 };
        let row = |name: &str, counts| Row { name: name.into(), goal: Goal::None, counts };
        let rows = [row("text", counts), row("wake", Counts::alone(100))];
        Baseline::of(&json!({ "rustc": "1.95.0" }), &rows).write(&path).unwrap();
        let read = Baseline::read(&path);
        fs::remove_file(&path).unwrap();
        let read = read.unwrap();
        assert_eq!(read.drift("text", counts), Some(Drift { by: 0, allowed: 24 }));
        let dearer = Counts { bare: None, ours: 103 };
        assert_eq!(read.drift("wake", dearer), Some(Drift { by: 3, allowed: 2 }));
        assert_eq!(read.made_with, json!({ "rustc": "1.95.0" }));
    }
}
