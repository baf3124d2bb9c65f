//! What a file's module does although no symbol or relocation says so: its start function,
//! element segments, data segments without symbols, exports. Some of it can be linked; the
//! rest is left out, and a link that takes the file warns of it.

use wasm_format::linking::{SegmentFlags, SymbolFlags, SymbolKind};
use wasm_format::{ConstExpr, ConstOp, ExternalKind, Reader, RefType, SectionId};

use super::Sections;
use super::entities::{Import, Imports, names_by_index};
use super::relocs::TakenSymbols;
use crate::hash::{HashMap, HashSet};
use crate::ids::{ObjFunc, ObjSegment, ObjSymbol, ObjTable, ObjType};
use crate::input::fault::{Fault, Parsed};
use crate::input::object;
use crate::input::object::NULLARY;
use crate::input::object::{
    ElementPlace, Elements, LeftOut, ObjTarget, Object, ObjectSymbol, SymbolImport, Undefined,
};

/// Fills in [`Object::start`], [`Object::elements`] and the rest of [`Object::left_out`]. Symbols that are `taken` have
/// relocations for table slots.
pub(super) fn find<'a>(
    sections: &Sections<'a>,
    imports: &Imports<'a>,
    taken: &TakenSymbols,
    object: &mut Object<'a>,
) -> Parsed<()> {
    sections.read(SectionId::Start, |body| start(body, imports, object))?;
    sections.read(SectionId::Element, |body| {
        elements(body, imports, taken, object)
    })?;
    let tags = imports.tags.len() + object.tags.len();
    let is_tag = |symbol: &&ObjectSymbol<'a>| symbol.kind() == SymbolKind::Tag;
    object.may_have_raw_indices |= tags > 0 && object.symbols.iter().filter(is_tag).count() < tags;
    sections.read(SectionId::Export, |body| exports(body, imports, object))
}

/// The function that runs when the module is instantiated.
fn start<'a>(mut body: Reader<'a>, imports: &Imports<'a>, object: &mut Object<'a>) -> Parsed<()> {
    let at = body.offset();
    let index = body.u32()?;
    body.finish("the function's index")?;
    let space = FunctionSpace { imports, object };
    let function = space.get(at, index)?;
    let ty = match function {
        IndexedFunction::Imported(import) => import.ty,
        IndexedFunction::Defined(function) => object.functions[function].ty,
    };
    if object.types[ty.index()] != NULLARY {
        let message = "the start function has parameters or results";
        return Err(Fault::new(at, message));
    }
    let symbol = space.symbol(function);
    let symbol = symbol.unwrap_or_else(|| imply_symbol(function, object));
    object.symbols.call(symbol);
    object.start = Some(symbol);
    Ok(())
}

/// Adds a symbol for a function that has none.
fn imply_symbol<'a>(function: IndexedFunction<'a>, object: &mut Object<'a>) -> ObjSymbol {
    let (name, flags, target) = match function {
        IndexedFunction::Defined(function) => (
            "",
            SymbolFlags::BINDING_LOCAL,
            ObjTarget::Function(function),
        ),
        IndexedFunction::Imported(import) => {
            let undefined = Undefined::Function {
                ty: import.ty,
                import: SymbolImport {
                    module: import.module,
                    name: import.name,
                    explicit: false,
                },
            };
            let target = object.add_undefined(undefined);
            (import.name, SymbolFlags::UNDEFINED, target)
        }
    };
    object.symbols.push(name, flags, target);
    ObjSymbol(object.symbols.len() as u32 - 1)
}

/// A function of the file's index space.
#[derive(Clone, Copy)]
enum IndexedFunction<'a> {
    Imported(Import<'a, ObjType>),
    Defined(ObjFunc),
}

/// The file's function index space.
struct FunctionSpace<'o, 'a> {
    imports: &'o Imports<'a>,
    object: &'o Object<'a>,
}

