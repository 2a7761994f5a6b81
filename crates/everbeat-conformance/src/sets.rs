//! A root with a certificate for each end, as either maker of certificates makes them.

mod openssl;

use crate::certificates::{Authority, Certified};

/// A root, and what it has signed for both ends
#[derive(Debug)]
pub(crate) struct Set {
    pub(crate) root: String,
    pub(crate) server: Certified,
    pub(crate) client: Certified,
}

impl Set {
    /// As rcgen makes it, for a server of this name
    pub(crate) fn by_rcgen(name: &str) -> Self {
        let authority = Authority::new();
        let (server, client) = (authority.certify(name), authority.certify("client"));
        Self { root: authority.root(), server, client }
    }

    /// As openssl makes it; `None` where it is missing
    pub(crate) fn by_openssl(name: &str) -> Option<Self> {
        openssl::set(name)
    }
}
