//! The peer's byte stream: plain TCP, or TLS over it, which blocks until it is told not to.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, OnceLock};

use everbeat_ws::tls::rustls::crypto::ring;
use everbeat_ws::tls::rustls::pki_types::pem::PemObject;
use everbeat_ws::tls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use everbeat_ws::tls::rustls::{
    ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection, StreamOwned,
};
use everbeat_ws::tls::{ClientTls, ServerTls};
use socket2::SockRef;

use crate::certificates::{Authority, Certified};
use crate::peer::PATIENCE;

/// Bytes, either way
trait Bytes: Read + Write + Send {}

impl<T: Read + Write + Send> Bytes for T {}

/// One connection of a peer's
pub(super) struct Wire {
    bytes: Box<dyn Bytes>,
    tcp: TcpStream,
}

impl Wire {
    /// As the side that dialled
    pub(super) fn client(tcp: TcpStream, tls: bool) -> Self {
        let name = ServerName::try_from("127.0.0.1").unwrap();
        Self::over(tcp, tls, |tcp| {
            let session = ClientConnection::new(Identity::get().trusting(), name);
            Box::new(StreamOwned::new(session.unwrap(), tcp))
        })
    }

    /// As the side that was dialled
    pub(super) fn server(tcp: TcpStream, tls: bool) -> Self {
        Self::over(tcp, tls, |tcp| {
            let session = ServerConnection::new(Identity::get().shown());
            Box::new(StreamOwned::new(session.unwrap(), tcp))
        })
    }

    fn over(tcp: TcpStream, tls: bool, secure: impl FnOnce(TcpStream) -> Box<dyn Bytes>) -> Self {
        tcp.set_read_timeout(Some(PATIENCE)).unwrap();
        tcp.set_write_timeout(Some(PATIENCE)).unwrap();
        tcp.set_nodelay(true).unwrap();
        let stream = tcp.try_clone().unwrap();
        Self { bytes: if tls { secure(stream) } else { Box::new(stream) }, tcp }
    }

    /// From now on it says that it would block
    pub(super) fn never_block(&self) {
        self.tcp.set_nonblocking(true).unwrap();
    }

    /// Makes the kernel's buffers so small that whoever writes is soon stopped
    pub(super) fn narrow(&self) {
        const BYTES: usize = 16 << 10;
        SockRef::from(&self.tcp).set_recv_buffer_size(BYTES).unwrap();
        SockRef::from(&self.tcp).set_send_buffer_size(BYTES).unwrap();
    }

    /// An HTTP head
    pub(super) fn head(&mut self) -> io::Result<String> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            self.bytes.read_exact(&mut byte)?;
            head.push(byte[0]);
        }
        Ok(String::from_utf8_lossy(&head).into_owned())
    }
}

impl Read for Wire {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.bytes.read(into)
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.bytes.flush()
    }
}

/// Who `127.0.0.1` is in all streams of this process
pub(super) struct Identity {
    root: String,
    certified: Certified,
}

impl Identity {
    pub(super) fn get() -> &'static Self {
        static IDENTITY: OnceLock<Identity> = OnceLock::new();
        IDENTITY.get_or_init(|| {
            let authority = Authority::new();
            Self { root: authority.root(), certified: authority.certify("127.0.0.1") }
        })
    }

    /// For our server
    pub(super) fn server(&self) -> ServerTls {
        ServerTls::from_pem(&self.certified.certificate, &self.certified.key).unwrap()
    }

    /// For our client
    pub(super) fn client(&self) -> ClientTls {
        ClientTls::roots(&self.root).unwrap()
    }

    /// For a peer that is a client
    fn trusting(&self) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.root.as_bytes()).unwrap()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let config = config.with_safe_default_protocol_versions().unwrap();
        Arc::new(config.with_root_certificates(roots).with_no_client_auth())
    }

    /// For a peer that is a server
    fn shown(&self) -> Arc<ServerConfig> {
        let chain = CertificateDer::from_pem_slice(self.certified.certificate.as_bytes()).unwrap();
        let key = PrivateKeyDer::from_pem_slice(self.certified.key.as_bytes()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        Arc::new(config.with_single_cert(vec![chain], key).unwrap())
    }
}
