//! The scenarios as they are committed: read once, checked once, and told apart by a hash of every
//! byte, so that two runs with the same hash are about the same thing.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fmt;
use std::time::Duration;

use serde::Deserialize;

use crate::contenders;

/// The file, as it was when this was built
const FILE: &str = include_str!("../scenarios.json");

/// All of it
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Parameters {
    pub(crate) about: String,
    tuning_seeds: Vec<u64>,
    pub(crate) report_seeds: Vec<u64>,
    charged_to_an_outage_for_seconds: f64,
    short_outage_seconds: f64,
    roads: BTreeMap<String, Road>,
    pub(crate) scenarios: Vec<Scenario>,
    #[serde(skip)]
    pub(crate) hash: u64,
}

/// A road between the two hosts, when nothing befalls it
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Road {
    pub(crate) about: String,
    round_trip_ms: f64,
    jitter_ms: f64,
    #[serde(default)]
    pub(crate) bytes_per_second: u64,
    buffer_kib: Option<usize>,
}

/// What detectors are tried in
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scenario {
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) about: String,
    pub(crate) road: String,
    /// Contenders that run here besides those that run everywhere
    #[serde(default)]
    pub(crate) also: Vec<String>,
    #[serde(default)]
    pub(crate) at_both_ends: bool,
    /// Connection-days without a death; nothing if false alarms are not counted here
    #[serde(default)]
    pub(crate) days: Days,
    /// What detection is timed in
    pub(crate) trials: Trials,
    #[serde(default)]
    pub(crate) befalls: Vec<Befall>,
    #[serde(default)]
    pub(crate) traffic: Traffic,
    pub(crate) sleep: Option<Sleep>,
}

/// Connection-days in a whole run
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Days {
    pub(crate) everbeat: f64,
    pub(crate) others: f64,
}

/// How often something happens to a connection, and when
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Trials {
    pub(crate) how: How,
    pub(crate) count: u32,
    pub(crate) after_minutes: Range,
}

/// What happens to it
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(crate) enum How {
    /// Nothing gets through any more, either way
    #[serde(rename = "silent")]
    Silent,
    /// The peer's program stops; its kernel goes on
    #[serde(rename = "hung")]
    Hung,
    /// Nothing of ours gets through any more
    #[serde(rename = "one way")]
    OneWay,
    /// Our machine sleeps, and nothing gets through when it resumes
    #[serde(rename = "dead after sleep")]
    DeadAfterSleep,
    /// Our machine sleeps, and finds everything as it was
    #[serde(rename = "alive after sleep")]
    AliveAfterSleep,
}

/// What happens now and then, at exponential intervals but for the last kind
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(tag = "what", deny_unknown_fields)]
pub(crate) enum Befall {
    #[serde(rename = "outage")]
    Outage { per_day: f64, seconds: Range },
    #[serde(rename = "local stall")]
    LocalStall { per_day: f64, seconds: Range },
    #[serde(rename = "peer stall")]
    PeerStall { per_day: f64, seconds: Range },
    #[serde(rename = "upload")]
    Upload { per_day: f64, bytes: usize },
    #[serde(rename = "download")]
    Download { per_day: f64, bytes: usize },
    #[serde(rename = "slow")]
    Slow { per_day: f64, round_trip_seconds: Range, grows_seconds: Range, stays_seconds: Range },
    #[serde(rename = "another way")]
    AnotherWay { every_seconds: f64, round_trip_ms: Range },
}

/// What the applications say by themselves, each at its interval times 0.5 to 1.5
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Traffic {
    pub(crate) in_every_seconds: Option<f64>,
    pub(crate) out_every_seconds: Option<f64>,
    #[serde(default)]
    pub(crate) bytes: usize,
}

/// How our machine sleeps
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sleep {
    pub(crate) minutes: Range,
    pub(crate) clock: Clock,
    #[serde(default)]
    pub(crate) road_back_after_seconds: Range,
}

/// What its clock does meanwhile
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(crate) enum Clock {
    #[serde(rename = "stops")]
    Stops,
    #[serde(rename = "runs on")]
    RunsOn,
}

/// A least and a most, between which is drawn evenly
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(crate) struct Range(f64, f64);

/// What is wrong with the scenarios
#[derive(Debug)]
pub(crate) enum BadParameters {
    /// It is not the JSON that it should be; the words say where
    Json(serde_json::Error),
    /// A value that cannot be
    Value { place: String, problem: String },
}

impl Parameters {
    /// The committed ones
    pub(crate) fn committed() -> Result<Self, BadParameters> {
        Self::parse(FILE)
    }