impl<'a> FunctionSpace<'_, 'a> {
    fn get(&self, at: usize, index: u32) -> Parsed<IndexedFunction<'a>> {
        let imported = self.imports.functions.len();
        if let Some(import) = self.imports.functions.get(index as usize) {
            return Ok(IndexedFunction::Imported(*import));
        }
        let defined = ObjFunc(index - imported as u32);
        if defined.index() < self.object.functions.len() {
            return Ok(IndexedFunction::Defined(defined));
        }
        let count = imported + self.object.functions.len();
        Err(Fault::out_of_range(at, "function", index, count))
    }

    /// A symbol of each function, by its index in the index space.
    fn symbols(&self) -> Vec<Option<ObjSymbol>> {
        let mut imported = HashMap::default();
        for (i, symbol) in self.object.symbols.iter().enumerate() {
            if let ObjTarget::Undefined { what, .. } = self.object.symbols.target(symbol)
                && let Undefined::Function { import, .. } = self.object.undefined[what.index()]
            {
                imported.insert((import.module, import.name), ObjSymbol(i as u32));
            }
        }
        let imports = self.imports.functions.iter();
        let imports = imports.map(|import| imported.get(&(import.module, import.name)).copied());
        let defined = self.object.functions.iter();
        imports
            .chain(defined.map(object::Function::symbol))
            .collect()
    }

    /// The symbol that a call of a function would name: one that another file's definition
    /// does not replace, if there is one.
    fn symbol(&self, function: IndexedFunction<'a>) -> Option<ObjSymbol> {
        let stands_for = |symbol: &ObjectSymbol<'a>| match self.object.symbols.target(symbol) {
            ObjTarget::Function(defined) => {
                matches!(function, IndexedFunction::Defined(function) if function == defined)
            }
            ObjTarget::Undefined { what, .. } => {
                match (self.object.undefined[what.index()], function) {
                    (
                        Undefined::Function { ty, import: known },
                        IndexedFunction::Imported(import),
                    ) => (known.module, known.name, ty) == (import.module, import.name, import.ty),
                    _ => false,
                }
            }
            ObjTarget::Data { .. }
            | ObjTarget::Absolute { .. }
            | ObjTarget::Global(_)
            | ObjTarget::Table(_)
            | ObjTarget::Tag(_)
            | ObjTarget::Section(_) => false,
        };
        let symbols = self.object.symbols.iter().enumerate();
        let found = symbols.filter(|(_, symbol)| stands_for(symbol));
        let (index, _) = found.min_by_key(|(_, symbol)| symbol.is_weak())?;
        Some(ObjSymbol(index as u32))
    }

    fn name(&self, function: IndexedFunction<'a>) -> &'a str {
        match function {
            IndexedFunction::Imported(import) => import.name,
            IndexedFunction::Defined(function) => {
                let name = self.object.any_function_name(function);
                name.unwrap_or("a function without name")
            }
        }
    }
}

/// Forms of element segments (core spec, 5.5.12).
mod form {
    pub(super) const NOT_ACTIVE: u32 = 1;
    pub(super) const EXPLICIT_TABLE_OR_DECLARED: u32 = 2;
    pub(super) const EXPRS: u32 = 4;
    pub(super) const ALL: u32 = 7;
}

/// An element segment as it stands in the file.
struct ElementSegment<'a> {
    /// The table that is filled and where, if it is.
    active: Option<(u32, ConstExpr<'a>)>,
    is_declared: bool,
    /// The functions; `None` for anything else.
    items: Vec<Option<u32>>,
}

impl<'a> ElementSegment<'a> {
    fn decode(body: &mut Reader<'a>) -> Parsed<Self> {
        let at = body.offset();
        let flags = body.u32()?;
        if flags > form::ALL {
            let message = format!("unknown element segment flags {flags:#x}");
            return Err(Fault::new(at, message));
        }
        let is_active = flags & form::NOT_ACTIVE == 0;
        let is_explicit = flags & form::EXPLICIT_TABLE_OR_DECLARED != 0;
        let active = if is_active {
            let table = if is_explicit { body.u32()? } else { 0 };
            Some((table, ConstExpr::decode(body)?))
        } else {
            None
        };
        let has_exprs = flags & form::EXPRS != 0;
        if !is_active || is_explicit {
            if has_exprs {
                RefType::decode(body)?;
            } else {
                body.u8()?;
            }
        }
        let count = body.count("element", 1)?;
        let mut items = Vec::with_capacity(count as usize);
        for _ in 0..count {
            items.push(if has_exprs {
                only_function(&ConstExpr::decode(body)?)
            } else {
                Some(body.u32()?)
            });
        }
        Ok(Self {
            active,
            is_declared: !is_active && is_explicit,
            items,
        })
    }

