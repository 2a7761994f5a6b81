//! Peers in raw bytes: plain blocking sockets on threads, so that no runtime is below them.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use async_tungstenite::tungstenite::handshake::derive_accept_key;
use socket2::SockRef;

/// Far above what loopback needs, so that only a check that hangs meets it
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// The request of a good client; its key is the one of RFC 6455, section 1.3
pub(super) const ASK: &str = "GET /feed?all HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\n\
    Connection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// The accept key that belongs to [`ASK`]
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// One raw connection
pub(super) struct Peer(TcpStream);

impl Peer {
    pub(super) fn connect(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect(address).unwrap())
    }

    pub(super) fn over(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self(stream)
    }

    /// Has room for so many bytes that it has not heard yet
    ///
    /// In a window of few segments that has once been shut, the kernel lets one through whenever its
    /// sender probes it: five a second.
    pub(super) fn make_room(&self, bytes: usize) {
        SockRef::from(&self.0).set_recv_buffer_size(bytes).unwrap();
    }

    /// Says it, if there is still somebody to say it to
    pub(super) fn say(&mut self, bytes: &[u8]) {
        // Who is refused early may have hung up by now, which the check sees by other means
        _ = self.0.write_all(bytes);
    }

    /// Says it whole, or why not
    pub(super) fn try_say(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.0.write_all(bytes)
    }

    /// One byte; `None` at the end, be it a reset
    pub(super) fn byte(&mut self) -> Option<u8> {
        let mut byte = [0];
        self.0.read_exact(&mut byte).is_ok().then_some(byte[0])
    }

    /// The same connection once more, for another thread
    pub(super) fn again(&self) -> Self {
        Self(self.0.try_clone().unwrap())
    }

    /// Says no more; hears on
    pub(super) fn end(&self) {
        _ = self.0.shutdown(std::net::Shutdown::Write);
    }

    /// Hears to the end, be it a reset
    pub(super) fn hear(&mut self) -> Vec<u8> {
        let mut heard = Vec::new();
        match self.0.read_to_end(&mut heard) {
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => panic!("it hangs"),
            _ => heard,
        }
    }

    /// Hears one record of TLS
    pub(super) fn record(&mut self) -> Vec<u8> {
        let head: [u8; 5] = self.read();
        let mut record = vec![0; 5 + usize::from(u16::from_be_bytes([head[3], head[4]]))];
        record[..5].copy_from_slice(&head);
        self.0.read_exact(&mut record[5..]).unwrap();
        record
    }

    /// Leads to a server, of which it passes on so many bytes, and then ends both ways
    pub(super) fn relay(self, server: SocketAddr, bytes: usize) {
        let server = Self::connect(server);
        let (mut client, mut back) = (self.0.try_clone().unwrap(), server.0.try_clone().unwrap());
        let there = thread::spawn(move || {
            _ = std::io::copy(&mut client, &mut back);
            _ = back.shutdown(std::net::Shutdown::Both);
        });
        let mut allowed = (&server.0).take(bytes as u64);
        _ = std::io::copy(&mut allowed, &mut &self.0);
        // Said to be over, not reset: what came before is to be read
        _ = self.0.shutdown(std::net::Shutdown::Write);
        _ = server.0.shutdown(std::net::Shutdown::Both);
        there.join().unwrap();
    }

    /// Hears an HTTP head
    pub(super) fn head(&mut self) -> String {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            self.0.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        String::from_utf8(head).unwrap()
    }

    /// Hears a frame: its first byte and its payload, unmasked
    pub(super) fn frame(&mut self) -> (u8, Vec<u8>) {
        let [first, form] = self.read();
        let length = match form & 0x7f {
            126 => u16::from_be_bytes(self.read()).into(),
            127 => u64::from_be_bytes(self.read()),
            short => short.into(),
        };
        let mask: [u8; 4] = if form & 0x80 == 0 { [0; 4] } else { self.read() };
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        self.0.read_exact(&mut payload).unwrap();
        payload.iter_mut().zip(mask.into_iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
        (first, payload)
    }

    /// Says a text and hears the next one, and answers Pings meanwhile
    pub(super) fn exchange(&mut self, text: &str) -> String {
        self.say(&masked(0x81, text.as_bytes()));
        self.text()
    }

    /// Hears the next text, and answers Pings meanwhile
    pub(super) fn text(&mut self) -> String {
        loop {
            match self.frame() {
                (0x81, payload) => return String::from_utf8(payload).unwrap(),
                (0x89, payload) => self.say(&masked(0x8a, &payload)),
                other => panic!("{other:?}"),
            }
        }
    }

    /// Hears frames up to a Close, and answers Pings meanwhile and the Close; its code and reason
    pub(super) fn farewell(&mut self) -> (u16, String) {
        loop {
            let (first, payload) = self.frame();
            match first {
                0x89 => self.say(&masked(0x8a, &payload)),
                0x88 => {
                    self.say(&masked(0x88, &payload));
                    let (code, reason) = payload.split_at(2);
                    let code = u16::from_be_bytes([code[0], code[1]]);
                    return (code, String::from_utf8(reason.to_vec()).unwrap());
                }
                _ => {}
            }
        }
    }

    /// Hears frames up to a Close; its code and reason
    pub(super) fn close(&mut self) -> (u16, String) {
        loop {
            let (first, payload) = self.frame();
            if first == 0x88 {
                let (code, reason) = payload.split_at(2);
                let code = u16::from_be_bytes([code[0], code[1]]);
                return (code, String::from_utf8(reason.to_vec()).unwrap());
            }
        }
    }

    fn read<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.read_exact(&mut bytes).unwrap();
        bytes
    }
}

