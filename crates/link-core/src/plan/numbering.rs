//! The output's index spaces: who has which function, global, table and tag index, and
//! which function stands in which table slot.

use wasm_format::linking::SymbolKind;

use crate::hash::HashMap;
use crate::ids::{
    FileId, FuncIndex, GlobalIndex, ObjFunc, ObjGlobal, ObjTable, ObjTag, SymbolId, TableIndex,
    TableSlot, TagIndex,
};
use crate::par;
use crate::pass::mark::Liveness;
use crate::pass::synthesize::{FunctionRef, SynthFunction, Synthesis, TableUse};
use crate::resolve::resolution::{Definition, MadeFunction, MadeGlobal, Resolution, SymbolRef};

/// Imported symbols of one kind, in order.
fn imports_of(
    resolution: &Resolution<'_>,
    synthesis: &Synthesis<'_>,
    kind: SymbolKind,
) -> impl Iterator<Item = SymbolId> {
    (synthesis.imports.iter().copied()).filter(move |&id| resolution.symbol(id).kind == kind)
}

/// The function index space: imports, functions the linker writes, the live functions of
/// the objects in order, the wrappers of exports, then helpers, which are known later.
#[derive(Debug)]
pub struct FunctionIndices {
    /// How many are imported.
    pub imported: u32,
    /// How many there are, imports included and helpers excluded.
    pub count: u32,
    /// For each object, the index that stands for each of its functions; `None` for those left
    /// out. Which bodies the output has is another matter: [`Liveness::functions`] says it.
    files: Vec<Vec<Option<FuncIndex>>>,
    /// For each object, the first index at or after its first function.
    pub first: Vec<FuncIndex>,
    /// The first wrapper's index.
    pub first_wrapper: FuncIndex,
    imports: HashMap<SymbolId, FuncIndex>,
    made: HashMap<MadeFunction, FuncIndex>,
    stubs: HashMap<u32, FuncIndex>,
    undefined_stubs: HashMap<SymbolId, u32>,
    /// Whether some of the imports are defined here, too.
    replaceable: bool,
}

impl FunctionIndices {
    pub(crate) fn number(
        resolution: &Resolution<'_>,
        liveness: &Liveness,
        synthesis: &Synthesis<'_>,
    ) -> Self {
        let mut functions = FunctionIndices {
            imported: 0,
            count: 0,
            files: Vec::new(),
            first: Vec::with_capacity(resolution.objects.len()),
            first_wrapper: FuncIndex(0),
            imports: HashMap::default(),
            made: HashMap::default(),
            stubs: HashMap::default(),
            undefined_stubs: synthesis.undefined_stubs.clone(),
            replaceable: false,
        };
        for symbol in imports_of(resolution, synthesis, SymbolKind::Function) {
            let index = functions.take();
            functions.imports.insert(symbol, index);
            let definition = resolution.symbol(symbol).definition;
            functions.replaceable |= matches!(definition, Definition::Object { .. });
        }
        for (symbol, stands_for) in &synthesis.import_aliases {
            if let Some(&index) = functions.imports.get(stands_for) {
                functions.imports.insert(*symbol, index);
            }
        }
        functions.imported = functions.count;
        for &function in &synthesis.functions {
            let index = functions.take();
            match function {
                SynthFunction::Made(made) => {
                    functions.made.insert(made, index);
                }
                SynthFunction::Stub(stub) => {
                    functions.stubs.insert(stub, index);
                }
            }
        }
        for file in &liveness.files {
            functions.first.push(FuncIndex(functions.count));
            functions.count += file.functions.iter().filter(|&&live| live).count() as u32;
        }
        functions.files = par::map_indices(liveness.files.len(), |file| {
            let mut next = functions.first[file].0;
            let number = |&live: &bool| {
                let index = FuncIndex(next);
                next += u32::from(live);
                live.then_some(index)
            };
            liveness.files[file].functions.iter().map(number).collect()
        });
        functions.first_wrapper = FuncIndex(functions.count);
        functions.count += synthesis.wrappers.len() as u32;
        functions
    }

