//! What an application says and when, laid down before the simulation begins, so that every
//! contender is asked to send the same at the same times.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use everbeat_core::time::Instant;
use everbeat_museum::rules::Sending;

use crate::parameters::{Befall, Scenario};
use crate::weather::{chance, pause};

/// The messages of one end, over all its connections
#[derive(Clone, Debug)]
pub(crate) struct Traffic(Rc<RefCell<Plan>>);

#[derive(Debug)]
struct Plan {
    sources: Vec<Source>,
    /// What was planned and has not passed yet
    planned: VecDeque<Sending>,
    /// How much of the plan has passed
    passed: usize,
}

/// Messages of one kind
#[derive(Debug)]
struct Source {
    next: Sending,
    pace: Pace,
    rng: fastrand::Rng,
}

#[derive(Clone, Copy, Debug)]
enum Pace {
    /// At this interval times 0.5 to 1.5
    Every(f64),
    /// At exponential intervals, so many a day
    ADay(f64),
}

/// Which end speaks
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speaker {
    We,
    They,
}

impl Traffic {
    /// What a scenario has this end say
    pub(crate) fn of(scenario: &Scenario, speaker: Speaker, seed: u64) -> Self {
        let talk = scenario.traffic;
        let (every, purpose) = match speaker {
            Speaker::We => (talk.out_every_seconds, 1_000),
            Speaker::They => (talk.in_every_seconds, 2_000),
        };
        let mut kinds: Vec<_> =
            every.map(|every| (Pace::Every(every), talk.bytes)).into_iter().collect();
        for befall in &scenario.befalls {
            match (*befall, speaker) {
                (Befall::Upload { per_day, bytes }, Speaker::We)
                | (Befall::Download { per_day, bytes }, Speaker::They) => {
                    kinds.push((Pace::ADay(per_day), bytes));
                }
                _ => {}
            }
        }
        let sources = kinds.into_iter().enumerate().map(|(place, (pace, bytes))| {
            let mut rng = chance(seed, purpose + place as u64);
            let first = Instant::ORIGIN + pace.draw(&mut rng);
            Source { next: Sending::new(first, bytes), pace, rng }
        });
        let plan = Plan { sources: sources.collect(), planned: VecDeque::new(), passed: 0 };
        Self(Rc::new(RefCell::new(plan)))
    }

    /// What is to be said on a connection that begins now
    pub(crate) fn from(&self, now: Instant) -> Messages {
        let mut plan = self.0.borrow_mut();
        while plan.at(0).is_some_and(|sending| sending.at <= now) {
            plan.planned.pop_front();
            plan.passed += 1;
        }
        Messages { next: plan.passed, traffic: self.clone() }
    }
}

/// What is to be said on one connection, for ever
#[derive(Debug)]
pub(crate) struct Messages {
    traffic: Traffic,
    next: usize,
}

impl Iterator for Messages {
    type Item = Sending;

    fn next(&mut self) -> Option<Sending> {
        let mut plan = self.traffic.0.borrow_mut();
        let place = self.next.saturating_sub(plan.passed);
        self.next += 1;
        plan.at(place)
    }
}

impl Plan {
    /// The message at this place from the present, planned if it was not yet
    fn at(&mut self, place: usize) -> Option<Sending> {
        while self.planned.len() <= place {
            let source = self.sources.iter_mut().min_by_key(|source| source.next.at)?;
            self.planned.push_back(source.next);
            source.next.at += source.pace.draw(&mut source.rng);
        }
        self.planned.get(place).copied()
    }
}

impl Pace {
    fn draw(self, rng: &mut fastrand::Rng) -> Duration {
        match self {
            Self::Every(seconds) => Duration::from_secs_f64(seconds * (0.5 + rng.f64())),
            Self::ADay(times) => pause(times, rng),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameters::Parameters;

    fn traffic(name: &str, speaker: Speaker) -> Traffic {
        let parameters = Parameters::committed().unwrap();
        let scenario = parameters.scenarios.iter().find(|scenario| scenario.name == name).unwrap();
        Traffic::of(scenario, speaker, 1)
    }

    #[test]
    fn a_connection_that_ends_early_takes_no_message_with_it() {
        let traffic = traffic("upload", Speaker::We);
        let first: Vec<_> = traffic.from(Instant::ORIGIN).take(5).collect();
        let later = traffic.from(first[1].at).next();
        assert_eq!(later, Some(first[2]), "what was only looked at is still to be said");
        assert_eq!(first[0].bytes, 10_000_000);
    }

    #[test]
    fn each_end_says_its_own_and_as_often_as_it_should() {
        let day = Instant::ORIGIN + Duration::from_secs(86_400);
        let count = |name, speaker| {
            let messages = traffic(name, speaker).from(Instant::ORIGIN);
            messages.take_while(|sending| sending.at < day).count()
        };
        assert!((17_000..17_600).contains(&count("chatty", Speaker::We)));
        assert!((42_500..44_000).contains(&count("chatty", Speaker::They)));
        assert_eq!((count("upload", Speaker::They), count("lan", Speaker::We)), (0, 0));
    }
}
