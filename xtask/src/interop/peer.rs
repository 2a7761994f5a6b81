//! Foreign peers: a folder in `interop/` whose `peer.json` says what it needs, how it is installed and
//! started, and what it is known to do differently. A folder may hold several, installed at once.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::inability::{self, Inability};

/// What a program is in a pair
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    Server,
    Client,
}

impl Role {
    pub(super) const ALL: [Self; 2] = [Self::Server, Self::Client];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Client => "client",
        }
    }

    pub(super) const fn other(self) -> Self {
        match self {
            Self::Server => Self::Client,
            Self::Client => Self::Server,
        }
    }
}

/// A foreign peer
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Peer {
    /// Its own, or its folder's
    pub(super) name: String,
    pub(super) folder: PathBuf,
    /// Programs that the machine must have
    pub(super) needs: Vec<String>,
    /// Debian's packages, unpacked into its folder
    pub(super) debian: Vec<String>,
    /// Command lines, once
    pub(super) install: Vec<Vec<String>>,
    /// The command line to which the role is added; empty, if it is there for benchmarks only
    pub(super) start: Vec<String>,
    /// What it can be; both without a word
    pub(super) roles: Vec<Role>,
    /// Without TLS, and with it unless its description says otherwise
    pub(super) schemes: &'static [bool],
    /// Servers that echo and ping, for benchmarks, by their names
    pub(super) bench: Vec<(String, Vec<String>)>,
    expected: Vec<Expected>,
    cannot: Vec<Inability>,
    /// A push waits for it
    pub(super) smoke: bool,
    /// It is a page in a browser, which there is more to be said about
    pub(super) page: bool,
    /// The command line that tells its version
    pub(super) version: Vec<String>,
    /// The numbers of its own examples, if it is to be played at these as well
    pub(super) pace: Option<Pace>,
}

/// How often a peer Pings, and how long it goes without an answer
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pace {
    pub(super) beat: Duration,
    pub(super) timeout: Duration,
}

/// What a peer is known to do differently
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Expected {
    /// In this role; in both without one
    role: Option<String>,
    /// With TLS, or without; in both without a word
    tls: Option<bool>,
    /// By their names
    scenarios: Vec<String>,
    /// Now and then; it may as well pass
    pub(super) sometimes: bool,
    /// A part of the error that it ends with
    pub(super) error: String,
    pub(super) why: String,
}

impl Expected {
    #[cfg(test)]
    pub(super) fn new(error: &str, why: &str) -> Self {
        let (error, why) = (error.into(), why.into());
        let (scenarios, sometimes) = (Vec::new(), false);
        Self { role: None, tls: None, scenarios, sometimes, error, why }
    }
}

impl Peer {
    /// Every peer in `folder`, by name
    pub(super) fn load_all(folder: &Path) -> Result<Vec<Self>> {
        let entries = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
        let mut peers = Vec::new();
        for entry in entries {
            let folder = entry?.path();
            let description = folder.join("peer.json");
            if description.is_file() {
                let text = fs::read_to_string(&description)?;
                let found = Self::parse(&folder, &text);
                peers.extend(found.with_context(|| description.display().to_string())?);
            }
        }
        peers.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(peers)
    }

    /// The peer of a folder, and those that are named in it
    pub(super) fn parse(folder: &Path, text: &str) -> Result<Vec<Self>> {
        let description: Value = serde_json::from_str(text)?;
        let name = folder.file_name().context("a peer has a folder")?.to_string_lossy();
        let mut peers = vec![Self::described(folder, &name, &description, &description)?];
        for (name, own) in description["peers"].as_object().into_iter().flatten() {
            let peer = Self::described(folder, name, &description, own);
            let peer = Self { bench: Vec::new(), ..peer.with_context(|| format!("`{name}`"))? };
            ensure!(peer.converses(), "`{name}` has no `start`");
            peers.push(peer);
        }
        Ok(peers)
    }

