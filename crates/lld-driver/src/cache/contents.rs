//! What is in the files a link depends on, reading as few of them as possible.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs::File;
use std::io;
use std::path::Path;
use std::time::SystemTime;

use super::inputs::{Bypass, is_absence};
use super::record::{load_sealed, save_sealed};
use crate::replace::Guard;
use crate::sys::{self, Stamp};

/// How long a file must have been quiet for its stamp to prove that it is the
/// same: the coarsest resolution of a timestamp in use, FAT's. A file that was
/// changed later than that may be changed once more without a trace.
const SETTLED_SECONDS: i64 = 2;

const HEADER: &str = "lld-driver manifest 1";

/// The hashes of files: those remembered from the last link (the *manifest*) and
/// those computed for this one.
#[derive(Debug, Default)]
pub(super) struct Contents {
    /// By the hash of the path.
    remembered: HashMap<blake3::Hash, Known>,
    /// Of this link. A file whose stamp proves nothing has none.
    fresh: HashMap<blake3::Hash, (Option<Stamp>, blake3::Hash)>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Known {
    stamp: Stamp,
    hash: blake3::Hash,
}

impl Contents {
    /// With what the manifest knows; nothing if it is missing or damaged.
    pub(super) fn load(manifest: &Path) -> Self {
        let remembered = load_sealed(manifest)
            .and_then(|text| {
                let mut lines = text.lines();
                (lines.next()? == HEADER).then_some(())?;
                lines.map(parse_line).collect()
            })
            .unwrap_or_default();
        Self {
            remembered,
            fresh: HashMap::new(),
        }
    }

    /// Writes the manifest: the files of this link whose stamps can be relied on.
    pub(super) fn save(&self, manifest: &Path, guard: Option<Guard>) -> io::Result<()> {
        let mut lines: Vec<String> = self
            .fresh
            .iter()
            .filter_map(|(path, (stamp, hash))| {
                let stamp = (*stamp)?;
                Some(format_line(path, &Known { stamp, hash: *hash }))
            })
            .collect();
        lines.sort_unstable();
        save_sealed(manifest, guard, &format!("{HEADER}\n{}", lines.concat()))
    }

    /// From here on files are looked at once more; what has been read already and
    /// provably did not change is not read again.
    pub(super) fn look_again(&mut self) {
        for (path, (stamp, hash)) in self.fresh.drain() {
            if let Some(stamp) = stamp {
                self.remembered.insert(path, Known { stamp, hash });
            }
        }
    }

    /// The state of something that is an input if it is there, as bytes that differ
    /// for different states.
    pub(super) fn state(&mut self, path: &Path) -> Result<Vec<u8>, Bypass> {
        let metadata = match std::fs::metadata(path) {
            Ok(metadata) => metadata,
            Err(error) if is_absence(&error) => return Ok(b"absent".to_vec()),
            Err(_) => return Err(Bypass::Unreadable(path.to_owned())),
        };
        if metadata.is_dir() {
            return Ok(b"directory".to_vec());
        }
        if !metadata.is_file() {
            return Err(Bypass::NotAFile(path.to_owned()));
        }
        match self.of_file(path) {
            Ok(hash) => Ok(hash.as_bytes().to_vec()),
            Err(error) if error.kind() == io::ErrorKind::Unsupported => {
                Err(Bypass::ThinArchive(path.to_owned()))
            }
            Err(_) => Err(Bypass::Unreadable(path.to_owned())),
        }
    }

