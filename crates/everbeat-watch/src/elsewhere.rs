//! Where there is no Linux there is nothing to watch.

use everbeat_core::client::Hint;

use crate::Error;

/// Never made
#[derive(Debug)]
pub(crate) enum Watch {}

impl Watch {
    pub(crate) fn start(_: impl FnMut(Hint) + Send + 'static) -> Result<Self, Error> {
        Err(Error::Unsupported)
    }
}
