//! A host: a thread in a network namespace of its own, in which sockets are made. They stay there
//! wherever they are used.

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, Sender};
use std::thread;

use anyhow::{Context, Result, ensure};
use nix::sched::{CloneFlags, unshare};
use tokio::sync::oneshot;
use tun_rs::{DeviceBuilder, SyncDevice};

/// Where the client lives; these hosts are connected with nothing but each other
pub(super) const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 99, 0, 1);
/// And the server
pub(super) const SERVER: Ipv4Addr = Ipv4Addr::new(10, 99, 0, 2);
/// The length of the prefix that holds both
const PREFIX: u8 = 30;

type Work = Box<dyn FnOnce() + Send>;

/// A host, and who works there
#[derive(Debug)]
pub(super) struct Place {
    worker: Sender<Work>,
}

impl Place {
    /// A host at `address`, and the end of its only wire
    pub(super) fn new(address: Ipv4Addr, peer: Ipv4Addr) -> Result<(Self, SyncDevice)> {
        let (worker, work) = mpsc::channel::<Work>();
        let (made, device) = mpsc::channel();
        thread::spawn(move || {
            let built = build(address, peer);
            let go_on = built.is_ok();
            if made.send(built).is_ok() && go_on {
                work.into_iter().for_each(|work| work());
            }
        });
        let device = device.recv().context("the host's thread is gone")??;
        Ok((Self { worker }, device))
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
        let work = move || {
            // Nobody may want to know any more.
            _ = done.send(work());
        };
        self.worker.send(Box::new(work)).ok().context("the host's thread is gone")?;
        result.await.context("the host's thread is gone")
    }
}

fn build(address: Ipv4Addr, peer: Ipv4Addr) -> Result<SyncDevice> {
    unshare(CloneFlags::CLONE_NEWNET).context("no network namespace for us: it wants root")?;
    let device = DeviceBuilder::new().ipv4(address, PREFIX, Some(peer)).build_sync();
    device.context("no TUN device for us")
}
