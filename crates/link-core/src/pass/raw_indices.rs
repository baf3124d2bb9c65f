//! Code that refers to something by an index without a relocation that adjusts it: the index
//! means something else in the output. Compilers never write such code. Assemblers do, for
//! tags, and for data and element segments, whose indices no relocation can adjust.

use std::ops::Range;

use wasm_format::reloc::{RelocTarget, RelocType};
use wasm_format::{Opcode, Reader};
use wasmparser::{
    BinaryReader, BinaryReaderError, BlockType, Catch, FunctionBody, Handle, HeapType, MemArg,
    MemArgTarget, Operator, RefType, ResumeTable, TryTable, ValType, for_each_operator,
};

use super::mark::Liveness;
use crate::diag::{Code, Diagnostic, Diagnostics, FirstOfMany};
use crate::ids::{FileId, ObjFunc};
use crate::input::object::{Chunk, Object, RelocIter};
use crate::options::Options;
use crate::par;
use crate::resolve::resolution::Resolution;

/// Reports the indices in live code that nothing adjusts. Only objects are searched that may
/// have any.
pub(crate) fn report(
    resolution: &Resolution<'_>,
    live: &Liveness,
    options: &Options,
    diagnostics: &mut Diagnostics,
) {
    let suspects: Vec<FileId> = (resolution.objects())
        .filter(|(_, object)| object.may_have_raw_indices)
        .map(|(file, _)| file)
        .collect();
    let found = par::map(suspects, |file| {
        (file, search(resolution.object(file), live.functions(file)))
    });
    // No more are shown, and each message holds the name of a file.
    let limit = match options.error_limit {
        0 => usize::MAX,
        shown => shown + 1,
    };
    let raw = (found.iter()).flat_map(|(file, found)| found.raw.iter().map(|raw| (*file, raw)));
    for (file, raw) in raw.take(limit) {
        diagnostics.push(raw.diagnostic(resolution.object(file)));
    }
    let mut first = FirstOfMany::default();
    for (file, found) in &found {
        if let Some(undecodable) = &found.undecodable {
            let object = resolution.object(*file);
            first.add(diagnostics, || undecodable.diagnostic(object));
        }
    }
    first.finish(
        diagnostics,
        "objects cannot be searched for indices without relocations",
    );
}

/// The result of searching an object's code.
#[derive(Default)]
struct Found {
    /// The first raw index of each index space.
    raw: Vec<RawIndex>,
    /// The first body that is not fully searched.
    undecodable: Option<Undecodable>,
}

fn search(object: &Object<'_>, functions: impl Iterator<Item = ObjFunc>) -> Found {
    let mut found = Found::default();
    for function in functions {
        let chunk = object.functions.chunk(function);
        let mut body = BodySearch {
            object,
            function,
            relocs: ChunkRelocs::of(chunk),
            raw: &mut found.raw,
        };
        if let Err(Unknown { reason, at }) = body.search(chunk.bytes) {
            found.undecodable.get_or_insert(Undecodable {
                function,
                reason,
                at,
            });
        }
    }
    found
}

/// An index space of a module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum IndexSpace {
    Function,
    Type,
    Global,
    Table,
    Tag,
    Data,
    Element,
    Memory,
}

impl IndexSpace {
    /// The word for an item in messages.
    fn item(self) -> &'static str {
        match self {
            Self::Function => "function",
            Self::Type => "type",
            Self::Global => "global",
            Self::Table => "table",
            Self::Tag => "tag",
            Self::Data => "data segment",
            Self::Element => "element segment",
            Self::Memory => "memory",
        }
    }

    /// The relocation that adjusts an index of it in code, if there is one.
    fn reloc(self) -> Option<RelocType> {
        match self {
            Self::Function => Some(RelocType::FunctionIndexLeb),
            Self::Type => Some(RelocType::TypeIndexLeb),
            Self::Global => Some(RelocType::GlobalIndexLeb),
            Self::Table => Some(RelocType::TableNumberLeb),
            Self::Tag => Some(RelocType::TagIndexLeb),
            Self::Data | Self::Element | Self::Memory => None,
        }
    }

    /// How code of an object file can do without the index.
    fn advice(self) -> String {
        if let Some(reloc) = self.reloc() {
            let name = reloc.name();
            return format!("the tool that wrote the file has to write a relocation, {name}");
        }
        match self {
            Self::Data => "give the data a symbol and copy it from its address with `memory.copy`",
            Self::Element => "fill the table with `table.set` and `ref.func`, which are relocated",
            _ => "only one memory can be linked",
        }
        .to_owned()
    }
}

/// A place that refers to something by its index.
#[derive(Debug, Clone, Copy)]
struct IndexUse {
    space: IndexSpace,
    index: u32,
}

