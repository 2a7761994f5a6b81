//! `bench million`: as many connections as this machine holds, in as many processes as its limit of
//! descriptors asks for. Every one is pinged in time, by the load's own log; then a third of them are
//! stopped with their processes, and exactly those expire, by the servers' log.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use everbeat_netns::{resume, stop};

use super::contestants::{Contestant, Kind};
use super::figures::Figures;
use super::goals::{MILLION_EXPIRED, MILLION_HELD, MILLION_LATE, MILLION_PINGED};
use super::growth::{room, shares};
use super::stage::{Crowd, Pair, Theatre};
use super::{TICK, Wanted};
use crate::process;
use crate::program::{Program, number};

const CONNECTIONS: u64 = 1_000_000;
const FEW_CONNECTIONS: u64 = 3_000;

const BEAT: Duration = Duration::from_secs(60);
const FAST_BEAT: Duration = Duration::from_secs(5);
/// How long a program has to answer a Ping, by default: a stopped one's kernel still acknowledges
const PATIENCE: Duration = Duration::from_secs(20);
/// How late the machine may be, for which bounds of a minute and more make allowance: to whoever has
/// both processors for minutes a machine that is shared does not give them all the time
const BORNE: Duration = Duration::from_millis(PATIENCE.as_millis() as u64 / 10);
/// In which servers catch up with what they owe to those who came last
const SETTLE: Duration = Duration::from_secs(10);
/// How often servers tell, and how often they are listened to: by both together we may learn it late
const LINE: Duration = Duration::from_millis(250);
const LOOK: Duration = Duration::from_millis(250);

/// One server, those who stay with it, and those who will be stopped
struct Part {
    stay: Pair,
    stopped: Program,
    /// How many they are
    sizes: [u64; 2],
}

pub(super) fn play(
    theatre: &mut Theatre<'_>,
    wanted: &Wanted,
    all: &[Contestant],
    figures: &mut Figures,
) -> Result<()> {
    let connections = wanted.connections(FEW_CONNECTIONS, CONNECTIONS);
    let beat = if wanted.small { FAST_BEAT } else { BEAT };
    let who = all.iter().find(|who| who.kind == Kind::Ours).context("there is everbeat")?;
    let who = Contestant { line: counted(who), ..who.clone() };
    // Three at least, so that more than one server has some of each kind.
    let most = room()?.min(connections.div_ceil(3));
    let slab = kernel()?;
    let begun = Instant::now();
    let mut parts = Vec::new();
    for (first, share) in shares(connections, most) {
        let within = Some(beat + TICK);
        let stopped = share / 3;
        let (beat, kept) = (Some(beat), share - stopped);
        let crowd = Crowd { connections: kept, others: stopped, first, beat, within };
        let stay = Pair::start(theatre, &who, &crowd)?;
        let others = Crowd { connections: stopped, first: first + kept, ..crowd };
        let stopped = stay.join(theatre, &others)?;
        let sizes = [kept, others.connections];
        parts.push(Part { stay, stopped, sizes });
        eprint!("\r{} connections stand after {:.0?} ", first + share, begun.elapsed());
    }
    eprintln!("in {} processes a side", parts.len());
    let name = &*who.name;
    std::thread::sleep(if wanted.small { SETTLE / 10 } else { SETTLE });
    if !wanted.small {
        theatre.judge_from_now(BORNE)?;
    }
    hold(theatre, &mut parts, beat, name, figures)?;
    memory(&parts, connections, slab, name, figures)?;
    expire(theatre, &mut parts, beat, name, figures)
}

/// Its command line, so that it counts who ends, and does not tell of each
fn counted(who: &Contestant) -> Result<Vec<String>, String> {
    let line = who.line.clone()?;
    Ok([line, vec!["--counted".into(), "yes".into()]].concat())
}

/// Two beats in which nobody is lost and everybody is pinged in time
fn hold(
    theatre: &Theatre<'_>,
    parts: &mut [Part],
    beat: Duration,
    name: &str,
    figures: &mut Figures,
) -> Result<()> {
    for load in loads(parts) {
        load.order("forget")?;
    }
    let until = Instant::now() + beat * 2 + TICK;
    let mut told = [0.0; 3];
    while Instant::now() < until {
        std::thread::sleep(LOOK);
        told = look(theatre, parts)?;
    }
    let [standing, overdue, worst] = told;
    let connections = parts.iter().map(|part| part.sizes[0] + part.sizes[1]).sum::<u64>() as f64;
    figures.add(MILLION_HELD, "connections", name, connections - standing);
    // What the machine was late by is no fault of who pings.
    let excess = worst - (beat + TICK + theatre.late()).as_secs_f64() * 1e3;
    figures.add(MILLION_PINGED, "connections", name, if excess > 0.0 { overdue } else { 0.0 });
    figures.add("million: held", "connections", name, standing);
    figures.add("million: longest without a Ping", "s", name, worst / 1e3);
    Ok(())
}

fn loads(parts: &mut [Part]) -> impl Iterator<Item = &mut Program> {
    parts.iter_mut().flat_map(|part| [&mut part.stay.load, &mut part.stopped])
}

