//! A socket of which only the peer's HTTP head can be read: gathered whole within its limit, handed
//! out up to its blank line, and not a byte behind it. What came glued to it stays here.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_io::{AsyncRead, AsyncWrite};

use super::UpgradeError;
use crate::pool;
use crate::role::Role;

/// A socket during its upgrade
#[derive(Debug)]
pub(super) struct Head<S> {
    socket: S,
    /// Our role; the peer's head is a response to a client, a request to a server
    role: Role,
    max: usize,
    bytes: Vec<u8>,
    /// How far `bytes` was looked at
    scanned: usize,
    begun: bool,
    /// Whether the line at `scanned` has anything in it
    filled: bool,
    /// Where the head ends, once its blank line is there
    end: Option<usize>,
    given: usize,
    /// Why the head was refused
    problem: Option<UpgradeError>,
}

impl<S> Head<S> {
    pub(super) const fn new(socket: S, role: Role, max: usize) -> Self {
        Self {
            socket,
            role,
            max,
            bytes: Vec::new(),
            scanned: 0,
            begun: false,
            filled: false,
            end: None,
            given: 0,
            problem: None,
        }
    }

    /// Our own reason, if it was us who ended the upgrade
    pub(super) const fn problem(&mut self) -> Option<UpgradeError> {
        self.problem.take()
    }

    /// The socket, and what came behind the head
    pub(super) fn into_parts(mut self) -> (S, Vec<u8>) {
        let early = self.bytes.split_off(self.end.unwrap_or(self.bytes.len()));
        (self.socket, early)
    }

    /// Looks for the blank line, once at each byte within the limit: what is behind it must not
    /// matter, for it may or may not have come yet
    fn scan(&mut self) -> Result<(), UpgradeError> {
        while self.scanned < self.bytes.len().min(self.max) {
            let byte = self.bytes[self.scanned];
            self.scanned += 1;
            match byte {
                b'\r' => {}
                // Blank lines in front are skipped, as the parser does (RFC 9112, section 2.2)
                b'\n' if self.begun && !self.filled => {
                    self.end = Some(self.scanned);
                    break;
                }
                b'\n' => self.filled = false,
                _ => {
                    if !self.begun && !self.may_begin() {
                        return Err(match (self.role, byte) {
                            // The first bytes of a TLS alert and of a ClientHello (RFC 8446,
                            // section 5.1)
                            (Role::Client, 0x15) | (Role::Server, 0x16) => UpgradeError::SpeaksTls,
                            _ => UpgradeError::NotHttp,
                        });
                    }
                    self.begun = true;
                    self.filled = true;
                }
            }
        }
        match self.end {
            Some(end) => match self.role {
                // A client waits for the answer (RFC 6455, section 4.1); one that does not may be
                // an attempt to smuggle a request past a proxy
                Role::Server if end < self.bytes.len() => Err(UpgradeError::EarlyBytes),
                _ => Ok(()),
            },
            None if self.bytes.len() < self.max => Ok(()),
            None => Err(UpgradeError::HeadTooLong { max: self.max }),
        }
    }

    /// Whether the byte just scanned may begin a head: who speaks first in another protocol is
    /// told apart at once, not after a time limit
    fn may_begin(&self) -> bool {
        match (self.role, self.bytes[self.scanned - 1]) {
            (Role::Client, byte) => byte == b'H',
            (Role::Server, byte) => byte.is_ascii_uppercase(),
        }
    }
}

