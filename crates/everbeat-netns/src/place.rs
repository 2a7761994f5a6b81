//! A place: a thread in a network namespace that only it has. What it makes there, sockets and
//! processes, stays there wherever it is used.

use std::any::Any;
use std::ffi::OsStr;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::mpsc::{self, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use std::{fs, io};

use anyhow::{Context, Result, ensure};

use crate::sys;
use crate::tools::Tools;

type Work = Box<dyn FnOnce() + Send>;
/// What became of work that may have panicked
type Done<T> = Result<T, Box<dyn Any + Send>>;

/// Between two looks at what a process has become
const LOOK: Duration = Duration::from_millis(1);

/// A network of its own, in the beginning without any link, and who works there
///
/// Dropped, it ends what it has started ([`command`](Self::command)) and is gone; so are its links. A
/// socket that was made there and lives on elsewhere keeps the network, without its name to anybody.
#[derive(Debug)]
pub struct Place {
    name: String,
    tools: Tools,
    network: PathBuf,
    worker: Option<(Sender<Work>, JoinHandle<()>)>,
}

impl Place {
    /// A place; the name is for people, and for the link that leads to it
    ///
    /// # Errors
    ///
    /// The name is no name for a link, or there is no network for us: that wants Linux and root.
    pub fn new(name: &str, tools: &Tools) -> Result<Self> {
        let plain = name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '-');
        ensure!(plain && (1..=15).contains(&name.len()), "`{name}` cannot be the name of a link");
        let (sender, work) = mpsc::channel::<Work>();
        let (settled, found) = mpsc::channel();
        let begin = move || {
            let network = settle();
            let went = network.is_ok();
            if settled.send(network).is_ok() && went {
                work.into_iter().for_each(|work| work());
            }
        };
        let thread = thread::Builder::new().name(name.into()).spawn(begin)?;
        let network = found.recv().context("its thread is gone")?;
        let network = network.context("no network namespace for us: it wants root")?;
        let worker = Some((sender, thread));
        Ok(Self { name: name.into(), tools: tools.clone(), network, worker })
    }

    /// Its name
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The namespace, as a path that `ip link set .. netns` and `nsenter --net=` take
    #[must_use]
    pub fn network(&self) -> &Path {
        &self.network
    }

    /// Has work done there, behind what was asked for before, and waits for it
    ///
    /// # Errors
    ///
    /// Nobody works there any more.
    ///
    /// # Panics
    ///
    /// If the work does.
    pub fn run<T, W>(&self, work: W) -> Result<T>
    where
        T: Send + 'static,
        W: FnOnce() -> T + Send + 'static,
    {
        let (done, result) = mpsc::channel();
        self.begin(work, move |worked| _ = done.send(worked))?;
        let worked: Done<T> = result.recv().context("nobody works there any more")?;
        Ok(worked.unwrap_or_else(|panic| resume_unwind(panic)))
    }

    /// The same without waiting; `done` is called there, and must not panic
    ///
    /// # Errors
    ///
    /// Nobody works there any more.
    pub fn begin<T, W, D>(&self, work: W, done: D) -> Result<()>
    where
        W: FnOnce() -> T + Send + 'static,
        D: FnOnce(Done<T>) + Send + 'static,
    {
        let (worker, _) = self.worker.as_ref().context("nobody works there any more")?;
        let work = move || done(catch_unwind(AssertUnwindSafe(work)));
        worker.send(Box::new(work)).ok().context("nobody works there any more")
    }

    /// A program, to be given its words and then to be [`spawn`](Self::spawn)ed: it is killed when the
    /// place is gone, also if it is stopped by then, and also if we are killed ourselves
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("setpriv");
        // Sent when the thread that has started it ends, and that is the place's.
        command.args(["--pdeathsig", "KILL", "--"]).arg(program);
        command
    }

    /// Starts a process there; returns once it is the program, so that it is bound to the place
    /// whatever happens to it next
    ///
    /// # Errors
    ///
    /// It cannot be started.
    pub fn spawn(&self, mut command: Command) -> Result<Child> {
        let line = format!("{command:?}");
        let child = self.run(move || command.spawn())?.context(line)?;
        while is_setpriv(child.id()) {
            thread::sleep(LOOK);
        }
        Ok(child)
    }

    /// Runs a tool there, with something to read; what it says
    pub(crate) fn tool(
        &self,
        program: &'static str,
        words: &[&str],
        input: &str,
    ) -> Result<String> {
        let (tools, input) = (self.tools.clone(), input.to_owned());
        let words = words.iter().map(ToString::to_string).collect::<Vec<_>>();
        let said = self.run(move || {
            let words = words.iter().map(String::as_str).collect::<Vec<_>>();
            tools.run(program, &words, &input)
        })?;
        said.with_context(|| format!("at {}", self.name))
    }

    /// `ip`, a line each
    pub(crate) fn ip(&self, lines: &[String]) -> Result<()> {
        self.tool("ip", &["-batch", "-"], &(lines.join("\n") + "\n")).map(drop)
    }
}

/// Whether that process has not become what it is to be; one that has ended is nothing any more
fn is_setpriv(process: u32) -> bool {
    let program = fs::read_link(format!("/proc/{process}/exe"));
    program.is_ok_and(|program| program.ends_with("setpriv"))
}

/// Moves this thread into a network of its own; the path to it
fn settle() -> io::Result<PathBuf> {
    sys::leave()?;
    Ok(Path::new("/proc").join(fs::read_link("/proc/thread-self")?).join("ns/net"))
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some((sender, thread)) = self.worker.take() {
            drop(sender);
            // What panicked was told to who asked for it.
            _ = thread.join();
        }
    }
}
