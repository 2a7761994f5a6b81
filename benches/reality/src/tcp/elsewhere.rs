//! Where there is no Linux there is no road of our own between two kernels.

use anyhow::Result;

use super::Real;
use super::case::Case;

#[expect(clippy::unused_async, reason = "as the one for Linux")]
pub(super) async fn play(_: &[Case], _: usize, _: bool) -> Result<Real> {
    Ok(Err("it wants Linux".into()))
}