    pub(crate) fn parse(text: &str) -> Result<Self, BadParameters> {
        let mut parameters: Self = serde_json::from_str(text).map_err(BadParameters::Json)?;
        parameters.check()?;
        parameters.hash = fnv(text.as_bytes());
        Ok(parameters)
    }

    /// The road of a scenario; `check` has seen to it that there is one
    pub(crate) fn road(&self, scenario: &Scenario) -> Option<&Road> {
        self.roads.get(&scenario.road)
    }

    /// How long after an outage an alarm is still put down to it
    pub(crate) fn charged(&self) -> Duration {
        Duration::from_secs_f64(self.charged_to_an_outage_for_seconds)
    }

    /// The longest outage that a detector has to bear
    pub(crate) fn short(&self) -> Duration {
        Duration::from_secs_f64(self.short_outage_seconds)
    }

    fn check(&self) -> Result<(), BadParameters> {
        let refuse = |place: &str, problem: String| {
            Err(BadParameters::Value { place: place.to_owned(), problem })
        };
        if self.report_seeds.is_empty() {
            return refuse("report_seeds", "is empty: there is nothing to report on".into());
        }
        if let Some(seed) = self.report_seeds.iter().find(|seed| self.tuning_seeds.contains(seed)) {
            return refuse(
                "report_seeds",
                format!("has {seed}, which is a tuning seed: what was tuned on proves nothing"),
            );
        }
        positive("charged_to_an_outage_for_seconds", self.charged_to_an_outage_for_seconds)?;
        positive("short_outage_seconds", self.short_outage_seconds)?;
        for (name, road) in &self.roads {
            positive(&format!("road `{name}`: round_trip_ms"), road.round_trip_ms)?;
            if !(0.0..=60_000.0).contains(&road.jitter_ms) {
                return refuse(
                    &format!("road `{name}`: jitter_ms"),
                    format!("is {}: it must be between 0 and 60000", road.jitter_ms),
                );
            }
        }
        let mut names = BTreeSet::new();
        for scenario in &self.scenarios {
            let name = &scenario.name;
            if !names.insert(name) {
                return refuse(&format!("scenario `{name}`"), "is there twice".into());
            }
            if !self.roads.contains_key(&scenario.road) {
                let roads: Vec<_> = self.roads.keys().map(String::as_str).collect();
                return refuse(
                    &format!("scenario `{name}`: road"),
                    format!("is `{}`; there are {}", scenario.road, roads.join(", ")),
                );
            }
            scenario.check()?;
        }
        Ok(())
    }
}

impl Scenario {
    fn check(&self) -> Result<(), BadParameters> {
        let place = |what: &str| format!("scenario `{}`: {what}", self.name);
        for name in &self.also {
            if contenders::extra(name).is_none() {
                let problem = format!("names `{name}`; there are {}", contenders::extra_names());
                return Err(BadParameters::Value { place: place("also"), problem });
            }
        }
        self.trials.after_minutes.check(&place("after_minutes"))?;
        let sleeps = matches!(self.trials.how, How::DeadAfterSleep | How::AliveAfterSleep);
        if sleeps != self.sleep.is_some() {
            let problem = "is for trials that sleep, and each of them needs it".into();
            return Err(BadParameters::Value { place: place("sleep"), problem });
        }
        if let Some(sleep) = &self.sleep {
            sleep.minutes.check(&place("sleep: minutes"))?;
        }
        for every in [self.traffic.in_every_seconds, self.traffic.out_every_seconds] {
            every.map_or(Ok(()), |every| positive(&place("traffic: an interval"), every))?;
        }
        self.befalls.iter().try_for_each(|befall| befall.check(&place("befalls")))
    }
}

impl Befall {
    fn check(&self, place: &str) -> Result<(), BadParameters> {
        let (often, ranges) = match *self {
            Self::Outage { per_day, seconds }
            | Self::LocalStall { per_day, seconds }
            | Self::PeerStall { per_day, seconds } => (per_day, vec![seconds]),
            Self::Upload { per_day, .. } | Self::Download { per_day, .. } => (per_day, vec![]),
            Self::Slow { per_day, round_trip_seconds, grows_seconds, stays_seconds } => {
                (per_day, vec![round_trip_seconds, grows_seconds, stays_seconds])
            }
            Self::AnotherWay { every_seconds, round_trip_ms } => {
                (every_seconds, vec![round_trip_ms])
            }
        };
        positive(place, often)?;
        ranges.into_iter().try_for_each(|range| range.check(place))
    }
}