    /// Indices that were decided before: for each object, those of its functions.
    pub(crate) fn pinned(files: Vec<Vec<Option<FuncIndex>>>) -> Self {
        Self {
            imported: 0,
            count: 0,
            files,
            first: Vec::new(),
            first_wrapper: FuncIndex(0),
            imports: HashMap::default(),
            made: HashMap::default(),
            stubs: HashMap::default(),
            undefined_stubs: HashMap::default(),
            replaceable: false,
        }
    }

    /// What [`FunctionIndices::pinned`] was given.
    pub(crate) fn into_files(self) -> Vec<Vec<Option<FuncIndex>>> {
        self.files
    }

    fn take(&mut self) -> FuncIndex {
        let index = FuncIndex(self.count);
        self.count += 1;
        index
    }

    /// What is called for a symbol whose function is `function`: of a weak one of a shared
    /// library the import, since a loader may have found another.
    #[inline]
    pub fn called(&self, symbol: SymbolRef, function: FuncIndex) -> FuncIndex {
        let import = match symbol {
            SymbolRef::Global(id) if self.replaceable => self.imports.get(&id).copied(),
            _ => None,
        };
        import.unwrap_or(function)
    }

    /// What a call of a symbol calls; `None` if the output has no function for it.
    pub fn called_by(&self, resolution: &Resolution<'_>, symbol: SymbolRef) -> Option<FuncIndex> {
        let function = self.get(resolution.function(symbol)?)?;
        Some(self.called(symbol, function))
    }

    /// The index of a wrapper of [`Synthesis::wrappers`].
    pub fn wrapper(&self, nth: u32) -> FuncIndex {
        FuncIndex(self.first_wrapper.0 + nth)
    }

    /// The index of the first helper of [`Plan::helper_bodies`](super::Plan::helper_bodies).
    pub fn first_helper(&self) -> FuncIndex {
        FuncIndex(self.count)
    }

    /// The index of a well-known function, if the output has it.
    pub fn made(&self, made: MadeFunction) -> Option<FuncIndex> {
        self.made.get(&made).copied()
    }

    /// The index that stands for a function of an object; `None` if the output has none for it.
    #[inline]
    pub fn of(&self, file: FileId, function: ObjFunc) -> Option<FuncIndex> {
        self.files[file.index()][function.index()]
    }

    /// The index of a function; `None` if it is not in the output.
    #[inline]
    pub fn get(&self, function: FunctionRef) -> Option<FuncIndex> {
        match function {
            FunctionRef::Object(file, function) => self.of(file, function),
            FunctionRef::Made(made) => self.made(made),
            FunctionRef::Stub(stub) => self.stubs.get(&stub).copied(),
            FunctionRef::Undefined(symbol) => {
                let stub = || self.stubs.get(self.undefined_stubs.get(&symbol)?);
                self.imports.get(&symbol).or_else(stub).copied()
            }
        }
    }
}

/// The global index space: imports, imports of the GOT, globals the linker writes, the
/// live globals of the objects in order, GOT entries of known value, then the addresses
/// of exported data.
#[derive(Debug, Default)]
pub struct GlobalIndices {
    /// How many are imported.
    pub imported: u32,
    /// How many there are, imports included, exported data addresses excluded.
    pub count: u32,
    /// For each object, the index of each of its globals; `None` for those left out.
    pub files: Vec<Vec<Option<GlobalIndex>>>,
    imports: HashMap<SymbolId, GlobalIndex>,
    made: HashMap<MadeGlobal, GlobalIndex>,
    got: HashMap<SymbolRef, GlobalIndex>,
}

impl GlobalIndices {
    pub(crate) fn number(
        resolution: &Resolution<'_>,
        liveness: &Liveness,
        synthesis: &Synthesis<'_>,
    ) -> Self {
        let mut globals = GlobalIndices::default();
        for symbol in imports_of(resolution, synthesis, SymbolKind::Global) {
            let index = globals.take();
            globals.imports.insert(symbol, index);
        }
        for (symbol, stands_for) in &synthesis.import_aliases {
            if let Some(&index) = globals.imports.get(stands_for) {
                globals.imports.insert(*symbol, index);
            }
        }
        for &symbol in &synthesis.got_imports {
            let index = globals.take();
            globals.got.insert(symbol, index);
        }
        globals.imported = globals.count;
        for &made in &synthesis.globals {
            let index = globals.take();
            globals.made.insert(made, index);
        }
        for (file, object) in resolution.objects() {
            let numbers = (0..object.globals.len() as u32)
                .map(|i| liveness.global(file, ObjGlobal(i)).then(|| globals.take()))
                .collect();
            globals.files.push(numbers);
        }
        for &symbol in &synthesis.got_internal {
            let index = globals.take();
            globals.got.insert(symbol, index);
        }
        globals
    }

