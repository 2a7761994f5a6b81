//! What the kernel knows of the road to the peer, on the scale of the tap's own count.
//!
//! The kernels count otherwise than the tap does: from the connection's first byte, which may long
//! have been sent when the socket becomes ours; the SYN that opens a client's connection counts as a
//! byte, and so does the FIN that ends any. So the scales are laid side by side once, when the tap is
//! put on the socket: the common one begins at the oldest byte that was not acknowledged then, and
//! what the kernel still holds of an earlier time is the first of what was sent.
//!
//! An error here must be in the road's favour: bytes that were acknowledged and seem not to be are a
//! death that is none. Where a kernel's word is in doubt, there is no evidence.

#[cfg(target_vendor = "apple")]
mod apple;
#[cfg(not(any(target_os = "android", target_os = "linux", target_vendor = "apple", windows)))]
mod elsewhere;
#[cfg(any(target_os = "android", target_os = "linux", target_vendor = "apple", windows))]
mod evidence;
#[cfg(any(target_os = "android", target_os = "linux"))]
mod linux;
#[cfg(windows)]
mod windows;

#[cfg(target_vendor = "apple")]
pub(super) use apple::Road;
#[cfg(not(any(
    target_os = "android",
    target_os = "linux",
    target_vendor = "apple",
    windows
)))]
pub(super) use elsewhere::Road;
#[cfg(any(target_os = "android", target_os = "linux"))]
pub(super) use linux::Road;
#[cfg(windows)]
pub(super) use windows::Road;