impl<S: AsyncRead + Unpin> Head<S> {
    /// Gathers the head; where it ends, or `None` if the stream ends first
    fn poll_gathered(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<usize>>> {
        while self.end.is_none() {
            let mut block = pool::block();
            let polled = Pin::new(&mut self.socket).poll_read(cx, &mut block);
            if let Poll::Ready(Ok(count)) = polled {
                self.bytes.extend_from_slice(&block[..count]);
            }
            pool::give_block(block);
            if ready!(polled)? == 0 {
                self.problem = Some(UpgradeError::End);
                return Poll::Ready(Ok(None));
            }
            if let Err(problem) = self.scan() {
                self.problem = Some(problem);
                return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
            }
        }
        Poll::Ready(Ok(self.end))
    }

    /// The head, whole; an error has its [`problem`](Self::problem), unless it is the socket's
    pub(super) async fn whole(&mut self) -> io::Result<&[u8]> {
        match poll_fn(|cx| self.poll_gathered(cx)).await? {
            Some(end) => Ok(&self.bytes[..end]),
            None => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Head<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        match ready!(this.poll_gathered(cx))? {
            Some(end) => {
                let count = into.len().min(end - this.given);
                into[..count].copy_from_slice(&this.bytes[this.given..this.given + count]);
                this.given += count;
                Poll::Ready(Ok(count))
            }
            None => Poll::Ready(Ok(0)),
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Head<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match ready!(Pin::new(&mut self.socket).poll_write(cx, bytes))? {
            // The handshake's library takes this for a bug of its caller, and panics
            0 => Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
            count => Poll::Ready(Ok(count)),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_close(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use proptest::prelude::*;

    use super::*;

    /// Gives `bytes` out in pieces of these lengths, then ends
    struct Pieces<'a>(&'a [u8], Vec<usize>);

    impl AsyncRead for Pieces<'_> {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            into: &mut [u8],
        ) -> Poll<io::Result<usize>> {
            let count = self.1.pop().unwrap_or(usize::MAX).min(self.0.len()).min(into.len());
            let (now, later) = self.0.split_at(count);
            into[..count].copy_from_slice(now);
            self.0 = later;
            Poll::Ready(Ok(count))
        }
    }

    fn read(bytes: &[u8], cuts: Vec<usize>, role: Role, max: usize) -> (Vec<u8>, Head<Pieces<'_>>) {
        let mut head = Head::new(Pieces(bytes, cuts), role, max);
        let (mut out, mut into) = (Vec::new(), [0; 7]);
        let mut cx = Context::from_waker(Waker::noop());
        while let Poll::Ready(Ok(count @ 1..)) = Pin::new(&mut head).poll_read(&mut cx, &mut into) {
            out.extend_from_slice(&into[..count]);
        }
        (out, head)
    }

    const HEAD: &[u8] = b"\r\nHTTP/1.1 101 X\r\nA: b\r\n\r\n";

    proptest! {
        #[test]
        fn ends_at_the_blank_line_however_it_is_cut(
            early in proptest::collection::vec(any::<u8>(), 0..20),
            cuts in proptest::collection::vec(1..9usize, 0..40),
        ) {
            let bytes = [HEAD, &early].concat();
            let (out, mut head) = read(&bytes, cuts, Role::Client, HEAD.len());
            prop_assert_eq!(out, HEAD);
            prop_assert!(head.problem().is_none());
            let (rest, seen) = head.into_parts();
            prop_assert_eq!([&seen, rest.0].concat(), early);
        }
    }

    #[test]
    fn a_byte_too_long_is_too_long() {
        let (out, mut head) = read(HEAD, vec![], Role::Client, HEAD.len() - 1);
        assert!(out.is_empty());
        let problem = head.problem();
        assert!(matches!(problem, Some(UpgradeError::HeadTooLong { max }) if max < HEAD.len()));
        let endless = [b"GET / HTTP/1.1\r\nA: ".as_slice(), &[b'a'; 1000]].concat();
        let (_, mut head) = read(&endless, vec![], Role::Server, 512);
        assert!(matches!(head.problem(), Some(UpgradeError::HeadTooLong { max: 512 })));
        // What is wrong behind the limit is not looked at, however it is cut
        let blank = [[b'\n'; 600].as_slice(), b"!"].concat();
        for cuts in [vec![], vec![1; 600]] {
            let (_, mut head) = read(&blank, cuts, Role::Server, 512);
            assert!(matches!(head.problem(), Some(UpgradeError::HeadTooLong { max: 512 })));
        }
    }

    #[test]
    fn another_protocol_is_told_from_its_first_byte() {
        for (role, bytes) in [(Role::Client, "SSH-2.0"), (Role::Server, "\x15\x03\x01")] {
            let (_, mut head) = read(bytes.as_bytes(), vec![1], role, 1024);
            assert!(matches!(head.problem(), Some(UpgradeError::NotHttp)));
        }
        for (role, bytes) in [(Role::Client, "\x15\x03\x03"), (Role::Server, "\x16\x03\x01")] {
            let (_, mut head) = read(bytes.as_bytes(), vec![1], role, 1024);
            assert!(matches!(head.problem(), Some(UpgradeError::SpeaksTls)));
        }
    }

    #[test]
    fn bare_line_feeds_end_a_head_too() {
        let (out, _) = read(b"HTTP/1.1 101 X\nA: b\n\nrest", vec![], Role::Client, 1024);
        assert_eq!(out, b"HTTP/1.1 101 X\nA: b\n\n");
    }

    #[test]
    fn a_client_waits_for_the_answer() {
        let (out, mut head) = read(b"GET / HTTP/1.1\r\n\r\n!", vec![], Role::Server, 1024);
        assert!(out.is_empty());
        assert!(matches!(head.problem(), Some(UpgradeError::EarlyBytes)));
    }
}