/// How many stand, how many are overdue, and the longest that anybody was without a Ping
fn look(theatre: &Theatre<'_>, parts: &mut [Part]) -> Result<[f64; 3]> {
    let mut sum = [0.0_f64; 3];
    for load in loads(parts) {
        load.tells().context("a load")?;
        theatre.note(load.told());
        let of = |name| number(load.told(), name);
        sum = [sum[0] + of("standing"), sum[1] + of("overdue"), sum[2].max(of("worst_ms"))];
    }
    Ok(sum)
}

/// How memory divides between the kernel, the servers and the loads
fn memory(
    parts: &[Part],
    connections: u64,
    slab: f64,
    name: &str,
    figures: &mut Figures,
) -> Result<()> {
    let each = |bytes: f64| bytes / connections as f64;
    let (mut servers, mut clients) = (0.0, 0.0);
    for part in parts {
        servers += part.stay.grown()?;
        for load in [&part.stay.load, &part.stopped] {
            clients += process::resident(load.id())? as f64;
        }
    }
    let kernel = kernel()? - slab;
    figures.add("million: resident in the servers, each", "bytes", name, each(servers));
    figures.add("million: resident in the loads, each", "bytes", name, each(clients));
    figures.add("million: of the kernel, both ends of each", "bytes", name, each(kernel));
    Ok(())
}

/// Bytes of the kernel's own objects
fn kernel() -> Result<f64> {
    let text = std::fs::read_to_string("/proc/meminfo")?;
    slab(&text).context("another kind of /proc")
}

fn slab(meminfo: &str) -> Option<f64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("Slab:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<f64>().ok()? * 1_024.0)
}

/// A third are stopped: exactly those expire, and within the promise
fn expire(
    theatre: &Theatre<'_>,
    parts: &mut [Part],
    beat: Duration,
    name: &str,
    figures: &mut Figures,
) -> Result<()> {
    for part in &*parts {
        stop(part.stopped.id())?;
    }
    let begun = Instant::now();
    let promise = beat + PATIENCE + TICK + LINE + LOOK;
    let wanted = parts.iter().map(|part| part.sizes[1]).sum::<u64>() as f64;
    let (mut dead, mut took) = (0.0, None);
    // A moment longer, in which nobody else may end.
    while begun.elapsed() < promise + TOO_MANY_WAIT + theatre.late() {
        std::thread::sleep(LOOK);
        dead = 0.0;
        for part in &mut *parts {
            part.stay.server.tells().context("a server")?;
            part.stay.load.tells().context("a load")?;
            theatre.note(part.stay.load.told());
            dead += number(part.stay.server.told(), "dead");
        }
        if dead >= wanted && took.is_none() {
            took = Some(begun.elapsed());
        }
    }
    let ends = parts.iter().map(End::of);
    figures.add(MILLION_EXPIRED, "connections", name, ends.map(|end| end.wrong()).sum());
    let took = took.unwrap_or(Duration::MAX).min(Duration::from_secs(3_600));
    let late = took.saturating_sub(promise + theatre.late());
    figures.add(MILLION_LATE, "s", name, late.as_secs_f64());
    figures.add("million: stopped, and expired", "connections", name, dead);
    figures.add("million: the last of them after", "s", name, took.as_secs_f64());
    for part in &*parts {
        resume(part.stopped.id())?;
    }
    Ok(())
}

/// What has become of a server's connections: how many were stopped, are dead, have ended in any way,
/// were to stay, and stand
#[derive(Clone, Copy, Debug)]
struct End {
    stopped: f64,
    dead: f64,
    ended: f64,
    stay: f64,
    standing: f64,
}

impl End {
    fn of(part: &Part) -> Self {
        let server = |name| number(part.stay.server.told(), name);
        let [stay, stopped] = part.sizes.map(|size| size as f64);
        let standing = number(part.stay.load.told(), "standing");
        Self { stopped, dead: server("dead"), ended: server("ended"), stay, standing }
    }

    /// How many have ended who should not, or have not who should, or not as they should; each
    /// server's own, so that one's too many do not make up for another's too few
    fn wrong(self) -> f64 {
        let otherwise = self.ended - self.dead;
        (self.dead - self.stopped).abs() + otherwise + (self.stay - self.standing).abs()
    }
}

/// How long is looked for ends that should not be
const TOO_MANY_WAIT: Duration = Duration::from_secs(3);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_those_expire_who_were_stopped() {
        let right = End { stopped: 3.0, dead: 3.0, ended: 3.0, stay: 6.0, standing: 6.0 };
        assert_eq!(right.wrong(), 0.0);
        for wrong in [
            End { dead: 2.0, ended: 2.0, ..right },
            End { dead: 4.0, ended: 4.0, standing: 5.0, ..right },
            End { ended: 4.0, ..right },
            End { standing: 5.0, ..right },
        ] {
            assert!(wrong.wrong() > 0.0, "{wrong:?}");
        }
    }

    #[test]
    fn the_kernels_objects_are_read() {
        assert_eq!(slab("MemTotal: 9 kB\nSlab:             2 kB\n"), Some(2_048.0));
        assert_eq!(slab("MemTotal: 9 kB\n"), None);
    }
}
