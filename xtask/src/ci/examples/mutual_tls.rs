//! The pair whose client is known by its certificate, with certificates made as the server's own
//! documentation says: a client that shows its own is served, and one that shows none is told so.

use std::path::Path;
use std::process::{Command, Stdio};
use std::{fs, io};

use anyhow::{Context, Result, ensure};

use super::{Program, address, has_echo, program};
use crate::shell::Shell;

const SERVER: &str = "mutual-tls-server";
const CLIENT: &str = "mutual-tls-client";

/// Plays it; or why it cannot be played here
pub(super) fn pair(shell: &Shell) -> Result<Option<&'static str>> {
    let folder = shell.target("mutual-tls");
    fs::create_dir_all(&folder)?;
    let page = fs::read_to_string(shell.root().join("examples/mutual_tls/server.rs"))?;
    let script = recipe(&page);
    ensure!(!script.is_empty(), "the server does not say how certificates are made");
    let found = shell.program("openssl").arg("version").stdout(Stdio::null()).status();
    if found.is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
        return Ok(Some("there is no `openssl` on this machine, and mutual TLS was not played"));
    }
    let mut made = shell.program("sh");
    shell.read(made.args(["-ec", &script]).current_dir(&folder)).context("its certificates")?;

    // It reads its stdin, which must not end before its clients have come.
    let mut server = program(shell, SERVER);
    server.arg("127.0.0.1:0").current_dir(&folder).stdin(Stdio::piped());
    let mut server = Program::start(server)?;
    let said = server.0.stdout.take().context("its stdout is ours")?;
    let address = address(said)?.replace("127.0.0.1", "localhost");
    eprintln!("  {SERVER} listens on {address}");
    let shown = Program::start(client(shell, &folder, &[&address]))?.end().context("the client")?;
    ensure!(has_echo(&shown), "the client said hello and did not hear it again");

    let mut stranger = client(shell, &folder, &[&address, "nobody"]);
    stranger.stderr(Stdio::piped());
    let refused = Program::start(stranger)?.fail().context("a stranger")?;
    ensure!(refused.contains("it wants a client's certificate"), "a stranger was told {refused}");
    Ok(None)
}

fn client(shell: &Shell, folder: &Path, words: &[&str]) -> Command {
    let mut client = program(shell, CLIENT);
    client.args(words).current_dir(folder);
    client
}

/// What a file's documentation has a shell do before cargo runs anything
fn recipe(page: &str) -> String {
    let lines = page.lines().map_while(|line| line.strip_prefix("//!")).map(str::trim);
    let lines = lines.skip_while(|line| *line != "```sh").skip(1);
    lines
        .take_while(|line| *line != "```" && !line.starts_with("cargo "))
        .map(|line| format!("{line}\n"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_documentation_has_a_shell_do_is_found() {
        let page =
            "//! A server.\n//!\n//! ```sh\n//! make a\n//!     make b\n//! cargo run\n//! ```\n";
        assert_eq!(recipe(page), "make a\nmake b\n");
        assert_eq!(recipe("//! A server.\n//! cargo run\n"), "");
        assert_eq!(recipe("//! A server.\nfn main() {}\n//! ```sh\n//! no"), "");
    }
}
