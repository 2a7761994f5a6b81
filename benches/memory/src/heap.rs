//! What of the heap is live, and by which call stack it came to be.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::crowd::{Crowd, Wire};

/// Each block's size is what was asked for: what an allocator adds is its own affair
#[global_allocator]
static COUNTED: dhat::Alloc = dhat::Alloc;

/// Between two looks
pub(crate) const LOOK: Duration = Duration::from_millis(250);
/// So many looks in a row make a figure: their median, for now and then a beat is under way
const LOOKS: usize = 9;
/// Bytes for each of the crowd that may come and go: a runtime's tree of timers has nodes
const COMES_AND_GOES: usize = 4;
/// What upgrades leave, their deadlines say, is gone by then
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Counts from its making on; what is older does not exist for it
#[derive(Debug)]
pub(crate) struct Watch {
    profiler: dhat::Profiler,
    file: PathBuf,
}

/// So many bytes in so many blocks that came to be in one way and are still there
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Point {
    pub(crate) bytes: u64,
    pub(crate) blocks: u64,
    /// Functions' names and where they are, the innermost first
    pub(crate) stack: Vec<String>,
}

impl Watch {
    pub(crate) fn begin() -> Result<Self> {
        let folder = std::env::current_exe()?.parent().context("no folder")?.to_owned();
        let file = folder.join(format!("memory-{}.json", std::process::id()));
        let builder = dhat::Profiler::builder().trim_backtraces(None);
        Ok(Self { profiler: builder.file_name(&file).build(), file })
    }

    /// Live bytes, once they stay the same to within what comes and goes
    pub(crate) fn settled<W: Wire>(&self, crowd: &mut Crowd<W>, size: usize) -> Result<u64> {
        let begun = Instant::now();
        let mut before = None;
        while begun.elapsed() < PATIENCE {
            let mut looks = [0; LOOKS];
            for look in &mut looks {
                crowd.idle(LOOK)?;
                *look = dhat::HeapStats::get().curr_bytes;
            }
            looks.sort_unstable();
            let now = looks[LOOKS / 2];
            if before.is_some_and(|before: usize| before.abs_diff(now) < COMES_AND_GOES * size) {
                return Ok(now as u64);
            }
            before = Some(now);
        }
        bail!("what is live still changes after {PATIENCE:?}")
    }

    /// Everything that is live now
    pub(crate) fn end(self) -> Result<Vec<Point>> {
        drop(self.profiler);
        let profile = std::fs::read(&self.file).context("the heap's profile")?;
        std::fs::remove_file(&self.file)?;
        points(&profile)
    }
}

/// As much of DHAT's format as matters
#[derive(Deserialize)]
struct Profile {
    pps: Vec<ProgramPoint>,
    ftbl: Vec<String>,
}

#[derive(Deserialize)]
struct ProgramPoint {
    /// Bytes and blocks at the end
    #[serde(default)]
    eb: u64,
    #[serde(default)]
    ebk: u64,
    fs: Vec<usize>,
}

fn points(profile: &[u8]) -> Result<Vec<Point>> {
    let profile: Profile = serde_json::from_slice(profile)?;
    let names = profile.ftbl.iter().map(|frame| function(frame).to_owned()).collect::<Vec<_>>();
    let live = profile.pps.iter().filter(|point| point.ebk > 0);
    Ok(live
        .map(|point| Point {
            bytes: point.eb,
            blocks: point.ebk,
            stack: point.fs.iter().filter_map(|&frame| names.get(frame).cloned()).collect(),
        })
        .collect())
}

/// Without the address in `0x55d0: name (file:line:column)`
fn function(frame: &str) -> &str {
    frame.split_once(": ").map_or(frame, |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_becomes_points() {
        let profile =
            br#"{"pps":[{"tb":9,"eb":8,"ebk":1,"fs":[2,1]},{"tb":9,"eb":0,"ebk":0,"fs":[1]}],
            "ftbl":["[root]","0x1: main (src/main.rs:1:2)","0x2: <A as B>::c (d.rs:3:4)"]}"#;
        let stack = ["<A as B>::c (d.rs:3:4)", "main (src/main.rs:1:2)"].map(String::from).to_vec();
        assert_eq!(points(profile).unwrap(), [Point { bytes: 8, blocks: 1, stack }]);
    }

    #[test]
    fn live_bytes_are_what_is_asked_for_and_not_given_back() {
        let watch = Watch::begin().unwrap();
        let kept = std::hint::black_box(Box::new([0_u8; 12_345]));
        drop(std::hint::black_box(Box::new([0_u8; 54_321])));
        let points = watch.end().unwrap();
        assert!(points.iter().any(|point| (point.bytes, point.blocks) == (12_345, 1)));
        assert!(points.iter().all(|point| point.bytes != 54_321));
        drop(kept);
    }
}
