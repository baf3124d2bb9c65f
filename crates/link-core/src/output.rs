//! What a link returns, and where the module's bytes go.

use std::io;

use crate::diag::{Code, Diagnostic, Severity};
use crate::report::Report;
use crate::report::size::SizeReport;

/// Where the module is written. Asked for room once, when nothing can fail any more but
/// the writing itself.
pub trait Sink: Send {
    /// Room for exactly `len` bytes, which the link fills. What it holds before does not
    /// matter.
    ///
    /// An error becomes a diagnostic of the link.
    fn room(&mut self, len: usize) -> io::Result<&mut [u8]>;

    /// As [`room`](Self::room), or something to which the module's `len` bytes are written
    /// part by part. Asked instead of `room`, unless the link has to see the whole module
    /// (to make a build id of it).
    fn room_or_places(&mut self, len: usize) -> io::Result<Room<'_>> {
        self.room(len).map(Room::Memory)
    }

    /// The link failed while it filled the room: what is there is no module. Does nothing
    /// unless it is implemented.
    fn abandon(&mut self) {}
}

/// Something that is written part by part, in any order and from several threads.
pub trait Places: Sync {
    /// Writes all of `bytes` to their place, which begins `offset` bytes into the module.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
}

/// Where a module goes.
pub enum Room<'a> {
    /// Memory that is filled.
    Memory(&'a mut [u8]),
    /// Places that are written to.
    Places(&'a dyn Places),
}

/// Into memory. A link that fails leaves it empty or as it was.
impl Sink for Vec<u8> {
    fn room(&mut self, len: usize) -> io::Result<&mut [u8]> {
        self.clear();
        self.try_reserve_exact(len)
            .map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))?;
        self.resize(len, 0);
        Ok(self)
    }

    fn abandon(&mut self) {
        self.clear();
    }
}

impl<S: Sink + ?Sized> Sink for &mut S {
    fn room(&mut self, len: usize) -> io::Result<&mut [u8]> {
        (**self).room(len)
    }

    fn room_or_places(&mut self, len: usize) -> io::Result<Room<'_>> {
        (**self).room_or_places(len)
    }

    fn abandon(&mut self) {
        (**self).abandon();
    }
}

/// A link that succeeded.
#[derive(Debug)]
pub struct Linked {
    /// Warnings.
    pub diagnostics: Vec<Diagnostic>,
    /// What went where.
    pub map: crate::report::map::LinkMap,
    /// Where the output's bytes come from, with
    /// [`Options::size_report`](crate::options::Options::size_report).
    pub size: Option<Box<SizeReport>>,
    /// What else the link tells, as far as the options ask.
    pub report: Report,
}

impl Linked {
    /// A link that changed an output, with the warnings from when that was made.
    pub(crate) fn patched(diagnostics: Vec<Diagnostic>) -> Self {
        Self {
            diagnostics,
            map: crate::report::map::LinkMap::default(),
            size: None,
            report: Report::default(),
        }
    }
}

/// A link that failed; there is no output.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", first_error(.diagnostics))]
pub struct LinkError {
    /// Errors, and warnings from before them.
    pub diagnostics: Vec<Diagnostic>,
    /// What the link tells, as far as the options ask and it came.
    pub report: Box<Report>,
}

impl LinkError {
    /// Whether the link failed because a used input is LLVM bitcode, which only LLD can
    /// link.
    pub fn needs_lld(&self) -> bool {
        self.diagnostics
            .iter()
            .any(|diagnostic| diagnostic.code == Code::Bitcode)
    }
}

fn first_error(diagnostics: &[Diagnostic]) -> String {
    let errors = diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.severity == Severity::Error);
    let count = errors.clone().count();
    let Some(first) = errors.clone().next() else {
        return "link failed".to_owned();
    };
    match count {
        1 => first.to_string(),
        _ => format!("{first} (and {} more errors)", count - 1),
    }
}
