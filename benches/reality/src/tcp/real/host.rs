//! A host: a network of its own, in which sockets are made. They stay there wherever they are used.

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, TcpStream};
use std::panic::resume_unwind;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use everbeat_link::Wire;
use everbeat_netns::{Place, Tools};
use tokio::sync::oneshot;

/// Where the client lives; these hosts are connected with nothing but each other
pub(super) const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 99, 0, 1);
/// And the server
pub(super) const SERVER: Ipv4Addr = Ipv4Addr::new(10, 99, 0, 2);

/// A host, and who works there
#[derive(Debug)]
pub(super) struct Host(Place);

impl Host {
    /// A host at `address`, and the end of its only wire
    pub(super) fn new(name: &str, address: Ipv4Addr, peer: Ipv4Addr) -> Result<(Self, Wire)> {
        let place = Place::new(name, &Tools::default())?;
        let wire = Wire::new(&place, address, peer)?;
        Ok((Self(place), wire))
    }

    /// Whether its kernel can be asked here
    pub(super) fn can_tell(&self) -> Result<()> {
        let asked = Command::new("ss").arg("--version").stdout(Stdio::null()).status();
        ensure!(asked.context("there is no `ss` on this machine")?.success(), "`ss` does not work");
        Ok(())
    }

    pub(super) async fn listen(&self, port: u16) -> Result<TcpListener> {
        let address = SocketAddrV4::new(SERVER, port);
        Ok(self.run(move || TcpListener::bind(address)).await??)
    }

    pub(super) async fn connect(&self, port: u16) -> Result<TcpStream> {
        let address = SocketAddrV4::new(SERVER, port);
        Ok(self.run(move || TcpStream::connect(address)).await??)
    }

    pub(super) async fn accept(&self, listener: TcpListener) -> Result<TcpStream> {
        Ok(self.run(move || listener.accept()).await??.0)
    }

    /// What its kernel says of its connected sockets that fit the filter, a line each
    pub(super) async fn ask(&self, filter: String) -> Result<String> {
        let output = self.run(move || -> io::Result<_> {
            let words = ["--tcp", "--info", "--numeric", "--no-header", "--oneline"];
            Command::new("ss").args(words).arg(filter).output()
        });
        let output = output.await??;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Has it done there, after what was asked before
    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let (done, result) = oneshot::channel();
        // Nobody may want to know any more.
        self.0.begin(work, move |worked| drop(done.send(worked)))?;
        let worked = result.await.context("the host's thread is gone")?;
        Ok(worked.unwrap_or_else(|panic| resume_unwind(panic)))
    }
}