    /// Indices that were decided before: for each object, those of its globals.
    pub(crate) fn pinned(files: Vec<Vec<Option<GlobalIndex>>>) -> Self {
        Self {
            files,
            ..Self::default()
        }
    }

    fn take(&mut self) -> GlobalIndex {
        let index = GlobalIndex(self.count);
        self.count += 1;
        index
    }

    /// The index of an imported global.
    pub fn import(&self, symbol: SymbolId) -> Option<GlobalIndex> {
        self.imports.get(&symbol).copied()
    }

    /// The index of a global the linker writes.
    pub fn made(&self, made: MadeGlobal) -> Option<GlobalIndex> {
        self.made.get(&made).copied()
    }

    /// The index of an object's global.
    pub fn object(&self, file: FileId, global: ObjGlobal) -> Option<GlobalIndex> {
        self.files[file.index()][global.index()]
    }

    /// The global that holds the address of a symbol.
    pub fn got(&self, symbol: SymbolRef) -> Option<GlobalIndex> {
        self.got.get(&symbol).copied()
    }
}

/// The table index space: imports, the live tables of the objects, then the indirect
/// function table if the output defines it; before them if code relies on its being the
/// first.
#[derive(Debug, Default)]
pub struct TableIndices {
    /// How many are imported.
    pub imported: u32,
    /// How many there are, imports included.
    pub count: u32,
    /// The indirect function table's index.
    pub indirect: Option<TableIndex>,
    files: Vec<Vec<Option<TableIndex>>>,
    imports: HashMap<SymbolId, TableIndex>,
}

impl TableIndices {
    pub(crate) fn number(
        resolution: &Resolution<'_>,
        liveness: &Liveness,
        synthesis: &Synthesis<'_>,
    ) -> Self {
        let mut tables = TableIndices::default();
        for symbol in imports_of(resolution, synthesis, SymbolKind::Table) {
            let index = tables.take();
            tables.imports.insert(symbol, index);
            if Some(symbol) == resolution.made.indirect_function_table {
                tables.indirect = Some(index);
            }
        }
        for (symbol, stands_for) in &synthesis.import_aliases {
            if let Some(&index) = tables.imports.get(stands_for) {
                tables.imports.insert(*symbol, index);
            }
        }
        tables.imported = tables.count;
        let defined = synthesis.table == TableUse::Defined;
        // Code from before tables had symbols means table 0.
        let first = resolution.indirect_table_is_first();
        if defined && first {
            tables.indirect = Some(tables.take());
        }
        for (file, object) in resolution.objects() {
            let numbers = (0..object.tables.len() as u32)
                .map(|i| liveness.table(file, ObjTable(i)).then(|| tables.take()))
                .collect();
            tables.files.push(numbers);
        }
        if defined && !first {
            tables.indirect = Some(tables.take());
        }
        tables
    }

    /// Indices that were decided before: that of the indirect function table and, for each object,
    /// those of its tables.
    pub(crate) fn pinned(
        indirect: Option<TableIndex>,
        files: Vec<Vec<Option<TableIndex>>>,
    ) -> Self {
        Self {
            indirect,
            files,
            ..Self::default()
        }
    }

    fn take(&mut self) -> TableIndex {
        let index = TableIndex(self.count);
        self.count += 1;
        index
    }

    /// The index of an imported table.
    pub fn import(&self, symbol: SymbolId) -> Option<TableIndex> {
        self.imports.get(&symbol).copied()
    }

    /// The index of an object's table.
    pub fn object(&self, file: FileId, table: ObjTable) -> Option<TableIndex> {
        self.files[file.index()][table.index()]
    }
}

