//! How long the machine slept is told, on smol; without a harness, for its threads would be in the way.

fn main() {
    #[cfg(target_os = "linux")]
    everbeat_conformance::slept::is_told::<everbeat_smol::Smol>();
}
