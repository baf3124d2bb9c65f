//! Function bodies, built apart from the module that will own them.

use smallvec::SmallVec;
use wasm_format::reloc::RelocType;
use wasm_format::{FuncType, ValType, leb128};

use super::distinct::DistinctList;
use super::error::ModuleErrorKind;
use super::handle::{DataId, FuncId, GlobalId, TableId, TagId, Target, TargetKind, TypeId};
use super::types::is_concrete;
use crate::limits;
use crate::reloc::Reloc;

/// The type of a function: one that the module knows, or one that it interns when it gets
/// to see it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Signature {
    /// A type of the module.
    Id(TypeId),
    /// A type by value.
    Type(FuncType),
}

impl From<TypeId> for Signature {
    fn from(id: TypeId) -> Self {
        Signature::Id(id)
    }
}

impl From<FuncType> for Signature {
    fn from(ty: FuncType) -> Self {
        Signature::Type(ty)
    }
}

/// The type of a local variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LocalType {
    /// A type without an index in it.
    Val(ValType),
    /// A reference to a type of the module (core spec, 5.3.4 Reference Types).
    Ref {
        /// Whether null is a value of the type.
        nullable: bool,
        /// What it refers to.
        ty: TypeId,
    },
}

impl From<ValType> for LocalType {
    fn from(ty: ValType) -> Self {
        LocalType::Val(ty)
    }
}

/// Code, its locals, and the holes in it.
///
/// A body refers to declarations by their handles and to nothing else of the module, so
/// that any number of threads can compile bodies while the module stays where it is;
/// [`Module::update`](super::Module::update) commits one.
///
/// Offsets count from the start of the code, without the locals. Holes are as wide as
/// their widest value (5 bytes for an index), so patching moves nothing.
///
/// ```
/// use link_core::module::{FunctionBody, Module};
/// use wasm_format::{FuncType, ValType};
///
/// let mut module = Module::default();
/// let double = module.announce_function("double").unwrap();
/// let mut body = FunctionBody::new(FuncType::new([ValType::I32], [ValType::I32]));
/// body.code(&[0x20, 0, 0x20, 0, 0x6a, 0x0b]); // local.get 0, twice; i32.add; end
/// module.update(double, body).unwrap();
///
/// let main = module.announce_function("main").unwrap();
/// let mut body = FunctionBody::new(FuncType::new([], [ValType::I32]));
/// body.code(&[0x41, 21]).call(double).end(); // i32.const 21
/// module.update(main, body).unwrap();
/// module.set_exports(main, ["main"]).unwrap();
/// let flushed = module.flush().unwrap();
/// assert_eq!(flushed.map.get(main).unwrap().index, Some(1));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionBody {
    pub(super) signature: Signature,
    pub(super) locals: SmallVec<[(u32, LocalType); 4]>,
    pub(super) code: Vec<u8>,
    pub(super) holes: SmallVec<[Reloc<Target>; 8]>,
    /// Types that holes refer to before the module knows them.
    pub(super) types: DistinctList<FuncType>,
    pub(super) local_names: Vec<(u32, Box<str>)>,
}

impl FunctionBody {
    /// A body of a function of type `signature`, with no code yet. Of an imported function
    /// this is all there is.
    pub fn new(signature: impl Into<Signature>) -> Self {
        Self {
            signature: signature.into(),
            locals: SmallVec::new(),
            // Most functions have more; growing to it takes several steps.
            code: Vec::with_capacity(64),
            holes: SmallVec::new(),
            types: DistinctList::new(),
            local_names: Vec::new(),
        }
    }

    /// Adds a local variable. Its index is the number of parameters and of the locals
    /// added before.
    pub fn local(&mut self, ty: impl Into<LocalType>) -> &mut Self {
        self.locals(1, ty)
    }

    /// Adds `count` local variables of one type.
    pub fn locals(&mut self, count: u32, ty: impl Into<LocalType>) -> &mut Self {
        let ty = ty.into();
        if count == 0 {
            return self;
        }
        if let Some((run, last)) = self.locals.last_mut()
            && *last == ty
            && let Some(sum) = run.checked_add(count)
        {
            *run = sum;
        } else {
            self.locals.push((count, ty));
        }
        self
    }

