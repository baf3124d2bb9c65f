//! The small sections, of a link and of generated code: entries are appended and counted,
//! and the section's header goes in front of them afterwards.

use wasm_format::leb128::{len_u64, put_u32};
use wasm_format::{
    ConstExpr, ElementMode, EntityType, Export, ExternalKind, Global, GlobalType, Import, Limits,
    SectionId, TableType, put_custom_section_header, put_function_elements, put_import_group,
    put_tag, put_vector_section_header,
};

/// A buffer that sections are appended to. The linker has one for each section, since it
/// gives all of them their offsets first; the engine has one for a whole module.
pub(crate) struct SectionBuffer<'o> {
    /// The buffer.
    pub(crate) bytes: &'o mut Vec<u8>,
    /// Where in it the section that is being written begins.
    start: usize,
    /// How many entries it has so far.
    count: u32,
}

impl<'o> SectionBuffer<'o> {
    pub(crate) fn new(bytes: &'o mut Vec<u8>) -> Self {
        Self {
            start: bytes.len(),
            bytes,
            count: 0,
        }
    }
}

impl SectionBuffer<'_> {
    /// Begins a section.
    pub(crate) fn begin(&mut self) {
        self.start = self.bytes.len();
        self.count = 0;
    }

    /// Bytes of the section's entries so far.
    pub(crate) fn section_len(&self) -> usize {
        self.bytes.len() - self.start
    }

    /// How many entries the section has so far.
    pub(crate) fn entry_count(&self) -> u32 {
        self.count
    }

    /// Ends a vector section: puts its header in front. Returns the header's size, or `None`
    /// if there is no entry: then there is no section.
    pub(crate) fn finish(&mut self, id: SectionId) -> Option<usize> {
        if self.count == 0 {
            self.bytes.truncate(self.start);
            return None;
        }
        let mut header = Vec::new();
        put_vector_section_header(&mut header, id, self.count, self.section_len());
        Some(self.insert(&header))
    }

    /// Ends a custom section in the same way. If nothing was appended, there is no section.
    pub(crate) fn finish_custom(&mut self, name: &str) -> Option<usize> {
        if self.section_len() == 0 {
            return None;
        }
        let mut header = Vec::new();
        put_custom_section_header(&mut header, name, self.section_len());
        Some(self.insert(&header))
    }

    /// Puts a header in front of the section's contents.
    fn insert(&mut self, header: &[u8]) -> usize {
        let at = self.start..self.start;
        self.bytes.splice(at, header.iter().copied());
        header.len()
    }

    /// Appends an entry: what `fill` appends.
    #[inline]
    pub(crate) fn entry(&mut self, fill: impl FnOnce(&mut Vec<u8>)) {
        self.count += 1;
        fill(self.bytes);
    }

    /// Appends `count` entries that are encoded already.
    pub(crate) fn encoded(&mut self, count: u32, entries: &[u8]) {
        self.count += count;
        self.bytes.extend_from_slice(entries);
    }

    pub(crate) fn import(&mut self, module: &str, field: &str, ty: EntityType) {
        self.entry(|out| Import { module, field, ty }.encode(out));
    }

    /// Imports of one module: a group if there are several.
    pub(crate) fn import_run(&mut self, run: &[Import<'_>]) {
        match run {
            [] => {}
            [single] => self.entry(|out| single.encode(out)),
            group => self.entry(|out| put_import_group(out, group)),
        }
    }

    /// Functions, by the indices of their types.
    pub(crate) fn functions(&mut self, types: impl ExactSizeIterator<Item = u32> + Clone) {
        self.count += types.len() as u32;
        self.bytes.reserve(types.len() * 2);
        // Most modules have fewer than 128 types, so an index takes one byte.
        if types.clone().all(|ty| ty < 0x80) {
            self.bytes.extend(types.map(|ty| ty as u8));
        } else {
            types.for_each(|ty| put_u32(self.bytes, ty));
        }
    }

    /// A function, by the index of its type.
    pub(crate) fn function(&mut self, ty: u32) {
        self.entry(|out| put_u32(out, ty));
    }

    pub(crate) fn table(&mut self, ty: TableType) {
        self.entry(|out| ty.encode(out));
    }

    pub(crate) fn memory(&mut self, limits: Limits) {
        self.entry(|out| limits.encode(out));
    }

    /// A tag, by the index of its type.
    pub(crate) fn tag(&mut self, ty: u32) {
        self.entry(|out| put_tag(out, ty));
    }

    pub(crate) fn global(&mut self, ty: GlobalType, init: ConstExpr<'_>) {
        self.entry(|out| Global { ty, init }.encode(out));
    }

    pub(crate) fn export(&mut self, name: &str, kind: ExternalKind, index: u32) {
        self.entry(|out| Export { name, kind, index }.encode(out));
    }

    /// A segment of functions, by their indices.
    pub(crate) fn elements(
        &mut self,
        mode: ElementMode<'_>,
        functions: impl IntoIterator<Item = u32, IntoIter: ExactSizeIterator>,
    ) {
        self.entry(|out| put_function_elements(out, mode, functions));
    }
}

/// Bytes that a custom section's name takes in front of its contents.
pub(crate) fn custom_name_len(name: &str) -> usize {
    len_u64(name.len() as u64) + name.len()
}
