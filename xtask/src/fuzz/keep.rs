//! What of a search goes into the repository: the fewest inputs that reach as much. Those with names
//! were written by people, and stay.

use std::fs;
use std::path::Path;

use anyhow::Result;

use super::search::Search;
use crate::shell::Shell;

/// Chooses anew from the target's corpus and from what was found
pub(super) fn keep(shell: &Shell, search: &Search<'_>, target: &str) -> Result<()> {
    let (corpus, found) = (search.kept("corpus", target), search.found(target)?);
    // What was chosen before is a candidate like any other
    for entry in fs::read_dir(&corpus)? {
        let path = entry?.path();
        if path.file_name().is_some_and(|name| is_hash(&name.to_string_lossy())) {
            move_into(&path, &found)?;
        }
    }
    let mut merge = search.program(target)?;
    // By edges alone: how often each was taken would keep six times as many
    merge.args(["-set_cover_merge=1", "-use_counters=0"]).arg(&corpus).arg(&found);
    shell.read(&mut merge)?;
    eprintln!("  {target}: {} inputs are kept", fs::read_dir(&corpus)?.count());
    Ok(())
}

/// libFuzzer's own names
fn is_hash(name: &str) -> bool {
    name.len() == 40 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// By copying, for the target folder may be on another disk
fn move_into(path: &Path, folder: &Path) -> Result<()> {
    if let Some(name) = path.file_name() {
        fs::copy(path, folder.join(name))?;
        fs::remove_file(path)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_named_is_told_from_what_was_found() {
        assert!(is_hash("f7436015cd3780fd7ce03cd82e23f39e1a71c921"));
        assert!(!is_hash("query_without_path"));
        assert!(!is_hash("a_name_of_just_forty_letters_as_it_comes"));
    }
}