/// The relocations of a body, which are asked for from its beginning to its end.
struct ChunkRelocs<'a> {
    rest: RelocIter<'a>,
    next: Option<(usize, RelocTarget)>,
}

impl<'a> ChunkRelocs<'a> {
    fn of(chunk: Chunk<'a>) -> Self {
        let mut relocs = Self {
            rest: chunk.relocs.iter(),
            next: None,
        };
        relocs.advance();
        relocs
    }

    fn advance(&mut self) {
        let next = self.rest.next();
        self.next = next.map(|reloc| (reloc.offset as usize, reloc.ty.target()));
    }

    /// What the relocations of an instruction refer to, which lies at `place`. Those before it
    /// are not asked for again.
    fn within(&mut self, place: Range<usize>) -> Vec<RelocTarget> {
        let mut targets = Vec::new();
        while let Some((offset, target)) = self.next.filter(|&(offset, _)| offset < place.end) {
            if offset >= place.start {
                targets.push(target);
            }
            self.advance();
        }
        targets
    }
}

/// The search of one body.
struct BodySearch<'s, 'a> {
    object: &'s Object<'a>,
    function: ObjFunc,
    relocs: ChunkRelocs<'a>,
    raw: &'s mut Vec<RawIndex>,
}

impl BodySearch<'_, '_> {
    fn search(&mut self, bytes: &[u8]) -> Result<(), Unknown> {
        let body = FunctionBody::new(BinaryReader::new(bytes, 0));
        let mut uses = Uses::default();
        for local in body.get_locals_reader()? {
            uses.ty(&local?.1);
        }
        let mut code = body.get_operators_reader()?;
        // The position in this body, whose size is a 32-bit number.
        let mut at = code.original_position() as usize;
        self.check(&mut uses, 0..at, None);
        while !code.eof() {
            let start = at;
            if !uses.operator(&code.read()?) {
                return Err(Unknown {
                    reason: "unknown instruction".to_owned(),
                    at: start as u64,
                });
            }
            at = code.original_position() as usize;
            self.check(&mut uses, start..at, Some(start));
        }
        Ok(())
    }

    /// Notes `uses` of indices that no relocation at `place` adjusts, and forgets the others.
    fn check(&mut self, uses: &mut Uses, place: Range<usize>, instruction: Option<usize>) {
        if uses.list.is_empty() {
            return;
        }
        let mut adjusted = self.relocs.within(place);
        for &IndexUse { space, index } in &uses.list {
            let target = space.reloc().map(RelocType::target);
            if let Some(found) = (adjusted.iter()).position(|&found| Some(found) == target) {
                adjusted.swap_remove(found);
            } else if !self.is_meant(space, index) && !self.raw.iter().any(|raw| raw.space == space)
            {
                self.raw.push(RawIndex {
                    function: self.function,
                    instruction,
                    space,
                    index,
                });
            }
        }
        uses.list.clear();
    }

    /// Whether an index without a relocation means the same in the output: that of the only
    /// memory, or of the function table of objects from before tables had symbols.
    fn is_meant(&self, space: IndexSpace, index: u32) -> bool {
        match space {
            IndexSpace::Memory => index == 0,
            IndexSpace::Table => index == 0 && self.object.calls_table_0,
            IndexSpace::Function
            | IndexSpace::Type
            | IndexSpace::Global
            | IndexSpace::Tag
            | IndexSpace::Data
            | IndexSpace::Element => false,
        }
    }
}

/// An index that nothing adjusts.
struct RawIndex {
    function: ObjFunc,
    /// Where in the body the instruction begins; `None` for the types of locals.
    instruction: Option<usize>,
    space: IndexSpace,
    index: u32,
}

impl RawIndex {
    fn diagnostic(&self, object: &Object<'_>) -> Diagnostic {
        let what = match self.instruction {
            Some(at) => {
                let body = object.functions.chunk(self.function).bytes;
                let opcode = Opcode::decode(&mut Reader::new(&body[at..]));
                opcode.map_or("an instruction".to_owned(), |opcode| format!("`{opcode}`"))
            }
            None => "the type of a local".to_owned(),
        };
        let message = format!(
            "{what} in {} refers to {} {} by its index, which no relocation adjusts",
            shown(object, self.function),
            self.space.item(),
            self.index,
        );
        Diagnostic::error(Code::BadInput, message)
            .in_file(&*object.name)
            .note(self.space.advice())
    }
}

/// Why the rest of a body is not searched.
struct Unknown {
    reason: String,
    /// Where in the body.
    at: u64,
}

impl From<BinaryReaderError> for Unknown {
    fn from(error: BinaryReaderError) -> Self {
        Self {
            reason: error.message().to_owned(),
            at: error.offset(),
        }
    }
}