    /// Where the functions stay as they are, if that is a table of the object's own or none.
    fn place(&self, imports: &Imports<'_>, object: &Object<'_>) -> Option<ElementPlace<'a>> {
        if self.is_declared {
            return Some(ElementPlace::Declared);
        }
        let (table, offset) = self.active?;
        let table = ObjTable(table.checked_sub(imports.tables.len() as u32)?);
        let is_own = object.tables.get(table.index())?.ty.element == RefType::FUNCREF;
        let is_constant = !offset.ops().any(names_by_index);
        (is_own && is_constant).then_some(ElementPlace::Table { table, offset })
    }
}

/// Takes element segments apart. Compilers list exactly those functions for whose slots of the
/// common function table there are relocations, and then there is nothing to do.
fn elements<'a>(
    mut body: Reader<'a>,
    imports: &Imports<'a>,
    taken: &TakenSymbols,
    object: &mut Object<'a>,
) -> Parsed<()> {
    let space = FunctionSpace { imports, object };
    let slots = FilledSlots::of(taken, object);
    let mut symbols = None;
    let mut carried = Vec::new();
    let mut left_out = Vec::new();
    let mut imported = Vec::new();
    let count = body.count("element segment", 2)?;
    for index in 0..count {
        let at = body.offset();
        let segment = ElementSegment::decode(&mut body)?;
        let functions = segment.items.iter().flatten();
        let functions: Vec<IndexedFunction<'a>> = functions
            .map(|&function| space.get(at, function))
            .collect::<Parsed<_>>()?;
        if segment.active.is_none() && !segment.is_declared {
            left_out.push(LeftOut::PassiveElements(index));
            continue;
        }
        let is_whole = functions.len() == segment.items.len() || segment.is_declared;
        if is_whole && let Some(place) = segment.place(imports, object) {
            let symbols = symbols.get_or_insert_with(|| space.symbols());
            let functions = segment.items.iter().flatten();
            let functions = functions.map(|&function| symbols[function as usize]);
            if let Some(functions) = functions.collect() {
                carried.push(Elements { place, functions });
                continue;
            }
        }
        if !is_whole {
            left_out.push(LeftOut::References(index));
        }
        let mut names = Vec::new();
        for function in functions {
            match function {
                IndexedFunction::Defined(defined) if slots.defined[defined.index()] => {}
                IndexedFunction::Defined(_) => names.push(space.name(function)),
                IndexedFunction::Imported(import) => imported.push((index, import)),
            }
        }
        if !names.is_empty() {
            left_out.push(LeftOut::Elements {
                segment: index,
                functions: names,
            });
        }
    }
    body.finish("the last element segment")?;
    if imported.len() > slots.imported {
        imported_elements(&imported, &space, taken, &mut left_out);
    }
    object.may_have_raw_indices |= !carried.is_empty() || !left_out.is_empty();
    object.elements = carried;
    object.left_out.extend(left_out);
    Ok(())
}

/// The function that an expression is a reference to, if it is one.
fn only_function(expr: &ConstExpr<'_>) -> Option<u32> {
    let mut ops = expr.ops();
    match (ops.next(), ops.next()) {
        (Some(ConstOp::RefFunc(function)), None) => Some(function),
        _ => None,
    }
}

/// What relocations ask table slots for.
struct FilledSlots {
    /// For each function that the file defines, whether they ask for one.
    defined: Vec<bool>,
    /// For how many functions that it does not define.
    imported: usize,
}