    /// Names a local variable or parameter for debuggers (name section, subsection 2).
    pub fn name_local(&mut self, local: u32, name: impl Into<Box<str>>) -> &mut Self {
        self.local_names.push((local, name.into()));
        self
    }

    /// Appends encoded instructions that refer to nothing.
    #[inline]
    pub fn code(&mut self, bytes: &[u8]) -> &mut Self {
        self.code.extend_from_slice(bytes);
        self
    }

    /// Appends `end`.
    #[inline]
    pub fn end(&mut self) -> &mut Self {
        self.code.push(0x0b);
        self
    }

    /// Appends an unsigned immediate, as of `local.get`.
    #[inline]
    pub fn unsigned(&mut self, value: u64) -> &mut Self {
        leb128::put_u64(&mut self.code, value);
        self
    }

    /// Appends a signed immediate, as of `i32.const`.
    #[inline]
    pub fn signed(&mut self, value: i64) -> &mut Self {
        leb128::put_i64(&mut self.code, value);
        self
    }

    /// Offset of the next byte of code.
    #[inline]
    pub fn offset(&self) -> usize {
        self.code.len()
    }

    /// Appends a hole: as many zero bytes as `ty` patches. That `ty` fits the target and
    /// the place is checked when the body is committed.
    #[inline]
    pub fn hole(&mut self, ty: RelocType, target: impl Into<Target>, addend: i64) -> &mut Self {
        self.holes.push(Reloc {
            // A body too large for this is refused when it is committed.
            offset: self.code.len() as u32,
            ty,
            target: target.into(),
            addend,
        });
        let width = ty.form().width();
        self.code.extend_from_slice(&[0; leb128::FIXED64][..width]);
        self
    }

    /// Appends `call`.
    #[inline]
    pub fn call(&mut self, function: FuncId) -> &mut Self {
        self.code.push(0x10);
        self.function_index(function)
    }

    /// Appends `call_indirect` through `table`.
    pub fn call_indirect(&mut self, ty: impl Into<Signature>, table: TableId) -> &mut Self {
        self.code.push(0x11);
        self.type_index(ty);
        self.hole(RelocType::TableNumberLeb, table, 0)
    }

    /// Appends `global.get`.
    pub fn global_get(&mut self, global: GlobalId) -> &mut Self {
        self.code.push(0x23);
        self.global_index(global)
    }

    /// Appends `global.set`.
    pub fn global_set(&mut self, global: GlobalId) -> &mut Self {
        self.code.push(0x24);
        self.global_index(global)
    }

    /// Appends `i32.const` with the address of `data` plus `addend` bytes.
    pub fn address(&mut self, data: DataId, addend: i64) -> &mut Self {
        self.code.push(0x41);
        self.hole(RelocType::MemoryAddrSleb, data, addend)
    }

    /// Appends `i64.const` with the address of `data` plus `addend` bytes.
    pub fn address64(&mut self, data: DataId, addend: i64) -> &mut Self {
        self.code.push(0x42);
        self.hole(RelocType::MemoryAddrSleb64, data, addend)
    }

    /// Appends `i32.const` and `i32.load`, which read the address of `data` from its entry
    /// in the offset table.
    pub fn address_from_slot(&mut self, data: DataId) -> &mut Self {
        self.code.push(0x41);
        self.hole(RelocType::MemoryAddrSleb, Target::slot_of(data), 0);
        self.code(&[0x28, 2, 0])
    }

    /// Appends `i64.const` and `i64.load`, which read the address of `data` from its entry
    /// in the offset table.
    pub fn address64_from_slot(&mut self, data: DataId) -> &mut Self {
        self.code.push(0x42);
        self.hole(RelocType::MemoryAddrSleb64, Target::slot_of(data), 0);
        self.code(&[0x29, 3, 0])
    }

    /// Appends the alignment and offset immediates of a 32-bit load or store at the
    /// address of `data` plus `addend` bytes. The alignment is the exponent of two.
    pub fn memarg(&mut self, align_log2: u32, data: DataId, addend: i64) -> &mut Self {
        self.unsigned(align_log2.into());
        self.hole(RelocType::MemoryAddrLeb, data, addend)
    }

    /// [`memarg`](Self::memarg) of a 64-bit memory.
    pub fn memarg64(&mut self, align_log2: u32, data: DataId, addend: i64) -> &mut Self {
        self.unsigned(align_log2.into());
        self.hole(RelocType::MemoryAddrLeb64, data, addend)
    }

