//! The client's side: whom it trusts, who it is, and the handshake.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use everbeat_core::config::ConfigError;
use futures_rustls::TlsConnector;
use futures_rustls::pki_types::ServerName;
use futures_rustls::rustls::client::Resumption;
use futures_rustls::rustls::crypto::ring;
use futures_rustls::rustls::sign::SingleCertAndKey;
use futures_rustls::rustls::{ClientConfig, RootCertStore};

use super::live::Live;
use super::{Layered, TlsError, layered, pem, platform};
use crate::connect::Request;
use crate::socket::{Counted, Socket};

/// What is spoken above (RFC 7301): a WebSocket's upgrade is HTTP/1.1
pub(super) const ALPN: &[u8] = b"http/1.1";

/// Whom a client trusts, and who it is
///
/// TLS 1.2 and 1.3, ring for the cryptography, `http/1.1` as the protocol above (ALPN), the server's
/// name checked against the URL's host, a name or an address. The default is
/// [`platform`](Self::platform), and a client that shows no certificate of its own. Its `Debug` shows
/// no key.
///
/// A clone is the same one, and has what [`reload`](Self::reload) brings.
///
/// ```
/// use everbeat_ws::tls::ClientTls;
///
/// let error = ClientTls::roots("no PEM at all").unwrap_err();
/// assert_eq!(error.setting(), "roots");
/// ```
#[derive(Clone)]
pub struct ClientTls(Live<Settled>);

struct Settled {
    trust: Trust,
    identity: Option<Identity>,
}

/// A certificate of the client's own
struct Identity {
    certified: Arc<SingleCertAndKey>,
    /// Made once, so that the sessions in it can be resumed
    config: OnceLock<Arc<ClientConfig>>,
}

#[derive(Clone)]
enum Trust {
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
    pub fn platform() -> Self {
        Self::trust(Trust::Platform)
    }

    /// Trusts these root certificates and no others; PEM, one or more
    ///
    /// # Errors
    ///
    /// A [`ConfigError`] that names `roots`: not PEM, none in it, or one that cannot be a root.
    pub fn roots(pem: impl AsRef<[u8]>) -> Result<Self, ConfigError> {
        let config = trusting(pem::roots("roots", pem.as_ref())?)
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

    /// Shows a server that asks for it this certificate, and then those that lead to its root; with
    /// its private key (PKCS #8, PKCS #1 or SEC 1), both PEM
    ///
    /// Whom it trusts stays as it is. The result is another one, with which clones made before have
    /// nothing to do.
    ///
    /// # Errors
    ///
    /// A [`ConfigError`] that names `certificate` or `key`: not PEM, nothing in it, or the two do
    /// not belong together. It shows nothing of the key.
    pub fn identity(
        self,
        certificates: impl AsRef<[u8]>,
        key: impl AsRef<[u8]>,
    ) -> Result<Self, ConfigError> {
        let certified = pem::certified(certificates.as_ref(), key.as_ref())?;
        let certified = Arc::new(SingleCertAndKey::from(certified));
        let identity = Some(Identity { certified, config: OnceLock::new() });
        Ok(Self(Live::new(Settled { trust: self.0.now().trust.clone(), identity })))
    }

    /// From PEM files, read now: see [`identity`](Self::identity)
    ///
    /// # Errors
    ///
    /// As [`identity`](Self::identity), or a file cannot be read.
    pub fn identity_files(
        self,
        certificates: impl AsRef<Path>,
        key: impl AsRef<Path>,
    ) -> Result<Self, ConfigError> {
        let certificates = pem::read("certificate", certificates.as_ref())?;
        self.identity(certificates, pem::read("key", key.as_ref())?)
    }

    /// Trusts whom another one trusts and shows what it shows, from the next attempt on, also
    /// through every clone: a certificate that was renewed, other roots
    ///
    /// Keep a clone of what the client was given. A connection that is there goes on as it is.
    pub fn reload(&self, new: &Self) {
        self.0.replace(&new.0);
    }

    /// Does what this configuration of rustls says: other providers, pinning
    ///
    /// It is used as it is, its ALPN too. The version of rustls is the one that
    /// [`rustls`](crate::tls::rustls) is.
    #[must_use]
    pub fn from_rustls(config: Arc<ClientConfig>) -> Self {
        Self::trust(Trust::Config(config))
    }

    fn trust(trust: Trust) -> Self {
        Self(Live::new(Settled { trust, identity: None }))
    }

    async fn config(self) -> Result<Arc<ClientConfig>, TlsError> {
        let settled = self.0.now();
        let config = match &settled.trust {
            Trust::Platform => platform::config().await?,
            Trust::Config(config) => config.clone(),
        };
        Ok(match &settled.identity {
            Some(identity) => identity.config.get_or_init(|| identity.of(&config)).clone(),
            None => config,
        })
    }
}

impl Identity {
    /// A configuration that does the same as another, as this client
    fn of(&self, config: &ClientConfig) -> Arc<ClientConfig> {
        let mut config = config.clone();
        config.client_auth_cert_resolver = self.certified.clone();
        // Nobody resumes a session that another client began
        config.resumption = Resumption::default();
        Arc::new(config)
    }
}

impl Default for ClientTls {
    fn default() -> Self {
        Self::platform()
    }
}

impl fmt::Debug for ClientTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let settled = self.0.now();
        let trust = match settled.trust {
            Trust::Platform => "platform",
            Trust::Config(_) => "own",
        };
        f.debug_struct("ClientTls")
            .field("trust", &trust)
            .field("identity", &settled.identity.is_some())
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
