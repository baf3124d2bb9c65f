//! Imports, exports, tables, memories, tags, globals, and the custom sections that say
//! something of the whole file.

use wasm_format::names::{self, NameSubsection, NameSubsectionId};
use wasm_format::{
    ConstExpr, ConstOp, ExternalKind, FuncType, GlobalType, HeapType, Limits, Reader, RefType,
    TableType, ValType, producers, target_features,
};

use crate::ids::{ObjFunc, ObjType};
use crate::input::fault::{Fault, Parsed};
use crate::input::object::{DefinedGlobal, DefinedTable, DefinedTag, Functions, Object};
use crate::limits;

/// What an object imports, by kind: each list is the start of that kind's index space.
#[derive(Debug, Default)]
pub(super) struct Imports<'a> {
    pub(super) functions: Vec<Import<'a, ObjType>>,
    pub(super) globals: Vec<Import<'a, GlobalType>>,
    pub(super) tables: Vec<Import<'a, TableType>>,
    pub(super) tags: Vec<Import<'a, ObjType>>,
    /// Whether the imported memory is addressed with 64 bits, if one is imported.
    pub(super) memory_64: Option<bool>,
}

/// An import.
#[derive(Debug, Clone, Copy)]
pub(super) struct Import<'a, T> {
    pub(super) module: &'a str,
    pub(super) name: &'a str,
    pub(super) ty: T,
}

impl<'a> Imports<'a> {
    /// How many there are that symbols stand for.
    pub(super) fn count(&self) -> usize {
        self.functions.len() + self.globals.len() + self.tables.len() + self.tags.len()
    }

    /// Fewest bytes an import takes: its name, kind and type. A single one has its module's name,
    /// too; in a group that name stands once.
    const MIN_LEN: usize = 3;
    /// In the place of a kind, after an empty name: a group of imports of one module follows
    /// (proposal of the compact import section).
    const GROUP: u8 = 0x7f;
    /// The same; all imports of the group have one kind and type, which stand in front of it.
    const GROUP_OF_TYPE: u8 = 0x7e;

    pub(super) fn decode(mut body: Reader<'a>, types: &[&[u8]]) -> Parsed<Self> {
        let mut imports = Self::default();
        let count = body.count("import", Self::MIN_LEN)?;
        // Nearly all are functions.
        imports.functions.reserve_exact(count as usize);
        // By the proposal, the section counts a group once; LLVM 23 counts its imports.
        let mut imported = 0;
        let mut entries = 0;
        while entries < count && !(imported == count && body.is_empty()) {
            entries += 1;
            let module = body.name()?;
            let name = body.name()?;
            match body.rest().first() {
                Some(&Self::GROUP) if name.is_empty() => {
                    body.u8()?;
                    let of_group = body.count("grouped import", Self::MIN_LEN)?;
                    for _ in 0..of_group {
                        let name = body.name()?;
                        imports.decode_item(module, name, &mut body, types)?;
                    }
                    imported += of_group;
                }
                Some(&Self::GROUP_OF_TYPE) if name.is_empty() => {
                    body.u8()?;
                    let ty = body.clone();
                    Self::default().decode_item(module, name, &mut body, types)?;
                    let of_group = body.count("grouped import", 1)?;
                    for _ in 0..of_group {
                        let name = body.name()?;
                        imports.decode_item(module, name, &mut ty.clone(), types)?;
                    }
                    imported += of_group;
                }
                _ => {
                    imports.decode_item(module, name, &mut body, types)?;
                    imported += 1;
                }
            }
        }
        body.finish("the last import")?;
        Ok(imports)
    }

    /// Decodes the kind and the type of an import.
    fn decode_item(
        &mut self,
        module: &'a str,
        name: &'a str,
        body: &mut Reader<'a>,
        types: &[&[u8]],
    ) -> Parsed<()> {
        let at = body.offset();
        let kind = body.u8()?;
        match ExternalKind::from_u8(kind) {
            Some(ExternalKind::Func) => self.functions.push(Import {
                module,
                name,
                ty: type_index(body, types.len())?,
            }),
            Some(ExternalKind::Table) => self.tables.push(Import {
                module,
                name,
                ty: table_type(body, false)?,
            }),
            Some(ExternalKind::Memory) => {
                self.memory_64 = Some(Limits::decode(body)?.is_64);
            }
            Some(ExternalKind::Global) => self.globals.push(Import {
                module,
                name,
                ty: global_type(body)?,
            }),
            Some(ExternalKind::Tag) => self.tags.push(Import {
                module,
                name,
                ty: tag_type(body, types)?,
            }),
            _ => return Err(Fault::new(at, format!("unknown kind of import {kind:#x}"))),
        }
        Ok(())
    }
}

