//! How much memory a linker holds at most, as `/proc` tells while it runs. Asking slows it down
//! a little, so the runs that are timed are others.

use std::fs;
use std::thread;
use std::time::Duration;

use super::measure::{Subject, remove};
use crate::Result;

/// How often it is asked.
const INTERVAL: Duration = Duration::from_micros(500);

/// The most that was resident at any time that was asked at, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Memory {
    /// Pages of no file: what the linker allocated.
    pub(super) anonymous: u64,
    /// Pages of files: inputs, the output and the program, as far as they are mapped.
    pub(super) file: u64,
}

/// Runs the command once and watches it.
pub(super) fn peak(subject: &mut Subject) -> Result<Memory> {
    let mut child = subject.start()?;
    let status = format!("/proc/{}/status", child.id());
    let mut peak = Memory::default();
    let ended = loop {
        if let Some(ended) = child.try_wait()? {
            break ended;
        }
        if let Ok(text) = fs::read_to_string(&status) {
            let now = parse(&text);
            peak.anonymous = peak.anonymous.max(now.anonymous);
            peak.file = peak.file.max(now.file);
        }
        thread::sleep(INTERVAL);
    };
    if !ended.success() {
        return Err(format!("a link failed while its memory was watched ({ended})").into());
    }
    remove(&subject.output)?;
    Ok(peak)
}

/// What the file `status` of a process says.
fn parse(status: &str) -> Memory {
    let bytes = |field: &str| {
        let mut lines = status.lines();
        let value = lines
            .find_map(|line| line.strip_prefix(field))
            .unwrap_or("0");
        let kibibytes = value.trim().trim_end_matches(" kB").parse::<u64>();
        kibibytes.unwrap_or(0) * 1024
    };
    Memory {
        anonymous: bytes("RssAnon:"),
        // A mapped file that has no place on a disk counts as shared memory.
        file: bytes("RssFile:") + bytes("RssShmem:"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_is_read() {
        let status = "VmRSS:\t    3000 kB\nRssAnon:\t    1000 kB\nRssFile:\t    1990 kB\n\
                      RssShmem:\t      10 kB\n";
        let expected = Memory {
            anonymous: 1_024_000,
            file: 2_048_000,
        };
        assert_eq!(parse(status), expected);
        assert_eq!(parse(""), Memory::default());
    }
}