    /// One of a folder's peers: what is installed is `description`'s, the rest is its `own`
    fn described(folder: &Path, name: &str, description: &Value, own: &Value) -> Result<Self> {
        let lines = |key| items(description, key)?.iter().map(words).collect::<Result<_>>();
        let bench = description["bench"].as_object().into_iter().flatten();
        let bench = bench.map(|(name, line)| Ok((name.clone(), words(line)?)));
        let expected = own.get("expected").map_or(Ok(&[][..]), list)?.iter().map(|entry| {
            Ok(Expected {
                role: entry["role"].as_str().map(String::from),
                tls: entry["tls"].as_bool(),
                sometimes: entry["sometimes"].as_bool().unwrap_or_default(),
                scenarios: names(&entry["scenario"])?,
                error: some_words(&entry["error"])?,
                why: word(&entry["why"])?,
            })
        });
        Ok(Self {
            name: name.to_owned(),
            folder: folder.to_owned(),
            needs: words(&description["needs"])?,
            debian: description.get("debian").map_or(Ok(Vec::new()), words)?,
            install: lines("install")?,
            start: own.get("start").map_or(Ok(Vec::new()), words)?,
            roles: own.get("roles").map_or(Ok(Role::ALL.to_vec()), roles)?,
            schemes: schemes(own["tls"].as_bool().unwrap_or(true)),
            bench: bench.collect::<Result<_>>()?,
            expected: expected.collect::<Result<_>>()?,
            cannot: inability::parse(own.get("cannot"))?,
            smoke: own["smoke"].as_bool().unwrap_or_default(),
            page: own["page"].as_bool().unwrap_or_default(),
            version: own.get("version").map_or(Ok(Vec::new()), words)?,
            pace: own.get("pace").map(pace).transpose().context("`pace`")?,
        })
    }

    #[cfg(test)]
    pub(super) fn only(text: &str) -> Self {
        let mut peers = Self::parse(Path::new("x"), text).unwrap();
        assert_eq!(peers.len(), 1);
        peers.remove(0)
    }

    /// Scenarios can be played with it
    pub(super) fn converses(&self) -> bool {
        !self.start.is_empty()
    }

    /// Why it is known to fail there
    pub(super) fn expected(&self, role: Role, tls: bool, scenario: &str) -> Option<&Expected> {
        self.expected.iter().find(|entry| {
            entry.scenarios.iter().any(|known| known == scenario)
                && entry.tls.is_none_or(|known| known == tls)
                && entry.role.as_deref().is_none_or(|known| known == role.name())
        })
    }

    /// The scenarios of which its description makes an exception
    pub(super) fn excused(&self) -> impl Iterator<Item = &str> {
        self.expected.iter().flat_map(|entry| &entry.scenarios).map(String::as_str)
    }

    /// Why it cannot do that in this role, if it cannot
    pub(super) fn cannot(&self, role: Role, what: &str) -> Option<&str> {
        inability::of(&self.cannot, role, what)
    }

    /// There are closing codes that its program does not hear
    pub(super) fn is_deaf(&self, role: Role) -> bool {
        inability::begins(&self.cannot, role, "hear ")
    }

    /// The command line that tells the version of a benchmark's server: `{library}` in it is what the
    /// server is called up to its first comma, for behind that is how it is set
    pub(super) fn version_line(&self, bench: &str, home: &Path) -> Vec<String> {
        let library = bench.split(',').next().unwrap_or(bench);
        let line = self.line(&self.version, home);
        line.iter().map(|word| word.replace("{library}", library)).collect()
    }

    /// A command line of its description, with its folders in their places
    pub(super) fn line(&self, line: &[String], home: &Path) -> Vec<String> {
        let (home, folder) = (home.to_string_lossy(), self.folder.to_string_lossy());
        line.iter().map(|word| word.replace("{home}", &home).replace("{peer}", &folder)).collect()
    }
}

const fn schemes(tls: bool) -> &'static [bool] {
    if tls { &[false, true] } else { &[false] }
}

