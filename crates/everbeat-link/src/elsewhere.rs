//! Where there is no Linux there are no networks of one's own, and no links between them.

use std::io;
use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::{Result, bail};
use everbeat_netns::Place;

use crate::shape::{Shape, Way};
use crate::shaper::Counts;

/// Cannot be had here
#[derive(Debug)]
pub struct Wire(Never);

/// Cannot be had here
#[derive(Debug)]
pub struct Link(Never);

#[derive(Debug)]
enum Never {}

impl Wire {
    /// Not here
    ///
    /// # Errors
    ///
    /// Always: it wants Linux.
    pub fn new(_: &Place, _: Ipv4Addr, _: Ipv4Addr) -> Result<Self> {
        bail!("it wants Linux")
    }

    /// Not here
    ///
    /// # Errors
    ///
    /// Never.
    pub fn name(&self) -> io::Result<String> {
        match self.0 {}
    }
}

impl Link {
    /// Not here
    ///
    /// # Errors
    ///
    /// Never.
    pub fn lay(near: Wire, _: Wire, _: u64) -> Result<Self> {
        match near.0 {}
    }

    /// Not here
    pub fn shape(&self, _: Way, _: Shape) {
        match self.0 {}
    }

    /// Not here
    #[must_use]
    pub fn counts(&self, _: Way) -> Counts {
        match self.0 {}
    }

    /// Not here
    #[must_use]
    pub fn take_lateness(&self) -> Duration {
        match self.0 {}
    }
}
