//! Running a future beside the caller.

/// Starts futures that run on their own
///
/// The future's type is a parameter, so that a spawner may ask for `Send` and another may not.
pub trait Spawn<F> {
    /// Starts `future`; nobody waits for it
    fn spawn(&self, future: F);
}
