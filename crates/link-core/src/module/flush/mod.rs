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

use tracing::info_span;

pub use flush_map::{FlushMap, Location};
pub use problem::{FlushError, Problem};

use super::Module;
pub(super) use check::problems;
pub(super) use layout::{Layout, PlacedItem};
pub(super) use number::{NONE, Numbers};
pub(super) use sections::LINKER_MODULE;
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
        let start = out.len();
        let (map, problems) = match self.write(out) {
            Ok(written) => written,
            Err(problems) => {
                out.truncate(start);
                return Err(FlushError::Incomplete(problems));
            }
        };
        if !problems.is_empty() {
            out.truncate(start);
            return Err(FlushError::Incomplete(problems));
        }
        span.record("bytes", out.len() - start);
        Ok(map)
    }

    fn write(&self, out: &mut Vec<u8>) -> Result<(FlushMap, Vec<Problem>), Vec<Problem>> {
        let numbers = Numbers::new(self, Form::Module);
        let problems = check::problems(self, &numbers, Form::Module);
        if !problems.is_empty() {
            return Err(problems);
        }
        let layout = Layout::new(self, Form::Module).map_err(|problem| vec![problem])?;
        let problems = check::beyond_engines(self, &numbers, &layout);
        if !problems.is_empty() {
            return Err(problems);
        }
        let mut writer = ModuleWriter::new(self, &numbers, &layout, Form::Module, out);
        writer.reserve();
        writer.types();
        writer.imports();
        writer.functions();
        writer.tables();
        writer.memories();
        writer.tags();
        writer.globals();
        writer.exports();
        writer.start();
        writer.elements();
        writer.data_count();
        writer.code();
        writer.data();
        writer.customs();
        writer.names();
        writer.producers();
        writer.target_features();
        writer.check_module_size(0);
        let problems = std::mem::take(&mut writer.problems);
        let map = std::mem::take(&mut writer.map).with_functions(numbers.functions);
        Ok((map, problems))
    }
}
