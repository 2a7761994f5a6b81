//! The rules of other libraries in the simulator against the programs that have them: the same holes
//! at the same phases of the beat, and how long after each the program is told.

mod hole;
mod program;

use std::time::Duration;

use anyhow::Result;

use crate::args::Peer;
use crate::report::{Centre, Found, Row, Tolerance, Unit, say};

/// How often they Ping, and how long they wait
pub(crate) const BEAT: Duration = Duration::from_secs(2);
/// How many beats are answered before a hole
const BEATS: u32 = 2;
/// Holes of each
const HOLES: u32 = 20;
/// Of the phases
const SEED: u64 = 1;
/// As issued: the means may differ so much
const TOLERANCE: Tolerance = Tolerance {
    part: 0.15,
    besides: 0.0,
    why: "the phases are spread evenly, but a program's beat does not begin exactly with its \
          connection",
};

/// A row for each peer
pub(crate) async fn rows(peers: &[Peer]) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for peer in peers {
        let name = format!("{}: told of a hole after, mean of {HOLES}", peer.name);
        let found = match &peer.start {
            Err(why) => Found::Skipped(why.clone()),
            Ok(line) => {
                let phases = phases(&mut fastrand::Rng::with_seed(SEED));
                let real = hole::play(&peer.name, line, &phases).await?;
                say(format_args!("{}: {real:.0?}", peer.name));
                let (unit, by) = (Unit::Millis, Centre::Mean);
                Found::Both { real, simulated: vec![0.0], unit, by, tolerance: TOLERANCE }
            }
        };
        rows.push(Row { name, found });
    }
    Ok(rows)
}

/// When in a beat the holes fall: by chance, but one in each twentieth of it
///
/// Of twenty that are free the mean alone would be off by a tenth in one run of thirty.
fn phases(rng: &mut fastrand::Rng) -> Vec<Duration> {
    let slice = BEAT / HOLES;
    (0..HOLES).map(|slot| slice * slot + slice.mul_f64(rng.f64())).collect()
}
