//! The end of a wire in a network of this kernel: a TUN device. What the kernel sends there is read,
//! and what is written comes to the kernel.

use std::fmt;
use std::io;
use std::net::Ipv4Addr;
use std::os::fd::{AsFd, BorrowedFd};

use anyhow::{Context, Result};
use everbeat_netns::Place;
use tun_rs::{DeviceBuilder, SyncDevice};

/// The length of the prefix that holds both ends
const PREFIX: u8 = 30;

/// A wire's end, at a place
///
/// Dropped, it is gone from its network.
pub struct Wire(SyncDevice);

impl Wire {
    /// The most that one packet can have
    pub const LONGEST: usize = 65_536;

    /// An end at `address`, on a wire to `peer`
    ///
    /// # Errors
    ///
    /// The kernel has no TUN devices, or none for us.
    pub fn new(place: &Place, address: Ipv4Addr, peer: Ipv4Addr) -> Result<Self> {
        let make = move || DeviceBuilder::new().ipv4(address, PREFIX, Some(peer)).build_sync();
        Ok(Self(place.run(make)?.context("no TUN device for us")?))
    }

    /// What its network calls it
    ///
    /// # Errors
    ///
    /// Its network does not know it any more.
    pub fn name(&self) -> io::Result<String> {
        self.0.name()
    }

    /// Waits for a packet that the kernel sends; its length
    ///
    /// # Errors
    ///
    /// There is none for now, if it must not wait; or the device is gone.
    pub fn recv(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.recv(buffer)
    }

    /// Gives the kernel a packet
    ///
    /// # Errors
    ///
    /// The kernel does not take it: it is no packet, or the device is down.
    pub fn send(&self, packet: &[u8]) -> io::Result<usize> {
        self.0.send(packet)
    }

    /// [`recv`](Self::recv) does not wait from now on
    pub(crate) fn never_wait(&self) -> io::Result<()> {
        self.0.set_nonblocking(true)
    }
}

impl AsFd for Wire {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Wire").field(&self.name().ok()).finish()
    }
}