    /// Appends `i32.const` with the table slot of `function`: its address.
    pub fn function_address(&mut self, function: FuncId) -> &mut Self {
        self.code.push(0x41);
        self.hole(RelocType::TableIndexSleb, function, 0)
    }

    /// Appends `i64.const` with the table slot of `function`: its address.
    pub fn function_address64(&mut self, function: FuncId) -> &mut Self {
        self.code.push(0x42);
        self.hole(RelocType::TableIndexSleb64, function, 0)
    }

    /// Appends `throw`.
    pub fn throw(&mut self, tag: TagId) -> &mut Self {
        self.code.push(0x08);
        self.tag_index(tag)
    }

    /// Appends a function index, as the operand of `call` or `ref.func`.
    #[inline]
    pub fn function_index(&mut self, function: FuncId) -> &mut Self {
        self.hole(RelocType::FunctionIndexLeb, function, 0)
    }

    /// Appends a type index, as of `call_indirect` or a block with parameters.
    pub fn type_index(&mut self, ty: impl Into<Signature>) -> &mut Self {
        let target = match ty.into() {
            Signature::Id(id) => id.into(),
            Signature::Type(ty) => {
                let known = self.types.place(&ty);
                let index = known.unwrap_or_else(|| self.types.push(ty));
                Target::new(TargetKind::BodyType, index as u32, 0)
            }
        };
        self.hole(RelocType::TypeIndexLeb, target, 0)
    }

    /// Appends a global index.
    pub fn global_index(&mut self, global: GlobalId) -> &mut Self {
        self.hole(RelocType::GlobalIndexLeb, global, 0)
    }

    /// Appends a table index.
    pub fn table_index(&mut self, table: TableId) -> &mut Self {
        self.hole(RelocType::TableNumberLeb, table, 0)
    }

    /// Appends a tag index.
    pub fn tag_index(&mut self, tag: TagId) -> &mut Self {
        self.hole(RelocType::TagIndexLeb, tag, 0)
    }

    /// Appends the locals as they precede the code (core spec, 5.5.13 Code Section), and the
    /// holes that references to types leave in them. The function has so many `parameters`.
    pub(super) fn encode_locals(
        &self,
        parameters: usize,
        bytes: &mut Vec<u8>,
        holes: &mut Vec<Reloc<Target>>,
    ) -> Result<(), ModuleErrorKind> {
        let locals = self.locals.iter().map(|(count, _)| u64::from(*count));
        if let Some(limit) = limits::locals_beyond(parameters as u64, locals.sum()) {
            return Err(ModuleErrorKind::EngineLimit(limit));
        }
        leb128::put_u32(bytes, self.locals.len() as u32);
        for &(count, ty) in &self.locals {
            leb128::put_u32(bytes, count);
            match ty {
                LocalType::Val(ty) if is_concrete(ty) => {
                    return Err(ModuleErrorKind::ConcreteTypeIndex);
                }
                LocalType::Val(ty) => ty.encode(bytes),
                LocalType::Ref { nullable, ty } => {
                    bytes.push(if nullable { 0x63 } else { 0x64 });
                    holes.push(Reloc {
                        offset: bytes.len() as u32,
                        ty: RelocType::TypeIndexLeb,
                        target: ty.into(),
                        addend: 0,
                    });
                    bytes.extend_from_slice(&[0; leb128::FIXED32]);
                }
            }
        }
        Ok(())
    }

    /// The encoded name map of the locals (core spec, 7.4.1 Name Section); empty if none
    /// has a name.
    pub(super) fn encode_local_names(&self) -> Result<Vec<u8>, ModuleErrorKind> {
        let mut bytes = Vec::new();
        if self.local_names.is_empty() {
            return Ok(bytes);
        }
        let mut names: Vec<_> = self.local_names.iter().collect();
        names.sort_by_key(|(local, _)| *local);
        if let Some(pair) = names.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(ModuleErrorKind::LocalNamedTwice { local: pair[0].0 });
        }
        leb128::put_u32(&mut bytes, names.len() as u32);
        for (local, name) in names {
            leb128::put_u32(&mut bytes, *local);
            leb128::put_name(&mut bytes, name);
        }
        Ok(bytes)
    }
}
