//! Numbering: the index of every declaration in the index space of its kind. A value made
//! at flush and thrown away after it: dense tables by slot, looked up without a search.

use wasm_format::leb128;
use wasm_format::{GlobalType, Limits, RefType, TableType};

use super::Form;
use crate::hash::IndexSet;
use crate::module::Module;
use crate::module::announce::{FUNCTION_TABLE, address_type};
use crate::module::arena::Span;
use crate::module::decl::{Decl, DeclState};
use crate::module::defs::{Builtin, ElementMode, Global, Table};
use crate::module::handle::{Target, TargetKind};
use crate::module::slab::Slab;

/// The number of what has none: it was freed, or is not written.
pub(in crate::module) const NONE: u32 = u32::MAX;

/// One index space: imports first, then what the module defines.
#[derive(Debug, Default)]
pub(in crate::module) struct Space {
    /// By slot.
    pub(in crate::module) number: Vec<u32>,
    /// The slots of imports, in the order of their numbers.
    pub(in crate::module) imports: Vec<u32>,
    /// The slots of definitions, in the order of their numbers, which go on after those of
    /// the imports.
    pub(in crate::module) defined: Vec<u32>,
}

impl Space {
    fn of<B>(slab: &Slab<Decl<B>>, imported: impl Fn(&Decl<B>) -> bool) -> Self {
        let mut space = Space {
            number: vec![NONE; slab.len()],
            ..Space::default()
        };
        for (slot, decl) in slab.iter() {
            if imported(decl) {
                space.imports.push(slot as u32);
            } else {
                space.defined.push(slot as u32);
            }
        }
        for (number, &slot) in space.imports.iter().chain(&space.defined).enumerate() {
            space.number[slot as usize] = number as u32;
        }
        space
    }
}

/// A defined function, as the passes over all of them want it.
pub(in crate::module) struct DefinedFunction<'a> {
    pub(in crate::module) name: &'a str,
    pub(in crate::module) slot: u32,
    pub(in crate::module) generation: u32,
    pub(in crate::module) span: Span,
    /// Bytes of locals and code.
    pub(in crate::module) len: u32,
    /// The number of its type.
    pub(in crate::module) ty: u32,
    /// Bytes of the locals, which precede the code.
    pub(in crate::module) locals_len: u32,
    pub(in crate::module) local_names: Span,
}

pub(in crate::module) struct Numbers<'a> {
    pub(in crate::module) functions: FunctionNumbers,
    /// Whether all functions are defined, or typed if they are imported.
    pub(in crate::module) ready: bool,
    /// Bytes of all entries of the code section.
    pub(in crate::module) code_size: u64,
    /// Bytes of all functions' names, their lengths included.
    pub(in crate::module) name_bytes: usize,
    /// The functions that the module defines, in the order of their numbers.
    pub(in crate::module) defined_funcs: Vec<DefinedFunction<'a>>,
    pub(in crate::module) globals: Space,
    pub(in crate::module) tables: Space,
    pub(in crate::module) memories: Space,
    pub(in crate::module) tags: Space,
    /// By type.
    pub(in crate::module) types: Vec<u32>,
    /// The functions that have a slot in the function table, in the order of the slots,
    /// which begin with 1.
    pub(in crate::module) addressed: Vec<u32>,
    /// By slot: the function's place in the function table; 0 if it has none.
    pub(in crate::module) table_slots: Vec<u32>,
    /// The table of function addresses, if there is one.
    pub(in crate::module) function_table: Option<FunctionTable>,
    /// Exported data, each a global after all others: their slots.
    pub(in crate::module) exported_data: IndexSet<u32>,
}

/// Which function has which number. The map of a flush keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::module) struct FunctionNumbers {
    /// By slot.
    pub(in crate::module) number: Vec<u32>,
    /// By slot; of no meaning where there is no number.
    pub(in crate::module) generation: Vec<u32>,
    /// The slots of imported ones, in the order of their numbers.
    pub(in crate::module) imports: Vec<u32>,
}

