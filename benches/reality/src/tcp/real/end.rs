//! One end of a connection of this machine's kernel.

use std::io::ErrorKind;
use std::net::TcpStream as Socket;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use everbeat_core::transport::PathEvidence;
use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::super::world::{End, Read};
use super::road::Way;
use super::{Kernel, evidence};

/// Between two looks at what has passed
const LOOK: Duration = Duration::from_millis(5);
/// Of one write that fills a buffer, and the most that one reading takes
const PIECE: usize = 16 << 10;

/// A connected socket
pub(in super::super) struct RealEnd {
    kernel: Arc<Kernel>,
    socket: Option<TcpStream>,
    port: u16,
    way: Way,
    written: u32,
}

impl RealEnd {
    pub(super) fn new(kernel: Arc<Kernel>, socket: Socket, port: u16, way: Way) -> Result<Self> {
        socket.set_nodelay(true)?;
        socket.set_nonblocking(true)?;
        let socket = Some(TcpStream::from_std(socket)?);
        Ok(Self { kernel, socket, port, way, written: 0 })
    }

    fn socket(&mut self) -> Result<&mut TcpStream> {
        self.socket.as_mut().context("it was aborted")
    }
}

impl End for RealEnd {
    async fn write(&mut self, bytes: usize) -> Result<()> {
        self.socket()?.write_all(&vec![0; bytes]).await?;
        self.written += u32::try_from(bytes)?;
        Ok(())
    }

    async fn fill(&mut self, quiet: Duration) -> Result<()> {
        while let Ok(written) = timeout(quiet, self.socket()?.write(&[0; PIECE])).await {
            self.written += u32::try_from(written?)?;
        }
        Ok(())
    }

    async fn writable(&mut self) -> Result<()> {
        Ok(self.socket()?.writable().await?)
    }

    async fn read(&mut self) -> Result<Read> {
        match self.socket()?.read(&mut [0; PIECE]).await {
            Ok(0) => Ok(Read::End),
            Ok(some) => Ok(Read::Bytes(some)),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => Ok(Read::Reset),
            Err(error) => Err(error.into()),
        }
    }

    async fn acknowledged(&mut self) -> Result<Duration> {
        let (kernel, port, way) = (&self.kernel, self.port, self.way);
        let first = kernel.roads.first(port, way).context("nobody saw it connect")?;
        loop {
            if let Some(at) = kernel.roads.acknowledged(port, way, first, self.written) {
                return Ok(kernel.since_begun(at));
            }
            sleep(LOOK).await;
        }
    }

    async fn evidence(&mut self) -> Result<PathEvidence> {
        let (place, which) = match self.way {
            Way::ToServer => (&self.kernel.client, "dport"),
            Way::ToClient => (&self.kernel.server, "sport"),
        };
        let told = place.ask(format!("{which} = :{}", self.port)).await?;
        evidence::parse(&told).with_context(|| format!("`ss` told: {told}"))
    }

    async fn finish(&mut self) -> Result<()> {
        Ok(self.socket()?.shutdown().await?)
    }

    async fn abort(&mut self) -> Result<()> {
        let socket = self.socket.take().context("it was aborted")?;
        Ok(SockRef::from(&socket).set_linger(Some(Duration::ZERO))?)
    }
}
