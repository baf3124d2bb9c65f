//! A module as an input of this crate's linker, nothing serialised.

use std::fmt;
use std::sync::Arc;

use wasm_format::linking::{SymbolFlags, SymbolTarget};
use wasm_format::reloc::RelocType;
use wasm_format::{GlobalType, Mutability, ValType};

use super::view::{SegmentView, SymbolView, View};
use crate::ids::{ObjCustom, ObjFunc, ObjGlobal, ObjSegment, ObjSymbol, ObjTable, ObjTag, ObjType};
use crate::input::object::{
    Chunk, Comdats, CustomSection, DefinedGlobal, DefinedTable, DefinedTag, Function, Functions,
    ObjInitFunc, ObjReloc, ObjTarget, Object, Relocs, Segment as ObjectSegment, SymbolImport,
    Symbols, Undefined, add_undefined,
};
use crate::module::Module;
use crate::module::arena::Hole;
use crate::module::decl::Head;
use crate::module::flush::{FlushError, LINKER_MODULE};
use crate::module::handle::TypeId;

/// Stands for the type of a global that has none, of which a complete module has none.
const UNTYPED: GlobalType = GlobalType {
    value: ValType::I32,
    mutability: Mutability::Const,
};

/// A module as an input of [`link`](crate::link::link): what its
/// [object](Module::write_object) says, without an object being written. Code and data are
/// borrowed from the module.
///
/// ```
/// use link_core::{Input, Inputs};
/// use link_core::{Env, Options, link};
/// use link_core::module::{FunctionBody, Module};
/// use wasm_format::FuncType;
///
/// let mut module = Module::default();
/// let start = module.announce_function("_start").unwrap();
/// let mut body = FunctionBody::new(FuncType::default());
/// body.end();
/// module.update(start, body).unwrap();
///
/// let generated = module.link_input().unwrap();
/// let inputs = Inputs {
///     inputs: vec![Input::object(generated.object("generated"))],
///     ..Inputs::default()
/// };
/// let mut program = Vec::new();
/// link(inputs, &Options::default(), &Env::default(), &mut program).unwrap();
/// assert!(program.starts_with(b"\0asm"));
/// ```
pub struct LinkInput<'a> {
    module: &'a Module,
    view: View<'a>,
    /// Encoded types, one after another, and where each ends.
    types: Vec<u8>,
    type_ends: Vec<usize>,
    /// The relocations of every function, segment and custom section, in this order, and
    /// where each one's end.
    relocs: Vec<ObjReloc>,
    reloc_ends: Vec<usize>,
    /// The offset table before it is relocated, if it has entries.
    offset_table: Vec<u8>,
    /// Contents of the `producers` section.
    producers: Vec<u8>,
    /// The symbols that code calls.
    called: Vec<bool>,
    /// The initial values of the globals, which are constant.
    inits: Vec<&'a [u8]>,
}

impl fmt::Debug for LinkInput<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinkInput")
            .field("module", self.module)
            .field("symbols", &self.view.symbols.len())
            .finish_non_exhaustive()
    }
}

impl Module {
    /// The module as an input of this crate's linker.
    ///
    /// # Errors
    /// As [`write_object`](Self::write_object).
    pub fn link_input(&self) -> Result<LinkInput<'_>, FlushError> {
        let view = self.view().map_err(FlushError::Incomplete)?;
        Ok(LinkInput::new(self, view))
    }
}

impl<'a> LinkInput<'a> {
    fn new(module: &'a Module, view: View<'a>) -> Self {
        let (mut types, mut type_ends) = (Vec::new(), Vec::new());
        for ty in module.decls.types.used_functions() {
            ty.encode(&mut types);
            type_ends.push(types.len());
        }
        let mut called = vec![false; view.symbols.len()];
        let (mut relocs, mut reloc_ends) = (Vec::new(), Vec::new());
        for function in &view.numbers.defined_funcs {
            for hole in module.arena.all_holes(function.span) {
                let reloc = view.reloc(&hole);
                if reloc.ty == RelocType::FunctionIndexLeb {
                    called[reloc.target as usize] = true;
                }
                relocs.push(reloc);
            }
            reloc_ends.push(relocs.len());
        }
        let mut add = |holes: &[Hole], more: &[ObjReloc]| {
            relocs.extend(holes.iter().map(|hole| view.reloc(hole)));
            relocs.extend_from_slice(more);
            reloc_ends.push(relocs.len());
        };
        for segment in &view.segments {
            add(segment.holes, &segment.slots);
        }
        for (_, decl) in module.decls.customs.iter() {
            add(module.arena.holes(decl.body.span), &[]);
        }

        let mut producers = Vec::new();
        module.encode_producers(&mut producers);
        let offset_table = view
            .segments
            .iter()
            .find(|segment| !segment.slots.is_empty());
        let inits = view.numbers.globals.defined.iter().map(|&slot| {
            let global = module.decls.globals.at(slot as usize);
            let init = global.and_then(|global| global.body.init.as_ref());
            init.map_or(&[][..], |init| &init.bytes)
        });
        Self {
            module,
            types,
            type_ends,
            relocs,
            reloc_ends,
            offset_table: offset_table.map_or(Vec::new(), |table| vec![0; table.size as usize]),
            producers,
            called,
            inits: inits.collect(),
            view,
        }
    }