impl FunctionNumbers {
    /// Sets the number of the function in a slot.
    pub(in crate::module) fn set(&mut self, slot: usize, generation: u32, number: u32) {
        if self.number.len() <= slot {
            self.number.resize(slot + 1, NONE);
            self.generation.resize(slot + 1, 0);
        }
        self.number[slot] = number;
        self.generation[slot] = generation;
    }
}

/// Which table holds the addresses of functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::module) struct FunctionTable {
    pub(in crate::module) number: u32,
    /// The slot of its declaration; `None` if nothing declares it.
    pub(in crate::module) declared: Option<u32>,
}

impl<'a> Numbers<'a> {
    pub(in crate::module) fn new(module: &'a Module, form: Form) -> Self {
        let decls = &module.decls;
        let object = form == Form::Object;
        let types = decls.types.number();
        let mut functions = FunctionNumbers {
            number: vec![NONE; decls.funcs.len()],
            generation: vec![0; decls.funcs.len()],
            imports: Vec::new(),
        };
        let mut defined_funcs = Vec::with_capacity(decls.funcs.len());
        let mut addressed = Vec::new();
        let mut table_slots = vec![0; decls.funcs.len()];
        let (mut ready, mut code_size, mut name_bytes) = (true, 0, 0);
        for (slot, generation, decl) in decls.funcs.iter_generations() {
            let place = slot as usize;
            functions.generation[place] = generation;
            ready &= decl.head.state == DeclState::Ready;
            let name: &str = &decl.head.name;
            name_bytes += leb128::len_u32(name.len() as u32) + name.len();
            if decl.body.address_uses > 0 {
                addressed.push(slot);
                table_slots[place] = addressed.len() as u32;
            }
            if decl.head.imported {
                functions.number[place] = functions.imports.len() as u32;
                functions.imports.push(slot);
                continue;
            }
            let len = module.arena.byte_count(decl.body.span);
            code_size += u64::from(len) + leb128::len_u32(len) as u64;
            functions.number[place] = defined_funcs.len() as u32;
            defined_funcs.push(DefinedFunction {
                name,
                slot,
                generation,
                span: decl.body.span,
                len,
                ty: decl.body.ty.map_or(0, |ty| types[ty.index()]),
                locals_len: decl.body.locals_len,
                local_names: decl.body.local_names,
            });
        }
        let imports = functions.imports.len() as u32;
        if imports > 0 {
            for function in &defined_funcs {
                functions.number[function.slot as usize] += imports;
            }
        }

        let made_elsewhere = |builtin: Option<Builtin>| object && builtin.is_some();
        let globals = Space::of(&decls.globals, |decl: &Decl<Global>| {
            decl.head.imported || made_elsewhere(decl.body.builtin)
        });
        let mut tables = Space::of(&decls.tables, |decl: &Decl<Table>| {
            decl.head.imported || made_elsewhere(decl.body.builtin)
        });
        let needed = !addressed.is_empty();
        let function_table = number_function_table(module, &mut tables, needed);
        let mut exported_data = IndexSet::default();
        if !object {
            for (_, target) in module.exports_in_order() {
                if target.kind() == TargetKind::Data {
                    exported_data.insert(target.index() as u32);
                }
            }
        }
        Self {
            functions,
            defined_funcs,
            ready,
            code_size,
            name_bytes,
            globals,
            tables,
            memories: Space::of(&decls.memories, |decl| decl.head.imported),
            tags: Space::of(&decls.tags, |decl| decl.head.imported),
            types,
            addressed,
            table_slots,
            function_table,
            exported_data,
        }
    }

