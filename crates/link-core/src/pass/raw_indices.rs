//! Code that refers to something by an index without a relocation that adjusts it: the index
//! means something else in the output. Compilers never write such code. Assemblers do, for
//! tags, and for data and element segments, whose indices no relocation can adjust.

use std::fmt;

use wasm_format::reloc::{RelocTarget, RelocType};
use wasm_format::{Opcode, Reader};
use wasmparser::{
    BinaryReader, BinaryReaderError, BlockType, Catch, FunctionBody, Handle, HeapType, MemArg,
    MemArgTarget, Operator, RefType, ResumeTable, TryTable, ValType, for_each_operator,
};

use super::mark::Liveness;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::ids::{FileId, ObjFunc};
use crate::input::object::{Chunk, Object, RelocIter};
use crate::par;
use crate::resolve::resolution::Resolution;

/// Reports the indices in live code that nothing adjusts. Only objects are searched that may
/// have any.
pub(crate) fn report(resolution: &Resolution<'_>, live: &Liveness, diagnostics: &mut Diagnostics) {
    let suspects: Vec<FileId> = (resolution.objects())
        .filter(|(_, object)| object.may_have_raw_indices)
        .map(|(file, _)| file)
        .collect();
    let found = par::map(suspects, |file| {
        search(resolution.object(file), live.functions(file))
    });
    diagnostics.extend(found.into_iter().flatten());
}

/// Reports the first raw index of each index space.
fn search(object: &Object<'_>, functions: impl Iterator<Item = ObjFunc>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut reported = [false; IndexSpace::COUNT];
    let mut told_unknown = false;
    for function in functions {
        let mut body = BodySearch {
            object,
            function,
            relocs: ChunkRelocs::of(object.functions.chunk(function)),
            reported: &mut reported,
            found: &mut found,
        };
        if let Err(error) = body.search(object.functions.chunk(function).bytes)
            && !std::mem::replace(&mut told_unknown, true)
        {
            found.push(undecodable(object, function, &error));
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
    const COUNT: usize = 8;

    /// What messages call an item of it.
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

    /// What relocations refer to whose places lie before `end`, without those asked for before.
    fn before(&mut self, end: usize) -> Vec<RelocTarget> {
        let mut targets = Vec::new();
        while let Some((_, target)) = self.next.filter(|&(offset, _)| offset < end) {
            targets.push(target);
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
    reported: &'s mut [bool; IndexSpace::COUNT],
    found: &'s mut Vec<Diagnostic>,
}

impl BodySearch<'_, '_> {
    fn search(&mut self, bytes: &[u8]) -> Result<(), Undecodable> {
        let body = FunctionBody::new(BinaryReader::new(bytes, 0));
        let mut uses = Uses::default();
        for local in body.get_locals_reader()? {
            uses.ty(&local?.1);
        }
        let mut code = body.get_operators_reader()?;
        // The position in this body, whose size is a 32-bit number.
        let mut at = code.original_position() as usize;
        self.check(&mut uses, at, &"the type of a local");
        while !code.eof() {
            if !uses.operator(&code.read()?) {
                return Err(Undecodable::unknown(at));
            }
            let opcode = Opcode::decode(&mut Reader::new(&bytes[at..]));
            at = code.original_position() as usize;
            self.check(&mut uses, at, &InstructionName(opcode.ok()));
        }
        Ok(())
    }

    /// Reports `uses` of indices that no relocation before `end` adjusts, and forgets them.
    fn check(&mut self, uses: &mut Uses, end: usize, what: &dyn fmt::Display) {
        if uses.list.is_empty() {
            return;
        }
        let mut adjusted = self.relocs.before(end);
        for &IndexUse { space, index } in &uses.list {
            let target = space.reloc().map(RelocType::target);
            if let Some(found) = (adjusted.iter()).position(|&found| Some(found) == target) {
                adjusted.swap_remove(found);
            } else if !self.is_meant(space, index)
                && !std::mem::replace(&mut self.reported[space as usize], true)
            {
                let reported = self.raw_index(space, index, what);
                self.found.push(reported);
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

    fn raw_index(&self, space: IndexSpace, index: u32, what: &dyn fmt::Display) -> Diagnostic {
        let function = shown(self.object, self.function);
        let item = space.item();
        let message = format!(
            "{what} in {function} refers to {item} {index} by its index, which no relocation \
             adjusts"
        );
        Diagnostic::error(Code::BadInput, message)
            .in_file(&*self.object.name)
            .note(space.advice())
    }
}

/// Why a body cannot be searched.
struct Undecodable {
    message: String,
    /// Where in the body.
    at: u64,
}

impl Undecodable {
    fn unknown(at: usize) -> Self {
        Self {
            message: "unknown instruction".to_owned(),
            at: at as u64,
        }
    }
}

impl From<BinaryReaderError> for Undecodable {
    fn from(error: BinaryReaderError) -> Self {
        Self {
            message: error.message().to_owned(),
            at: error.offset(),
        }
    }
}

/// Warns of code that cannot be searched.
fn undecodable(object: &Object<'_>, function: ObjFunc, error: &Undecodable) -> Diagnostic {
    let message = format!(
        "cannot look for indices without relocations in {}: {} (at {:#x} of its body)",
        shown(object, function),
        error.message,
        error.at
    );
    Diagnostic::warning(Code::BadInput, message)
        .in_file(&*object.name)
        .never_fatal()
}

fn shown(object: &Object<'_>, function: ObjFunc) -> String {
    match object.any_function_name(function) {
        Some(name) => format!("function `{name}`"),
        None => format!("the function of body {}", function.0),
    }
}

/// An instruction as messages name it.
struct InstructionName(Option<Opcode>);

impl fmt::Display for InstructionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(opcode) => write!(f, "`{opcode}`"),
            None => f.write_str("an instruction"),
        }
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
