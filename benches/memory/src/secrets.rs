//! The server's certificate, and who trusts it; nothing at all without the feature `tls`.

#[cfg(not(feature = "tls"))]
pub(crate) use plain::Secrets;
#[cfg(feature = "tls")]
pub(crate) use tls::{Secrets, secure};

#[cfg(not(feature = "tls"))]
mod plain {
    /// There are none
    #[derive(Debug)]
    pub(crate) enum Secrets {}
}

#[cfg(feature = "tls")]
mod tls {
    use std::net::TcpStream;
    use std::sync::Arc;

    use anyhow::Result;
    use everbeat_conformance::certificates::Authority;
    use everbeat_ws::tls::ServerTls;
    use futures_rustls::rustls::crypto::ring;
    use futures_rustls::rustls::pki_types::pem::PemObject;
    use futures_rustls::rustls::pki_types::{CertificateDer, ServerName};
    use futures_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

    use crate::crowd::Wire;

    #[derive(Clone, Debug)]
    pub(crate) struct Secrets {
        pub(crate) server: ServerTls,
        pub(crate) client: Arc<ClientConfig>,
    }

    impl Secrets {
        pub(crate) fn new() -> Result<Self> {
            let authority = Authority::new();
            let certified = authority.certify("localhost");
            let mut roots = RootCertStore::empty();
            roots.add(CertificateDer::from_pem_slice(authority.root().as_bytes())?)?;
            let client = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
                .with_safe_default_protocol_versions()?
                .with_root_certificates(roots)
                .with_no_client_auth();
            let server = ServerTls::from_pem(certified.certificate, certified.key)?;
            Ok(Self { server, client: Arc::new(client) })
        }
    }

    type Secure = StreamOwned<ClientConnection, TcpStream>;

    impl Wire for Secure {
        fn tcp(&self) -> &TcpStream {
            self.get_ref()
        }
    }

    /// TLS over a socket; what it holds is the peer's, not the server's
    pub(crate) fn secure(secrets: &Secrets, stream: TcpStream) -> Result<Secure> {
        let name = ServerName::try_from("localhost")?;
        Ok(StreamOwned::new(ClientConnection::new(secrets.client.clone(), name)?, stream))
    }
}
