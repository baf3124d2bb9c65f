//! What tests make their inputs with: object files and archives of `test-objects`, and files in
//! memory.

#![allow(
    dead_code,
    unreachable_pub,
    unused_imports,
    reason = "no test binary uses all of it"
)]

pub mod fuzz;
pub mod vary;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use link_core::{FileData, Files};
pub use test_objects::{
    ArchiveForm, CustomDef, FunctionDef, ObjectFile, Random, RawSection, SegmentDef, archive,
    assemble, call, data_symbol, defines, import, mutate, reloc, source, symbol, undefined,
};

/// Files that are nowhere but here.
#[derive(Default)]
pub struct MemoryFiles(pub BTreeMap<PathBuf, Vec<u8>>);

impl MemoryFiles {
    pub fn with(mut self, path: &str, bytes: impl Into<Vec<u8>>) -> Self {
        self.0.insert(path.into(), bytes.into());
        self
    }
}

impl Files for MemoryFiles {
    fn read(&self, path: &Path) -> io::Result<FileData> {
        let bytes = self.0.get(path).ok_or(io::ErrorKind::NotFound)?;
        Ok(FileData::new(bytes.clone()))
    }

    fn exists(&self, path: &Path) -> bool {
        self.0.contains_key(path)
    }
}
