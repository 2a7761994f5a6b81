//! The upgrade, by hand, on both sides.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use anyhow::{Context, Result, ensure};
use async_tungstenite::tungstenite::handshake::derive_accept_key;

const KEY: &str = "Sec-WebSocket-Key: ";
/// RFC 6455's own example: nobody is kept out by it here
const NONCE: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const BLANK: &[u8] = b"\r\n\r\n";

/// The longest head that is read here
const HEAD: usize = 2_048;

/// What a client asks, as a browser's request would, but shorter
#[must_use]
pub fn request() -> String {
    format!(
        "GET /feed HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\n{KEY}{NONCE}\r\n\r\n"
    )
}

/// How long the answer's head is, once it is there and whole
///
/// # Errors
///
/// The upgrade was refused, or the head has no end.
pub fn granted(answer: &[u8]) -> Result<Option<usize>> {
    let Some(end) = answer.windows(BLANK.len()).position(|four| four == BLANK) else {
        ensure!(answer.len() < HEAD, "a head without an end");
        return Ok(None);
    };
    let head = String::from_utf8_lossy(&answer[..end]);
    ensure!(head.starts_with("HTTP/1.1 101 "), "it was refused: {head}");
    let accept = derive_accept_key(NONCE.as_bytes());
    let accepted = head.lines().filter_map(|line| line.split_once(':'));
    let accepted = accepted.filter(|(name, _)| name.eq_ignore_ascii_case("Sec-WebSocket-Accept"));
    ensure!(
        accepted.map(|(_, value)| value.trim()).eq([&*accept]),
        "it was granted to somebody else: {head}"
    );
    Ok(Some(end + BLANK.len()))
}

/// Asks for it over a stream that is connected
///
/// # Errors
///
/// It was refused, or the connection broke.
pub fn ask(stream: &mut (impl Read + Write)) -> Result<()> {
    stream.write_all(request().as_bytes())?;
    stream.flush()?;
    granted(&head(stream)?).map(drop)
}

/// Takes one connection and grants it
///
/// # Errors
///
/// What comes is no request for an upgrade, or the connection broke.
pub fn grant(listener: &TcpListener) -> Result<TcpStream> {
    let (mut stream, _) = listener.accept()?;
    let answer = answer(&head(&mut stream)?)?;
    stream.write_all(answer.as_bytes())?;
    Ok(stream)
}

/// What grants the request of this head
///
/// # Errors
///
/// It is no request for an upgrade.
pub fn answer(head: &[u8]) -> Result<String> {
    let head = String::from_utf8_lossy(head);
    let find = |line: &str| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case(KEY.trim_end_matches(": ")).then(|| value.to_owned())
    };
    let key = head.lines().find_map(find).context("a request without a key")?;
    Ok(format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {}\r\n\r\n",
        derive_accept_key(key.as_bytes())
    ))
}

/// Up to the blank line and not a byte further: behind it there may be a frame
fn head(stream: &mut impl Read) -> Result<Vec<u8>> {
    let mut head = Vec::with_capacity(HEAD);
    while !head.ends_with(BLANK) {
        ensure!(head.len() < HEAD, "a head without an end");
        let mut byte = [0];
        stream.read_exact(&mut byte).context("the upgrade")?;
        head.push(byte[0]);
    }
    Ok(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_ends_with_its_blank_line_and_what_is_behind_it_is_no_part_of_it() {
        let answer = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
            sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n\x89\0";
        assert_eq!(granted(&answer[..40]).unwrap(), None);
        assert_eq!(granted(answer).unwrap(), Some(answer.len() - 2));
        let refused = granted(b"HTTP/1.1 503 Service Unavailable\r\n\r\n").unwrap_err();
        assert!(refused.to_string().contains("503"));
        let other = String::from_utf8_lossy(answer).replace("s3p", "xxx");
        assert!(granted(other.as_bytes()).is_err());
        assert!(granted(&[b'a'; HEAD]).is_err());
    }
}
