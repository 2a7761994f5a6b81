//! What cannot be checked on this machine is said aloud.

/// Says that a check was not made, and why
#[expect(clippy::print_stderr, reason = "nobody hears of a check that is passed over in silence")]
pub(crate) fn skipped(why: &str) {
    eprintln!("SKIPPED: {why}");
}
