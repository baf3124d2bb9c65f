//! Flushing into an output that stays open: the first flush writes it with padding, later ones
//! change what changed in the module.
//!
//! A module writes down which declarations change ([`journal`]) once it was flushed into an open
//! output. The output has the bytes ([`room`](crate::room)) and knows where everything is in them
//! ([`padded`]), so a flush looks at the declarations in the journal and at nothing else
//! ([`patched`]).

mod journal;
mod open_file;
mod padded;
mod patched;

use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use tracing::info_span;

pub(super) use journal::Journal;

use super::Module;
use super::flush::{FlushError, FlushMap};
use crate::room::{Image, NoRoom};
use open_file::OpenFile;
use padded::Padded;

/// An output that a module is flushed into again and again ([`Module::flush_open`]), in memory or
/// in memory and a file.
///
/// The first flush writes everything, with room for what may change: padding of at most 15 % and
/// a few kilobytes. Later ones write what changed, and say where
/// ([`FlushMap::changed`]), so that a host can keep a copy up to date. A change for which there
/// is no room, or that is never patched, makes a flush write everything again
/// ([`FlushMap::rewritten`]). What is patched:
///
/// - functions that changed, shrank or grew, new ones, freed ones, and their types;
/// - addresses of functions that were not taken before;
/// - data that changed or is new, and data that has to move, if everything that refers to it
///   changed as well;
/// - exports of anything but data, and names of functions and locals.
///
/// The module behaves like that of [`Module::flush`], and is written if and only if that would
/// succeed. It may have left-overs: types, functions that trap, bytes and slots of the function
/// table that nothing refers to, and a larger memory. A function that outgrew its place keeps its
/// index, where a call to its new place is; [`FlushMap::get`] says where that is. Data has other
/// addresses than in a full flush.
///
/// The output takes about as much memory as it has bytes, and some 60 bytes for each function;
/// while everything is written, there are up to four copies of the bytes.
///
/// ```
/// use link_core::module::{FunctionBody, Module, OpenOutput};
/// use wasm_format::{FuncType, ValType};
///
/// let constant = |value| {
///     let mut body = FunctionBody::new(FuncType::new([], [ValType::I32]));
///     body.code(&[0x41]).signed(value).end(); // i32.const
///     body
/// };
/// let mut module = Module::default();
/// let f = module.announce_function("f").unwrap();
/// module.update(f, constant(1)).unwrap();
/// let mut output = OpenOutput::in_memory();
/// module.flush_open(&mut output).unwrap();
/// let mut copy = output.bytes().to_vec();
///
/// module.update(f, constant(2)).unwrap();
/// let changed = module.flush_open(&mut output).unwrap().changed().to_vec();
/// assert_eq!(changed.len(), 1);
/// assert_eq!(changed[0].len(), 1); // the number
/// for range in changed {
///     copy[range.clone()].copy_from_slice(&output.bytes()[range]);
/// }
/// assert_eq!(copy, output.bytes());
/// ```
///
/// # In a file
///
/// The file appears when it is written for the first time, as that of an
/// [`OutputFile`](super::OutputFile) does. It is patched in place: its first four bytes are zero
/// meanwhile, so a module that is half written does not load, and a process that reads or maps
/// the file sees the changes. The file is replaced by a new one when everything is written, and
/// everything is written if the file was replaced, removed, given another link, or has another
/// size or time of modification than it was left with. A change that keeps the size, within one
/// tick of the file system's clock of the last flush, is not noticed. Nothing is flushed to the
/// disk itself (`fsync`): after a power failure the file is to be written anew.
pub struct OpenOutput {
    image: Image,
    /// What is known of the image; `None` if it has no padding, or is of no use any more.
    padded: Option<Padded>,
    map: FlushMap,
    /// The number of the write that wrote everything; 0 before there was one.
    write: u64,
    /// Why everything is to be written the next time, if that is known already.
    stale: Option<Rewritten>,
    file: Option<OpenFile>,
}

/// Why a flush into an [`OpenOutput`] wrote everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rewritten {
    /// Nothing was there.
    First,
    /// The output holds another module, or this one was flushed into another output meanwhile.
    OtherModule,
    /// This changed, which is never patched.
    Changed(&'static str),
    /// The padding of this section is used up.
    NoRoom(&'static str),
    /// A datum outgrew its place, and something that did not change refers to it.
    Moved,
    /// The output has no padding: it would be beyond what engines take, or has no functions.
    NoPadding,
    /// The file is not as it was left, or could not be written.
    File,
    /// The flush before this one failed on the way.
    Unfinished,
}

impl From<NoRoom> for Rewritten {
    fn from(NoRoom(section): NoRoom) -> Self {
        Self::NoRoom(section)
    }
}

impl fmt::Display for Rewritten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::First => f.write_str("nothing was there"),
            Self::OtherModule => f.write_str("another module was there"),
            Self::Changed(what) => write!(f, "a change of {what} is not patched"),
            Self::NoRoom(section) => {
                write!(f, "the padding of the {section} section is used up")
            }
            Self::Moved => f.write_str("data has moved that unchanged code refers to"),
            Self::NoPadding => f.write_str("the output has no padding"),
            Self::File => f.write_str("the file is not as it was left"),
            Self::Unfinished => f.write_str("an earlier flush did not finish"),
        }
    }
}

