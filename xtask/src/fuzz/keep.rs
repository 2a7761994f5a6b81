//! What of a search goes into the repository: few inputs that reach much. Those with names were
//! written by people, and stay; libFuzzer names its own by their hash, and they are chosen anew.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::search::Search;
use crate::shell::Shell;

/// How many inputs a target keeps: a replay that takes no time, and a folder that can be looked at
const MOST: usize = 180;

/// An input, and the edges that it takes
#[derive(Debug, Default)]
struct Input {
    path: PathBuf,
    edges: BTreeSet<u32>,
}

/// Chooses from the target's corpus and from what was found
pub(super) fn keep(shell: &Shell, search: &Search<'_>, target: &str) -> Result<()> {
    let (corpus, found) = (search.kept("corpus", target), search.found(target)?);
    for entry in fs::read_dir(&corpus)? {
        let path = entry?.path();
        if is_hash(&path) {
            move_into(&path, &found)?;
        }
    }
    let inputs = measure(shell, search, target, [&corpus, &found])?;
    let chosen = choose(inputs);
    for path in &chosen {
        if !path.starts_with(&corpus) {
            fs::copy(path, corpus.join(path.file_name().context("a file has a name")?))?;
        }
    }
    eprintln!("  {target}: {} inputs are kept", chosen.len());
    Ok(())
}

/// Runs each input once; a merge does so, and leaves a file that says which took which edges
fn measure(
    shell: &Shell,
    search: &Search<'_>,
    target: &str,
    folders: [&PathBuf; 2],
) -> Result<Vec<Input>> {
    let (merged, told) = (shell.target("fuzz/merged"), shell.target("fuzz/edges"));
    if merged.exists() {
        fs::remove_dir_all(&merged)?;
    }
    fs::create_dir_all(&merged)?;
    let mut merge = search.program(target)?;
    merge.args(["-set_cover_merge=1", "-use_counters=0"]);
    merge.arg(format!("-merge_control_file={}", told.display())).arg(&merged).args(folders);
    if told.exists() {
        fs::remove_file(&told)?;
    }
    shell.read(&mut merge)?;
    parse(&fs::read_to_string(told)?).context("libFuzzer's merge tells something else now")
}

/// A count, another, so many paths, then lines such as `FT 0 36 88 91`: the first file's edges
fn parse(told: &str) -> Option<Vec<Input>> {
    let mut lines = told.lines();
    let count = lines.next()?.parse().ok()?;
    let paths = lines.by_ref().skip(1).take(count);
    let mut inputs: Vec<Input> =
        paths.map(|path| Input { path: path.into(), ..Input::default() }).collect();
    for line in lines {
        if let Some(edges) = line.strip_prefix("FT ") {
            let mut numbers = edges.split_whitespace().map(str::parse);
            let input = inputs.get_mut(numbers.next()?.ok()? as usize)?;
            input.edges = numbers.collect::<Result<_, _>>().ok()?;
        }
    }
    Some(inputs)
}

/// The named, then whichever adds most, until there are enough or none adds anything
fn choose(inputs: Vec<Input>) -> Vec<PathBuf> {
    let (mut left, named): (Vec<_>, Vec<_>) =
        inputs.into_iter().partition(|input| is_hash(&input.path));
    let mut taken: BTreeSet<u32> = named.iter().flat_map(|input| input.edges.clone()).collect();
    let mut chosen: Vec<_> = named.into_iter().map(|input| input.path).collect();
    while chosen.len() < MOST {
        left.iter_mut().for_each(|input| input.edges.retain(|edge| !taken.contains(edge)));
        left.retain(|input| !input.edges.is_empty());
        let most = (0..left.len()).max_by_key(|&index| left[index].edges.len());
        let Some(best) = most.map(|index| left.swap_remove(index)) else {
            break;
        };
        taken.extend(best.edges);
        chosen.push(best.path);
    }
    chosen
}

/// libFuzzer's own names
fn is_hash(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.len() == 40 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// By copying, for the target folder may be on another disk
fn move_into(path: &Path, folder: &Path) -> Result<()> {
    fs::copy(path, folder.join(path.file_name().unwrap_or_default()))?;
    Ok(fs::remove_file(path)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(letter: &str) -> String {
        format!("found/{}", letter.repeat(40))
    }

    #[test]
    fn what_people_named_is_told_from_what_was_found() {
        assert!(is_hash(Path::new(&hash("f"))));
        assert!(!is_hash(Path::new("corpus/decade")));
        assert!(!is_hash(Path::new("a_name_of_just_forty_letters_as_it_comes")));
    }

    #[test]
    fn the_named_stay_and_of_the_others_those_that_add_something() {
        let (a, b, c) = (hash("a"), hash("b"), hash("c"));
        let told = format!(
            "4\n0\ncorpus/named\n{a}\n{b}\n{c}\nSTARTED 0 1\nFT 0 1 2\nCOV 0 1\nFT 1 2 3\n\
             FT 2 2\nFT 3 3 4 5\n"
        );
        let chosen = choose(parse(&told).unwrap());
        assert_eq!(chosen, [PathBuf::from("corpus/named"), c.into()]);
        assert!(parse("what?").is_none());
    }

    #[test]
    fn enough_is_enough() {
        let input = |edge: u32| Input {
            path: format!("found/{edge:040x}").into(),
            edges: BTreeSet::from([edge]),
        };
        assert_eq!(choose((0..1_000).map(input).collect()).len(), MOST);
    }
}
