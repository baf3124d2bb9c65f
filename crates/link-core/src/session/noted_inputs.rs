//! Notes on what a link read, by which the next one finds the files that changed.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::state::hash;
use crate::env::{FileData, FileIdentity, Files};
use crate::input::{Input, InputSource, Inputs};
use crate::par::lock;

/// Access to files that notes every question and its answer.
pub(super) struct NotedFiles<'f> {
    files: &'f dyn Files,
    notes: Mutex<Vec<Note>>,
}

/// A question to the file system, and its answer.
#[derive(Debug)]
enum Note {
    Read {
        path: PathBuf,
        identity: Option<FileIdentity>,
        /// The hash of the contents, if the identity may not tell of the next change.
        hash: Option<u64>,
    },
    Exists(PathBuf, bool),
    IsFile(PathBuf, bool),
}

impl<'f> NotedFiles<'f> {
    pub(super) fn new(files: &'f dyn Files) -> Self {
        Self {
            files,
            notes: Mutex::new(Vec::new()),
        }
    }

    /// The same files without notes.
    pub(super) fn inner(&self) -> &'f dyn Files {
        self.files
    }

    pub(super) fn into_notes(self) -> FileNotes {
        FileNotes(self.notes.into_inner().unwrap_or_default())
    }

    fn note(&self, note: Note) {
        lock(&self.notes).push(note);
    }
}

impl Files for NotedFiles<'_> {
    fn read(&self, path: &Path) -> io::Result<FileData> {
        // Asked before reading, so that the next link sees a change made meanwhile.
        let identity = self.files.identity(path);
        let data = self.files.read(path)?;
        self.note(Note::Read {
            path: path.into(),
            identity,
            hash: doubtful_hash(identity, &data),
        });
        Ok(data)
    }

    fn exists(&self, path: &Path) -> bool {
        let exists = self.files.exists(path);
        self.note(Note::Exists(path.into(), exists));
        exists
    }

    fn is_file(&self, path: &Path) -> bool {
        let is_file = self.files.is_file(path);
        self.note(Note::IsFile(path.into(), is_file));
        is_file
    }

    fn list(&self, directory: &Path) -> Vec<PathBuf> {
        self.files.list(directory)
    }

    fn size(&self, path: &Path) -> Option<u64> {
        self.files.size(path)
    }

    fn identity(&self, path: &Path) -> Option<FileIdentity> {
        self.files.identity(path)
    }
}

/// A file system may keep times in steps as long as this one, in which two changes have one time.
const TIME_STEP: Duration = Duration::from_secs(2);

/// The hash of a file's contents, if it was modified so lately that its identity may be the same
/// after another change.
fn doubtful_hash(identity: Option<FileIdentity>, data: &FileData) -> Option<u64> {
    let age = identity?.modified()?.elapsed();
    // A time in the future says nothing.
    let is_doubtful = age.map_or(true, |age| age < TIME_STEP);
    is_doubtful.then(|| hash(data.bytes()))
}

/// The notes of one link.
#[derive(Debug, Default)]
pub(super) struct FileNotes(Vec<Note>);

impl FileNotes {
    /// The files that are not as they were; `None` if the link would look for other ones.
    pub(super) fn changed(&mut self, files: &dyn Files) -> Option<Vec<PathBuf>> {
        let mut changed: Vec<PathBuf> = Vec::new();
        for note in &mut self.0 {
            match note {
                Note::Read {
                    path,
                    identity,
                    hash: known,
                } => {
                    let mut is_same = identity.is_some() && *identity == files.identity(path);
                    if is_same && known.is_some() {
                        let data = files.read(path).ok()?;
                        is_same = *known == Some(hash(data.bytes()));
                        if is_same {
                            *known = doubtful_hash(*identity, &data);
                        }
                    }
                    if !is_same && !changed.contains(path) {
                        changed.push(path.clone());
                    }
                }
                Note::Exists(path, exists) if files.exists(path) != *exists => return None,
                Note::IsFile(path, is_file) if files.is_file(path) != *is_file => return None,
                Note::Exists(..) | Note::IsFile(..) => {}
            }
        }
        Some(changed)
    }

    /// Updates the notes on files that were read again.
    pub(super) fn update(&mut self, read: FileNotes) {
        for new in read.0 {
            let Note::Read {
                path: read,
                identity: now,
                hash: new,
            } = new
            else {
                continue;
            };
            for note in &mut self.0 {
                if let Note::Read {
                    path,
                    identity,
                    hash,
                } = note
                    && *path == read
                {
                    (*identity, *hash) = (now, new);
                }
            }
        }
    }
}

/// The inputs of a link, without what is in them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct InputShape {
    search_paths: Vec<PathBuf>,
    inputs: Vec<(InputName, PositionalFlags)>,
}

/// What an input is called.
#[derive(Debug, PartialEq, Eq)]
enum InputName {
    Path(PathBuf),
    Library(String),
    Bytes(String),
    Object(Arc<str>),
}

/// The positional options of an input.
#[derive(Debug, PartialEq, Eq)]
struct PositionalFlags {
    whole_archive: bool,
    lazy: bool,
    dynamic: bool,
}

impl InputShape {
    pub(super) fn of(inputs: &Inputs<'_>) -> Self {
        let of_input = |input: &Input<'_>| {
            let name = match &input.source {
                InputSource::Path(path) => InputName::Path(path.clone()),
                InputSource::Library(name) => InputName::Library(name.clone()),
                InputSource::Bytes { name, .. } => InputName::Bytes(name.clone()),
                InputSource::Object(object) => InputName::Object(object.name.clone()),
            };
            let position = PositionalFlags {
                whole_archive: input.whole_archive,
                lazy: input.lazy,
                dynamic: input.dynamic,
            };
            (name, position)
        };
        Self {
            search_paths: inputs.search_paths.clone(),
            inputs: inputs.inputs.iter().map(of_input).collect(),
        }
    }
}

/// The hashes of the inputs that are bytes in memory, in their order.
pub(super) fn hashes(inputs: &Inputs<'_>) -> Vec<u64> {
    let bytes = inputs
        .inputs
        .iter()
        .filter_map(|input| match &input.source {
            InputSource::Bytes { data, .. } => Some(hash(data.bytes())),
            InputSource::Path(_) | InputSource::Library(_) | InputSource::Object(_) => None,
        });
    bytes.collect()
}
