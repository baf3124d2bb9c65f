//! Writing a finished module.
//!
//! A flush reads the module and makes three values that live as long as it does: what has
//! which number ([`number`]), what lies where in memory ([`layout`]), and from both the
//! value of every hole ([`patch`]). With them every section is written once, front to back.

mod check;
mod decl_names;
mod flush_map;
mod layout;
mod number;
mod patch;
mod problem;
mod sections;
mod write;

use tracing::{Span, info_span};

pub use flush_map::{FlushMap, Location};
pub use problem::{FlushError, Problem};

use super::Module;
pub(super) use check::{problems, start_types};
pub(super) use layout::{Layout, PlacedItem, PlacedSegment, has_room, room_of};
pub(super) use number::{NONE, Numbers, elements_end};
pub(super) use patch::Patcher;
pub(super) use sections::{LINKER_MODULE, put_exports};
pub(super) use write::ModuleWriter;

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// A module that can be instantiated.
    Module,
    /// A relocatable object, which a linker makes a module of.
    Object,
}

/// A finished module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flushed {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Where everything went in them.
    pub map: FlushMap,
}

impl Module {
    /// Writes the module, complete and ready to be instantiated. Two flushes without a
    /// change between them give identical bytes.
    ///
    /// Memory begins with the stack, if there is one, then the offset table, then data in
    /// the order of last update, then thread-local data.
    ///
    /// # Errors
    /// If the module is not complete, would be invalid, or has more of something than engines
    /// take ([`EngineLimit`](crate::EngineLimit)): all reasons at once.
    pub fn flush(&self) -> Result<Flushed, FlushError> {
        let mut bytes = Vec::new();
        let map = self.flush_into(&mut bytes)?;
        Ok(Flushed { bytes, map })
    }

    /// Appends the module to a buffer. Byte ranges on the map count from where it begins.
    ///
    /// # Errors
    /// As [`flush`](Self::flush); the buffer is then as it was.
    pub fn flush_into(&self, out: &mut Vec<u8>) -> Result<FlushMap, FlushError> {
        let span = info_span!("flush", functions = self.decls.funcs.len(), bytes = 0);
        let _entered = span.enter();
        append(out, &span, |out| self.write(out))
    }

    fn write(&self, out: &mut Vec<u8>) -> Result<FlushOutcome, Vec<Problem>> {
        let written = self.write_numbered(out, false)?;
        let map = written.map.with_functions(written.numbers.functions);
        Ok((map, written.problems))
    }

    /// Appends the module to a buffer, with room for more data if it is `padded`.
    pub(super) fn write_numbered(
        &self,
        out: &mut Vec<u8>,
        padded: bool,
    ) -> Result<NumberedFlush<'_>, Vec<Problem>> {
        let numbers = Numbers::new(self, Form::Module);
        let problems = check::problems(self, &numbers, Form::Module);
        if !problems.is_empty() {
            return Err(problems);
        }
        let layout = Layout::with_room(self, Form::Module, padded);
        let layout = layout.map_err(|problem| vec![problem])?;
        let problems = check::beyond_engines(self, &numbers, &layout);
        if !problems.is_empty() {
            return Err(problems);
        }
        let mut writer = ModuleWriter::new(self, &numbers, &layout, Form::Module, out);
        writer.reserve();
        writer.sections();
        writer.names();
        writer.producers();
        writer.target_features();
        writer.check_module_size(0);
        let segment_starts = std::mem::take(&mut writer.segment_starts);
        let (map, problems) = writer.finish();
        Ok(NumberedFlush {
            map,
            problems,
            segment_starts,
            numbers,
            layout,
        })
    }
}

/// What was appended, what turned out to be wrong with it meanwhile, and what it was made by.
pub(super) struct NumberedFlush<'a> {
    /// Lacks the functions' numbers.
    pub(super) map: FlushMap,
    pub(super) problems: Vec<Problem>,
    /// Where the contents of each segment begin in the buffer.
    pub(super) segment_starts: Vec<usize>,
    pub(super) numbers: Numbers<'a>,
    pub(super) layout: Layout,
}

/// What was appended, and what turned out to be wrong with it meanwhile.
pub(super) type FlushOutcome = (FlushMap, Vec<Problem>);

/// Lets `write` append a module or an object to `out`. If anything is wrong with it, `out` is
/// as it was.
pub(super) fn append(
    out: &mut Vec<u8>,
    span: &Span,
    write: impl FnOnce(&mut Vec<u8>) -> Result<FlushOutcome, Vec<Problem>>,
) -> Result<FlushMap, FlushError> {
    let start = out.len();
    match write(out) {
        Ok((map, problems)) if problems.is_empty() => {
            span.record("bytes", out.len() - start);
            Ok(map)
        }
        Ok((_, problems)) | Err(problems) => {
            out.truncate(start);
            Err(FlushError::Incomplete(problems))
        }
    }
}
