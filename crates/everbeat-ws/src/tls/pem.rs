//! Certificates and keys from PEM text (RFC 7468), in memory or in a file; what is wrong is told by
//! the setting's name, and never with the text itself.

use std::path::Path;
use std::sync::Arc;

use everbeat_core::config::ConfigError;
use futures_rustls::pki_types::pem::PemObject;
use futures_rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use futures_rustls::rustls::crypto::ring;
use futures_rustls::rustls::sign::CertifiedKey;
use futures_rustls::rustls::{Error, RootCertStore};

use super::words;

/// Reads a file whole
pub(super) fn read(setting: &'static str, path: &Path) -> Result<Vec<u8>, ConfigError> {
    std::fs::read(path).map_err(|error| {
        ConfigError::new(setting, format_args!("cannot be read from {}: {error}", path.display()))
    })
}

/// One certificate or more
pub(super) fn certificates(
    setting: &'static str,
    pem: &[u8],
) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
    let certificates = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<Vec<_>, _>>()
        // The parser's own error may quote what it met, and that may be a key in the wrong place
        .map_err(|_| ConfigError::new(setting, "is not PEM of certificates, each line its own"))?;
    if certificates.is_empty() {
        return Err(ConfigError::new(setting, "has no certificate in it"));
    }
    Ok(certificates)
}

/// Certificates that others have to lead to
pub(super) fn roots(setting: &'static str, pem: &[u8]) -> Result<RootCertStore, ConfigError> {
    let mut roots = RootCertStore::empty();
    for root in certificates(setting, pem)? {
        roots.add(root).map_err(|error| {
            ConfigError::new(setting, format_args!("has one that cannot be a root: {error}"))
        })?;
    }
    Ok(roots)
}

/// One revocation list or more
pub(super) fn revoked(
    setting: &'static str,
    pem: &[u8],
) -> Result<Vec<CertificateRevocationListDer<'static>>, ConfigError> {
    let lists = CertificateRevocationListDer::pem_slice_iter(pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| ConfigError::new(setting, "is not PEM of revocation lists"))?;
    if lists.is_empty() {
        return Err(ConfigError::new(setting, "has no revocation list in it"));
    }
    Ok(lists)
}

/// A certificate, those that lead to its root, and its key: the two belong together
pub(super) fn certified(certificate: &[u8], key: &[u8]) -> Result<Arc<CertifiedKey>, ConfigError> {
    let chain = certificates("certificate", certificate)?;
    let key = private_key("key", key)?;
    CertifiedKey::from_der(chain, key, &ring::default_provider()).map(Arc::new).map_err(|error| {
        // The key is read first, and then compared with the certificate
        let setting = match error {
            Error::InvalidCertificate(_) | Error::NoCertificatesPresented => "certificate",
            _ => "key",
        };
        ConfigError::new(setting, format_args!("cannot be used: {}", words::told(error)))
    })
}

/// The first private key
fn private_key(setting: &'static str, pem: &[u8]) -> Result<PrivateKeyDer<'static>, ConfigError> {
    // The parser's own error may quote a line of the key
    PrivateKeyDer::from_pem_slice(pem).map_err(|_| {
        ConfigError::new(setting, "has no private key in it, as PEM of PKCS #8, PKCS #1 or SEC 1")
    })
}
