//! Whom the command trusts, and who it is: one configuration of rustls for everything that it dials,
//! because the doctor speaks TLS below its own frames.

use std::sync::Arc;

use futures_rustls::pki_types::pem::PemObject;
use futures_rustls::pki_types::{CertificateDer, PrivateKeyDer};
use futures_rustls::rustls::crypto::ring;
use futures_rustls::rustls::{ClientConfig, RootCertStore};

use crate::exit::{Failure, chain};
use crate::target::Target;

/// The configuration that a target asks for
pub(crate) fn config(target: &Target) -> Result<Arc<ClientConfig>, Failure> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Failure::usage(&error))?
        .with_root_certificates(roots(target)?);
    let mut config = match (&target.cert, &target.key) {
        (Some(cert), Some(key)) => {
            let about = |file: &std::path::Path, error: &dyn std::error::Error| {
                Failure::Usage(format!("{}: {}", file.display(), chain(error)))
            };
            let chained = CertificateDer::pem_file_iter(cert)
                .and_then(Iterator::collect::<Result<Vec<_>, _>>)
                .map_err(|error| about(cert, &error))?;
            let key = PrivateKeyDer::from_pem_file(key).map_err(|error| about(key, &error))?;
            builder.with_client_auth_cert(chained, key).map_err(|error| about(cert, &error))?
        }
        _ => builder.with_no_client_auth(),
    };
    // A WebSocket's upgrade is HTTP/1.1 (RFC 7301).
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn roots(target: &Target) -> Result<RootCertStore, Failure> {
    let mut roots = RootCertStore::empty();
    let Some(file) = &target.ca else {
        // What cannot be parsed of the platform's is skipped, as everbeat's clients do.
        let found = rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(found.certs);
        return match (roots.is_empty(), found.errors.first()) {
            (true, Some(error)) => Err(Failure::usage(error)),
            (true, None) => {
                Err(Failure::Usage("the platform has no root certificate: --ca".into()))
            }
            (false, _) => Ok(roots),
        };
    };
    let about = |words: String| Failure::Usage(format!("--ca {}: {words}", file.display()));
    for certificate in CertificateDer::pem_file_iter(file).map_err(|error| about(chain(&error)))? {
        let certificate = certificate.map_err(|error| about(chain(&error)))?;
        roots.add(certificate).map_err(|error| about(chain(&error)))?;
    }
    match roots.is_empty() {
        true => Err(about("has no certificate in it".into())),
        false => Ok(roots),
    }
}
