//! One job: a contender in a scenario for some days, or for some trials. A simulation of its own,
//! which depends on nothing but the job.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use everbeat_core::time::Instant;
use everbeat_sim::{Sim, SimError};
use futures_util::future::{Either, select};

use crate::contenders::Contender;
use crate::parameters::{Clock, How, Parameters, Road, Scenario, Sleep, fnv};
use crate::stage::{Line, Stage};
use crate::tally::{Alarms, Tally};
use crate::weather::{self, chance};

const DAY: Duration = Duration::from_secs(86_400);
/// How long a connection that slept is watched for a false alarm: more than any rule waits
const AFTERMATH: Duration = Duration::from_secs(240);
/// The longest time in which anybody has to notice a death; a rule that needs more never will
const PATIENCE: Duration = Duration::from_secs(1_800);

/// What is simulated in one go
#[derive(Clone, Copy, Debug)]
pub(crate) struct Job<'a> {
    pub(crate) parameters: &'a Parameters,
    pub(crate) scenario: &'a Scenario,
    pub(crate) road: &'a Road,
    pub(crate) contender: &'a Contender,
    pub(crate) seed: u64,
    /// Which part of its seed's work it is
    pub(crate) number: u64,
    pub(crate) part: Part,
}

/// Some days without a death, or some trials
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Part {
    Days(f64),
    Trials(u32),
}

impl Job<'_> {
    /// How many connection-days it simulates, about
    pub(crate) fn weight(&self) -> f64 {
        match self.part {
            Part::Days(days) => days,
            Part::Trials(count) => {
                let asleep = self.scenario.sleep.map_or(0.0, |sleep| sleep.minutes.middle());
                let minutes = self.scenario.trials.after_minutes.middle() + asleep + 1.0;
                f64::from(count) * minutes / 1_440.0
            }
        }
    }

    /// For whoever reads why it failed
    pub(crate) fn describe(&self) -> String {
        let (scenario, contender) = (&self.scenario.name, self.contender.name);
        format!("{scenario}, {contender}, seed {}, part {}", self.seed, self.number)
    }

    pub(crate) fn run(&self) -> Result<Tally, SimError> {
        let seed = self.chance();
        let mut sim = Sim::seed(seed);
        let handle = sim.handle();
        let stage = Stage::new(handle, self.scenario, self.road, self.contender, seed);
        let act = Rc::new(Act {
            stage: Rc::new(stage),
            tally: RefCell::default(),
            charged: self.parameters.charged(),
            short: self.parameters.short(),
        });
        weather::begin(&act.stage, self.scenario, self.road, seed);
        match self.part {
            Part::Days(days) => {
                let playing = act.clone();
                sim.spawn(async move { playing.live().await });
                sim.run_for(DAY.mul_f64(days))?;
                act.tally.borrow_mut().days = days;
            }
            Part::Trials(count) => {
                let trials = act.trials(self.scenario, count, chance(seed, 3_000));
                sim.block_on(trials, DAY * 365 * 10)?;
            }
        }
        let mut tally = act.tally.take();
        if let Part::Days(_) = self.part {
            tally.pings = act.stage.seen.pings() + act.stage.seen_by_them.pings();
        }
        Ok(tally)
    }

    /// What decides everything that is left to chance: the same for every contender
    fn chance(&self) -> u64 {
        let part = match self.part {
            Part::Days(_) => "days",
            Part::Trials(_) => "trials",
        };
        let words = format!("{} {part} {} {}", self.scenario.name, self.seed, self.number);
        fnv(words.as_bytes())
    }
}

/// A job that is being played
struct Act {
    stage: Rc<Stage>,
    tally: RefCell<Tally>,
    charged: Duration,
    short: Duration,
}

impl Act {
    fn now(&self) -> Instant {
        self.stage.handle.now()
    }

    /// One connection after the other; every end is a false alarm
    async fn live(&self) {
        loop {
            self.stage.sky.open().await;
            let mut line = self.stage.connect();
            (&mut line.ours).await;
            self.note_alarm();
        }
    }

    fn note_alarm(&self) {
        let blamed = self.stage.sky.blamed(self.now(), self.charged);
        let Alarms { fine, short, long } = &mut self.tally.borrow_mut().alarms;
        *match blamed {
            None => fine,
            Some(length) if length <= self.short => short,
            Some(_) => long,
        } += 1;
    }

    /// Something happens to so many connections, each some time after the one before
    async fn trials(&self, scenario: &Scenario, count: u32, mut rng: fastrand::Rng) {
        for _ in 0..count {
            let mut due = self.now() + scenario.trials.after_minutes.minutes(&mut rng);
            loop {
                self.stage.sky.open().await;
                // On one that has just begun it would always find the same phase of its beat.
                due = due.max(self.now() + Duration::from_secs(60).mul_f64(rng.f64()));
                let mut line = self.stage.connect();
                if self.outlives(&mut line, due).await {
                    self.befall(&mut line, scenario, &mut rng).await;
                    break;
                }
            }
        }
    }

    /// Whether the connection is still there then
    async fn outlives(&self, line: &mut Line, due: Instant) -> bool {
        let left = due.saturating_duration_since(self.now());
        match select(&mut line.ours, self.stage.handle.sleep(left)).await {
            Either::Left(_) => false,
            Either::Right(_) => true,
        }
    }