fn roles(list: &Value) -> Result<Vec<Role>> {
    let known = |name: String| Role::ALL.into_iter().find(|role| role.name() == name);
    let roles = words(list)?.into_iter().map(|name| known(name.clone()).with_context(|| name));
    roles.collect::<Result<_>>().context("a role is `server` or `client`")
}

/// One, or a list of them
fn names(value: &Value) -> Result<Vec<String>> {
    let names = if value.is_array() { words(value)? } else { vec![word(value)?] };
    ensure!(!names.is_empty(), "an exception is of a scenario");
    Ok(names)
}

fn pace(value: &Value) -> Result<Pace> {
    let millis = |key| value[key].as_u64().map(Duration::from_millis).context(key);
    Ok(Pace { beat: millis("beat")?, timeout: millis("timeout")? })
}

fn some_words(value: &Value) -> Result<String> {
    let text = word(value)?;
    ensure!(!text.is_empty(), "an empty error would be a part of every error");
    Ok(text)
}

fn items<'a>(description: &'a Value, key: &str) -> Result<&'a [Value]> {
    list(&description[key]).with_context(|| format!("`{key}`"))
}

pub(super) fn list(value: &Value) -> Result<&[Value]> {
    Ok(value.as_array().with_context(|| format!("`{value}` is no list"))?)
}

fn words(list: &Value) -> Result<Vec<String>> {
    let list = list.as_array().with_context(|| format!("`{list}` is no list of words"))?;
    list.iter().map(word).collect()
}

