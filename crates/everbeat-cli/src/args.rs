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
    use std::collections::BTreeSet;

    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    /// The flags of a subcommand as the tables of docs/command.md have them: `` `-c`, `--count N` ``
    fn flags(command: &clap::Command) -> BTreeSet<String> {
        let flags = command.get_arguments().filter(|argument| !argument.is_positional());
        let own = flags.filter(|flag| !matches!(flag.get_id().as_str(), "help" | "version"));
        own.map(|flag| {
            let short = flag.get_short().map_or(String::new(), |short| format!("`-{short}`, "));
            let value = match flag.get_action().takes_values() {
                true => format!(" {}", flag.get_value_names().unwrap().join(" ")),
                false => String::new(),
            };
            format!("{short}`--{}{value}`", flag.get_long().unwrap())
        })
        .collect()
    }

    /// The first cells of a section's rows that begin with a flag
    fn told(section: &str) -> BTreeSet<String> {
        let rows = section.lines().filter_map(|line| line.strip_prefix("| "));
        let cells = rows.filter_map(|row| row.split(" | ").next());
        cells.filter(|cell| cell.starts_with("`-")).map(str::to_owned).collect()
    }

    #[test]
    fn every_flag_is_in_the_documentation_and_no_other() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/command.md");
        let text = std::fs::read_to_string(file).unwrap();
        let mut sections = text.split("\n## ");
        let dials = told(sections.next().unwrap());
        let everybody = ["`--json`", "`--color WHEN`"].map(str::to_owned);
        let mut cli = Cli::command();
        cli.build();
        let mut documented = BTreeSet::new();
        for section in sections {
            let name = section.lines().next().unwrap();
            let Some(command) = cli.find_subcommand(name) else {
                continue;
            };
            let shared = match name {
                "ping" | "doctor" | "connect" => dials.clone(),
                _ => everybody.clone().into(),
            };
            let told: BTreeSet<_> = told(section).union(&shared).cloned().collect();
            assert_eq!(told, flags(command), "{name}");
            documented.insert(name);
        }
        let all = cli.get_subcommands().filter(|command| !command.is_hide_set());
        let all = all.map(|command| command.get_name()).filter(|name| *name != "help");
        assert_eq!(documented, all.collect(), "a section for each");
    }
}
