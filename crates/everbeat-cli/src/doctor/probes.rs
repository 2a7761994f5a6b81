//! What is asked in a moment: Pings of several sizes, a message in pieces, ways to close, rules broken
//! on purpose. Each on a connection of its own, so that no answer is of another question.

use std::time::Duration;

use async_tungstenite::tungstenite::protocol::frame::coding::{Control, Data, OpCode};
use bytes::Bytes;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::findings::{Broken, Burst, Closing, Echo, Fragments, Pings, Version};
use super::frame::{self, Seen};
use super::hold::PATIENCE;
use super::visit::CODES;
use super::wire::{End, Unopened, Wire};
use crate::target::Target;

/// The payloads of Pings: none, a few bytes, and as many as there may be (RFC 6455, section 5.5)
const SIZES: [usize; 3] = [0, 8, 125];
/// How long something that may not come is waited for
const MOMENT: Duration = Duration::from_secs(1);
/// How long an end is waited for: shorter than any limit on silence that would end it too
const FAREWELL: Duration = Duration::from_secs(2);
/// How many Pings are sent at once, and how many one after the other for a round trip
const AT_ONCE: u8 = 3;
const TRIPS: usize = 5;
/// What is said where a message has to be
const WORDS: [&str; 3] = ["everbeat ", "doctor ", "asks"];

/// How long all questions take, of a server that answers each as late as it may; beside connecting
pub(super) fn longest(messages: bool, breaks_rules: bool) -> Duration {
    let count = |things: usize| u32::try_from(things).unwrap_or(u32::MAX);
    let pings = PATIENCE * count(SIZES.len() + TRIPS) + MOMENT;
    // In one piece, then in three with a Ping between
    let pieces = if messages { MOMENT + PATIENCE + MOMENT } else { Duration::ZERO };
    let broken = if breaks_rules { Broken::ALL.len() } else { 0 };
    pings + pieces + FAREWELL * count(CODES.len() + broken)
}

/// Whether Pings are answered, with what, and how fast
pub(super) async fn pings(target: &Target) -> Result<Pings, Unopened> {
    let (mut wire, _) = Wire::open(target).await?;
    let mut pings = Pings::default();
    for size in SIZES {
        let payload = vec![b'e'; size];
        pings.sizes.push((size, echo(&mut wire, &payload).await));
    }
    if pings.are_answered() {
        for trip in 0..TRIPS {
            if let Echo::Same(took) = echo(&mut wire, &[b'0' + trip as u8; 8]).await {
                pings.trips.push(took);
            }
        }
        pings.burst = Some(burst(&mut wire).await);
    }
    wire.leave().await;
    Ok(pings)
}

/// A Ping, and what becomes of it; sent again at half the time, for an answer may lie in a queue until
/// something comes behind it, as Java-WebSocket's now and then does
async fn echo(wire: &mut Wire, payload: &[u8]) -> Echo {
    let began = Instant::now();
    for again in [false, true] {
        let answer = async {
            wire.ping(payload).await?;
            pong(wire).await
        };
        match timeout(PATIENCE / 2, answer).await {
            Err(_) => {}
            Ok(Err(end)) => return Echo::Ended(end),
            Ok(Ok(answer)) if answer != payload => return Echo::Other,
            Ok(Ok(_)) if again => return Echo::Again,
            Ok(Ok(_)) => return Echo::Same(began.elapsed()),
        }
    }
    Echo::None
}

/// The next Pong; the server's own Pings are answered meanwhile
async fn pong(wire: &mut Wire) -> Result<Bytes, End> {
    loop {
        match wire.next().await? {
            Seen::Pong(payload) => return Ok(payload),
            Seen::Ping(payload) => wire.pong(&payload).await?,
            Seen::Close(code, reason) => return Err(End::Closed { code, reason }),
            Seen::Data(_) => {}
        }
    }
}

/// Several Pings at once: all may be answered, or the newest alone (RFC 6455, section 5.5.3)
async fn burst(wire: &mut Wire) -> Burst {
    let mut all = Vec::new();
    for number in 0..AT_ONCE {
        all.extend(frame::ping(&[b'a' + number; 4], 0x6265_6174));
    }
    if wire.write(&all).await.is_err() {
        return Burst::None;
    }
    let deadline = Instant::now() + MOMENT;
    let mut seen = Vec::new();
    while let Ok(Ok(payload)) = timeout_at(deadline, pong(wire)).await {
        seen.push(payload);
        if seen.len() == usize::from(AT_ONCE) {
            return Burst::All;
        }
    }
    let newest = [b'a' + AT_ONCE - 1; 4];
    match seen.last() {
        None => Burst::None,
        Some(last) if *last == newest[..] => Burst::Newest(seen.len()),
        Some(_) => Burst::Some(seen.len()),
    }
}

