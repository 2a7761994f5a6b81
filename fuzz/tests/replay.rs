//! Every input of the corpus, and every one that once failed, through its target.

use std::collections::BTreeSet;
use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use everbeat_fuzz::TARGETS;

/// What is in a folder of ours; nothing if there is no such folder
fn inside(folder: impl AsRef<Path>) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let entries = fs::read_dir(root.join(folder)).into_iter().flatten();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

#[test]
fn no_input_breaks_a_property() {
    let mut broken = Vec::new();
    for &(name, target) in TARGETS {
        let corpus = inside(Path::new("corpus").join(name));
        assert!(!corpus.is_empty(), "{name} has no corpus");
        for path in corpus.into_iter().chain(inside(Path::new("findings").join(name))) {
            let data = fs::read(&path).unwrap();
            if catch_unwind(|| target(&data)).is_err() {
                broken.push(path);
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

/// Otherwise its inputs would be kept, and never be replayed
#[test]
fn every_folder_and_program_is_a_targets() {
    let targets: BTreeSet<_> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let names = |folder| -> BTreeSet<_> {
        let stem = |path: PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
        inside(folder).into_iter().map(stem).collect()
    };
    assert_eq!(names("corpus"), targets);
    assert_eq!(names("fuzz_targets"), targets);
    assert!(names("findings").is_subset(&targets));
    assert!(names("dictionaries").is_subset(&targets));
}
