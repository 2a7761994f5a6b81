//! How a case is played, written once over either world.

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use everbeat_faults::Direction;
use futures_util::future::{join, try_join};

use super::case::{ANSWERED, Case, Hole, Measure, ROOM, TIMER, TRIP, What, bytes, millis, ms, yes};
use super::world::{Connected, DELAY, End, Read, Road, World};

/// Bytes of a write
const WRITE: usize = 100;
/// A kernel that has taken nothing for so long is full
const QUIET: Duration = ms(1_500);
/// How long one is watched that is full: longer than a sender waits before it asks for room again
const WATCHED: Duration = ms(4_000);
/// Requests and responses without a pause, from which either kernel learns the round trip; in a
/// pause an acknowledgement would be delayed, and be taken for a longer road
const WARMING: u32 = 16;

/// Plays a case
pub(crate) async fn play<W: World>(case: &Case, world: &W) -> Result<Vec<Measure>> {
    let mut connected = world.connect().await?;
    warm(world, &mut connected).await?;
    let Connected { client, server, road } = connected;
    match case.what {
        What::Hole(hole) => in_a_hole(world, client, server, &road, hole).await,
        What::Full => full(world, client, server).await,
        What::Reset { unread, hole } => reset(world, client, server, &road, unread, hole).await,
        What::HalfClose => half_close(world, client, server).await,
        What::Close { hole } => close(world, client, server, &road, hole).await,
    }
}

async fn warm<W: World>(world: &W, on: &mut Connected<W::End, W::Road>) -> Result<()> {
    for _ in 0..WARMING {
        on.client.write(WRITE).await?;
        on.server.read_exactly(WRITE).await?;
        on.server.write(WRITE).await?;
        on.client.read_exactly(WRITE).await?;
    }
    // Whatever was delayed has been said by now.
    world.sleep(ms(500)).await;
    Ok(())
}

async fn in_a_hole<W: World>(
    world: &W,
    mut client: W::End,
    mut server: W::End,
    road: &W::Road,
    hole: Hole,
) -> Result<Vec<Measure>> {
    let before = client.evidence().await?;
    road.close(hole.direction);
    let begun = world.now();
    let repair = async {
        world.sleep_until(begun + hole.length).await;
        road.open();
    };
    // Before the end of the hole, and after all that is written in it.
    let looked = begun + hole.length.mul_f64(0.6);
    let one_way = hole.direction == Direction::ToServer;
    let writing = async {
        for &at in hole.writes {
            world.sleep_until(begun + at).await;
            client.write(WRITE).await?;
        }
        world.sleep_until(looked).await;
        let during = client.evidence().await?;
        if one_way {
            client.read_exactly(WRITE).await?;
        }
        let back = world.now().saturating_sub(looked);
        Ok((during, back, client.acknowledged().await?))
    };
    let reading = async {
        if one_way {
            world.sleep_until(looked).await;
            server.write(WRITE).await?;
        }
        let mut left = hole.writes.len() * WRITE;
        let mut first = None;
        while left > 0 {
            let Read::Bytes(some) = server.read().await? else {
                bail!("the connection ended in a hole");
            };
            left = left.saturating_sub(some);
            first.get_or_insert_with(|| world.now());
        }
        Ok((first.unwrap_or_default(), world.now()))
    };
    let (played, ()) = join(try_join(writing, reading), repair).await;
    let ((during, back, acknowledged), (first, last)) = played?;
    let mut measures = vec![
        millis("arrives after", first - begun, TIMER),
        millis("all is acknowledged after", acknowledged - begun, ANSWERED),
        bytes("acknowledged in the hole", during.acknowledged - before.acknowledged),
        bytes("held by our kernel in the hole", during.unsent),
        millis("since the last acknowledgement, in the hole", during.last_acknowledged, TRIP),
    ];
    if hole.writes.len() > 1 {
        measures.push(millis("all has arrived after", last - begun, ANSWERED));
    }
    if one_way {
        measures.push(millis("what comes the other way takes", back, TRIP));
    }
    Ok(measures)
}

