//! What the sources of the published crates can say: each call of a macro of `tracing`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::page::root;
use crate::traced::Said;

const LEVELS: [&str; 5] = ["trace", "debug", "info", "warn", "error"];

pub(crate) fn said() -> BTreeSet<Said> {
    let mut all = BTreeSet::new();
    for entry in fs::read_dir(root().join("crates")).unwrap() {
        let folder = entry.unwrap().path();
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        if manifest.contains("publish = false") {
            continue;
        }
        let name = folder.file_name().unwrap().to_string_lossy().replace("everbeat-", "");
        read(&folder.join("src"), &name, &mut all);
    }
    all
}

fn read(folder: &Path, of: &str, all: &mut BTreeSet<Said>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read(&path, of, all);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            all.extend(calls(&text, of, &path.display().to_string()));
        }
    }
}

fn calls(text: &str, of: &str, place: &str) -> Vec<Said> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("tracing::") {
        let rest = &text[at + "tracing::".len()..];
        let Some((call, inside)) = rest.split_once("!(") else { continue };
        let (level, kind) = match call.strip_suffix("_span") {
            Some(level) => (level, "span"),
            None => (call, "event"),
        };
        if !LEVELS.contains(&level) {
            continue;
        }
        let mut parts = parts(inside);
        assert_eq!(parts.remove(0), "target: \"everbeat\"", "{place}");
        let literal = |part: &String| part.starts_with('"');
        let name = parts.remove(parts.iter().position(literal).unwrap());
        let fields = parts.iter().map(|part| {
            let name = part.split_once('=').map_or(&**part, |(name, _)| name);
            name.trim().trim_start_matches(['%', '?']).to_owned()
        });
        found.push(Said {
            of: of.to_owned(),
            level: level.to_owned(),
            kind: kind.to_owned(),
            name: name.trim_matches('"').to_owned(),
            fields: fields.collect(),
        });
    }
    found
}

/// What stands between the commas, up to the bracket that closes
fn parts(inside: &str) -> Vec<String> {
    let (mut parts, mut part) = (Vec::new(), String::new());
    let (mut depth, mut quoted) = (0, false);
    for c in inside.chars() {
        match c {
            '"' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted && depth == 0 => break,
            ')' if !quoted => depth -= 1,
            ',' if !quoted && depth == 0 => {
                parts.push(std::mem::take(&mut part));
                continue;
            }
            _ => {}
        }
        part.push(c);
    }
    parts.push(part);
    let parts = parts.iter().map(|part| part.trim().to_owned());
    parts.filter(|part| !part.is_empty()).collect()
}

#[test]
fn a_call_is_read_over_several_lines() {
    let text = "tracing::debug!(\n    target: \"everbeat\", %a, b = c.len(), \"x, (y\",\n); d";
    let said = calls(text, "core", "here").remove(0);
    assert_eq!((&*said.level, &*said.kind, &*said.name), ("debug", "event", "x, (y"));
    assert_eq!(said.fields.into_iter().collect::<Vec<_>>(), ["a", "b"]);
}
