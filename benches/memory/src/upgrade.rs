//! The upgrade, by hand, on both sides.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use anyhow::{Context, Result, ensure};
use async_tungstenite::tungstenite::handshake::derive_accept_key;

const KEY: &str = "Sec-WebSocket-Key: ";

/// The longest head that is read here
const HEAD: usize = 2_048;

/// Asks for it over a stream that is connected, as a browser's request would, but shorter
pub(crate) fn ask(stream: &mut (impl Read + Write)) -> Result<()> {
    let ask = format!(
        "GET /feed HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\n{KEY}dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(ask.as_bytes())?;
    stream.flush()?;
    let head = head(stream)?;
    ensure!(head.starts_with("HTTP/1.1 101 "), "it was refused: {head}");
    Ok(())
}

/// Takes one connection and grants it
pub(crate) fn grant(listener: &TcpListener) -> Result<TcpStream> {
    let (mut stream, _) = listener.accept()?;
    let head = head(&mut stream)?;
    let find = |line: &str| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case(KEY.trim_end_matches(": ")).then(|| value.to_owned())
    };
    let key = head.lines().find_map(find).context("a request without a key")?;
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {}\r\n\r\n",
        derive_accept_key(key.as_bytes())
    );
    stream.write_all(answer.as_bytes())?;
    Ok(stream)
}

/// Up to the blank line and not a byte further: behind it there may be a frame
fn head(stream: &mut impl Read) -> Result<String> {
    let mut head = Vec::with_capacity(HEAD);
    while !head.ends_with(b"\r\n\r\n") {
        ensure!(head.len() < HEAD, "a head without an end");
        let mut byte = [0];
        stream.read_exact(&mut byte).context("the upgrade")?;
        head.push(byte[0]);
    }
    Ok(String::from_utf8(head)?)
}
