//! TLS by rustls: what a server shows and whom a client trusts.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};

use super::Options;

/// A server's, if it has a certificate
pub(super) fn server(options: &Options) -> Result<Option<ServerConfig>> {
    let Some((cert, key)) = &options.identity else { return Ok(None) };
    let chain = certificates(cert)?;
    let key = PrivateKeyDer::from_pem_file(key).with_context(|| key.display().to_string())?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config =
        ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(Some(config.with_no_client_auth().with_single_cert(chain, key)?))
}

/// A client's
pub(super) fn client(options: &Options) -> Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    if let Some(ca) = &options.ca {
        for root in certificates(ca)? {
            roots.add(root)?;
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let certificates = CertificateDer::pem_file_iter(file).and_then(Iterator::collect);
    certificates.with_context(|| file.display().to_string())
}