impl FilledSlots {
    fn of(taken: &TakenSymbols, object: &Object<'_>) -> Self {
        let mut slots = Self {
            defined: vec![false; object.functions.len()],
            imported: 0,
        };
        for symbol in taken.iter() {
            match object.symbols.target_of(symbol) {
                ObjTarget::Function(function) => slots.defined[function.index()] = true,
                ObjTarget::Undefined { what, .. } => {
                    let undefined = &object.undefined[what.index()];
                    slots.imported += usize::from(matches!(undefined, Undefined::Function { .. }));
                }
                ObjTarget::Data { .. }
                | ObjTarget::Absolute { .. }
                | ObjTarget::Global(_)
                | ObjTarget::Table(_)
                | ObjTarget::Tag(_)
                | ObjTarget::Section(_) => {}
            }
        }
        slots
    }
}

/// Adds the imported functions (each with its element segment) that no relocation names.
fn imported_elements<'a>(
    elements: &[(u32, Import<'a, ObjType>)],
    space: &FunctionSpace<'_, 'a>,
    taken: &TakenSymbols,
    left_out: &mut Vec<LeftOut<'a>>,
) {
    let mut named = HashSet::default();
    for symbol in taken.iter() {
        if let ObjTarget::Undefined { what, .. } = space.object.symbols.target_of(symbol)
            && let Undefined::Function { import, .. } = space.object.undefined[what.index()]
        {
            named.insert((import.module, import.name));
        }
    }
    for &(segment, import) in elements {
        if !named.contains(&(import.module, import.name)) {
            left_out.push(LeftOut::Elements {
                segment,
                functions: vec![import.name],
            });
        }
    }
}

/// Looks for exports of what other files do not see: whether a symbol is exported is said of
/// names that files share.
fn exports<'a>(mut body: Reader<'a>, imports: &Imports<'a>, object: &mut Object<'a>) -> Parsed<()> {
    let count = body.count("export", 3)?;
    if count == 0 {
        return Ok(());
    }
    let mut shared = HashSet::default();
    for symbol in object.symbols.iter().filter(|symbol| symbol.is_shared()) {
        let target = match object.symbols.target(symbol) {
            ObjTarget::Function(function) => (ExternalKind::Func, function.0),
            ObjTarget::Global(global) => (ExternalKind::Global, global.0),
            ObjTarget::Table(table) => (ExternalKind::Table, table.0),
            ObjTarget::Tag(tag) => (ExternalKind::Tag, tag.0),
            ObjTarget::Data { .. }
            | ObjTarget::Absolute { .. }
            | ObjTarget::Section(_)
            | ObjTarget::Undefined { .. } => continue,
        };
        shared.insert(target);
    }
    for _ in 0..count {
        let name = body.name()?;
        let kind = ExternalKind::from_u8(body.u8()?);
        let index = body.u32()?;
        let imported = match kind {
            Some(ExternalKind::Func) => imports.functions.len(),
            Some(ExternalKind::Global) => imports.globals.len(),
            Some(ExternalKind::Table) => imports.tables.len(),
            Some(ExternalKind::Tag) => imports.tags.len(),
            // The memory is the linker's to export.
            _ => continue,
        };
        let is_shared = (kind.zip(index.checked_sub(imported as u32)))
            .is_some_and(|target| shared.contains(&target));
        if !is_shared {
            object.left_out.push(LeftOut::Export(name));
        }
    }
    Ok(())
}

/// Notes the data segments without symbols. Those that are to be retained need none. `named` says
/// of each segment whether it has one; the linking section describes the first `described`.
/// Only code puts those that are `passive` into memory, and names them by their index.
///
/// Compilers leave constants behind whose symbols they optimized away, all in sections of their
/// own (`.rodata..L.str`).
pub(super) fn data(
    named: &[bool],
    described: usize,
    passive: &[ObjSegment],
    object: &mut Object<'_>,
) {
    object.may_have_raw_indices |= !passive.is_empty();
    for (i, segment) in object.segments.iter().enumerate() {
        let is_meant = i >= described || !segment.name.starts_with('.');
        let is_retained = segment.flags.contains(SegmentFlags::RETAIN);
        if !named[i] && is_meant && segment.size > 0 && !is_retained {
            object.left_out.push(LeftOut::Data {
                segment: ObjSegment(i as u32),
                name: segment.name,
                size: segment.size,
                is_described: i < described,
                is_passive: passive.binary_search(&ObjSegment(i as u32)).is_ok(),
            });
        }
    }
}
