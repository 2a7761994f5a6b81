//! What an idle connection held when it was last looked at: it may only become less.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};

use super::cases::LEFT;
use super::counted::Counted;

/// What the same program counts more or less from run to run, in bytes of a connection: tables that
/// grow by doubling, in another order each time. A block of each connection's own shows as a block.
const NOISE: f64 = 60.0;

/// Half a block of each connection: timers of a runtime come and go, a whole one is somebody's
const BLOCKS_NOISE: f64 = 0.5;

/// Bytes by name
#[derive(Debug)]
pub(super) struct Baseline(Map<String, Value>);

impl Baseline {
    pub(super) fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("{}", path.display()))?;
        let mut value: Value = serde_json::from_str(&text)?;
        Ok(Self(value["bytes"].as_object_mut().map(std::mem::take).unwrap_or_default()))
    }

    pub(super) fn of(counts: &[Counted]) -> Self {
        let bytes = counts
            .iter()
            .map(|one| (one.name.clone(), json!([one.judged().round(), one.blocks()])));
        Self(bytes.collect())
    }

    pub(super) fn write(&self, path: &Path) -> Result<()> {
        let value =
            json!({ "unit": "live heap bytes and blocks of an idle connection", "bytes": self.0 });
        fs::write(path, format!("{value:#}\n"))?;
        Ok(())
    }

    /// How many bytes and blocks it may be at most; `None` for what is new
    pub(super) fn allowed(&self, name: &str) -> Option<[f64; 2]> {
        let then = self.0.get(name)?;
        let (bytes, blocks) = (then[0].as_f64()?, then[1].as_f64()?);
        // What a burst leaves may not grow by being blessed.
        let most = if name.contains("left of") { LEFT } else { bytes + NOISE };
        Some([most, blocks + BLOCKS_NOISE])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let path = std::env::temp_dir().join(format!("everbeat-bytes-{}", std::process::id()));
        let object = json!({ "bytes": 700.4, "parts": [] });
        let one = Counted { name: "server".into(), goal: None, object };
        Baseline::of(&[one]).write(&path).unwrap();
        let read = Baseline::read(&path);
        fs::remove_file(&path).unwrap();
        let read = read.unwrap();
        assert_eq!(read.allowed("server"), Some([700.0 + NOISE, BLOCKS_NOISE]));
        assert_eq!(read.allowed("client"), None);
    }
}
