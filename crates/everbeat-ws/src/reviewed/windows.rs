//! What Windows knows of a TCP connection: `SIO_TCP_INFO`. Written from its documentation, and not
//! run by anybody yet.
//!
//! # Proof
//!
//! `WSAIoctl` is told where it may write and how much: one `TCP_INFO_v0`, which any bytes suit but
//! for its `bool`; that is why it is told of bytes, and the numbers are read out of those. Without an
//! `OVERLAPPED` it is over when it returns, and keeps none of the addresses. `SockRef` borrows a
//! socket that is open.

use std::ffi::c_void;
use std::mem::size_of;
use std::os::windows::io::AsRawSocket;
use std::ptr::{from_ref, null_mut};

use socket2::SockRef;
use windows_sys::Win32::Networking::WinSock::{SIO_TCP_INFO, SOCKET, TCP_INFO_v0, WSAIoctl};

/// The layout that is asked for
const VERSION: u32 = 0;

/// A `TCP_INFO_v0`, as the bytes that the system writes; `None` if it tells nothing
#[expect(unsafe_code, reason = "no library asks for it with a safe call")]
pub(crate) fn tcp_info(socket: &SockRef<'_>) -> Option<[u8; size_of::<TCP_INFO_v0>()]> {
    const SIZE: usize = size_of::<TCP_INFO_v0>();
    let mut bytes = [0; SIZE];
    let mut written = 0;
    let socket = SOCKET::try_from(socket.as_raw_socket()).ok()?;
    // SAFETY: it reads one `u32` and writes at most the length of `bytes` into them, as above
    let status = unsafe {
        WSAIoctl(
            socket,
            SIO_TCP_INFO,
            from_ref(&VERSION).cast::<c_void>(),
            size_of::<u32>() as u32,
            bytes.as_mut_ptr().cast::<c_void>(),
            SIZE as u32,
            &raw mut written,
            null_mut(),
            None,
        )
    };
    (status == 0 && written as usize == SIZE).then_some(bytes)
}
