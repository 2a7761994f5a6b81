//! wip
mod contenders;
mod figures;
mod job;
mod parameters;
mod programs;
mod stage;
mod tally;
mod traffic;
mod weather;
fn main() {
    let parameters = parameters::Parameters::committed().unwrap();
    let words: Vec<String> = std::env::args().collect();
    let days: f64 = words[2].parse().unwrap();
    for scenario in parameters.scenarios.iter().filter(|s| words[1] == "all" || s.name == words[1]) {
        for contender in contenders::everywhere() {
            let road = parameters.road(scenario).unwrap();
            let start = std::time::Instant::now();
            let mut job = job::Job { parameters: &parameters, scenario, road, contender: &contender, seed: 1, number: 0, part: job::Part::Days(days) };
            let mut tally = job.run().unwrap();
            let a = start.elapsed();
            job.part = job::Part::Trials(words[3].parse().unwrap());
            tally.add(job.run().unwrap());
            tally.decided.sort_by(f64::total_cmp);
            let p = |s| figures::percentile(&tally.decided, s).unwrap_or(-1.0);
            println!("{:<18} {:<24} p50 {:>6.1} p99 {:>6.1} n {} killed {} fine {:>7.2} short {:>7.2} long {:>7.2} p/h {:>6.1}  {:?} {:?}", scenario.name, contender.name, p(0.5), p(0.99), tally.trials, tally.killed,
                tally.alarms.fine as f64 / days, tally.alarms.short as f64 / days, tally.alarms.long as f64 / days, tally.pings as f64 / days / 24.0, a, start.elapsed() - a);
        }
    }
}
