//! Certificates and keys from PEM text (RFC 7468), in memory or in a file; what is wrong is told by
//! the setting's name, and never with the text itself.

use std::path::Path;

use everbeat_core::config::ConfigError;
use futures_rustls::pki_types::pem::PemObject;
use futures_rustls::pki_types::{CertificateDer, PrivateKeyDer};

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

/// The first private key
pub(super) fn key(
    setting: &'static str,
    pem: &[u8],
) -> Result<PrivateKeyDer<'static>, ConfigError> {
    // The parser's own error may quote a line of the key
    PrivateKeyDer::from_pem_slice(pem).map_err(|_| {
        ConfigError::new(setting, "has no private key in it, as PEM of PKCS #8, PKCS #1 or SEC 1")
    })
}