/// Whether a message in pieces is taken, with a Ping between them (RFC 6455, section 5.4)
pub(super) async fn fragments(target: &Target) -> Result<Fragments, Unopened> {
    let whole = WORDS.concat();
    // The same message in one piece first: who does not like it is not to be blamed for its pieces.
    let (mut wire, _) = Wire::open(target).await?;
    let sent = wire.text(&whole, true, true).await;
    let control = match sent {
        Ok(()) => said(&mut wire, MOMENT).await,
        Err(end) => Err(end),
    };
    let answered = match control {
        Err(end) => return Ok(Fragments::MessageRefused(end)),
        Ok(answer) => answer,
    };
    wire.leave().await;

    let (mut wire, _) = Wire::open(target).await?;
    let between = async {
        wire.text(WORDS[0], true, false).await?;
        wire.ping(b"between").await?;
        let pong = matches!(timeout(PATIENCE, pong(&mut wire)).await, Ok(Ok(_)));
        wire.text(WORDS[1], false, false).await?;
        wire.text(WORDS[2], false, true).await?;
        Ok::<_, End>(pong)
    };
    let pong_between = match between.await {
        Ok(pong) => pong,
        Err(end) => return Ok(Fragments::Refused(end)),
    };
    let echoed = match said(&mut wire, MOMENT).await {
        Err(end) => return Ok(Fragments::Refused(end)),
        // Only who answers whole messages with themselves can be compared.
        Ok(answer) => match answered.as_deref() == Some(whole.as_bytes()) {
            true => Some(answer.as_deref() == Some(whole.as_bytes())),
            false => None,
        },
    };
    wire.leave().await;
    Ok(Fragments::Taken { pong_between, echoed })
}

/// The first message within a while, pieces put together; an end is an error
async fn said(wire: &mut Wire, within: Duration) -> Result<Option<Vec<u8>>, End> {
    let deadline = Instant::now() + within;
    let mut all: Option<Vec<u8>> = None;
    // A message may come in pieces too; their ends are not looked at, for a while is waited anyway.
    while let Ok(seen) = timeout_at(deadline, wire.next()).await {
        match seen? {
            Seen::Close(code, reason) => return Err(End::Closed { code, reason }),
            Seen::Ping(payload) => wire.pong(&payload).await?,
            Seen::Data(payload) => {
                all.get_or_insert_default().extend_from_slice(&payload);
                if all.as_ref().is_some_and(|all| all.len() >= WORDS.concat().len()) {
                    break;
                }
            }
            Seen::Pong(_) => {}
        }
    }
    Ok(all)
}

/// A Close of ours, and what becomes of it
pub(super) async fn closing(target: &Target, code: Option<u16>) -> Result<Closing, Unopened> {
    let (mut wire, _) = Wire::open(target).await?;
    let reason = if code.is_some() { "everbeat doctor" } else { "" };
    let sent = wire.close(code, reason).await;
    Ok(farewell(wire, sent).await)
}

/// What a server says when its connection is ended, and when it lets go of the socket
async fn farewell(mut wire: Wire, sent: Result<(), End>) -> Closing {
    let began = Instant::now();
    let mut closing = Closing::default();
    if let Err(end) = sent {
        closing.ended = Some((end, Duration::ZERO));
        return closing;
    }
    while let Ok(seen) = timeout_at(began + FAREWELL, wire.next()).await {
        match seen {
            Ok(Seen::Close(code, _)) => closing.answered = Some(code),
            Ok(_) => {}
            Err(end) => {
                closing.ended = Some((end, began.elapsed()));
                break;
            }
        }
    }
    closing
}

/// Rules that a server has to insist on, broken on purpose
pub(super) async fn broken(target: &Target, rule: Broken) -> Result<Closing, Unopened> {
    let (mut wire, _) = Wire::open(target).await?;
    let mask = 0x6265_6174;
    let bytes = match rule {
        Broken::Unmasked => frame::unmasked(OpCode::Data(Data::Text), b"no mask"),
        Broken::NotUtf8 => frame::masked(OpCode::Data(Data::Text), true, &[0xff, 0xfe], mask),
        Broken::Reserved => frame::masked(OpCode::Control(Control::Reserved(11)), true, b"", mask),
    };
    let sent = wire.write(&bytes).await;
    Ok(farewell(wire, sent).await)
}

/// What is answered to a version that there is not (RFC 6455, section 4.4)
pub(super) async fn version(target: &Target) -> Result<Version, Unopened> {
    match Wire::open_as(target, "12").await {
        Ok((wire, _)) => {
            wire.leave().await;
            Ok(Version::LetIn)
        }
        Err(Unopened::Refused(answer)) => Ok(Version::Refused(answer)),
        Err(failed) => Err(failed),
    }
}

/// Between probes: a server may count connections by the second
pub(super) async fn breathe() {
    sleep(Duration::from_millis(50)).await;
}
