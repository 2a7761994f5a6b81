//! The server's side: its certificate, and the handshake.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use everbeat_core::config::ConfigError;
use futures_rustls::TlsAcceptor;
use futures_rustls::rustls::crypto::ring;
use futures_rustls::rustls::{Error, ServerConfig};

use super::client::ALPN;
use super::{Layered, TlsError, layered, pem, words};
use crate::socket::{Counted, Socket};

/// A server's certificate and key
///
/// TLS 1.2 and 1.3, ring for the cryptography; clients are asked for no certificate. Its `Debug`
/// shows nothing. A clone shares both, and the sessions that clients may resume.
///
/// ```
/// use everbeat_ws::tls::ServerTls;
///
/// let error = ServerTls::from_pem("no PEM at all", "nor here").unwrap_err();
/// assert_eq!(error.setting(), "certificate");
/// ```
#[derive(Clone)]
pub struct ServerTls(Arc<ServerConfig>);

impl ServerTls {
    /// From PEM in memory: the server's certificate and then those that lead to its root, and the
    /// certificate's private key (PKCS #8, PKCS #1 or SEC 1)
    ///
    /// # Errors
    ///
    /// A [`ConfigError`] that names `certificate` or `key`: not PEM, nothing in it, or the two do
    /// not belong together. It shows nothing of the key.
    pub fn from_pem(
        certificates: impl AsRef<[u8]>,
        key: impl AsRef<[u8]>,
    ) -> Result<Self, ConfigError> {
        let chain = pem::certificates("certificate", certificates.as_ref())?;
        let key = pem::key("key", key.as_ref())?;
        let refuse = |error| {
            // The key is read first, and then compared with the certificate
            let setting = match error {
                Error::InvalidCertificate(_) | Error::NoCertificatesPresented => "certificate",
                _ => "key",
            };
            ConfigError::new(setting, format_args!("cannot be used: {}", words::told(error)))
        };
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(refuse)?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(refuse)?;
        config.alpn_protocols = vec![ALPN.to_vec()];
        Ok(Self(Arc::new(config)))
    }

    /// From PEM files, read now: see [`from_pem`](Self::from_pem)
    ///
    /// # Errors
    ///
    /// As [`from_pem`](Self::from_pem), or a file cannot be read.
    pub fn from_files(
        certificates: impl AsRef<Path>,
        key: impl AsRef<Path>,
    ) -> Result<Self, ConfigError> {
        let certificates = pem::read("certificate", certificates.as_ref())?;
        Self::from_pem(certificates, pem::read("key", key.as_ref())?)
    }

    /// Does what this configuration of rustls says: client certificates, certificates by name,
    /// renewal while it runs
    ///
    /// It is used as it is, its ALPN too. The version of rustls is the one that
    /// [`rustls`](crate::tls::rustls) is.
    #[must_use]
    pub const fn from_rustls(config: Arc<ServerConfig>) -> Self {
        Self(config)
    }
}

impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerTls").finish_non_exhaustive()
    }
}

/// The stream that an acceptor's settings ask for
pub(crate) async fn secure_server<S: Socket + Unpin>(
    tls: Option<ServerTls>,
    socket: Counted<S>,
) -> Result<Layered<S>, TlsError> {
    match tls {
        Some(ServerTls(config)) => {
            let accepted = TlsAcceptor::from(config).accept(socket).await;
            Ok(Layered::Tls(Box::new(accepted.map_err(layered::error)?.into())))
        }
        None => Ok(layered::plain(socket)),
    }
}
