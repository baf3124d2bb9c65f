//! The code section's layout: where each function's body begins. Bodies keep their size,
//! unless relocations are compressed or bodies get room to grow.

use wasm_format::leb128;
use wasm_format::leb128::FIXED32;

use super::made_body::MadeBody;
use super::values::{Relocator, Site};
use crate::ids::{FileId, FuncIndex, ObjFunc};
use crate::input::object::{ObjReloc, ObjTarget};
use crate::pass::mark::Liveness;
use crate::resolve::resolution::{Definition, Resolution, SymbolRef};
use crate::room::{body_capacity, forwarding_body_len};

/// What becomes of the bodies of objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BodyForm {
    /// They keep their size.
    #[default]
    Plain,
    /// Relocated numbers take as few bytes as they can.
    Compressed,
    /// They get room to grow.
    Roomy,
}

/// Where bodies are.
#[derive(Debug, Default)]
pub struct CodeLayout {
    /// How many functions are imported: those have no body.
    imported: u32,
    /// For each defined function, where its body begins (after its size field), in bytes
    /// from the start of the section's contents.
    offsets: Vec<u32>,
    /// For each defined function, the size of its body.
    sizes: Vec<u32>,
    /// Size of the section's contents, the count of functions included.
    pub size: u64,
    /// What became of the bodies of objects.
    pub form: BodyForm,
}

impl CodeLayout {
    /// How many functions there are, imports included.
    pub(crate) fn functions(&self) -> u32 {
        self.imported + self.count()
    }

    /// The place of a function among those that have a body; `None` for an import.
    pub(crate) fn nth(&self, function: FuncIndex) -> Option<u32> {
        function.0.checked_sub(self.imported)
    }

    /// Where a function's body begins, as [`Self::body_offset`], and its size; `None` for an import.
    pub(crate) fn body(&self, function: FuncIndex) -> Option<(u32, u32)> {
        self.body_offset(function).zip(self.body_size(function))
    }

    /// How many functions have a body.
    pub fn count(&self) -> u32 {
        self.offsets.len() as u32
    }

    /// How many bytes the count of functions takes, with which the section's contents begin.
    pub fn count_len(&self) -> u64 {
        count_len(self.form, self.count())
    }

    /// Where a function's body begins (after its size field), in bytes from the start of
    /// the section's contents; `None` for an import.
    #[inline]
    pub fn body_offset(&self, function: FuncIndex) -> Option<u32> {
        let nth = self.nth(function)?;
        self.offsets.get(nth as usize).copied()
    }

    /// Size of a function's body in bytes; `None` for an import.
    #[inline]
    pub fn body_size(&self, function: FuncIndex) -> Option<u32> {
        let nth = self.nth(function)?;
        self.sizes.get(nth as usize).copied()
    }

    /// Says where the code of a function is and how many bytes it may have, if it has one.
    pub(crate) fn set_body(&mut self, function: FuncIndex, offset: u32, size: u32) {
        if let Some(nth) = self.nth(function) {
            self.offsets[nth as usize] = offset;
            self.sizes[nth as usize] = size;
        }
    }

    /// Adds a function in front of the last one, the padding function, whose body begins at
    /// `padding` from then on. Returns its index.
    pub(crate) fn insert_body(&mut self, offset: u32, size: u32, padding: u32) -> FuncIndex {
        let last = self.offsets.len() - 1;
        self.offsets.insert(last, offset);
        self.sizes.insert(last, size);
        self.offsets[last + 1] = padding;
        self.sizes[last + 1] = (self.size - u64::from(padding)) as u32;
        FuncIndex(self.imported + last as u32)
    }

    /// Where a function's size field begins, in bytes from the start of the section's
    /// contents; the end of the section for the index after the last.
    pub(crate) fn entry_offset(&self, function: FuncIndex) -> u64 {
        match self.body(function) {
            Some((offset, size)) => u64::from(offset) - leb128::len_u32(size) as u64,
            None => self.size,
        }
    }