/// The index of a function type, of which there are `types`.
pub(super) fn type_index(body: &mut Reader<'_>, types: usize) -> Parsed<ObjType> {
    let at = body.offset();
    let index = body.u32()?;
    if index as usize >= types {
        return Err(Fault::out_of_range(at, "type", index, types));
    }
    Ok(ObjType(index))
}

fn tag_type(body: &mut Reader<'_>, types: &[&[u8]]) -> Parsed<ObjType> {
    let at = body.offset();
    let attribute = body.u8()?;
    if attribute != 0 {
        return Err(Fault::new(at, format!("unknown tag attribute {attribute}")));
    }
    let index = type_index(body, types.len())?;
    // A tag says what an exception carries (core spec 3.0, 3.2.17 Tag Types).
    if !FuncType::decode(&mut Reader::new(types[index.index()]))?
        .results
        .is_empty()
    {
        return Err(Fault::new(at, "the type of a tag has results"));
    }
    Ok(index)
}

fn global_type(body: &mut Reader<'_>) -> Parsed<GlobalType> {
    let at = body.offset();
    let ty = GlobalType::decode(body)?;
    if let ValType::Ref(reference) = ty.value {
        abstract_only(at, reference)?;
    }
    Ok(ty)
}

/// The type of a table, which the file `defines` or imports.
fn table_type(body: &mut Reader<'_>, defines: bool) -> Parsed<TableType> {
    let at = body.offset();
    let ty = TableType::decode(body)?;
    abstract_only(at, ty.element)?;
    limits::check_table(ty.element, &ty.limits, defines)
        .map_err(|invalid| Fault::new(at, invalid.to_string()))?;
    Ok(ty)
}

/// Types are merged by their bytes, so that one which names another by its index in the
/// file cannot be.
pub(super) fn abstract_only(at: usize, ty: RefType) -> Parsed<()> {
    match ty.heap {
        HeapType::Concrete(index) => Err(Fault::new(
            at,
            format!("reference to type {index} of the file cannot be linked"),
        )),
        _ => Ok(()),
    }
}

/// Takes a vector section apart, each item of at least `min_len` bytes.
fn items<'a, T>(
    mut body: Reader<'a>,
    what: &'static str,
    min_len: usize,
    mut item: impl FnMut(&mut Reader<'a>) -> Parsed<T>,
) -> Parsed<Vec<T>> {
    let count = body.count(what, min_len)?;
    let mut items = Vec::with_capacity(count as usize);
    for _ in 0..count {
        items.push(item(&mut body)?);
    }
    body.finish("the last item")?;
    Ok(items)
}

/// Whether the memory that the file defines is addressed with 64 bits, if it defines one.
pub(super) fn memories(body: Reader<'_>) -> Parsed<Option<bool>> {
    let memories = items(body, "memory", 2, |body| Ok(Limits::decode(body)?))?;
    Ok(memories.first().map(|limits| limits.is_64))
}

/// The tables that the file defines.
pub(super) fn tables(body: Reader<'_>) -> Parsed<Vec<DefinedTable<'_>>> {
    items(body, "table", 3, |body| {
        Ok(DefinedTable {
            ty: table_type(body, true)?,
            name: "",
        })
    })
}

/// The tags that the file defines.
pub(super) fn tags<'a>(body: Reader<'a>, types: &[&[u8]]) -> Parsed<Vec<DefinedTag<'a>>> {
    items(body, "tag", 2, |body| {
        Ok(DefinedTag {
            ty: tag_type(body, types)?,
            name: "",
        })
    })
}