    /// The numbers without what they borrow, which is asked for only while everything is
    /// written.
    pub(in crate::module) fn without_functions(self) -> Numbers<'static> {
        Numbers {
            functions: self.functions,
            ready: self.ready,
            code_size: self.code_size,
            name_bytes: self.name_bytes,
            defined_funcs: Vec::new(),
            globals: self.globals,
            tables: self.tables,
            memories: self.memories,
            tags: self.tags,
            types: self.types,
            addressed: self.addressed,
            table_slots: self.table_slots,
            function_table: self.function_table,
            exported_data: self.exported_data,
        }
    }

    /// The number of the global that holds the address of the datum in slot `slot`, which
    /// is exported.
    pub(in crate::module) fn data_global(&self, slot: u32) -> Option<u32> {
        let place = self.exported_data.get_index_of(&slot)?;
        Some((self.globals.number_count() + place) as u32)
    }

    /// How many types are written.
    pub(in crate::module) fn type_count(&self) -> usize {
        self.types.iter().filter(|&&number| number != NONE).count()
    }

    /// The type of the function table in an object, where the linker makes it.
    pub(in crate::module) fn unlinked_function_table(&self, memory64: bool) -> TableType {
        TableType {
            element: RefType::FUNCREF,
            limits: Limits {
                min: self.addressed.len() as u64,
                is_64: memory64,
                ..Limits::default()
            },
        }
    }

    /// How many tables an object imports: one more if it is the function table that
    /// nothing declares.
    pub(in crate::module) fn table_imports_of_object(&self) -> u32 {
        let undeclared = self
            .function_table
            .is_some_and(|table| table.declared.is_none());
        self.tables.imports.len() as u32 + u32::from(undeclared)
    }

    /// The number of whatever `target` names, in the index space of its kind.
    pub(in crate::module) fn of(&self, target: Target) -> u32 {
        let index = target.index();
        match target.kind() {
            TargetKind::Function => self.functions.number[index],
            TargetKind::Global => self.globals.number[index],
            TargetKind::Table => self.tables.number[index],
            TargetKind::Memory => self.memories.number[index],
            TargetKind::Tag => self.tags.number[index],
            TargetKind::Type => self.types[index],
            TargetKind::Data | TargetKind::DataSlot | TargetKind::BodyType | TargetKind::Custom => {
                NONE
            }
        }
    }
}

impl Space {
    /// The slot of what has `number`.
    pub(in crate::module) fn slot(&self, number: u32) -> Option<u32> {
        let all = self.imports.iter().chain(&self.defined);
        all.copied().nth(number as usize)
    }

    /// How many have a number.
    pub(in crate::module) fn number_count(&self) -> usize {
        self.imports.len() + self.defined.len()
    }
}

/// Makes the function table the first table that the module defines, and says which it is.
fn number_function_table(
    module: &Module,
    tables: &mut Space,
    needed: bool,
) -> Option<FunctionTable> {
    let declared = module.names.get(FUNCTION_TABLE).copied();
    let declared = declared.filter(|target| target.kind() == TargetKind::Table);
    let Some(declared) = declared.map(|target| target.index() as u32) else {
        if !needed {
            return None;
        }
        // An undeclared one has a number and no slot: it pushes the others back by one. In
        // an object it is one more import.
        let number = tables.imports.len() as u32;
        for &slot in &tables.defined {
            tables.number[slot as usize] += 1;
        }
        return Some(FunctionTable {
            number,
            declared: None,
        });
    };
    if let Some(place) = tables.defined.iter().position(|&slot| slot == declared) {
        tables.defined[..=place].rotate_right(1);
        for (number, &slot) in (tables.imports.len() as u32..).zip(&tables.defined) {
            tables.number[slot as usize] = number;
        }
    }
    Some(FunctionTable {
        number: tables.number[declared as usize],
        declared: Some(declared),
    })
}

/// The type of the global that holds an exported datum's address.
pub(in crate::module) fn data_global_type(module: &Module) -> GlobalType {
    GlobalType {
        value: address_type(&module.options),
        mutability: wasm_format::Mutability::Const,
    }
}

/// How many elements a table needs for the element segments that fill it.
pub(in crate::module) fn elements_end(module: &Module, table: u32) -> u64 {
    let mut end = 0;
    for (_, element) in module.decls.elements.iter() {
        if let ElementMode::Active { table: of, offset } = element.mode
            && of.0.index() as u32 == table
        {
            end = end.max(offset.saturating_add(element.functions.len() as u64));
        }
    }
    end
}