/// The tag index space: imports, then the live tags of the objects.
#[derive(Debug, Default)]
pub struct TagIndices {
    /// How many are imported.
    pub imported: u32,
    /// How many there are, imports included.
    pub count: u32,
    files: Vec<Vec<Option<TagIndex>>>,
    imports: HashMap<SymbolId, TagIndex>,
}

impl TagIndices {
    pub(crate) fn number(
        resolution: &Resolution<'_>,
        liveness: &Liveness,
        synthesis: &Synthesis<'_>,
    ) -> Self {
        let mut tags = TagIndices::default();
        for symbol in imports_of(resolution, synthesis, SymbolKind::Tag) {
            let index = tags.take();
            tags.imports.insert(symbol, index);
        }
        tags.imported = tags.count;
        for (file, object) in resolution.objects() {
            let numbers = (0..object.tags.len() as u32)
                .map(|i| liveness.tag(file, ObjTag(i)).then(|| tags.take()))
                .collect();
            tags.files.push(numbers);
        }
        tags
    }

    /// Indices that were decided before: for each object, those of its tags.
    pub(crate) fn pinned(files: Vec<Vec<Option<TagIndex>>>) -> Self {
        Self {
            files,
            ..Self::default()
        }
    }

    fn take(&mut self) -> TagIndex {
        let index = TagIndex(self.count);
        self.count += 1;
        index
    }

    /// The index of an imported tag.
    pub fn import(&self, symbol: SymbolId) -> Option<TagIndex> {
        self.imports.get(&symbol).copied()
    }

    /// The index of an object's tag.
    pub fn object(&self, file: FileId, tag: ObjTag) -> Option<TagIndex> {
        self.files[file.index()][tag.index()]
    }
}

/// The slots of the indirect function table that the output fills.
#[derive(Debug, Default, Clone)]
pub struct TableSlots {
    /// The first of them.
    pub base: u64,
    /// What is called for each.
    pub functions: Vec<FuncIndex>,
    /// For each function that is asked for, its place in `functions`; `u32::MAX` for none.
    /// Empty if the output fills no slot.
    by_function: Vec<u32>,
    /// The same for undefined functions that a stub stands for: it may stand for several,
    /// but each has a slot of its own, or none.
    by_symbol: HashMap<SymbolId, u32>,
}

impl TableSlots {
    pub(crate) fn number(
        synthesis: &Synthesis<'_>,
        functions: &FunctionIndices,
        base: u64,
    ) -> Self {
        let mut slots = TableSlots {
            base,
            functions: Vec::with_capacity(synthesis.slots.len()),
            by_function: Vec::new(),
            by_symbol: HashMap::default(),
        };
        if !synthesis.slots.is_empty() {
            slots.by_function = vec![u32::MAX; functions.count as usize];
        }
        for &(symbol, function) in &synthesis.slots {
            let Some(index) = functions.get(function) else {
                continue;
            };
            let nth = slots.functions.len() as u32;
            match function {
                FunctionRef::Undefined(id) if synthesis.undefined_stubs.contains_key(&id) => {
                    slots.by_symbol.insert(id, nth);
                }
                _ => slots.by_function[index.index()] = nth,
            }
            slots.functions.push(functions.called(symbol, index));
        }
        slots
    }

    /// Gives a function the next slot, unless it has one. Whether it had none.
    pub(crate) fn add(&mut self, function: FuncIndex) -> bool {
        if self.by_function.len() <= function.index() {
            self.by_function.resize(function.index() + 1, u32::MAX);
        }
        let known = &mut self.by_function[function.index()];
        let is_new = *known == u32::MAX;
        if is_new {
            *known = self.functions.len() as u32;
            self.functions.push(function);
        }
        is_new
    }

    /// The slot that holds a function, by which a symbol means it.
    pub fn of(&self, symbol: SymbolRef, function: FuncIndex) -> Option<TableSlot> {
        let own = match symbol {
            SymbolRef::Global(id) => self.by_symbol.get(&id),
            SymbolRef::Local(..) => None,
        };
        match own.or_else(|| self.by_function.get(function.index())) {
            None | Some(&u32::MAX) => None,
            Some(&nth) => Some(TableSlot((self.base + u64::from(nth)) as u32)),
        }
    }
}
