//! The client's side: whom it trusts, and the handshake.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use everbeat_core::config::ConfigError;
use futures_rustls::TlsConnector;
use futures_rustls::pki_types::ServerName;
use futures_rustls::rustls::crypto::ring;
use futures_rustls::rustls::{ClientConfig, RootCertStore};

use super::{Layered, TlsError, layered, pem, platform};
use crate::connect::Request;
use crate::socket::{Counted, Socket};

/// What is spoken above (RFC 7301): a WebSocket's upgrade is HTTP/1.1
pub(super) const ALPN: &[u8] = b"http/1.1";

/// Whom a client trusts
///
/// TLS 1.2 and 1.3, ring for the cryptography, the server's name checked against the URL's host,
/// a name or an address. The default is [`platform`](Self::platform).
///
/// ```
/// use everbeat_ws::tls::ClientTls;
///
/// let error = ClientTls::roots("no PEM at all").unwrap_err();
/// assert_eq!(error.setting(), "roots");
/// ```
#[derive(Clone, Default)]
pub struct ClientTls(Trust);

#[derive(Clone, Default)]
enum Trust {
    #[default]
    Platform,
    Config(Arc<ClientConfig>),
}

impl ClientTls {
    /// Trusts whom the platform trusts
    ///
    /// The roots are read at the first attempt that needs them, on a thread of its own, and then
    /// kept for the whole process; a failure is not kept. `SSL_CERT_FILE` and `SSL_CERT_DIR` stand
    /// in for the platform's.
    #[must_use]
    pub const fn platform() -> Self {
        Self(Trust::Platform)
    }

    /// Trusts these root certificates and no others; PEM, one or more
    ///
    /// # Errors
    ///
    /// A [`ConfigError`] that names `roots`: not PEM, none in it, or one that cannot be a root.
    pub fn roots(pem: impl AsRef<[u8]>) -> Result<Self, ConfigError> {
        let mut roots = RootCertStore::empty();
        for root in pem::certificates("roots", pem.as_ref())? {
            roots.add(root).map_err(|error| {
                ConfigError::new("roots", format_args!("has one that cannot be a root: {error}"))
            })?;
        }
        let config = trusting(roots)
            .map_err(|error| ConfigError::new("roots", format_args!("cannot be: {error}")))?;
        Ok(Self::from_rustls(config))
    }

    /// Trusts the root certificates in a PEM file and no others; the file is read now
    ///
    /// # Errors
    ///
    /// As [`roots`](Self::roots), or the file cannot be read.
    pub fn roots_file(path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        Self::roots(pem::read("roots", path.as_ref())?)
    }

    /// Does what this configuration of rustls says: client certificates, other providers, pinning
    ///
    /// It is used as it is, its ALPN too. The version of rustls is the one that
    /// [`rustls`](crate::tls::rustls) is.
    #[must_use]
    pub const fn from_rustls(config: Arc<ClientConfig>) -> Self {
        Self(Trust::Config(config))
    }

    async fn config(self) -> Result<Arc<ClientConfig>, TlsError> {
        match self.0 {
            Trust::Platform => platform::config().await,
            Trust::Config(config) => Ok(config),
        }
    }
}

impl fmt::Debug for ClientTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ClientTls")
            .field(match self.0 {
                Trust::Platform => &"platform",
                Trust::Config(_) => &"own",
            })
            .finish()
    }
}

/// A configuration that trusts these roots
pub(super) fn trusting(
    roots: RootCertStore,
) -> Result<Arc<ClientConfig>, futures_rustls::rustls::Error> {
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![ALPN.to_vec()];
    Ok(Arc::new(config))
}

/// The stream that a request asks for: a secure one for `wss`, the socket itself for `ws`
pub(crate) async fn secure_client<S: Socket + Unpin>(
    tls: Option<ClientTls>,
    request: &Request,
    socket: Counted<S>,
) -> Result<Layered<S>, TlsError> {
    match request.is_secure() {
        true => handshake(tls.unwrap_or_default(), request.host(), socket).await,
        false => Ok(layered::plain(socket)),
    }
}

/// Makes a stream secure, as a client of `host`
pub(super) async fn handshake<S: Socket + Unpin>(
    tls: ClientTls,
    host: &str,
    socket: Counted<S>,
) -> Result<Layered<S>, TlsError> {
    // An address is named too, though no SNI tells it (RFC 6066, section 3)
    let name =
        ServerName::try_from(host.to_owned()).map_err(|error| TlsError::Host(error.into()))?;
    let connecting = TlsConnector::from(tls.config().await?).connect(name, socket);
    let stream = connecting.await.map_err(layered::error)?;
    Ok(Layered::Tls(Box::new(stream.into())))
}
