//! What the kernel knows of a TCP connection, as the bytes that it writes: `TCP_INFO`, and what Apple
//! has in its place.
//!
//! # Proof
//!
//! `getsockopt` is told where a slice begins and how long it is, and writes within that; what it
//! wrote last is how much. The slice is borrowed exclusively, any value is one of a byte's, and the
//! kernel keeps none of the addresses. `SockRef` borrows a descriptor that is open.
//!
//! The option is a constant: there are options whose buffer holds an address that the kernel writes
//! to as well (`TCP_ZEROCOPY_RECEIVE`), so that whoever could name one could have it write anywhere.

use std::ffi::c_int;
use std::os::fd::AsRawFd;

use socket2::SockRef;

#[cfg(not(target_vendor = "apple"))]
const OPTION: c_int = libc::TCP_INFO;
#[cfg(target_vendor = "apple")]
const OPTION: c_int = libc::TCP_CONNECTION_INFO;

/// The beginning of what the kernel tells, as much as there is and as `into` has room for; `None` if
/// it tells nothing
#[expect(unsafe_code, reason = "no library asks for it with a safe call")]
pub(crate) fn tcp_info<'a>(socket: &SockRef<'_>, into: &'a mut [u8]) -> Option<&'a [u8]> {
    let mut length = libc::socklen_t::try_from(into.len()).ok()?;
    let (at, socket) = (into.as_mut_ptr().cast(), socket.as_raw_fd());
    // SAFETY: `at` is the start of `length` bytes that are ours to write, as above
    let status =
        unsafe { libc::getsockopt(socket, libc::IPPROTO_TCP, OPTION, at, &raw mut length) };
    if status != 0 {
        return None;
    }
    into.get(..usize::try_from(length).ok()?)
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream, UdpSocket};

    use super::*;

    #[test]
    fn no_more_is_written_than_there_is_room_for() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        for room in [0, 1, 3, 60] {
            let mut bytes = [0xa5; 64];
            let told = tcp_info(&SockRef::from(&stream), &mut bytes[..room]).map(<[u8]>::len);
            assert!(told.is_some_and(|told| told <= room), "{told:?} of {room}");
            assert!(bytes[room..].iter().all(|byte| *byte == 0xa5), "beyond {room}");
        }
        let mut bytes = [0xa5; 4_096];
        let told = tcp_info(&SockRef::from(&stream), &mut bytes).unwrap().len();
        assert!(told < 4_096, "as much as there is");
    }

    #[test]
    fn what_is_no_tcp_connection_tells_nothing() {
        let other = UdpSocket::bind("127.0.0.1:0").unwrap();
        assert_eq!(tcp_info(&SockRef::from(&other), &mut [0; 64]), None);
    }
}
