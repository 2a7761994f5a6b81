//! The one place of unsafe code: an idea a file, each with its proof.

#[cfg(any(target_os = "android", target_os = "linux"))]
mod queued;
#[cfg(any(target_os = "android", target_os = "linux", target_vendor = "apple"))]
mod tcp_info;
mod text;
mod wide;
#[cfg(windows)]
mod windows;

#[cfg(any(target_os = "android", target_os = "linux"))]
pub(crate) use queued::queued;
#[cfg(any(target_os = "android", target_os = "linux", target_vendor = "apple"))]
pub(crate) use tcp_info::tcp_info;
pub(crate) use text::validated;
pub(crate) use wide::long_strides;
#[cfg(windows)]
pub(crate) use windows::tcp_info;