/// The globals that the file defines.
pub(super) fn globals(body: Reader<'_>) -> Parsed<Vec<DefinedGlobal<'_>>> {
    items(body, "global", 3, |body| {
        let ty = global_type(body)?;
        let start = body.clone();
        let init = ConstExpr::decode(body)?;
        // There are no relocations of the global section, so that an index could not
        // follow what it names.
        if init.ops().any(names_by_index) {
            return Err(Fault::new(
                start.offset(),
                "a global's initial value that refers to something by index cannot be linked",
            ));
        }
        let of_type = match init.value_type(|_| None) {
            Ok(Some(found)) if !found.matches(ty.value) => Err(format!(
                "a global of type {} has an initial value of type {found}",
                ty.value
            )),
            Ok(_) => Ok(()),
            Err(error) => Err(format!("the initial value of a global: {error}")),
        };
        of_type.map_err(|message| Fault::new(start.offset(), message))?;
        Ok(DefinedGlobal {
            ty,
            init: &start.rest()[..body.offset() - start.offset()],
            name: "",
        })
    })
}

/// Whether an instruction refers to something by its index in the file.
pub(super) fn names_by_index(op: ConstOp) -> bool {
    matches!(
        op,
        ConstOp::GlobalGet(_)
            | ConstOp::RefNull(HeapType::Concrete(_))
            | ConstOp::RefFunc(_)
            | ConstOp::StructNew(_)
            | ConstOp::StructNewDefault(_)
            | ConstOp::ArrayNew(_)
            | ConstOp::ArrayNewDefault(_)
            | ConstOp::ArrayNewFixed { .. }
    )
}

/// Notes the names that functions ask to be exported under.
pub(super) fn exports<'a>(
    mut body: Reader<'a>,
    imports: &Imports<'a>,
    object: &mut Object<'a>,
) -> Parsed<()> {
    let count = body.count("export", 3)?;
    for _ in 0..count {
        let name = body.name()?;
        let at = body.offset();
        let kind = body.u8()?;
        let index = body.u32()?;
        let functions = imports.functions.len() + object.functions.len();
        let (what, end) = match ExternalKind::from_u8(kind) {
            Some(ExternalKind::Func) => ("function", functions),
            Some(ExternalKind::Table) => ("table", imports.tables.len() + object.tables.len()),
            Some(ExternalKind::Global) => ("global", imports.globals.len() + object.globals.len()),
            Some(ExternalKind::Tag) => ("tag", imports.tags.len() + object.tags.len()),
            Some(ExternalKind::Memory) => continue,
            _ => return Err(Fault::new(at, format!("unknown kind of export {kind:#x}"))),
        };
        if index as usize >= end {
            return Err(Fault::out_of_range(at, what, index, end));
        }
        if kind == ExternalKind::Func as u8 {
            let Some(defined) = (index as usize).checked_sub(imports.functions.len()) else {
                return Err(Fault::new(
                    at,
                    format!("export `{name}` is an imported function"),
                ));
            };
            object
                .functions
                .set_export_name(ObjFunc(defined as u32), name);
        }
    }
    body.finish("the last export")?;
    Ok(())
}

/// Notes the functions' names of a name section.
pub(super) fn names<'a>(
    body: Reader<'a>,
    imported: usize,
    functions: &mut Functions<'a>,
) -> Parsed<()> {
    let total = imported + functions.len();
    for subsection in names::decode(body) {
        let NameSubsection::Map(NameSubsectionId::Function, mut namings) = subsection? else {
            continue;
        };
        loop {
            let at = namings.offset();
            let Some(naming) = namings.next() else { break };
            let naming = naming?;
            let index = naming.index as usize;
            if index >= total {
                return Err(Fault::out_of_range(at, "function", naming.index, total));
            }
            if let Some(defined) = index.checked_sub(imported) {
                functions.set_debug_name(ObjFunc(defined as u32), naming.name);
            }
        }
    }
    Ok(())
}

/// The contents of the producers section, once they are found to be good.
pub(super) fn producers(body: Reader<'_>) -> Parsed<&[u8]> {
    let contents = body.rest();
    for field in producers::decode(body)? {
        for value in field?.values {
            value?;
        }
    }
    Ok(contents)
}

/// The features that the file lists.
pub(super) fn features(body: Reader<'_>) -> Parsed<Vec<(u8, &str)>> {
    target_features::decode(body)?
        .map(|feature| {
            let feature = feature?;
            Ok((feature.prefix as u8, feature.name))
        })
        .collect()
}