/// A body that is not fully searched.
struct Undecodable {
    function: ObjFunc,
    reason: String,
    /// Where in the body.
    at: u64,
}

impl Undecodable {
    fn diagnostic(&self, object: &Object<'_>) -> Diagnostic {
        let message = format!(
            "cannot look for indices without relocations in {}: {} (at {:#x} of its body)",
            shown(object, self.function),
            self.reason,
            self.at
        );
        Diagnostic::warning(Code::BadInput, message)
            .in_file(&*object.name)
            .never_fatal()
    }
}

fn shown(object: &Object<'_>, function: ObjFunc) -> String {
    match object.any_function_name(function) {
        Some(name) => format!("function `{name}`"),
        None => format!("the function of body {}", function.0),
    }
}

/// The indices that an instruction has.
#[derive(Default)]
struct Uses {
    list: Vec<IndexUse>,
}

/// A method for each immediate, by the name that `wasmparser` gives it: for those that are an
/// index, and for those that are none.
macro_rules! immediates_by_name {
    ($($space:ident: $($index:ident)*;)* _: $($number:ident)*) => {
        $($(
            fn $index(&mut self, &index: &u32) {
                self.index(IndexSpace::$space, index);
            }
        )*)*
        $(
            fn $number<T>(&mut self, _number: &T) {}
        )*
    };
}

/// An immediate of another name than these does not compile.
#[expect(
    clippy::trivially_copy_pass_by_ref,
    clippy::wrong_self_convention,
    reason = "one macro calls them all"
)]
impl Uses {
    immediates_by_name! {
        Function: function_index;
        Type: type_index struct_type_index array_type_index array_type_index_src
              array_type_index_dst cont_type_index argument_index result_index;
        Global: global_index;
        Table: table table_index src_table dst_table;
        Tag: tag_index;
        Data: data_index array_data_index;
        Element: elem_index array_elem_index;
        Memory: mem src_mem dst_mem;
        _: array_size field_index lane lanes local_index ordering relative_depth targets value
    }

    fn memarg(&mut self, argument: &MemArg) {
        match argument.target {
            MemArgTarget::Memory(memory) => self.index(IndexSpace::Memory, memory),
            MemArgTarget::Array(ty) => self.index(IndexSpace::Type, ty),
        }
    }

    fn blockty(&mut self, ty: &BlockType) {
        match ty {
            BlockType::Empty => {}
            BlockType::Type(ty) => self.ty(ty),
            BlockType::FuncType(index) => self.index(IndexSpace::Type, *index),
        }
    }

    fn try_table(&mut self, table: &TryTable) {
        self.blockty(&table.ty);
        for catch in &table.catches {
            match *catch {
                Catch::One { tag, .. } | Catch::OneRef { tag, .. } => {
                    self.index(IndexSpace::Tag, tag);
                }
                Catch::All { .. } | Catch::AllRef { .. } => {}
            }
        }
    }

    fn resume_table(&mut self, table: &ResumeTable) {
        for handle in &table.handlers {
            match *handle {
                Handle::OnLabel { tag, .. } | Handle::OnSwitch { tag } => {
                    self.index(IndexSpace::Tag, tag);
                }
            }
        }
    }

    fn ty(&mut self, ty: &ValType) {
        if let ValType::Ref(ty) = ty {
            self.hty(&ty.heap_type());
        }
    }

    fn tys(&mut self, types: &[ValType]) {
        for ty in types {
            self.ty(ty);
        }
    }

    fn from_ref_type(&mut self, ty: &RefType) {
        self.hty(&ty.heap_type());
    }

    fn to_ref_type(&mut self, ty: &RefType) {
        self.hty(&ty.heap_type());
    }

    fn hty(&mut self, ty: &HeapType) {
        match ty {
            HeapType::Abstract { .. } => {}
            HeapType::Concrete(index) | HeapType::Exact(index) => {
                if let Some(index) = index.as_module_index() {
                    self.index(IndexSpace::Type, index);
                }
            }
        }
    }

    fn index(&mut self, space: IndexSpace, index: u32) {
        self.list.push(IndexUse { space, index });
    }

    /// Notes the indices of an instruction; returns whether it is known.
    fn operator(&mut self, operator: &Operator<'_>) -> bool {
        macro_rules! immediates {
            ($(
                @$proposal:ident $op:ident $({ $($immediate:ident: $ty:ty),* })?
                => $visit:ident ($($ann:tt)*)
            )*) => {
                match operator {
                    $(Operator::$op $({ $($immediate),* })? => {
                        $($(self.$immediate($immediate);)*)?
                        true
                    })*
                    _ => false,
                }
            };
        }
        for_each_operator!(immediates)
    }
}
