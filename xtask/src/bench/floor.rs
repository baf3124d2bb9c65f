//! What no linker that copies its inputs can beat: two threads that copy the bytes of the input
//! files into a new mapped file.

// A mapped file is memory that another process can change. No other process writes the inputs, which
// this command made, or the output, which it makes here; and no decision is taken by the bytes,
// which are only copied.
#![allow(unsafe_code)]

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use memmap2::{Mmap, MmapMut};

use super::measure::remove;
use crate::Result;

/// How many threads copy.
const THREADS: usize = 2;

/// Copies once, with the times of opening and mapping, and removes the copy.
pub(super) fn copy(files: &[PathBuf], output: &Path) -> Result<Duration> {
    remove(output)?;
    let start = Instant::now();
    copy_into(files, output).map_err(|error| format!("{}: {error}", output.display()))?;
    let time = start.elapsed();
    remove(output)?;
    Ok(time)
}

fn copy_into(files: &[PathBuf], output: &Path) -> std::io::Result<()> {
    let mut inputs = Vec::with_capacity(files.len());
    for file in files {
        // SAFETY: see the top of this file.
        inputs.push(unsafe { Mmap::map(&File::open(file)?)? });
    }
    let total: usize = inputs.iter().map(|input| input.len()).sum();
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .open(output)?;
    reserve(&file, total as u64)?;
    // SAFETY: see the top of this file.
    let mut map = unsafe { MmapMut::map_mut(&file)? };

    // Each thread gets files of about the same size together, and the part of the copy that is
    // theirs.
    let share = total.div_ceil(THREADS);
    let mut rest = &mut map[..];
    let mut inputs = inputs.iter();
    thread::scope(|scope| {
        for _ in 0..THREADS {
            let mut mine = Vec::new();
            let mut len = 0;
            while len < share
                && let Some(input) = inputs.next()
            {
                len += input.len();
                mine.push(input);
            }
            let (mut place, others) = std::mem::take(&mut rest).split_at_mut(len);
            rest = others;
            scope.spawn(move || {
                for input in mine {
                    let (here, behind) = std::mem::take(&mut place).split_at_mut(input.len());
                    here.copy_from_slice(input);
                    place = behind;
                }
            });
        }
    });
    Ok(())
}

/// Gives the new file its size, and room on the disk where that can be asked for: then the disk
/// is not looked for room page by page.
#[cfg(target_os = "linux")]
fn reserve(file: &File, len: u64) -> std::io::Result<()> {
    let flags = rustix::fs::FallocateFlags::empty();
    Ok(rustix::fs::fallocate(file, flags, 0, len)?)
}

#[cfg(not(target_os = "linux"))]
fn reserve(file: &File, len: u64) -> std::io::Result<()> {
    file.set_len(len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_copied() {
        let dir = std::env::temp_dir().join(format!("xtask-floor-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let files: Vec<PathBuf> = ["a", "bc", "defghij", "k"]
            .iter()
            .enumerate()
            .map(|(number, text)| {
                let path = dir.join(number.to_string());
                std::fs::write(&path, text).unwrap();
                path
            })
            .collect();
        let output = dir.join("output");
        copy_into(&files, &output).unwrap();
        assert_eq!(std::fs::read_to_string(&output).unwrap(), "abcdefghijk");
        copy(&files, &output).unwrap();
        assert!(!output.exists());
        std::fs::remove_dir_all(dir).unwrap();
    }
}