async fn full<W: World>(world: &W, mut client: W::End, mut server: W::End) -> Result<Vec<Measure>> {
    let before = client.evidence().await?.acknowledged;
    client.fill(QUIET).await?;
    let full = client.evidence().await?;
    world.sleep(WATCHED).await;
    let later = client.evidence().await?;
    let taken = full.acknowledged - before;
    let resumed = world.now();
    let writing = async {
        client.writable().await?;
        Ok(world.now() - resumed)
    };
    let reading = async {
        let mut read = 0;
        while read <= taken {
            let Read::Bytes(some) = server.read().await? else {
                bail!("the connection ended although nobody wanted it");
            };
            read += some as u64;
        }
        Ok(world.now() - resumed)
    };
    let (writable, arrives) = try_join(writing, reading).await?;
    ensure!(taken > 0, "nothing was taken before the buffer was full");
    Ok(vec![
        bytes("acknowledged while it is full", later.acknowledged - full.acknowledged),
        yes("our kernel holds what the peer's has no room for", later.unsent > 0),
        yes("and holds all of it", later.unsent == full.unsent),
        yes("the peer's kernel is heard of all the same", later.last_acknowledged < WATCHED),
        millis("after it reads on, more arrives after", arrives, TRIP),
        millis("and there is room for more after", writable, ROOM),
    ])
}

async fn reset<W: World>(
    world: &W,
    mut client: W::End,
    mut server: W::End,
    road: &W::Road,
    unread: bool,
    hole: Option<Duration>,
) -> Result<Vec<Measure>> {
    if unread {
        server.write(WRITE).await?;
        world.sleep(DELAY * 4).await;
    }
    let begun = world.now();
    if hole.is_some() {
        road.close(Direction::Both);
        // Without that the client would never learn of it.
        client.write(WRITE).await?;
    }
    server.abort().await?;
    let repair = async {
        if let Some(length) = hole {
            world.sleep_until(begun + length).await;
            road.open();
        }
    };
    let telling = async {
        if unread {
            // What came before the reset is read after it.
            world.sleep(DELAY * 4).await;
        }
        let first = client.read().await?;
        let told = world.now() - begun;
        let second = if first == Read::Reset { first } else { client.read().await? };
        anyhow::Ok((first, second, told))
    };
    let (told, ()) = join(telling, repair).await;
    let (first, last, after) = told?;
    let mut measures = vec![yes("it is told as a reset", last == Read::Reset)];
    if unread {
        let some = if let Read::Bytes(some) = first { some as u64 } else { 0 };
        measures.push(bytes("what came before it can still be read", some));
    } else {
        let tolerance = if hole.is_some() { TIMER } else { TRIP };
        measures.push(millis("it is told after", after, tolerance));
    }
    Ok(measures)
}

async fn half_close<W: World>(
    world: &W,
    mut client: W::End,
    mut server: W::End,
) -> Result<Vec<Measure>> {
    let begun = world.now();
    server.finish().await?;
    let ended = client.read().await? == Read::End;
    let told = world.now() - begun;
    let written = world.now();
    client.write(WRITE).await?;
    server.read_exactly(WRITE).await?;
    Ok(vec![
        yes("it is told as an end", ended),
        millis("it is told after", told, TRIP),
        millis("what goes the other way still takes", world.now() - written, TRIP),
    ])
}

async fn close<W: World>(
    world: &W,
    mut client: W::End,
    server: W::End,
    road: &W::Road,
    hole: Duration,
) -> Result<Vec<Measure>> {
    let begun = world.now();
    road.close(Direction::Both);
    drop(server);
    let repair = async {
        world.sleep_until(begun + hole).await;
        road.open();
    };
    let (told, ()) = join(client.read(), repair).await;
    Ok(vec![
        yes("it is told as an end", told? == Read::End),
        millis("it is told after", world.now() - begun, TIMER),
    ])
}
