//! Builds, tests, benchmarks and checks of this workspace.
fn main() {}