pub(super) fn word(value: &Value) -> Result<String> {
    value.as_str().map(String::from).with_context(|| format!("`{value}` is no word"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"{
        "needs": ["ruby"],
        "install": [["gem", "install", "--install-dir", "{home}", "x"]],
        "start": ["ruby", "{peer}/peer.rb"],
        "bench": { "faye": ["ruby", "{peer}/bench.rb"] },
        "expected": [{ "role": "server", "scenario": "stop", "error": "not closed", "why": "it never looks" },
                     { "scenario": "echo", "tls": true, "error": "nothing", "why": "it is mute" },
                     { "role": "server", "scenario": ["idle", "ping"], "sometimes": true, "error": "late", "why": "it dozes" }]
    }"#;

    /// The one of a folder that holds one
    fn only(folder: &Path, text: &str) -> Peer {
        let mut peers = Peer::parse(folder, text).unwrap();
        assert_eq!(peers.len(), 1);
        peers.remove(0)
    }

    #[test]
    fn a_description_is_read_and_its_folders_are_put_in() {
        let peer = only(Path::new("interop/faye"), TEXT);
        assert_eq!((&*peer.name, &*peer.needs), ("faye", &["ruby".to_owned()][..]));
        let home = Path::new("there");
        assert_eq!(peer.line(&peer.start, home), ["ruby", "interop/faye/peer.rb"]);
        assert_eq!(peer.line(&peer.install[0], home)[3], "there");
        assert_eq!(peer.bench[0].0, "faye");
        assert_eq!(peer.line(&peer.bench[0].1, home), ["ruby", "interop/faye/bench.rb"]);
    }

    #[test]
    fn what_is_known_is_known_for_its_role_and_scheme_or_for_both() {
        let peer = only(Path::new("faye"), TEXT);
        let why = |role, tls, scenario| peer.expected(role, tls, scenario).map(|known| &*known.why);
        for tls in [false, true] {
            assert_eq!(why(Role::Server, tls, "stop"), Some("it never looks"));
            assert_eq!(why(Role::Client, tls, "stop"), None);
        }
        for scenario in ["idle", "ping"] {
            assert_eq!(why(Role::Server, false, scenario), Some("it dozes"));
        }
        assert_eq!(why(Role::Server, false, "kill"), None, "an exception is of what it names");
        assert_eq!(why(Role::Client, false, "idle"), None);
        let dozes = |scenario| peer.expected(Role::Server, false, scenario).map(|it| it.sometimes);
        assert_eq!((dozes("idle"), dozes("stop")), (Some(true), Some(false)));
        assert_eq!(why(Role::Client, true, "echo"), Some("it is mute"));
        assert_eq!(why(Role::Client, false, "echo"), None);
    }

    #[test]
    fn a_benchmarks_library_is_what_its_name_begins_with() {
        let text =
            r#"{ "needs": [], "install": [], "version": ["{home}/x", "{library}", "version"] }"#;
        let peer = only(Path::new("x"), text);
        let line = |bench| peer.version_line(bench, Path::new("there"));
        assert_eq!(line("axum, 4 KiB"), ["there/x", "axum", "version"]);
        assert_eq!(line("npm ws"), ["there/x", "npm ws", "version"]);
    }

    #[test]
    fn a_pace_of_its_own_has_two_numbers() {
        let with = |pace: &str| {
            let text = TEXT.replace(r#""needs""#, &format!(r#""pace": {pace}, "needs""#));
            Peer::parse(Path::new("x"), &text)
        };
        let pace = with(r#"{ "beat": 5000, "timeout": 10000 }"#).unwrap()[0].pace.unwrap();
        assert_eq!((pace.beat, pace.timeout), (Duration::from_secs(5), Duration::from_secs(10)));
        assert_eq!(only(Path::new("x"), TEXT).pace, None);
        let error = with(r#"{ "beat": 5000 }"#).unwrap_err();
        assert!(format!("{error:#}").contains("timeout"), "{error:#}");
    }

    #[test]
    fn one_for_benchmarks_only_has_no_start() {
        let text = r#"{ "needs": [], "install": [], "bench": { "x": ["x"] } }"#;
        let peer = only(Path::new("x"), text);
        assert!(!peer.converses() && only(Path::new("x"), TEXT).converses());
    }

    #[test]
    fn a_folder_may_hold_several_that_are_installed_at_once() {
        let text = r#"{
            "needs": ["cargo"], "install": [["cargo", "build"]], "bench": { "a": ["a"] },
            "peers": {
                "axum": { "start": ["{home}/peers", "axum"], "roles": ["server"], "tls": false },
                "awc": { "start": ["{home}/peers", "awc"], "roles": ["client"],
                         "expected": [{ "scenario": "stop", "error": "e", "why": "w" }] }
            }
        }"#;
        let peers = Peer::parse(Path::new("interop/rust"), text).unwrap();
        let [folder, awc, axum] = &peers[..] else { panic!("{peers:?}") };
        assert!(!folder.converses() && folder.bench.len() == 1);
        assert_eq!(
            (&*awc.name, &*awc.roles, awc.schemes),
            ("awc", &[Role::Client][..], &[false, true][..])
        );
        assert_eq!(
            (&*axum.name, &*axum.roles, axum.schemes),
            ("axum", &[Role::Server][..], &[false][..])
        );
        assert!(awc.expected(Role::Client, false, "stop").is_some());
        assert!(axum.expected(Role::Client, false, "stop").is_none() && axum.bench.is_empty());
        assert_eq!((&axum.install, &axum.folder), (&folder.install, &folder.folder));
        for (from, to) in
            [(r#"["client"]"#, r#"["both"]"#), (r#""start": ["{home}/peers", "awc"], "#, "")]
        {
            let error = Peer::parse(Path::new("x"), &text.replace(from, to)).unwrap_err();
            assert!(format!("{error:#}").contains("awc"), "{error:#}");
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        for (from, to, named) in [
            (r#""needs": ["ruby"],"#, "", "no list of words"),
            ("install", "instal", "install"),
            (r#""why": "it is mute""#, r#""why": 3"#, "`3`"),
            ("not closed", "", "every error"),
            (r#"["idle", "ping"]"#, "[]", "of a scenario"),
        ] {
            let error = Peer::parse(Path::new("x"), &TEXT.replace(from, to)).unwrap_err();
            assert!(format!("{error:#}").contains(named), "{error:#}");
        }
    }
}
