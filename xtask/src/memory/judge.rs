//! What was counted against goals and baseline, as a table and as a report.

use std::thread;

use super::baseline::Baseline;
use super::beyond::Beyond;
use super::cases::ROOM;
use super::counted::Counted;
use crate::report::Report;
use crate::shell::{GREEN, RED, YELLOW, paint};

/// What no call stack names may be so much of a sum, in per cent
const UNNAMED: f64 = 3.0;

/// What became of goals and baseline
pub(super) struct Judged {
    pub(super) report: Report,
    /// Nothing is dearer than it was, and everything has a name: what the CI asks until goals are met
    pub(super) kept: bool,
}

/// Holds what was counted against its goal and against the baseline; the table goes to stderr
pub(super) fn judge(baseline: &Baseline, counts: &[Counted]) -> Judged {
    let mut all_kept = true;
    let mut report = Report::new("memory");
    let mut table = String::new();
    for counted in counts {
        let bytes = counted.judged();
        let allowed = baseline.allowed(&counted.name);
        let kept =
            allowed.is_some_and(|[most, blocks]| bytes <= most && counted.blocks() <= blocks);
        let met = counted.goal.is_none_or(|goal| bytes <= goal);
        all_kept &= kept;
        report.row(&*counted.name, bytes, "bytes", counted.goal, met);
        report.row(
            format!("{}: baseline", counted.name),
            allowed.map(|most| most[0]),
            "bytes",
            None::<f64>,
            kept,
        );
        let goal = counted.goal.map_or_else(String::new, |goal| {
            let (colour, verdict) = if met { (GREEN, "met") } else { (YELLOW, "not yet") };
            format!("  goal {goal}: {}", paint(colour, verdict))
        });
        let since = match (allowed, kept) {
            (Some(_), true) => String::new(),
            (Some([most, blocks]), false) => {
                format!("  {}", paint(RED, &format!("MORE than {most:.0} in {blocks:.1} blocks")))
            }
            (None, _) => format!("  {}", paint(RED, "NEW")),
        };
        table += &format!("\n{bytes:>9.1}          {}{goal}{since}\n", counted.name);
        if let Some(room) = counted.object["room_blocks"].as_u64() {
            // And one that the message to all may still be
            let threads = thread::available_parallelism().map_or(1, |n| n.get() as u64);
            let most = ROOM * threads + 1;
            let met = room <= most;
            all_kept &= met;
            let colour = if met { GREEN } else { RED };
            let kept = paint(colour, &format!("{room:>9}"));
            table += &format!("{kept}          blocks kept by the threads, in all, of {most}\n");
            let name = format!("{}: blocks kept by the threads", counted.name);
            report.row(name, room, "blocks", most, met);
        }
        for (part, bytes, blocks) in counted.parts() {
            table += &format!("{bytes:>9.1} {blocks:>6.2}x    {part}\n");
            let unit = "bytes";
            report.row(format!("{}: {part}", counted.name), bytes, unit, None::<f64>, true);
        }
        let unnamed =
            counted.parts().filter(|part| part.0 == "other").map(|part| part.1).sum::<f64>();
        let share = unnamed * 100.0 / counted.bytes().max(1.0);
        // What a burst leaves is judged to the byte, whatever it is called
        let named = counted.left().is_some() || share <= UNNAMED;
        all_kept &= named;
        report.row(format!("{}: unnamed", counted.name), share, "%", UNNAMED, named);
        if !named {
            table += &format!("          {}\n", paint(RED, "too much of it has no name"));
        }
    }
    if let Some(beyond) = Beyond::of(counts) {
        let (bytes, most) = (beyond.bytes, Beyond::MOST);
        let colour = if beyond.is_nothing() { GREEN } else { RED };
        let told = paint(colour, &format!("{bytes:>9.1}"));
        table +=
            &format!("{told}          of ours beyond a plain one, of {most} that may jitter\n");
        let name = format!("{}: of ours beyond a plain one", beyond.name);
        report.row(name, bytes, "bytes", most, beyond.is_nothing());
        all_kept &= beyond.is_nothing();
    }
    eprint!("{table}");
    eprintln!("\nLive heap bytes for one idle connection, as asked for of the allocator.");
    if !all_kept {
        eprintln!("If it is meant: `cargo xtask memory --bless` makes it the baseline.");
    }
    Judged { report, kept: all_kept }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::cases::LEFT;
    use super::*;

    fn counted(bytes: f64, other: f64, blocks: f64) -> Counted {
        let object = json!({
            "bytes": bytes,
            "parts": [{ "name": "other", "bytes": other, "blocks": blocks }],
        });
        Counted { name: "server".into(), goal: Some(700.0), object }
    }

    fn passes(then: f64, now: Counted) -> bool {
        judge(&Baseline::of(&[counted(then, 0.0, 2.0)]), &[now]).kept
    }

    #[test]
    fn whoever_holds_more_than_was_committed_fails_and_a_goal_far_away_does_not() {
        assert!(passes(2_800.0, counted(2_850.0, 0.0, 2.0)));
        assert!(passes(2_800.0, counted(600.0, 0.0, 2.0)));
        assert!(!passes(2_800.0, counted(2_870.0, 0.0, 2.0)));
        assert!(!passes(2_800.0, counted(2_808.0, 0.0, 3.0)), "a small block for each");
        assert!(!passes(600.0, counted(670.0, 0.0, 2.0)), "also below the goal");
    }

    #[test]
    fn a_goal_that_is_missed_is_not_met() {
        let judged = judge(&Baseline::of(&[counted(983.0, 0.0, 2.0)]), &[counted(983.0, 0.0, 2.0)]);
        assert!(judged.kept && !judged.report.all_met());
    }

    #[test]
    fn what_nobody_names_fails() {
        assert!(!passes(600.0, counted(600.0, 19.0, 2.0)));
        assert!(passes(600.0, counted(600.0, 17.0, 2.0)));
    }

    #[test]
    fn what_is_new_wants_a_baseline() {
        assert!(!judge(&Baseline::of(&[]), &[counted(1.0, 0.0, 1.0)]).kept);
    }

    fn burst(left: f64, room_blocks: u64) -> Counted {
        let object = json!({
            "bytes": 9_999.0, "left": left, "room_blocks": room_blocks,
            "parts": [{ "name": "wheel", "bytes": 9_999.0, "blocks": 1.0 }],
        });
        Counted { name: "left of a burst".into(), goal: Some(LEFT), object }
    }

    #[test]
    fn what_threads_keep_is_counted_in_blocks_and_not_one_for_each_connection() {
        let kept = |blocks| judge(&Baseline::of(&[burst(0.0, 0)]), &[burst(0.0, blocks)]).kept;
        assert!(kept(5) && !kept(2_250), "a rest of each one's own, however small it is");
    }

    #[test]
    fn what_a_burst_leaves_is_judged_and_not_the_sum() {
        let judged = |then, now| judge(&Baseline::of(&[burst(then, 0)]), &[burst(now, 0)]).kept;
        assert!(judged(0.0, 1.9) && judged(500.0, 1.9));
        assert!(!judged(0.0, 2.1) && !judged(500.0, 90.0), "whatever was blessed");
    }
}
