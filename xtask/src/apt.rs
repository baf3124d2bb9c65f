//! Packages of Debian 12 that are downloaded and unpacked, not installed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Result, process};

/// Debian's archive, as apt wants it written.
const ARCHIVES: [&str; 2] = [
    "http://deb.debian.org/debian bookworm main",
    "http://deb.debian.org/debian-security bookworm-security main",
];

/// apt with lists and sources of its own below a directory: the machine's stay as they are, and
/// no one needs to be root.
pub(crate) struct Apt {
    dir: PathBuf,
}

impl Apt {
    /// Prepares `dir` and fetches the lists of packages.
    pub(crate) fn new(dir: &Path) -> Result<Self> {
        process::require("apt-get", "apt")?;
        for below in ["lists/partial", "cache/archives/partial", "download"] {
            fs::create_dir_all(dir.join(below))?;
        }
        let mut sources = String::new();
        for kind in ["deb", "deb-src"] {
            for archive in ARCHIVES {
                sources += kind;
                sources += " [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ";
                sources += archive;
                sources.push('\n');
            }
        }
        fs::write(dir.join("sources.list"), sources)?;
        let apt = Self {
            dir: dir.to_owned(),
        };
        apt.run(&["update"])?;
        Ok(apt)
    }

    /// Runs `apt-get`; what it downloads lands among [`Self::downloaded`].
    pub(crate) fn run(&self, words: &[&str]) -> Result {
        let mut command = Command::new("apt-get");
        for (key, value) in [
            ("Dir::Etc::SourceList", self.dir.join("sources.list")),
            ("Dir::Etc::SourceParts", "/dev/null".into()),
            ("Dir::State::Lists", self.dir.join("lists")),
            ("Dir::Cache", self.dir.join("cache")),
            // Without this, root would hand the download to a user who may not write here.
            ("APT::Sandbox::User", "".into()),
        ] {
            command.arg("-o").arg(format!("{key}={}", value.display()));
        }
        command.arg("-q").args(words);
        process::run(command.current_dir(self.dir.join("download")))
    }

    /// The files that were downloaded.
    pub(crate) fn downloaded(&self) -> Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(self.dir.join("download"))? {
            files.push(entry?.path());
        }
        Ok(files)
    }

    /// Removes everything that was downloaded, the lists too.
    pub(crate) fn remove(self) -> Result {
        Ok(fs::remove_dir_all(self.dir)?)
    }
}