impl fmt::Debug for OpenOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenOutput")
            .field("bytes", &self.image.bytes.len())
            .field("file", &self.file.as_ref().map(OpenFile::path))
            .finish_non_exhaustive()
    }
}

impl OpenOutput {
    /// An output in memory.
    pub fn in_memory() -> Self {
        Self {
            image: Image::default(),
            padded: None,
            map: FlushMap::default(),
            write: 0,
            stale: None,
            file: None,
        }
    }

    /// An output in a file, opened early as by [`OutputFile::create`](super::OutputFile::create).
    ///
    /// # Errors
    /// If no regular file can be written there.
    pub fn create(path: impl AsRef<Path>) -> Result<Self, FlushError> {
        Ok(Self {
            file: Some(OpenFile::create(path.as_ref())?),
            ..Self::in_memory()
        })
    }

    /// The output as the last flush left it; empty before the first. A flush of an incomplete
    /// module changes nothing. If a file could not be written, this is what was to be in it.
    pub fn bytes(&self) -> &[u8] {
        &self.image.bytes
    }

    /// Where everything is in it.
    pub fn map(&self) -> &FlushMap {
        &self.map
    }
}

/// A number that no other write has.
fn next_write() -> u64 {
    static WRITES: AtomicU64 = AtomicU64::new(1);
    WRITES.fetch_add(1, Ordering::Relaxed)
}

impl Module {
    /// Flushes into an output that stays open: see [`OpenOutput`]. The map says what was written.
    ///
    /// From the first call on, the module writes down which declarations change, in at most half
    /// a megabyte. The journal is that of one output: flushing into two in turn writes everything
    /// each time.
    ///
    /// # Errors
    /// As [`flush`](Self::flush); the output is then as it was, and the next flush goes on from
    /// there. If the file cannot be written; the next flush writes all of it.
    pub fn flush_open<'o>(
        &mut self,
        output: &'o mut OpenOutput,
    ) -> Result<&'o FlushMap, FlushError> {
        let span = info_span!("flush_open", bytes = 0);
        let _entered = span.enter();
        let (changed, rewritten) = match self.patch_open(output) {
            Ok(()) => (output.image.keep(), None),
            Err(reason) => {
                self.rewrite_open(output)?;
                let all = 0..output.image.bytes.len();
                (vec![all], Some(reason))
            }
        };
        span.record(
            "bytes",
            changed.iter().map(ExactSizeIterator::len).sum::<usize>(),
        );
        if let Some(file) = &mut output.file {
            let bytes = &output.image.bytes;
            let written = match rewritten {
                Some(_) => file.replace(bytes),
                None => file.patch(bytes, &changed),
            };
            if written.is_err() {
                output.stale = Some(Rewritten::File);
            }
            written?;
        }
        output.map.set_changed(changed, rewritten);
        Ok(&output.map)
    }

    /// Brings the image of an output in line with this module, or says why it cannot.
    fn patch_open(&mut self, output: &mut OpenOutput) -> Result<(), Rewritten> {
        if output.write == 0 {
            return Err(Rewritten::First);
        }
        let journal = self.journal.as_ref().filter(|it| it.write == output.write);
        let journal = journal.ok_or(Rewritten::OtherModule)?;
        if let Some(reason) = output.stale {
            return Err(reason);
        }
        if output
            .file
            .as_ref()
            .is_some_and(|file| !file.is_as_it_was_left())
        {
            return Err(Rewritten::File);
        }
        if let Some(what) = journal.other {
            return Err(Rewritten::Changed(what));
        }
        let padded = output.padded.as_mut().ok_or(Rewritten::NoPadding)?;
        if !patched::is_complete(self, journal) {
            return Err(Rewritten::Unfinished);
        }
        let image = &mut output.image;
        let done = patched::patch(self, journal, image, padded, &mut output.map);
        if let Err(reason) = done {
            output.stale = Some(reason);
            return Err(reason);
        }
        self.journal = Some(Box::new(Journal::new(output.write)));
        Ok(())
    }

    /// Writes everything. If that fails, the output is as it was.
    fn rewrite_open(&mut self, output: &mut OpenOutput) -> Result<(), FlushError> {
        let mut bytes = Vec::new();
        let padded = match self.write_numbered(&mut bytes, true) {
            Ok(written) if written.problems.is_empty() => padded::pad(self, &bytes, written),
            // Room may be what is too much.
            Ok(_) | Err(_) => None,
        };
        let (image, padded, map) = if let Some((image, padded, map)) = padded {
            (image, Some(padded), map)
        } else {
            let flushed = self.flush()?;
            (Image::new(flushed.bytes), None, flushed.map)
        };
        let write = next_write();
        self.journal = Some(Box::new(Journal::new(write)));
        *output = OpenOutput {
            image,
            padded,
            map,
            write,
            stale: None,
            file: output.file.take(),
        };
        Ok(())
    }
}