    async fn befall(&self, line: &mut Line, scenario: &Scenario, rng: &mut fastrand::Rng) {
        let how = scenario.trials.how;
        let mut began = self.now();
        match how {
            How::Silent => line.cut(),
            How::Hung => line.hang(),
            How::OneWay => line.cut_outward(),
            How::DeadAfterSleep | How::AliveAfterSleep => {
                let Some(sleep) = scenario.sleep else { return };
                if how == How::DeadAfterSleep {
                    line.cut();
                }
                self.sleep(sleep, how == How::AliveAfterSleep, rng).await;
                began = self.now();
                if sleep.clock == Clock::Stops {
                    self.stage.call.call();
                }
            }
        }
        self.tally.borrow_mut().trials += 1;
        if how == How::AliveAfterSleep {
            self.stage.seen.listen(began);
            return self.survive(line, began).await;
        }
        let noticed = self.outlives(line, began + PATIENCE).await;
        if !noticed {
            let took = self.now().saturating_duration_since(began);
            self.tally.borrow_mut().decided.push(took.as_secs_f64());
        }
    }

    /// Our machine sleeps until now is the time of its resume
    async fn sleep(&self, sleep: Sleep, road_comes_back: bool, rng: &mut fastrand::Rng) {
        let length = sleep.minutes.minutes(rng);
        let clock = match sleep.clock {
            Clock::Stops => everbeat_sim::Clock::Stops,
            Clock::RunsOn => everbeat_sim::Clock::RunsOn,
        };
        self.stage.ours.suspend(length, clock);
        if road_comes_back {
            let away = length + sleep.road_back_after_seconds.seconds(rng);
            let stage = self.stage.clone();
            self.stage.handle.spawn(async move { weather::outage(&stage, away).await });
        }
        self.stage.handle.sleep(length).await;
    }

    /// Nothing was wrong: every end is a false alarm, and the first answer decides
    async fn survive(&self, line: &mut Line, began: Instant) {
        let lives = self.outlives(line, began + AFTERMATH).await;
        let heard = self.stage.seen.heard_after();
        let mut tally = self.tally.borrow_mut();
        if !lives {
            tally.killed += 1;
        } else if let Some(heard) = heard {
            tally.decided.push(heard.as_secs_f64());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contenders::everywhere;

    /// What a contender, by its place, comes to in a scenario
    fn play(scenario: &str, contender: usize, part: Part) -> Tally {
        play_changed(scenario, |_| {}, contender, part)
    }

    /// The same with something changed in it
    fn play_changed(
        scenario: &str,
        change: impl FnOnce(&mut Scenario),
        contender: usize,
        part: Part,
    ) -> Tally {
        let parameters = Parameters::committed().unwrap();
        let mut scenarios = parameters.scenarios.iter();
        let mut scenario = scenarios.find(|known| known.name == scenario).unwrap().clone();
        change(&mut scenario);
        let scenario = &scenario;
        let road = parameters.road(scenario).unwrap();
        let contender = &everywhere()[contender];
        let (parameters, seed, number) = (&parameters, 1, 0);
        Job { parameters, scenario, road, contender, seed, number, part }.run().unwrap()
    }

    const EVERBEAT: usize = 0;
    const SOCKET_IO: usize = 1;
    const JAVA_WEBSOCKET: usize = 4;

    #[test]
    fn a_death_takes_as_long_as_its_rule_says() {
        for scenario in ["wan", "hung", "one-way", "resume-dead-stops"] {
            let tally = play(scenario, SOCKET_IO, Part::Trials(20));
            let within = |time: &f64| (19.9..45.1).contains(time);
            assert!(tally.decided.len() == 20 && tally.decided.iter().all(within), "{tally:?}");
            assert_eq!((tally.killed, tally.alarms), (0, Alarms::default()));
        }
    }

    #[test]
    fn an_answer_behind_an_upload_is_a_false_alarm_of_a_fine_road_and_only_for_whom_it_is() {
        let play_a_day = |who| play("upload", who, Part::Days(1.0));
        let (ours, theirs) = (play_a_day(EVERBEAT), play_a_day(SOCKET_IO));
        assert_eq!((ours.alarms, ours.days), (Alarms::default(), 1.0));
        assert!((6..=16).contains(&theirs.alarms.fine), "{theirs:?}");
        assert_eq!((theirs.alarms.short, theirs.alarms.long), (0, 0));
        assert!((3_300..3_500).contains(&theirs.pings), "{theirs:?}");
    }

    #[test]
    fn who_compares_with_a_clock_that_ran_on_gives_up_whoever_lives() {
        let theirs = play("resume-alive-runs", JAVA_WEBSOCKET, Part::Trials(10));
        assert_eq!((theirs.killed, theirs.decided.len()), (10, 0));
        let ours = play("resume-alive-runs", EVERBEAT, Part::Trials(10));
        assert_eq!((ours.killed, ours.decided.len()), (0, 10));
    }

    #[test]
    fn an_alarm_is_put_down_to_the_outage_that_it_came_from() {
        let outages = |seconds: &str| {
            let outage =
                format!("{{\"what\": \"outage\", \"per_day\": 24, \"seconds\": {seconds}}}");
            let befalls = vec![serde_json::from_str(&outage).unwrap()];
            let change = |scenario: &mut Scenario| scenario.befalls = befalls;
            play_changed("roam", change, EVERBEAT, Part::Days(2.0)).alarms
        };
        let Alarms { fine, short, long } = outages("[40, 60]");
        assert!(fine == 0 && short == 0 && long > 10, "{long}");
        assert_eq!(outages("[0.1, 0.5]"), Alarms::default());
    }
}
