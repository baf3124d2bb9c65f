//! The record of one link, and the form in which the cache's files are written.

use std::io::{self, Write};
use std::path::Path;

use crate::replace::{Guard, no_special_file, replace_file};

/// The record of the link that made an output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    /// The digest of its inputs.
    pub(super) digest: blake3::Hash,
    /// The output's contents.
    pub(super) output: blake3::Hash,
    /// What the linker said.
    pub(super) stderr: String,
}

const HEADER: &str = "lld-driver record 1";

impl Record {
    /// None if there is none or it is damaged: then nothing is known.
    pub(super) fn load(path: &Path) -> Option<Self> {
        let text = load_sealed(path)?;
        let rest = text.strip_prefix(HEADER)?.strip_prefix('\n')?;
        let (digest, rest) = rest.split_once('\n')?;
        let (output, stderr) = rest.split_once('\n')?;
        Some(Self {
            digest: blake3::Hash::from_hex(digest).ok()?,
            output: blake3::Hash::from_hex(output).ok()?,
            stderr: stderr.to_owned(),
        })
    }

    pub(super) fn save(&self, path: &Path, guard: Option<Guard>) -> io::Result<()> {
        let (digest, output) = (self.digest.to_hex(), self.output.to_hex());
        let text = format!("{HEADER}\n{digest}\n{output}\n{}", self.stderr);
        save_sealed(path, guard, &text)
    }
}

/// Writes a text with its own hash behind it.
pub(super) fn save_sealed(path: &Path, guard: Option<Guard>, text: &str) -> io::Result<()> {
    let seal = blake3::hash(text.as_bytes()).to_hex();
    replace_file(path, guard, |file| {
        file.write_all(text.as_bytes())?;
        file.write_all(seal.as_bytes())
    })
}

/// Reads what [`save_sealed`] wrote. None if it is not there or not whole.
pub(super) fn load_sealed(path: &Path) -> Option<String> {
    no_special_file(path).ok()?;
    let mut text = String::from_utf8(std::fs::read(path).ok()?).ok()?;
    let end = text.len().checked_sub(blake3::OUT_LEN * 2)?;
    let seal = blake3::Hash::from_hex(text.get(end..)?).ok()?;
    text.truncate(end);
    (blake3::hash(text.as_bytes()) == seal).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_and_any_damage() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("record");
        assert_eq!(Record::load(&path), None);
        let record = Record {
            digest: blake3::hash(b"in"),
            output: blake3::hash(b"out"),
            stderr: "one\ntwo ü\n".to_owned(),
        };
        record.save(&path, None).unwrap();
        assert_eq!(Record::load(&path), Some(record));

        let whole = std::fs::read(&path).unwrap();
        for length in 0..whole.len() {
            std::fs::write(&path, &whole[..length]).unwrap();
            assert_eq!(Record::load(&path), None, "cut to {length}");
        }
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            std::fs::write(&path, &damaged).unwrap();
            assert_eq!(Record::load(&path), None, "damaged at {at}");
        }
    }
}
