//! Which clients a server takes for known, by their certificates.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use everbeat_core::config::ConfigError;
use futures_rustls::pki_types::CertificateRevocationListDer;
use futures_rustls::rustls::RootCertStore;
use futures_rustls::rustls::crypto::ring;
use futures_rustls::rustls::server::danger::ClientCertVerifier;
use futures_rustls::rustls::server::{VerifierBuilderError, WebPkiClientVerifier};

use super::pem;

/// Which clients a server takes for known, by their certificates
///
/// By default a client must show one; who shows none, or one that is not good, is not let in, and
/// both sides are told why. Given to [`ServerTls::clients`](super::ServerTls::clients).
///
/// ```
/// use everbeat_ws::tls::Clients;
///
/// let error = Clients::signed_by("no PEM at all").unwrap_err();
/// assert_eq!(error.setting(), "clients");
/// ```
#[derive(Clone)]
pub struct Clients {
    roots: Arc<RootCertStore>,
    revoked: Vec<CertificateRevocationListDer<'static>>,
    optional: bool,
}

impl Clients {
    /// Those whose certificate leads to one of these roots; PEM, one or more
    ///
    /// # Errors
    ///
    /// A [`ConfigError`] that names `clients`: not PEM, none in it, or one that cannot be a root.
    pub fn signed_by(roots: impl AsRef<[u8]>) -> Result<Self, ConfigError> {
        let roots = Arc::new(pem::roots("clients", roots.as_ref())?);
        Ok(Self { roots, revoked: Vec::new(), optional: false })
    }

    /// Those whose certificate leads to a root in a PEM file; the file is read now
    ///
    /// # Errors
    ///
    /// As [`signed_by`](Self::signed_by), or the file cannot be read.
    pub fn signed_by_file(roots: impl AsRef<Path>) -> Result<Self, ConfigError> {
        Self::signed_by(pem::read("clients", roots.as_ref())?)
    }

    /// Lets in who shows no certificate, too: it is the hook's to decide what such a client may
    ///
    /// One that is shown has to be good all the same.
    #[must_use]
    pub const fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// Refuses the certificates in these revocation lists (RFC 5280); PEM, one or more; none by
    /// default
    ///
    /// Once there is one, there has to be one of each CA between a client and its root: of a CA
    /// without one, nobody is let in. A list is used behind its next update, too:
    /// [`ServerTls::reload`](super::ServerTls::reload) brings a newer one.
    ///
    /// # Errors
    ///
    /// A [`ConfigError`] that names `revoked`: not PEM, or none in it.
    pub fn revoked(mut self, lists: impl AsRef<[u8]>) -> Result<Self, ConfigError> {
        self.revoked.extend(pem::revoked("revoked", lists.as_ref())?);
        Ok(self)
    }

    pub(super) fn verifier(self) -> Result<Arc<dyn ClientCertVerifier>, ConfigError> {
        let provider = Arc::new(ring::default_provider());
        let builder = WebPkiClientVerifier::builder_with_provider(self.roots, provider);
        let builder = builder.with_crls(self.revoked);
        let builder = if self.optional { builder.allow_unauthenticated() } else { builder };
        builder.build().map_err(|error| {
            let setting = match error {
                VerifierBuilderError::InvalidCrl(_) => "revoked",
                _ => "clients",
            };
            ConfigError::new(setting, format_args!("cannot be used: {error}"))
        })
    }
}

impl fmt::Debug for Clients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clients")
            .field("roots", &self.roots.len())
            .field("revoked", &self.revoked.len())
            .field("optional", &self.optional)
            .finish()
    }
}