    /// The hash of a file's contents. A thin archive is
    /// [`io::ErrorKind::Unsupported`]: its contents are elsewhere.
    pub(super) fn of_file(&mut self, path: &Path) -> io::Result<blake3::Hash> {
        let key = blake3::hash(path.as_os_str().as_encoded_bytes());
        if let Some((_, hash)) = self.fresh.get(&key) {
            return Ok(*hash);
        }
        // The time comes first: a change after it makes the stamp too new.
        let now = SystemTime::now();
        let before = sys::stamp(&std::fs::metadata(path)?);
        if let (Some(stamp), Some(known)) = (before, self.remembered.get(&key))
            && known.stamp == stamp
        {
            let hash = known.hash;
            self.fresh.insert(key, (Some(stamp), hash));
            return Ok(hash);
        }

        let file = File::open(path)?;
        let hash = hash_file(&file)?;
        // Changed while it was read, or about to change unseen: prove nothing.
        let after = sys::stamp(&file.metadata()?);
        let stamp =
            before.filter(|stamp| after == Some(*stamp) && stamp.is_settled(now, SETTLED_SECONDS));
        self.fresh.insert(key, (stamp, hash));
        Ok(hash)
    }
}

fn hash_file(mut file: &File) -> io::Result<blake3::Hash> {
    use std::io::Read;

    let mut start = Vec::new();
    file.take(THIN_ARCHIVE.len() as u64)
        .read_to_end(&mut start)?;
    if start == THIN_ARCHIVE {
        return Err(io::ErrorKind::Unsupported.into());
    }
    let mut hasher = blake3::Hasher::new();
    hasher.update(&start);
    let mut buffer = vec![0; 256 << 10];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(hasher.finalize()),
            Ok(read) => hasher.update(&buffer[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
    }
}

/// How a thin archive begins: one that names its members instead of holding them.
const THIN_ARCHIVE: &[u8] = b"!<thin>\n";

fn format_line(path: &blake3::Hash, known: &Known) -> String {
    let Known { stamp, hash } = known;
    let mut line = String::new();
    // Writing to a string does not fail.
    let _ = writeln!(
        line,
        "{} {} {} {} {} {} {} {} {}",
        path.to_hex(),
        stamp.size,
        stamp.modified.0,
        stamp.modified.1,
        stamp.changed.0,
        stamp.changed.1,
        stamp.device,
        stamp.inode,
        hash.to_hex(),
    );
    line
}

fn parse_line(line: &str) -> Option<(blake3::Hash, Known)> {
    let mut fields = line.split(' ');
    let path = blake3::Hash::from_hex(fields.next()?).ok()?;
    let stamp = Stamp {
        size: fields.next()?.parse().ok()?,
        modified: (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?),
        changed: (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?),
        device: fields.next()?.parse().ok()?,
        inode: fields.next()?.parse().ok()?,
    };
    let hash = blake3::Hash::from_hex(fields.next()?).ok()?;
    fields.next().is_none().then_some(())?;
    Some((path, Known { stamp, hash }))
}

/// A hash over a sequence of byte strings, each with its length, so that no two
/// sequences look the same.
pub(super) struct Hasher(blake3::Hasher);

impl Hasher {
    pub(super) fn new(purpose: &str) -> Self {
        let mut hasher = Self(blake3::Hasher::new());
        hasher.bytes(purpose.as_bytes());
        hasher
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.0.update(&(bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }

    pub(super) fn os_str(&mut self, text: &OsStr) {
        self.bytes(text.as_encoded_bytes());
    }

    pub(super) fn list<S: AsRef<OsStr>>(&mut self, list: &[S]) {
        self.0.update(&(list.len() as u64).to_le_bytes());
        for item in list {
            self.os_str(item.as_ref());
        }
    }

    pub(super) fn finish(self) -> blake3::Hash {
        self.0.finalize()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_manifest_reads_back() {
        let known = Known {
            stamp: Stamp {
                size: 1,
                modified: (-2, 3),
                changed: (4, 5),
                device: 6,
                inode: 7,
            },
            hash: blake3::hash(b"contents"),
        };
        let path = blake3::hash(b"path");
        let line = format_line(&path, &known);
        assert_eq!(parse_line(line.trim_end()), Some((path, known)));
        assert_eq!(parse_line(&format!("{} 8", line.trim_end())), None);
        assert_eq!(parse_line("x"), None);
    }

    #[test]
    fn sequences_do_not_run_together() {
        let hash = |parts: &[&str]| {
            let mut hasher = Hasher::new("test");
            hasher.list(parts);
            hasher.finish()
        };
        assert_ne!(hash(&["ab", "c"]), hash(&["a", "bc"]));
        assert_ne!(hash(&["ab"]), hash(&["ab", ""]));
    }

    /// A manifest that knows a settled file's hash spares reading the file: shown
    /// by a manifest that is wrong.
    #[cfg(all(unix, feature = "rustix"))]
    #[test]
    fn a_settled_file_is_not_read_again_and_a_young_one_is() {
        let dir = tempfile::tempdir().unwrap();
        let (file, manifest) = (dir.path().join("file"), dir.path().join("manifest"));
        std::fs::write(&file, "text").unwrap();
        let right = blake3::hash(b"text");

        let mut contents = Contents::default();
        assert_eq!(contents.of_file(&file).unwrap(), right);
        contents.save(&manifest, None).unwrap();
        assert!(
            Contents::load(&manifest).remembered.is_empty(),
            "the file is too young to be told from its next version"
        );

        let wrong = blake3::hash(b"other");
        let stamp = sys::stamp(&file.metadata().unwrap()).unwrap();
        let key = blake3::hash(file.as_os_str().as_encoded_bytes());
        contents.fresh.insert(key, (Some(stamp), wrong));
        contents.save(&manifest, None).unwrap();
        let mut contents = Contents::load(&manifest);
        assert_eq!(contents.of_file(&file).unwrap(), wrong, "not read");
        contents.save(&manifest, None).unwrap();

        std::thread::sleep(std::time::Duration::from_millis(30));
        std::fs::write(&file, "next").unwrap();
        let mut contents = Contents::load(&manifest);
        assert_eq!(contents.of_file(&file).unwrap(), blake3::hash(b"next"));
    }
}
