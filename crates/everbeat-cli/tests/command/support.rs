//! The binary as a child, and servers for it to talk to.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use everbeat_tokio::Server;
use everbeat_tokio::server::{Connection, ServerBuilder};
use everbeat_tokio::transport::tls::ServerTls;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

/// What must happen, happens within this time, however busy the machine is
pub(crate) const SOON: Duration = Duration::from_secs(60);

/// What a run left
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Done {
    /// The objects of `--json`
    pub(crate) fn events(&self) -> Vec<Value> {
        let parse =
            |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"));
        self.out.lines().map(parse).collect()
    }

    /// The only object of this name
    pub(crate) fn event(&self, name: &str) -> Value {
        let mut events = self.events();
        events.retain(|event| event["event"] == name);
        assert_eq!(events.len(), 1, "{name} in {self:?}");
        events.remove(0)
    }
}

pub(crate) fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_everbeat"));
    command.args(args).stdin(Stdio::null()).kill_on_drop(true);
    // What the one who runs the tests has set is not what is tested.
    command.env_remove("NO_COLOR").env_remove("SSL_CERT_FILE");
    command
}

/// Runs it to its end
pub(crate) async fn everbeat(args: &[&str]) -> Done {
    let output = timeout(SOON, command(args).output()).await.expect("it ends").unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Done { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// Runs it with this as its stdin
pub(crate) async fn everbeat_with(input: &str, args: &[&str]) -> Done {
    let mut running = Running::start(args);
    running.say(input).await;
    running.end().await
}

/// The binary while it runs
pub(crate) struct Running {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    seen: Vec<String>,
}

impl Running {
    pub(crate) fn start(args: &[&str]) -> Self {
        let mut command = command(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines, seen: Vec::new() }
    }

    /// Writes to its stdin
    pub(crate) async fn say(&mut self, words: impl AsRef<[u8]>) {
        let stdin = self.child.stdin.as_mut().unwrap();
        // Who has ended already says what it thinks of it by its exit code.
        _ = stdin.write_all(words.as_ref()).await;
        _ = stdin.flush().await;
    }

    /// The next line of stdout that contains this
    pub(crate) async fn line(&mut self, part: &str) -> String {
        let find = async {
            loop {
                let line = self.lines.next_line().await.unwrap();
                let line = line.unwrap_or_else(|| panic!("no {part:?} in {:?}", self.seen));
                self.seen.push(line.clone());
                if line.contains(part) {
                    return line;
                }
            }
        };
        timeout(SOON, find).await.unwrap_or_else(|_| panic!("no {part:?} in time"))
    }

    /// Ends its stdin and waits for it
    pub(crate) async fn end(mut self) -> Done {
        drop(self.child.stdin.take());
        self.wait().await
    }

    /// Asks it to end, as Ctrl-C does
    #[cfg(unix)]
    pub(crate) async fn interrupt(self) -> Done {
        let id = self.child.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().await.unwrap().success());
        self.wait().await
    }

    async fn wait(mut self) -> Done {
        let wait = async {
            while let Some(line) = self.lines.next_line().await.unwrap() {
                self.seen.push(line);
            }
            let output = self.child.wait_with_output().await.unwrap();
            let err = String::from_utf8(output.stderr).unwrap();
            let out = self.seen.iter().map(|line| format!("{line}\n")).collect();
            Done { code: output.status.code(), out, err }
        };
        timeout(SOON, wait).await.expect("it ends")
    }
}

/// A file of a test's own, gone with it
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    /// Writes it; the name is the test's alone
    pub(crate) fn with(name: &str, text: &str) -> Self {
        let name = format!("{}-{name}", std::process::id());
        let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::write(&file, text).unwrap();
        Self(file)
    }

    pub(crate) fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }

    /// As `-H` is told of it
    pub(crate) fn at(&self) -> String {
        format!("@{}", self.path())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // It is below the target folder, where nothing is missed or in the way.
        _ = std::fs::remove_file(&self.0);
    }
}

/// A certificate for `localhost` that nobody has signed but itself, and a server's settings with it
pub(crate) fn self_signed() -> (String, ServerTls) {
    let signed = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let cert = signed.cert.pem();
    let tls = ServerTls::from_pem(&cert, signed.signing_key.serialize_pem()).unwrap();
    (cert, tls)
}

/// The address in a line such as `listening on ws://127.0.0.1:40123/`
pub(crate) fn address(line: &str) -> SocketAddr {
    let part = line.split(&[' ', '/', ','][..]).find(|part| part.parse::<SocketAddr>().is_ok());
    part.unwrap_or_else(|| panic!("no address in {line:?}")).parse().unwrap()
}

/// A server that sends everything back
pub(crate) async fn echo() -> SocketAddr {
    echo_as(|builder| builder).await
}

pub(crate) type Builder =
    ServerBuilder<everbeat_tokio::server::builder::ToBind<everbeat_tokio::server::Acceptor>>;

/// The same, told more
pub(crate) async fn echo_as(change: impl FnOnce(Builder) -> Builder) -> SocketAddr {
    let server = change(Server::builder()).bind("127.0.0.1:0").await.unwrap();
    let address = server.acceptor().local_address().unwrap();
    tokio::spawn(server.serve(echoing));
    address
}

async fn echoing(
    mut connection: Connection,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    while let Some(message) = connection.recv().await? {
        connection.send(message).await?;
    }
    Ok(())
}

pub(crate) fn url(address: SocketAddr) -> String {
    format!("ws://{address}/")
}
