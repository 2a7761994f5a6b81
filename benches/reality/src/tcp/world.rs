//! What a case is played on: a connection whose road can be taken away. The kernel's and the
//! simulator's connections both are one.

use std::time::Duration;

use anyhow::{Result, ensure};
use everbeat_core::transport::PathEvidence;
use everbeat_faults::Direction;

/// How long a byte is on its way, in both worlds
pub(crate) const DELAY: Duration = Duration::from_millis(15);

/// A world with clocks and roads
pub(crate) trait World {
    type End: End;
    type Road: Road;

    /// Since some beginning
    fn now(&self) -> Duration;

    async fn sleep_until(&self, at: Duration);

    async fn connect(&self) -> Result<Connected<Self::End, Self::Road>>;

    async fn sleep(&self, duration: Duration) {
        self.sleep_until(self.now() + duration).await;
    }
}

/// Two ends and what is between them
pub(crate) struct Connected<E, R> {
    pub(crate) client: E,
    pub(crate) server: E,
    pub(crate) road: R,
}

/// What is between two ends
pub(crate) trait Road {
    /// What sets out that way from now on is lost
    fn close(&self, direction: Direction);

    /// Nothing is lost any more
    fn open(&self);
}

/// One end of a connection
pub(crate) trait End {
    /// Gives its kernel so many bytes
    async fn write(&mut self, bytes: usize) -> Result<()>;

    /// Writes until its kernel has taken nothing for so long
    async fn fill(&mut self, quiet: Duration) -> Result<()>;

    /// Waits until its kernel would take more
    async fn writable(&mut self) -> Result<()>;

    /// Waits for what there is to read
    async fn read(&mut self) -> Result<Read>;

    /// Waits until all that was written is acknowledged; when it was
    async fn acknowledged(&mut self) -> Result<Duration>;

    /// What its kernel knows
    async fn evidence(&mut self) -> Result<PathEvidence>;

    /// Says no more, but listens
    async fn finish(&mut self) -> Result<()>;

    /// Ends with a reset
    async fn abort(&mut self) -> Result<()>;

    async fn read_exactly(&mut self, bytes: usize) -> Result<()> {
        let mut left = bytes;
        while left > 0 {
            let read = self.read().await?;
            let Read::Bytes(some) = read else {
                anyhow::bail!("{left} bytes were missing at {read:?}");
            };
            ensure!(some <= left, "{some} bytes came where {left} were missing");
            left -= some;
        }
        Ok(())
    }
}

/// What reading came to
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Read {
    Bytes(usize),
    End,
    Reset,
}
