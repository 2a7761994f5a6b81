//! TCP options: safety nets below the heartbeat, and a reset instead of a quiet goodbye.

use std::io;
use std::time::Duration;

use socket2::SockRef;

use crate::settings::Settings;

/// How many unsent bytes the kernel takes before it says that it is full: a Ping waits behind them
#[cfg(any(target_os = "android", target_os = "linux"))]
const NOTSENT_LOWAT: u32 = 128 << 10;

/// Sets the options of a new socket
///
/// # Errors
///
/// The platform refused one; the socket works all the same.
pub(crate) fn tune(tcp: &SockRef<'_>, settings: &Settings) -> io::Result<()> {
    // A message is written whole, so holding its last segment back only delays it
    tcp.set_tcp_nodelay(true)?;
    #[cfg(any(target_os = "android", target_os = "linux"))]
    {
        if let Some(timeout) = settings.user_timeout {
            tcp.set_tcp_user_timeout(Some(timeout))?;
        }
        tcp.set_tcp_notsent_lowat(NOTSENT_LOWAT)?;
    }
    #[cfg(not(any(target_os = "android", target_os = "linux")))]
    let _ = settings;
    Ok(())
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
