//! The tools by which networks are made: those of this machine, or Debian's packages of them, unpacked
//! into our target.

use anyhow::Result;
use everbeat_netns::Tools;

use crate::debian;
use crate::shell::Shell;

/// Whether networks can be had here
pub(crate) enum Had {
    /// With these tools
    All(Tools),
    /// And why not
    Not(String),
}

/// The tools that are there, or else Debian's
pub(crate) fn tools(shell: &Shell) -> Result<Had> {
    // Without root no tool helps, and nothing need be downloaded.
    if let Some(why) = Tools::forbidden() {
        return Ok(Had::Not(why));
    }
    let installed = Tools::default();
    let Some(missing) = installed.missing() else { return Ok(Had::All(installed)) };
    let root = shell.target("netns-tools");
    let unpacked = Tools::within(&root);
    if unpacked.missing().is_some() {
        eprintln!("{missing}: unpacking Debian's packages ..");
        if let Err(error) = debian::unpack(shell, &root, &Tools::PACKAGES.map(String::from)) {
            return Ok(Had::Not(format!(
                "{missing}, and Debian's packages are not to be had: {error:#}"
            )));
        }
    }
    Ok(match unpacked.missing() {
        None => Had::All(unpacked),
        Some(why) => Had::Not(why),
    })
}
