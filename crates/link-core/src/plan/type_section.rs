//! The type section: every signature once, in the order in which `wasm-ld` has them.

use wasm_format::linking::SymbolKind;

use crate::hash::HashMap;
use crate::ids::{ObjTag, TypeIndex};
use crate::input::object::NULLARY;
use crate::pass::mark::Liveness;
use crate::pass::synthesize::{SynthFunction, Synthesis};
use crate::resolve::resolution::{MadeFunction, Resolution};

/// `(i32) -> ()`
const TAKES_I32: &[u8] = &[0x60, 1, 0x7f, 0];
/// `(i64) -> ()`
const TAKES_I64: &[u8] = &[0x60, 1, 0x7e, 0];

/// The output's type section.
#[derive(Debug, Default)]
pub struct TypeSection<'a> {
    /// Encoded types, in the order of their indices.
    pub list: Vec<&'a [u8]>,
    /// Their indices.
    by_bytes: HashMap<&'a [u8], TypeIndex>,
    /// For each object, the output's index of each of its types that the output has.
    pub files: Vec<Vec<Option<TypeIndex>>>,
}

impl<'a> TypeSection<'a> {
    /// Indices that were decided before: for each object, those of its types.
    pub(crate) fn pinned(files: Vec<Vec<Option<TypeIndex>>>) -> Self {
        Self {
            files,
            ..Self::default()
        }
    }

    /// The index of a type, which is added unless it is there.
    pub(crate) fn add(&mut self, bytes: &'a [u8]) -> TypeIndex {
        let next = TypeIndex(self.list.len() as u32);
        let index = *self.by_bytes.entry(bytes).or_insert(next);
        if index == next {
            self.list.push(bytes);
        }
        index
    }

    /// The index of a signature; types of everything numbered are in the section.
    pub fn index(&self, bytes: &[u8]) -> Option<TypeIndex> {
        self.by_bytes.get(bytes).copied()
    }
}

/// The signature of a function that the linker writes.
pub(crate) fn synth_signature<'a>(
    resolution: &Resolution<'a>,
    synthesis: &Synthesis<'a>,
    function: SynthFunction,
) -> &'a [u8] {
    match function {
        SynthFunction::Made(MadeFunction::InitTls) if resolution.is_64 => TAKES_I64,
        SynthFunction::Made(MadeFunction::InitTls) => TAKES_I32,
        SynthFunction::Made(_) => NULLARY,
        SynthFunction::Stub(stub) => synthesis.stubs[stub as usize].signature,
    }
}

/// Collects the types: those that live relocations name, then the signatures of imported
/// functions and tags, of defined functions, and of defined tags.
pub(crate) fn collect<'a>(
    resolution: &Resolution<'a>,
    liveness: &Liveness,
    synthesis: &Synthesis<'a>,
) -> TypeSection<'a> {
    let mut types = TypeSection::default();
    for (file, object) in resolution.objects() {
        types.files.push(vec![None; object.types.len()]);
        // An object that synthesis did not look at names none.
        for &ty in synthesis
            .named_types
            .get(file.index())
            .into_iter()
            .flatten()
        {
            let index = types.add(object.types[ty.index()]);
            types.files[file.index()][ty.index()] = Some(index);
        }
    }
    for &id in &synthesis.imports {
        let symbol = resolution.symbol(id);
        let typed = matches!(symbol.kind, SymbolKind::Function | SymbolKind::Tag);
        if let (true, Some(signature)) = (typed, symbol.signature) {
            types.add(signature);
        }
    }
    for &function in &synthesis.functions {
        types.add(synth_signature(resolution, synthesis, function));
    }
    for (file, object) in resolution.objects() {
        for function in liveness.functions(file) {
            let slot = object.functions[function].ty.index();
            if types.files[file.index()][slot].is_none() {
                types.files[file.index()][slot] = Some(types.add(object.types[slot]));
            }
        }
    }
    for (file, object) in resolution.objects() {
        for (i, tag) in object.tags.iter().enumerate() {
            if liveness.tag(file, ObjTag(i as u32)) {
                let slot = tag.ty.index();
                types.files[file.index()][slot] = Some(types.add(object.types[slot]));
            }
        }
    }
    types
}
