//! What is made from the command line's own description: completions and the manual page.

use std::io::{self, Write};

use clap::CommandFactory;
use clap_complete::Shell;
use clap_mangen::Man;

use crate::args::Cli;
use crate::exit::{Exit, Failure};

/// The completions of a shell
pub(crate) fn completions(shell: Shell) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "everbeat", &mut script);
    io::stdout().lock().write_all(&script)?;
    Ok(Exit::Fine)
}

/// One page, with a part for each subcommand: what is found by one `man everbeat`
pub(crate) fn man() -> Result<Exit, Failure> {
    let mut command = Cli::command();
    command.build();
    let mut page = Vec::new();
    let whole = Man::new(command.clone());
    whole.render_title(&mut page)?;
    whole.render_name_section(&mut page)?;
    whole.render_synopsis_section(&mut page)?;
    whole.render_options_section(&mut page)?;
    // `help` is clap's own, and a page is one.
    let parts = command.get_subcommands();
    for part in parts.filter(|part| !part.is_hide_set() && part.get_name() != "help") {
        // A part of its own would be a page; here it is a section.
        writeln!(page, ".SH \"EVERBEAT {}\"", part.get_name().to_uppercase())?;
        if let Some(about) = part.get_about() {
            writeln!(page, "{about}.")?;
        }
        let mut options = Vec::new();
        let own = Man::new(part.clone());
        own.render_options_section(&mut options)?;
        if part.get_after_help().is_some() {
            own.render_extra_section(&mut options)?;
        }
        for line in String::from_utf8_lossy(&options).lines() {
            // The shared options are told once, above; the heading is the section's.
            if !line.starts_with(".SH") && !line.starts_with(".ie") && !line.starts_with(".el") {
                writeln!(page, "{line}")?;
            }
        }
    }
    whole.render_extra_section(&mut page)?;
    whole.render_version_section(&mut page)?;
    io::stdout().lock().write_all(&page)?;
    Ok(Exit::Fine)
}
