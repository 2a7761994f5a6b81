//! TLS by rustls: what is shown and who is trusted.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};

use super::Options;

/// A server's, if it has a certificate; it asks its clients for theirs if it trusts anybody
pub(super) fn server(options: &Options) -> Result<Option<ServerConfig>> {
    let Some((chain, key)) = identity(options)? else { return Ok(None) };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = match &options.ca {
        Some(_) => {
            let roots = Arc::new(roots(options)?);
            WebPkiClientVerifier::builder_with_provider(roots, provider.clone()).build()?
        }
        None => WebPkiClientVerifier::no_client_auth(),
    };
    let config =
        ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(Some(config.with_client_cert_verifier(verifier).with_single_cert(chain, key)?))
}

/// A client's; it shows its certificate if it has one and is asked
pub(super) fn client(options: &Options) -> Result<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let config = config.with_root_certificates(roots(options)?);
    Ok(match identity(options)? {
        Some((chain, key)) => config.with_client_auth_cert(chain, key)?,
        None => config.with_no_client_auth(),
    })
}

type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn identity(options: &Options) -> Result<Option<Identity>> {
    let Some((cert, key)) = &options.identity else { return Ok(None) };
    let key = PrivateKeyDer::from_pem_file(key).with_context(|| key.display().to_string())?;
    Ok(Some((certificates(cert)?, key)))
}

fn roots(options: &Options) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    if let Some(ca) = &options.ca {
        for root in certificates(ca)? {
            roots.add(root)?;
        }
    }
    Ok(roots)
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let certificates = CertificateDer::pem_file_iter(file).and_then(Iterator::collect);
    certificates.with_context(|| file.display().to_string())
}
