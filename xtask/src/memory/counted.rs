//! What one process says that it counted.

use serde_json::Value;

/// What one process counted
#[derive(Debug)]
pub(super) struct Counted {
    pub(super) name: String,
    pub(super) goal: Option<f64>,
    pub(super) object: Value,
}

impl Counted {
    pub(super) fn bytes(&self) -> f64 {
        self.object["bytes"].as_f64().unwrap_or(f64::INFINITY)
    }

    /// What a burst has left, where there was one, without what is nobody's in particular
    pub(super) fn left(&self) -> Option<f64> {
        self.object["left"].as_f64()
    }

    /// What is held against goal and baseline
    pub(super) fn judged(&self) -> f64 {
        self.left().unwrap_or_else(|| self.bytes())
    }

    /// Blocks of a connection; what a burst leaves is judged by its bytes
    pub(super) fn blocks(&self) -> f64 {
        if self.left().is_some() { 0.0 } else { self.parts().map(|part| part.2).sum() }
    }

    pub(super) fn parts(&self) -> impl Iterator<Item = (&str, f64, f64)> {
        let parts = self.object["parts"].as_array().into_iter().flatten();
        parts.filter_map(|part| {
            Some((part["name"].as_str()?, part["bytes"].as_f64()?, part["blocks"].as_f64()?))
        })
    }
}
