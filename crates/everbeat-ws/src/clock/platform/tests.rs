//! Two clocks of which one gains, and what passes between two readings.

use super::*;

const MS: Duration = Duration::from_millis(1);

/// What is gained by two clocks of which one is ahead by so much, if each reading takes so long
fn told(ahead: Duration, takes: &[Duration]) -> Duration {
    let now = std::cell::Cell::new(100 * MS);
    let mut takes = takes.iter().chain(std::iter::repeat(&Duration::ZERO));
    let mut pass = || {
        let read = now.get();
        now.set(read + *takes.next().unwrap());
        read
    };
    let pass = std::cell::RefCell::new(&mut pass);
    let nanos = |read: Duration| read.as_nanos() as u64;
    gained(|| nanos(pass.borrow_mut()()), || nanos(pass.borrow_mut()() + ahead))
}

#[test]
fn what_one_clock_gained_is_told_to_the_millisecond() {
    for slept in [Duration::ZERO, 999 * MS, 3_600_000 * MS] {
        assert_eq!(told(slept, &[]), slept);
        assert_eq!(told(slept + MS / 3, &[]), slept);
    }
}

#[test]
fn what_passes_between_two_readings_is_no_sleep() {
    // A pause at any of the first readings, of any length
    for at in 0..6 {
        for pause in [MS, 40 * MS, 5_000 * MS] {
            let mut takes = [MS / 1_000; 6];
            takes[at] = pause;
            assert_eq!(told(Duration::ZERO, &takes), Duration::ZERO, "{pause:?} at {at}");
            // The readings in its midst are not believed
            assert_eq!(told(2_000 * MS + MS / 2, &takes), 2_000 * MS, "{pause:?} at {at}");
        }
    }
}

#[test]
fn a_machine_that_never_lets_us_run_is_believed_at_last() {
    let told = told(2_000 * MS, &[500 * MS; 40]);
    assert!((1_000 * MS..=2_000 * MS).contains(&told), "{told:?}");
}

#[test]
fn on_a_machine_that_does_not_sleep_it_is_zero_for_ever() {
    for _ in 0..1_000 {
        assert_eq!(super::super::slept(), Duration::ZERO);
    }
}

/// Which clocks they are: they tell the same time but for what was slept since the start
#[test]
fn both_run() {
    let (one, other) = (awake(), always());
    while awake() - one < MILLI || always() - other < MILLI {
        std::hint::spin_loop();
    }
    #[cfg(not(target_vendor = "apple"))]
    assert!(clock_gettime(ClockId::Monotonic) <= clock_gettime(ClockId::Boottime));
}
