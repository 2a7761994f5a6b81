//! A TCP connection on the reactor, as a byte stream that a WebSocket can run on.

use std::io::{self, IoSlice};
use std::net::{Shutdown, TcpStream};
use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use async_io::Async;
use everbeat_ws::{Adopted, Socket};
use futures_io::{AsyncRead, AsyncWrite};
use socket2::SockRef;

/// A TCP connection on the reactor
#[derive(Debug)]
pub struct Stream {
    socket: Held,
    /// The last read found nothing, and the reactor was asked to tell of more: before it does, another
    /// would be a system call for nothing
    asleep: bool,
}

impl Stream {
    /// Takes over a connection: smol's `TcpStream`, or an `Async<TcpStream>`
    ///
    /// One of the standard library, which async-std's becomes by its `TryFrom`, is taken over by
    /// the `TryFrom` of this type. A clone that somebody keeps keeps the socket open.
    #[must_use]
    pub fn new(stream: impl Into<Arc<Async<TcpStream>>>) -> Self {
        Self::of(Arc::try_unwrap(stream.into()).map_or_else(Held::Shared, Held::Alone))
    }

    /// Takes over a connection that nobody else has
    pub(crate) const fn alone(stream: Async<TcpStream>) -> Self {
        Self::of(Held::Alone(stream))
    }

    const fn of(socket: Held) -> Self {
        Self { socket, asleep: false }
    }

    /// Whoever cannot write any more reads what is left now, and not when the reactor tells of it
    fn wrote<T>(&mut self, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        self.asleep &= !matches!(written, Poll::Ready(Err(_)));
        written
    }
}

/// A socket as it is held: in place, for an allocation of its own would be 32 bytes of each idle
/// connection, or together with whoever kept a clone
#[derive(Debug)]
enum Held {
    Alone(Async<TcpStream>),
    Shared(Arc<Async<TcpStream>>),
}

impl Deref for Held {
    type Target = Async<TcpStream>;

    fn deref(&self) -> &Async<TcpStream> {
        match self {
            Self::Alone(socket) => socket,
            Self::Shared(socket) => socket,
        }
    }
}

/// Takes over any stream of `futures_io`'s traits: a Unix socket, a tunnel, somebody else's TLS
#[must_use]
pub const fn adopt<S>(stream: S) -> Adopted<S> {
    Adopted::new(stream)
}

impl TryFrom<TcpStream> for Stream {
    type Error = io::Error;

    /// Takes over a connection of the standard library
    ///
    /// # Errors
    ///
    /// The socket cannot be made non-blocking, or not be watched.
    fn try_from(stream: TcpStream) -> io::Result<Self> {
        Async::new(stream).map(Self::alone)
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if self.asleep {
            ready!(self.socket.poll_readable(cx))?;
        }
        let read = Pin::new(&mut &*self.socket).poll_read(cx, into);
        self.asleep = read.is_pending();
        read
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut &*self.socket).poll_write(cx, bytes);
        self.wrote(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut &*self.socket).poll_write_vectored(cx, bytes);
        self.wrote(written)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut &*self.socket).poll_flush(cx)
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // `Async`'s own only flushes; it does not know that this is a socket.
        Poll::Ready(match self.socket.get_ref().shutdown(Shutdown::Write) {
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
            other => other,
        })
    }
}

impl Socket for Stream {
    fn tcp<R>(&self, look: impl FnOnce(&SockRef<'_>) -> R) -> Option<R> {
        Some(look(&SockRef::from(self.socket.get_ref())))
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::*;

    /// Ours, and a peer that blocks
    fn pair() -> (Stream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (Stream::try_from(near).unwrap(), listener.accept().unwrap().0)
    }

    /// What one read gives, in room for so many bytes
    async fn read(stream: &mut Stream, room: usize) -> Vec<u8> {
        let mut into = vec![0; room];
        let read = poll_fn(|cx| Pin::new(&mut *stream).poll_read(cx, &mut into)).await.unwrap();
        into.truncate(read);
        into
    }

    fn reads_nothing(stream: &mut Stream) -> bool {
        let cx = &mut Context::from_waker(std::task::Waker::noop());
        Pin::new(stream).poll_read(cx, &mut [0; 8]).is_pending()
    }

    #[test]
    fn who_has_a_socket_alone_holds_it_and_a_clone_that_was_kept_stays_open() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let mut peer = listener.accept().unwrap().0;
        let kept = Arc::new(Async::new(near).unwrap());
        let stream = Stream::new(kept.clone());
        assert!(matches!(stream.socket, Held::Shared(_)));
        drop(stream);
        peer.write_all(b"still here").unwrap();
        let mut stream = Stream::new(kept);
        assert!(matches!(stream.socket, Held::Alone(_)));
        assert_eq!(async_io::block_on(read(&mut stream, 10)), b"still here");
    }

    #[test]
    fn who_found_nothing_hears_of_more() {
        let (mut stream, mut peer) = pair();
        async_io::block_on(async {
            for round in 0..50_u8 {
                assert!(reads_nothing(&mut stream) && reads_nothing(&mut stream) && stream.asleep);
                peer.write_all(&[round; 11]).unwrap();
                assert_eq!(read(&mut stream, 8).await, [round; 8]);
                assert_eq!(read(&mut stream, 8).await, [round; 3]);
                // Without a word of the reactor's, for nobody has asked it since.
                peer.write_all(b"more").unwrap();
                assert!(!reads_nothing(&mut stream));
            }
        });
    }

    #[test]
    fn who_cannot_write_any_more_reads_what_is_left() {
        let (mut stream, mut peer) = pair();
        async_io::block_on(async {
            assert!(reads_nothing(&mut stream) && stream.asleep);
            peer.write_all(b"bye").unwrap();
            drop(peer);
            let mut write = async || poll_fn(|cx| Pin::new(&mut stream).poll_write(cx, b"?")).await;
            while write().await.is_ok() {}
            assert!(!stream.asleep);
            assert_eq!(read(&mut stream, 8).await, b"bye");
        });
    }

    #[test]
    fn the_end_is_seen_again_and_again() {
        let (mut stream, mut peer) = pair();
        async_io::block_on(async {
            peer.write_all(b"bye").unwrap();
            drop(peer);
            assert_eq!(read(&mut stream, 8).await, b"bye");
            assert_eq!(read(&mut stream, 8).await, b"");
            assert_eq!(read(&mut stream, 8).await, b"");
        });
    }

    #[test]
    fn it_sleeps_until_the_peer_speaks() {
        let (mut stream, mut peer) = pair();
        let speaks = std::thread::spawn(move || {
            // Until it was heard that we are ready, and that may be before we sleep or after.
            let mut ready = [0];
            peer.read_exact(&mut ready).unwrap();
            peer.write_all(b"now").unwrap();
            peer
        });
        async_io::block_on(async {
            assert!(reads_nothing(&mut stream));
            let written = poll_fn(|cx| Pin::new(&mut stream).poll_write(cx, b"?")).await;
            assert_eq!(written.unwrap(), 1);
            assert_eq!(read(&mut stream, 8).await, b"now");
        });
        drop(speaks.join());
    }

    #[cfg(all(unix, target_pointer_width = "64"))]
    #[test]
    fn it_is_the_reactors_own_and_a_word() {
        assert_eq!(size_of::<Stream>(), 24);
    }
}
