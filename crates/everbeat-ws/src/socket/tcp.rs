//! TCP options: safety nets below the heartbeat, and a reset instead of a quiet goodbye; and our
//! own address.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use socket2::SockRef;

use super::Socket;
use crate::settings::Settings;

/// Sets the options of a new socket
///
/// # Errors
///
/// The platform refused one; the socket works all the same.
fn tune(tcp: &SockRef<'_>, settings: &Settings) -> io::Result<()> {
    // A message is written whole, so holding its last segment back only delays it
    tcp.set_tcp_nodelay(true)?;
    #[cfg(any(target_os = "android", target_os = "linux"))]
    {
        if let Some(timeout) = settings.user_timeout {
            tcp.set_tcp_user_timeout(Some(timeout))?;
        }
        if let Some(bytes) = settings.notsent_lowat {
            tcp.set_tcp_notsent_lowat(bytes)?;
        }
    }
    #[cfg(not(any(target_os = "android", target_os = "linux")))]
    let _ = settings;
    Ok(())
}

/// Sets the options of a stream's socket, if there is one; the stream works without them, too
pub(crate) fn tune_stream(stream: &impl Socket, settings: &Settings) {
    if let Some(Err(error)) = stream.tcp(|tcp| tune(tcp, settings)) {
        tracing::debug!(target: "everbeat", %error, "TCP options were refused");
    }
}

/// Makes dropping the socket a reset: the kernel forgets unsent bytes instead of retrying for
/// minutes, and a peer that is still there learns of it
///
/// # Errors
///
/// The platform refused; dropping then is a plain close.
pub(crate) fn reset_on_drop(tcp: &SockRef<'_>) -> io::Result<()> {
    tcp.set_linger(Some(Duration::ZERO))
}

/// Our end's address; one of IPv4 is told as such on a socket of both families too, for so it is
/// called where it belongs, at an interface
pub(crate) fn local_address(tcp: &SockRef<'_>) -> Option<IpAddr> {
    Some(tcp.local_addr().ok()?.as_socket()?.ip().to_canonical())
}
