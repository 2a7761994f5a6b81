//! The server's side: its certificate, whose it asks for, and the handshake.

use std::fmt;
use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use everbeat_core::config::ConfigError;
use futures_rustls::TlsAcceptor;
use futures_rustls::rustls::crypto::ring;
use futures_rustls::rustls::server::danger::ClientCertVerifier;
use futures_rustls::rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use futures_rustls::rustls::sign::{CertifiedKey, SingleCertAndKey};
use futures_rustls::rustls::{Error, ServerConfig};

use super::client::ALPN;
use super::live::Live;
use super::{Clients, Layered, TlsError, layered, pem, words};
use crate::socket::{Counted, Socket};
use crate::upgrade::{COURTESY, part, within};

/// A server's certificate and key, and whose certificates it asks for
///
/// TLS 1.2 and 1.3, ring for the cryptography, `http/1.1` as the protocol above (ALPN); clients are
/// asked for no certificate, unless [`clients`](Self::clients) says whose. Its `Debug` shows nothing.
///
/// A clone is the same one: it shares the certificate, the sessions that clients may resume, and
/// what [`reload`](Self::reload) brings.
///
/// ```
/// use everbeat_ws::tls::ServerTls;
///
/// let error = ServerTls::from_pem("no PEM at all", "nor here").unwrap_err();
/// assert_eq!(error.setting(), "certificate");
/// ```
#[derive(Clone)]
pub struct ServerTls(Live<Shown>);

struct Shown {
    config: Arc<ServerConfig>,
    /// What it was made of; `None` is rustls's own, where nothing can be added
    certified: Option<Arc<CertifiedKey>>,
}

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
        let certified = pem::certified(certificates.as_ref(), key.as_ref())?;
        Self::make(certified, WebPkiClientVerifier::no_client_auth())
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

    /// Asks clients for a certificate; a hook finds it in its request
    /// ([`certificates`](crate::upgrade::RequestHead::certificates)), and so does a handler
    ///
    /// Whoever connects is then looked at each time: no session is resumed, for a certificate may
    /// have expired or been revoked since. The result is another one, with which clones made before
    /// have nothing to do.
    ///
    /// # Errors
    ///
    /// A [`ConfigError`] that names `revoked`, if a list in it cannot be read, or `clients`, if this
    /// is from [`from_rustls`](Self::from_rustls), whose configuration says so itself.
    pub fn clients(self, clients: Clients) -> Result<Self, ConfigError> {
        match &self.0.now().certified {
            Some(certified) => Self::make(certified.clone(), clients.verifier()?),
            None => Err(ConfigError::new(
                "clients",
                "cannot be added to a configuration of rustls: it has a verifier of its own",
            )),
        }
    }

    /// Does what this configuration of rustls says: certificates by name, other providers
    ///
    /// It is used as it is, its ALPN too. The version of rustls is the one that
    /// [`rustls`](crate::tls::rustls) is.
    #[must_use]
    pub fn from_rustls(config: Arc<ServerConfig>) -> Self {
        Self(Live::new(Shown { config, certified: None }))
    }

    /// Shows what another one shows and asks for what it asks, from the next connection on, also
    /// through every clone: a certificate that was renewed, a new revocation list
    ///
    /// Keep a clone of what the server was given, and call this when you know that there is
    /// something new: on a signal, or when your ACME client says so. Nothing here watches files. What
    /// cannot be used never comes this far, so that the old one stays. Connections that are there go
    /// on as they are; a session from before is not resumed.
    ///
    /// ```no_run
    /// use everbeat_ws::tls::ServerTls;
    ///
    /// # fn renewed(serving: &ServerTls) -> Result<(), everbeat_core::config::ConfigError> {
    /// serving.reload(&ServerTls::from_files("server.pem", "server.key")?);
    /// # Ok(())
    /// # }
    /// ```
    pub fn reload(&self, new: &Self) {
        self.0.replace(&new.0);
    }

    fn make(
        certified: Arc<CertifiedKey>,
        verifier: Arc<dyn ClientCertVerifier>,
    ) -> Result<Self, ConfigError> {
        let asks = verifier.offer_client_auth();
        let resolver = Arc::new(SingleCertAndKey::from(certified.clone()));
        let refuse = |error: Error| {
            ConfigError::new("certificate", format_args!("cannot be used: {}", words::told(error)))
        };
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(refuse)?
            .with_client_cert_verifier(verifier)
            .with_cert_resolver(resolver);
        config.alpn_protocols = vec![ALPN.to_vec()];
        if asks {
            config.session_storage = Arc::new(NoServerSessionStorage {});
            config.send_tls13_tickets = 0;
        }
        Ok(Self(Live::new(Shown { config: Arc::new(config), certified: Some(certified) })))
    }
}

impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerTls").finish_non_exhaustive()
    }
}

/// The stream that an acceptor's settings ask for
pub(crate) async fn secure_server<S: Socket + Unpin, L: Future<Output = ()>>(
    tls: Option<ServerTls>,
    socket: Counted<S>,
    sleep: impl Fn(Duration) -> L,
) -> Result<Layered<S>, TlsError> {
    let Some(tls) = tls else { return Ok(layered::plain(socket)) };
    let config = tls.0.now().config.clone();
    match TlsAcceptor::from(config).accept(socket).into_fallible().await {
        Ok(stream) => Ok(Layered::Tls(Box::new(stream.into()))),
        Err((error, socket)) => {
            let error = layered::error(error);
            if error.is_of_certificate() {
                // Its request is under way: closing on it would be a reset, which destroys the
                // alert that tells the client what is wrong
                _ = within(sleep(COURTESY), part(socket)).await;
            }
            Err(error)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_asked_for_a_certificate_resumes_no_session() {
        let certified = rcgen::generate_simple_self_signed(["a".to_owned()]).unwrap();
        let (pem, key) = (certified.cert.pem(), certified.signing_key.serialize_pem());
        let plain = ServerTls::from_pem(&pem, key).unwrap();
        let resumes = |tls: &ServerTls| {
            let shown = tls.0.now();
            (shown.config.session_storage.can_cache(), shown.config.send_tls13_tickets > 0)
        };
        assert_eq!(resumes(&plain), (true, true));
        let asking = plain.clone().clients(Clients::signed_by(&pem).unwrap()).unwrap();
        assert_eq!(resumes(&asking), (false, false));
        // And it is another one: what was made before asks nobody
        assert_eq!(resumes(&plain), (true, true));
    }

    #[test]
    fn what_rustls_was_told_is_not_changed() {
        let certified = rcgen::generate_simple_self_signed(["a".to_owned()]).unwrap();
        let (pem, key) = (certified.cert.pem(), certified.signing_key.serialize_pem());
        let config = ServerTls::from_pem(&pem, key).unwrap().0.now().config.clone();
        let refused = ServerTls::from_rustls(config).clients(Clients::signed_by(&pem).unwrap());
        assert_eq!(refused.unwrap_err().setting(), "clients");
    }
}