    /// Lays out the section: `made` are bodies the linker writes that come first,
    /// `wrappers` and `helpers` those that come last.
    pub(crate) fn lay_out(
        imported: u32,
        made: &[MadeBody],
        wrappers: &[MadeBody],
        helpers: &[MadeBody],
        relocator: &Relocator<'_, '_>,
        form: BodyForm,
    ) -> Self {
        let resolution = relocator.places.resolution;
        let liveness = relocator.places.liveness;
        let functions = relocator.places.functions.count;
        let of_files = resolution.map_objects(|file, object| -> Vec<u32> {
            let len = |function| {
                let len = object.functions.body_len(function);
                match form {
                    BodyForm::Plain => len,
                    BodyForm::Compressed => compressed_len(relocator, file, function),
                    BodyForm::Roomy => {
                        let ty = object.functions[function].ty;
                        let parameters = parameters(object.types[ty.index()]);
                        body_capacity(len, forwarding_body_len(parameters, functions))
                    }
                }
            };
            liveness.functions(file).map(len).collect()
        });
        let count = functions - imported;
        let mut sizes = Vec::with_capacity(count as usize);
        sizes.extend(made.iter().map(|body| body.code.len() as u32));
        sizes.extend(of_files.into_iter().flatten());
        sizes.extend(wrappers.iter().map(|body| body.code.len() as u32));
        sizes.extend(helpers.iter().map(|body| body.code.len() as u32));

        let mut offsets = Vec::with_capacity(sizes.len());
        let mut at = count_len(form, sizes.len() as u32);
        for &size in &sizes {
            at += leb128::len_u32(size) as u64;
            offsets.push(at as u32);
            at += u64::from(size);
        }
        Self {
            imported,
            offsets,
            sizes,
            size: at,
            form,
        }
    }
}

fn count_len(form: BodyForm, count: u32) -> u64 {
    match form {
        BodyForm::Plain | BodyForm::Compressed => leb128::len_u32(count) as u64,
        // It may grow.
        BodyForm::Roomy => FIXED32 as u64,
    }
}

/// How many parameters an encoded function type has.
pub(crate) fn parameters(signature: &[u8]) -> u32 {
    let count = leb128::decode_u32(signature.get(1..).unwrap_or_default());
    count.map_or(0, |(count, _)| count)
}

/// Bytes of the bodies of objects.
pub(crate) fn body_bytes(resolution: &Resolution<'_>, liveness: &Liveness) -> u64 {
    let of_files = resolution.map_objects(|file, object| -> u64 {
        let functions = liveness.functions(file);
        let lens = functions.map(|function| u64::from(object.functions.body_len(function)));
        lens.sum()
    });
    of_files.into_iter().sum()
}

fn compressed_len(relocator: &Relocator<'_, '_>, file: FileId, function: ObjFunc) -> u32 {
    let site = Site::code(file);
    let chunk = relocator
        .places
        .resolution
        .object(file)
        .functions
        .chunk(function);
    let saved: usize = chunk
        .relocs
        .iter()
        .map(|reloc| saving(relocator, &site, &reloc))
        .sum();
    (chunk.bytes.len() - saved) as u32
}

/// Bytes that compressing saves at one place.
fn saving(relocator: &Relocator<'_, '_>, site: &Site, reloc: &ObjReloc) -> usize {
    // A relocation that cannot be applied is reported when it is written.
    let value = relocator.value(site, reloc).unwrap_or(0);
    let form = reloc.ty.form();
    form.width() - form.shortest(value)
}

impl Relocator<'_, '_> {
    /// Where byte `addend` of the body of the function that `symbol` names went, given
    /// where the body begins.
    pub(crate) fn function_offset(&self, symbol: SymbolRef, start: u32, addend: u64) -> u64 {
        let place = u64::from(start).wrapping_add(addend);
        if self.code.form != BodyForm::Compressed {
            return place;
        }
        let resolution = self.places.resolution;
        let Definition::Object { file, symbol } = resolution.definition(symbol) else {
            return place;
        };
        let ObjTarget::Function(function) = resolution.target(file, symbol) else {
            return place;
        };
        place.wrapping_sub(self.removed_before(file, function, addend))
    }

    /// How many bytes of a function's body were removed before byte `offset` of it.
    pub(crate) fn removed_before(&self, file: FileId, function: ObjFunc, offset: u64) -> u64 {
        if self.code.form != BodyForm::Compressed {
            return 0;
        }
        let site = Site::code(file);
        let object = self.places.resolution.object(file);
        let removed: usize = object
            .functions
            .chunk(function)
            .relocs
            .iter()
            .take_while(|reloc| u64::from(reloc.offset) < offset)
            .map(|reloc| saving(self, &site, &reloc))
            .sum();
        removed as u64
    }
}
