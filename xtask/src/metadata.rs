//! What cargo knows about the workspace: packages, their dependencies, where things lie.
//!
//! Read from `cargo metadata`, so that no manifest is parsed here.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::shell::{cargo, forget_own_package};

/// The workspace: its packages and folders
#[derive(Debug, Default)]
pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    pub(crate) target: PathBuf,
    pub(crate) packages: Vec<Package>,
}

/// One package and what its manifest says
#[derive(Debug, Default, Clone)]
pub(crate) struct Package {
    pub(crate) name: String,
    /// Its folder, relative to the root, with `/`
    pub(crate) folder: String,
    /// May go to a registry
    pub(crate) published: bool,
    pub(crate) description: Option<String>,
    pub(crate) licence: Option<String>,
    pub(crate) repository: Option<String>,
    /// It has features besides `default`
    pub(crate) features: bool,
    /// docs.rs is told to turn all of them on: by itself it builds with the default ones
    pub(crate) documents_all: bool,
    /// docs.rs is told to say so by `--cfg docsrs`, by which items are labelled with their features
    pub(crate) documents_labels: bool,
    pub(crate) dependencies: Vec<Dependency>,
    pub(crate) targets: Vec<Target>,
}

/// A line of a package's dependencies
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// Only its tests, examples and benches need it
    pub(crate) dev: bool,
}

/// Something that a package builds
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) name: String,
    /// `lib`, `bin`, `test`, `bench`, `example`, ..
    pub(crate) kind: String,
}

impl Workspace {
    pub(crate) fn load() -> Result<Self> {
        let metadata = read(&["--no-deps"])?;
        let root = PathBuf::from(text(&metadata, "workspace_root")?);
        let packages = list(&metadata, "packages")
            .map(|package| Package::parse(package, &root))
            .collect::<Result<_>>()?;
        Ok(Self { target: text(&metadata, "target_directory")?.into(), root, packages })
    }

    pub(crate) fn package(&self, name: &str) -> Option<&Package> {
        self.packages.iter().find(|package| package.name == name)
    }

    pub(crate) fn published(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| package.published)
    }
}

impl Package {
    fn parse(package: &Value, root: &Path) -> Result<Self> {
        let manifest = PathBuf::from(text(package, "manifest_path")?);
        let folder = manifest.parent().context("a manifest lies in a folder")?;
        let folder = folder.strip_prefix(root).unwrap_or(folder);
        let optional = |key: &str| package[key].as_str().map(String::from);
        Ok(Self {
            name: text(package, "name")?,
            folder: folder.to_string_lossy().replace('\\', "/"),
            // `publish = false` is an empty list of registries, its absence is null.
            published: package["publish"].is_null(),
            description: optional("description"),
            licence: optional("license"),
            repository: optional("repository"),
            features: has_features(package),
            documents_all: docs_rs(package)["all-features"] == true,
            documents_labels: has_docsrs(docs_rs(package)),
            dependencies: list(package, "dependencies")
                .map(|line| {
                    Ok(Dependency { name: text(line, "name")?, dev: line["kind"] == "dev" })
                })
                .collect::<Result<_>>()?,
            targets: list(package, "targets")
                .flat_map(|target| {
                    list(target, "kind").map(|kind| {
                        let kind = kind.as_str().unwrap_or_default().to_owned();
                        Ok(Target { name: text(target, "name")?, kind })
                    })
                })
                .collect::<Result<_>>()?,
        })
    }

    pub(crate) fn has_library(&self) -> bool {
        self.targets.iter().any(|target| target.kind == "lib")
    }
}

fn has_features(package: &Value) -> bool {
    let features = package["features"].as_object();
    features.is_some_and(|all| all.keys().any(|name| name != "default"))
}

/// What docs.rs is told
fn docs_rs(package: &Value) -> &Value {
    &package["metadata"]["docs"]["rs"]
}

/// Whether rustdoc is given `--cfg docsrs`
fn has_docsrs(told: &Value) -> bool {
    let words = list(told, "rustdoc-args").collect::<Vec<_>>();
    words.windows(2).any(|pair| pair == ["--cfg", "docsrs"])
}

/// `cargo metadata` with more words
pub(crate) fn read(words: &[&str]) -> Result<Value> {
    let mut command = Command::new(cargo());
    forget_own_package(&mut command);
    let output = command
        .args(["metadata", "--format-version", "1"])
        .args(words)
        .output()
        .context("cargo cannot be started")?;
    if !output.status.success() {
        bail!("`cargo metadata` failed:\n{}", String::from_utf8_lossy(&output.stderr).trim_end());
    }
    serde_json::from_slice(&output.stdout).context("`cargo metadata` did not answer in JSON")
}

/// The string at `key`
pub(crate) fn text(value: &Value, key: &str) -> Result<String> {
    let found = value[key].as_str().map(String::from);
    found.with_context(|| format!("`cargo metadata` names no `{key}`"))
}

/// The items of the list at `key`
pub(crate) fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value[key].as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_package_is_read_from_metadata() {
        let package = json!({
            "name": "everbeat-x", "manifest_path": "root/crates/everbeat-x/Cargo.toml",
            "publish": null, "description": "d", "license": "MIT", "repository": null,
            "dependencies": [{ "name": "bytes", "kind": null }, { "name": "tokio", "kind": "dev" }],
            "targets": [{ "name": "everbeat_x", "kind": ["lib"] }],
        });
        let package = Package::parse(&package, Path::new("root")).unwrap();
        assert_eq!(package.folder, "crates/everbeat-x");
        assert!(package.published && package.has_library());
        assert_eq!(
            package.dependencies.iter().map(|line| line.dev).collect::<Vec<_>>(),
            [false, true]
        );
        assert_eq!(package.repository, None);
    }

    #[test]
    fn what_docs_rs_is_told_of_features() {
        let read = |features: Value, told: Value| {
            let package = json!({
                "name": "x",
                "manifest_path": "r/x/Cargo.toml",
                "features": features,
                "metadata": { "docs": { "rs": told } },
            });
            let package = Package::parse(&package, Path::new("r")).unwrap();
            (package.features, package.documents_all, package.documents_labels)
        };
        assert_eq!(read(json!({ "default": [] }), Value::Null), (false, false, false));
        assert_eq!(read(json!({ "default": [], "tls": [] }), Value::Null), (true, false, false));
        let all = json!({ "all-features": true, "rustdoc-args": ["--html-in-header", "docsrs"] });
        assert_eq!(read(json!({ "tls": [] }), all), (true, true, false));
        let labels = json!({ "rustdoc-args": ["--cfg", "docsrs"] });
        assert_eq!(read(json!({ "tls": [] }), labels), (true, false, true));
    }

    #[test]
    fn publish_false_is_an_empty_list() {
        let package = json!({ "name": "x", "manifest_path": "r/x/Cargo.toml", "publish": [] });
        assert!(!Package::parse(&package, Path::new("r")).unwrap().published);
    }
}