    /// The object, which messages call `name`.
    pub fn object(&self, name: impl Into<Arc<str>>) -> Object<'_> {
        let view = &self.view;
        let (module, numbers) = (self.module, &view.numbers);
        let decls = &module.decls;
        let segments_from = numbers.defined_funcs.len();
        let customs_from = segments_from + view.segments.len();
        let type_starts = std::iter::once(0).chain(self.type_ends.iter().copied());
        let functions = numbers
            .defined_funcs
            .iter()
            .enumerate()
            .map(|(chunk, function)| {
                let head = decls
                    .funcs
                    .at(function.slot as usize)
                    .map(|decl| &decl.head);
                let mut known = Function::new(ObjType(function.ty));
                if let Some(comdat) = head.and_then(Head::comdat) {
                    known.set_comdat(comdat.0);
                }
                (known, self.chunk(module.arena.bytes(function.span), chunk))
            });
        let segments = view
            .segments
            .iter()
            .enumerate()
            .map(|(index, segment)| ObjectSegment {
                chunk: self.chunk(self.segment_bytes(segment), segments_from + index),
                size: segment.size,
                name: &segment.name,
                align_log2: segment.align_log2,
                flags: segment.flags,
                comdat: segment.comdat,
            });
        let customs = decls
            .customs
            .iter()
            .enumerate()
            .map(|(index, (_, decl))| CustomSection {
                name: &decl.head.name,
                chunk: self.chunk(module.arena.bytes(decl.body.span), customs_from + index),
                unchecked: None,
                comdat: decl.head.comdat().map(|comdat| comdat.0),
            });
        let mut undefined = Vec::new();
        let mut symbols = Symbols::with_capacity(view.symbols.len(), view.segments.len());
        for symbol in &view.symbols {
            let target = self.target(symbol, &mut undefined);
            symbols.push(symbol.name, symbol.flags, target);
        }
        symbols.set_called(self.called.iter().copied());
        let mut functions = Functions::of_chunks(functions);
        functions.take_names(&symbols);
        let mut comdats = Comdats::with_capacity(module.comdats.len());
        for name in &module.comdats {
            comdats.push(name);
        }
        Object {
            symbols,
            undefined,
            name: name.into(),
            is_64: Some(module.options.memory64),
            types: type_starts
                .zip(&self.type_ends)
                .map(|(start, &end)| &self.types[start..end])
                .collect(),
            functions,
            segments: segments.collect(),
            commons: Vec::new(),
            customs: customs.collect(),
            metadata: Vec::new(),
            globals: self.globals(),
            tables: self.tables(),
            tags: self.tags(),
            init_funcs: view
                .init_functions
                .iter()
                .map(|init| ObjInitFunc {
                    priority: init.priority,
                    symbol: ObjSymbol(init.symbol),
                })
                .collect(),
            start: None,
            elements: Vec::new(),
            left_out: Vec::new(),
            comdats,
            features: module
                .features
                .iter()
                .map(|(name, &prefix)| (prefix as u8, &**name))
                .collect(),
            has_features: !module.features.is_empty(),
            producers: &self.producers,
            // Its code has a hole for every index.
            may_have_raw_indices: false,
            calls_table_0: false,
            from_archive: false,
            archive: None,
        }
    }
    /// A chunk whose relocations are the `index`th of all.
    fn chunk<'s>(&'s self, bytes: &'s [u8], index: usize) -> Chunk<'s> {
        let start = index
            .checked_sub(1)
            .map_or(0, |before| self.reloc_ends[before]);
        Chunk {
            bytes,
            relocs: Relocs::Decoded(&self.relocs[start..self.reloc_ends[index]]),
        }
    }

    /// The contents of a segment; none if they are all zero and stay so.
    fn segment_bytes<'s>(&'s self, segment: &'s SegmentView<'_>) -> &'s [u8] {
        match segment.bytes {
            Some(bytes) => bytes,
            None if segment.slots.is_empty() => &[],
            None => &self.offset_table,
        }
    }

    /// What a symbol stands for.
    fn target<'s>(&'s self, symbol: &SymbolView<'s>, list: &mut Vec<Undefined<'s>>) -> ObjTarget {
        let numbers = &self.view.numbers;
        let undefined = symbol.flags.contains(SymbolFlags::UNDEFINED);
        let imported = |slots: &[u32], number: u32| slots[number as usize] as usize;
        let decls = &self.module.decls;
        match symbol.target {
            SymbolTarget::Data(None) => add_undefined(list, Undefined::Data),
            SymbolTarget::Data(Some(place)) => ObjTarget::Data {
                segment: ObjSegment(place.segment),
                offset: place.offset,
                size: place.size,
            },
            SymbolTarget::Section(number) => ObjTarget::Section(Some(ObjCustom(number))),
            SymbolTarget::Function(number) if undefined => {
                let decl = decls.funcs.at(imported(&numbers.functions.imports, number));
                let ty = decl.and_then(|decl| decl.body.ty);
                add_undefined(
                    list,
                    Undefined::Function {
                        ty: self.ty(ty),
                        import: self.import(decl.map(|decl| &decl.head), symbol),
                    },
                )
            }
            SymbolTarget::Function(number) => {
                ObjTarget::Function(ObjFunc(number - numbers.functions.imports.len() as u32))
            }
            SymbolTarget::Global(number) if undefined => {
                let decl = decls.globals.at(imported(&numbers.globals.imports, number));
                add_undefined(
                    list,
                    Undefined::Global {
                        ty: decl.and_then(|decl| decl.body.ty).unwrap_or(UNTYPED),
                        import: self.import(decl.map(|decl| &decl.head), symbol),
                    },
                )
            }
            SymbolTarget::Global(number) => {
                ObjTarget::Global(ObjGlobal(number - numbers.globals.imports.len() as u32))
            }
            SymbolTarget::Tag(number) if undefined => {
                let decl = decls.tags.at(imported(&numbers.tags.imports, number));
                add_undefined(
                    list,
                    Undefined::Tag {
                        ty: self.ty(decl.and_then(|decl| decl.body.ty)),
                        import: self.import(decl.map(|decl| &decl.head), symbol),
                    },
                )
            }
            SymbolTarget::Tag(number) => {
                ObjTarget::Tag(ObjTag(number - numbers.tags.imports.len() as u32))
            }
            SymbolTarget::Table(number) if undefined => {
                // What the linker makes may be declared nowhere.
                let slot = numbers.tables.imports.get(number as usize);
                let decl = slot.and_then(|&slot| decls.tables.at(slot as usize));
                let user = decl.filter(|decl| decl.body.builtin.is_none());
                let ty = user.and_then(|decl| decl.body.ty);
                let memory64 = self.module.options.memory64;
                add_undefined(
                    list,
                    Undefined::Table {
                        ty: ty.unwrap_or_else(|| numbers.unlinked_function_table(memory64)),
                        import: self.import(decl.map(|decl| &decl.head), symbol),
                    },
                )
            }
            SymbolTarget::Table(number) => {
                ObjTarget::Table(ObjTable(number - numbers.table_imports_of_object()))
            }
            // A kind that the format adds later is none that a module has.
            _ => ObjTarget::Section(None),
        }
    }

    fn ty(&self, ty: Option<TypeId>) -> ObjType {
        ObjType(ty.map_or(0, |ty| self.view.numbers.types[ty.index()]))
    }

    fn import<'s>(&'s self, head: Option<&'s Head>, symbol: &SymbolView<'s>) -> SymbolImport<'s> {
        let (module, name) = match head {
            Some(head) => head.import(&self.module.options.import_module),
            None => (LINKER_MODULE, symbol.name),
        };
        SymbolImport {
            module,
            name,
            explicit: symbol.flags.contains(SymbolFlags::EXPLICIT_NAME),
        }
    }

    fn globals(&self) -> Vec<DefinedGlobal<'_>> {
        let decls = &self.module.decls.globals;
        let defined = &self.view.numbers.globals.defined;
        let globals = defined
            .iter()
            .zip(&self.inits)
            .filter_map(|(&slot, &init)| {
                let decl = decls.at(slot as usize)?;
                Some(DefinedGlobal {
                    ty: decl.body.ty?,
                    init,
                    name: &decl.head.name,
                })
            });
        globals.collect()
    }

    fn tables(&self) -> Vec<DefinedTable<'_>> {
        let decls = &self.module.decls.tables;
        let tables = self.view.numbers.tables.defined.iter().filter_map(|&slot| {
            let decl = decls.at(slot as usize)?;
            Some(DefinedTable {
                ty: decl.body.ty?,
                name: &decl.head.name,
            })
        });
        tables.collect()
    }

    fn tags(&self) -> Vec<DefinedTag<'_>> {
        let decls = &self.module.decls.tags;
        let tags = self.view.numbers.tags.defined.iter().filter_map(|&slot| {
            let decl = decls.at(slot as usize)?;
            Some(DefinedTag {
                ty: self.ty(decl.body.ty),
                name: &decl.head.name,
            })
        });
        tags.collect()
    }
}