impl Road {
    /// One way, without what comes on top by chance
    pub(crate) fn delay(&self) -> Duration {
        Duration::from_secs_f64(self.round_trip_ms / 2_000.0)
    }

    /// What comes on top by chance, one way, at most
    pub(crate) fn jitter(&self) -> Duration {
        Duration::from_secs_f64(self.jitter_ms / 1_000.0)
    }

    /// What a kernel keeps
    pub(crate) fn buffer(&self) -> Option<usize> {
        self.buffer_kib.map(|kib| kib << 10)
    }
}

impl Range {
    pub(crate) fn draw(self, rng: &mut fastrand::Rng) -> f64 {
        self.0 + (self.1 - self.0) * rng.f64()
    }

    pub(crate) fn seconds(self, rng: &mut fastrand::Rng) -> Duration {
        Duration::from_secs_f64(self.draw(rng))
    }

    pub(crate) fn minutes(self, rng: &mut fastrand::Rng) -> Duration {
        Duration::from_secs_f64(self.draw(rng) * 60.0)
    }

    /// Between them
    pub(crate) fn middle(self) -> f64 {
        f64::midpoint(self.0, self.1)
    }

    fn check(self, place: &str) -> Result<(), BadParameters> {
        if self.0 >= 0.0 && self.0 <= self.1 && self.1 <= 86_400.0 {
            return Ok(());
        }
        Err(BadParameters::Value {
            place: place.to_owned(),
            problem: format!("has [{}, {}]: a least and a most, from 0 to 86400", self.0, self.1),
        })
    }
}

fn positive(place: &str, value: f64) -> Result<(), BadParameters> {
    if value > 0.0 && value <= 86_400.0 {
        return Ok(());
    }
    Err(BadParameters::Value {
        place: place.to_owned(),
        problem: format!("is {value}: it must be over 0, and at most 86400"),
    })
}

/// FNV-1a, which stays the same from version to version
pub(crate) fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

impl fmt::Display for BadParameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(error) => write!(f, "the scenarios cannot be read: {error}"),
            Self::Value { place, problem } => write!(f, "the scenarios: {place} {problem}"),
        }
    }
}

impl Error for BadParameters {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Json(error) => Some(error),
            Self::Value { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_file_is_in_order_and_its_hash_is_of_every_byte() {
        let parameters = Parameters::committed().unwrap();
        assert_eq!(parameters.report_seeds, [101, 102, 103, 104, 105]);
        let blank = format!("{FILE} ");
        assert_ne!(Parameters::parse(&blank).unwrap().hash, parameters.hash);
        assert_eq!(fnv(b"foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn what_cannot_be_is_named_with_its_place() {
        for (old, new, named) in [
            ("\"per_day\": 24,", "\"per_day\": 0,", "scenario `roam`: befalls is 0"),
            ("[1, 8]", "[8, 1]", "scenario `roam`: befalls has [8, 1]"),
            ("\"road\": \"wifi\"", "\"road\": \"string\"", "is `string`; there are home, lan"),
            ("[101,", "[1, 101,", "has 1, which is a tuning seed"),
            ("\"name\": \"wan\"", "\"name\": \"lan\"", "scenario `lan` is there twice"),
            ("[\"client\",", "[\"nobody\",", "names `nobody`; there are client"),
            ("\"how\": \"hung\"", "\"how\": \"sad\"", "unknown variant `sad`"),
            ("\"seconds\": [1, 8]", "\"hours\": [1, 8]", "unknown field `hours`"),
            (
                "\"round_trip_ms\": 60,",
                "\"round_trip_ms\": -60,",
                "road `wan`: round_trip_ms is -60",
            ),
            ("\"dead after sleep\"", "\"silent\"", "sleep is for trials that sleep"),
        ] {
            assert!(FILE.contains(old), "{old}");
            let problem = Parameters::parse(&FILE.replacen(old, new, 1)).unwrap_err().to_string();
            assert!(problem.contains(named), "{new}: {problem}");
        }
    }

    #[test]
    fn draws_stay_between_the_least_and_the_most() {
        let mut rng = fastrand::Rng::with_seed(1);
        let drawn: Vec<_> = (0..1_000).map(|_| Range(2.0, 5.0).draw(&mut rng)).collect();
        assert!(drawn.iter().all(|value| (2.0..=5.0).contains(value)));
        let mean = drawn.iter().sum::<f64>() / 1_000.0;
        assert!((mean - Range(2.0, 5.0).middle()).abs() < 0.1, "{mean}");
    }
}
