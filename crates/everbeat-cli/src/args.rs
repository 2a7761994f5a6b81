//! The command line: what every subcommand shares. Each has its own arguments in its module.

use clap::{Parser, Subcommand};
use clap_complete::Shell;

use crate::exit;
use crate::output::Color;
use crate::{connect, doctor, ping, proxy, serve};

/// Pings, diagnoses, serves and breaks WebSockets
#[derive(Debug, Parser)]
#[command(name = "everbeat", version, about, after_help = exit::TABLE, max_term_width = 100)]
pub(crate) struct Cli {
    /// Write one JSON object a line on stdout
    #[arg(long, global = true)]
    pub(crate) json: bool,

    /// When to write in colours
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: Color,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Send beats and time their answers, as ping(8) does
    Ping(ping::Args),
    /// Find out what a server and the road to it do with idle connections, and what to set
    Doctor(doctor::Args),
    /// Send lines of stdin, write what comes to stdout, and come back when the connection is lost
    Connect(connect::Args),
    /// Serve an echo or a broadcast, to try clients against
    Serve(serve::Args),
    /// Stand before a server and break connections on purpose
    Proxy(proxy::Args),
    /// Write the completions of a shell to stdout
    #[command(hide = true)]
    Completions {
        /// Which shell
        shell: Shell,
    },
    /// Write the manual page to stdout
    #[command(hide = true)]
    Man,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
