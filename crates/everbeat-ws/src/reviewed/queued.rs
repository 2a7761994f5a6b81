//! How many bytes a socket's kernel holds: `SIOCOUTQ`, by its other name.
//!
//! # Proof
//!
//! Every socket's answer to `TIOCOUTQ` is one `int`, written where the argument points to: that is a
//! variable of this function's, which any value suits. `SockRef` borrows a descriptor that is open.

use std::ffi::c_int;
use std::os::fd::AsRawFd;

use socket2::SockRef;

/// Bytes that were given to the kernel and are not acknowledged, whether they have left or not
#[expect(unsafe_code, reason = "no library asks for it with a safe call")]
pub(crate) fn queued(socket: &SockRef<'_>) -> Option<u64> {
    let mut bytes: c_int = 0;
    // SAFETY: the kernel writes one `int`, into one, as above
    let status = unsafe { libc::ioctl(socket.as_raw_fd(), libc::TIOCOUTQ, &raw mut bytes) };
    if status != 0 {
        return None;
    }
    u64::try_from(bytes).ok()
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn what_was_not_acknowledged_is_counted() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut peer, _) = listener.accept().unwrap();
        assert_eq!(queued(&SockRef::from(&stream)), Some(0));
        stream.set_nonblocking(true).unwrap();
        let mut sent = 0;
        while let Ok(more) = stream.write(&[7; 65_536]) {
            sent += more as u64;
        }
        let held = queued(&SockRef::from(&stream)).unwrap();
        assert!((1..sent).contains(&held), "{held} of {sent}");
        drop(stream);
        assert_eq!(peer.read_to_end(&mut Vec::new()).unwrap() as u64, sent);
    }
}
