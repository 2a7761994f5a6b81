//! Streams for the libraries that leave them to their users: TCP, with TLS over it or not.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result};
use hyper::Uri;
use rustls::pki_types::ServerName;
use serde_json::json;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::words::say;
use super::{Options, tls};

pub(super) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Io for S {}

pub(super) type Stream = Box<dyn Io>;

/// Where a server listens
pub(super) struct Door {
    listener: TcpListener,
    acceptor: Option<TlsAcceptor>,
}

/// Someone who knocks
pub(super) struct Guest {
    stream: TcpStream,
    pub(super) from: SocketAddr,
    acceptor: Option<TlsAcceptor>,
}

impl Door {
    /// Says where it is
    pub(super) async fn open(at: &str, options: &Options) -> Result<Self> {
        let listener = TcpListener::bind(at).await.with_context(|| at.to_owned())?;
        let acceptor = tls::server(options)?.map(|config| TlsAcceptor::from(Arc::new(config)));
        say(json!({ "listening": listener.local_addr()?.to_string() }));
        Ok(Self { listener, acceptor })
    }

    pub(super) fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    pub(super) async fn guest(&self) -> std::io::Result<Guest> {
        let (stream, from) = self.listener.accept().await?;
        stream.set_nodelay(true)?;
        Ok(Guest { stream, from, acceptor: self.acceptor.clone() })
    }
}

impl Guest {
    /// Lets it in
    pub(super) async fn stream(self) -> std::io::Result<Stream> {
        Ok(match self.acceptor {
            Some(acceptor) => Box::new(acceptor.accept(self.stream).await?),
            None => Box::new(self.stream),
        })
    }
}

/// To whom this URL leads
pub(super) async fn connect(url: &Uri, options: &Options) -> Result<Stream> {
    let authority = url.authority().context("a URL names a host")?;
    let port = authority.port_u16().context("and a port")?;
    let stream = TcpStream::connect((authority.host(), port)).await?;
    stream.set_nodelay(true)?;
    if url.scheme_str() != Some("wss") {
        return Ok(Box::new(stream));
    }
    let connector = TlsConnector::from(Arc::new(tls::client(options)?));
    let name = ServerName::try_from(authority.host().to_owned())?;
    Ok(Box::new(connector.connect(name, stream).await?))
}
