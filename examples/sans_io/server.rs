//! The server, which breaks: it answers, hangs, is away, and comes back.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use crate::clock::Clock;
use crate::frame::{Frame, Frames};
use crate::{OUTAGE, Result, UNTIL_IT_HANGS};

pub(crate) fn run(listener: TcpListener, clock: Clock) -> Result {
    let address = listener.local_addr()?;
    clock.tell("server", format_args!("listens on {address}"));
    let (stream, _) = listener.accept()?;
    answer(&stream, UNTIL_IT_HANGS)?;

    // The socket stays open, and takes what comes; nobody answers, until the client has had enough.
    clock.tell("server", "hangs");
    drop(listener);
    while (&stream).read(&mut [0; 512]).is_ok_and(|some| some > 0) {}
    clock.sleep_until(clock.now() + OUTAGE);

    let listener = TcpListener::bind(address)?;
    clock.tell("server", "is back");
    let (stream, _) = listener.accept()?;
    answer(&stream, u64::MAX)?;
    clock.tell("server", "saw the client leave");
    Ok(())
}

/// Answers Pings, and says again what is said, until the client leaves or has said so much
fn answer(mut stream: &TcpStream, mut say: u64) -> Result {
    let mut frames = Frames::default();
    let mut space = [0; 512];
    loop {
        while let Some(frame) = frames.next()? {
            let answer = match frame {
                Frame::Ping(payload) => Frame::Pong(payload),
                Frame::Say(_) if say == 0 => return Ok(()),
                Frame::Say(text) => {
                    say -= 1;
                    Frame::Say(text)
                }
                Frame::Pong(_) => continue,
                Frame::Bye => return Ok(()),
            };
            stream.write_all(&answer.to_bytes()?)?;
        }
        match stream.read(&mut space)? {
            0 => return Ok(()),
            some => frames.push(space.get(..some).unwrap_or_default()),
        }
    }
}
