//! One idea a file: none is longer than a reader's patience.

use super::tree::{Finding, Tree};

const MOST: usize = 600;

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let long = tree.rust().filter(|file| file.lines() > MOST);
    long.map(|file| {
        let what = format!("has {} lines, {MOST} is the most: cut it by ideas", file.lines());
        Finding::new(&file.path, what)
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_after_the_last_one_is_too_much() {
        assert_eq!(check(&Tree::of([("a.rs", &"\n".repeat(MOST))])), []);
        assert_eq!(check(&Tree::of([("a.rs", &"\n".repeat(MOST + 1))])).len(), 1);
    }
}
