//! What the operating system tells of this process. Elsewhere than on Linux it tells nothing, and
//! what rests on it is left out of the report.

use std::fs;
use std::time::Duration;

use peak_alloc::PeakAlloc;

/// Counts what is allocated and not freed, whatever the allocator under it keeps for later
#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

/// How many bytes are allocated and not freed
pub(crate) fn heap() -> u64 {
    HEAP.current_usage() as u64
}

/// How many descriptors are open
pub(crate) fn descriptors() -> Option<u64> {
    // One of them is the folder's own.
    Some(fs::read_dir("/proc/self/fd").ok()?.count().saturating_sub(1) as u64)
}

/// How many bytes are resident
pub(crate) fn resident() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib << 10)
}

/// How long processors have worked for this process
pub(crate) fn worked() -> Option<Duration> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The name, in brackets, may contain anything; user and system time are the 12th and 13th
    // field behind it, in hundredths of a second.
    let fields: Vec<_> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |index: usize| fields.get(index)?.parse::<u64>().ok();
    Some(Duration::from_millis((ticks(11)? + ticks(12)?) * 10))
}

/// Allows so many descriptors, if the system does; how many are allowed then
pub(crate) fn allow_descriptors(wanted: u64) -> std::io::Result<u64> {
    rlimit::increase_nofile_limit(wanted)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn an_open_file_is_one_descriptor_more() {
        let before = descriptors().unwrap();
        let kept: Vec<_> = (0..50).map(|_| fs::File::open("/dev/null").unwrap()).collect();
        // Other tests open and close some meanwhile.
        assert!(descriptors().unwrap() >= before + 40, "{} are kept", kept.len());
    }

    #[test]
    fn memory_and_time_are_told() {
        assert!(resident().unwrap() > 100 << 10);
        assert!(worked().is_some());
        let before = heap();
        let kept = vec![0_u8; 64 << 20];
        assert!(heap() >= before + (32 << 20), "{} bytes are kept", kept.len());
    }
}