/// A peer's own time passes; it is on a thread of its own
#[expect(clippy::disallowed_methods, reason = "no runtime is below this thread")]
pub(super) fn pause(time: Duration) {
    thread::sleep(time);
}

/// A raw client that connects to `address`, on a thread
pub(super) fn client<T: Send + 'static>(
    address: SocketAddr,
    play: impl FnOnce(Peer) -> T + Send + 'static,
) -> JoinHandle<T> {
    thread::spawn(move || play(Peer::connect(address)))
}

/// A raw server for one client, on a thread, and its URL
pub(super) fn server<T: Send + 'static>(
    play: impl FnOnce(Peer) -> T + Send + 'static,
) -> (String, JoinHandle<T>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/feed", listener.local_addr().unwrap());
    (url, thread::spawn(move || play(Peer::over(listener.accept().unwrap().0))))
}

/// A raw client after its upgrade
pub(super) fn upgraded(mut peer: Peer) -> Peer {
    peer.say(ASK.as_bytes());
    let granted = peer.head();
    assert!(granted.starts_with("HTTP/1.1 101 ") && granted.contains(ACCEPT), "{granted}");
    peer
}

/// A raw server after it has granted the upgrade
pub(super) fn granting(mut peer: Peer) -> Peer {
    let head = peer.head();
    peer.say(grant(&head).as_bytes());
    peer
}

/// The answer that grants a request
pub(super) fn grant(head: &str) -> String {
    let key = head.split("Sec-WebSocket-Key: ").nth(1).unwrap().split("\r\n").next().unwrap();
    let accept = derive_accept_key(key.as_bytes());
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    )
}

/// A server's frame
pub(super) fn plain(first: u8, payload: &[u8]) -> Vec<u8> {
    frame(first, None, payload)
}

/// A client's frame
pub(super) fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    frame(first, Some([7, 77, 177, 247]), payload)
}

/// A frame with this mask, or without
pub(super) fn frame(first: u8, mask: Option<[u8; 4]>, payload: &[u8]) -> Vec<u8> {
    let bit = if mask.is_some() { 0x80 } else { 0 };
    let mut frame = vec![first];
    match payload.len() {
        short @ 0..=125 => frame.push(bit | short as u8),
        medium @ 126..=0xffff => {
            frame.push(bit | 126);
            frame.extend((medium as u16).to_be_bytes());
        }
        long => {
            frame.push(bit | 127);
            frame.extend((long as u64).to_be_bytes());
        }
    }
    let start = frame.len();
    frame.extend(payload);
    if let Some(mask) = mask {
        frame[start..].iter_mut().zip(mask.iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
        frame.splice(start..start, mask);
    }
    frame
}
