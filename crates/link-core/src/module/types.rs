//! The types of a module: interned, numbered at flush.

use wasm_format::{FuncType, HeapType, ValType, leb128};

use super::error::ModuleErrorKind;
use super::handle::TypeId;
use crate::emit::section_buffer::SectionBuffer;
use crate::hash::IndexMap;
use crate::limits;

/// A type that [`FuncType`] cannot say, encoded by the caller: an entry of the type
/// section (core spec, 5.3.9 Recursive Types), such as a struct type, or a `rec` group of
/// several types.
///
/// Where it refers to another type, the encoding leaves five bytes that are patched with
/// the type's index when types are numbered; an index is a valid heap type in that width.
///
/// Nothing else in the encoding is looked at: that it is valid, and within what engines take, is
/// up to the caller, as it is of the code of a function.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct RawType {
    /// The encoding.
    pub bytes: Vec<u8>,
    /// Offsets of the five-byte places in `bytes`, and the types whose indices go there.
    pub holes: Vec<(u32, TypeId)>,
}

/// What one entry of the type section holds.
pub(super) enum TypeEntry {
    Func(FuncType),
    Raw(RawType),
}

struct StoredType {
    content: TypeEntry,
    references: u32,
}

pub(super) struct Types {
    entries: Vec<StoredType>,
    /// By [`TypeId`]: the entry that defines the type.
    entry_of: Vec<u32>,
    functions: IndexMap<FuncType, TypeId>,
}

impl Types {
    pub(super) fn new() -> Self {
        Self {
            entries: Vec::new(),
            entry_of: Vec::new(),
            functions: IndexMap::default(),
        }
    }

    pub(super) fn contains(&self, ty: TypeId) -> bool {
        ty.index() < self.entry_of.len()
    }

    pub(super) fn len(&self) -> usize {
        self.entry_of.len()
    }

    pub(super) fn function(&mut self, ty: &FuncType) -> Result<TypeId, ModuleErrorKind> {
        if let Some(&id) = self.functions.get(ty) {
            return Ok(id);
        }
        if ty
            .params
            .iter()
            .chain(&ty.results)
            .any(|ty| is_concrete(*ty))
        {
            return Err(ModuleErrorKind::ConcreteTypeIndex);
        }
        let (params, results) = (ty.params.len() as u64, ty.results.len() as u64);
        if let Some(limit) = limits::type_beyond(params, results) {
            return Err(ModuleErrorKind::EngineLimit(limit));
        }
        let id = self.next()?;
        self.push(TypeEntry::Func(ty.clone()), 1);
        self.functions.insert(ty.clone(), id);
        Ok(id)
    }

    /// The id of the next type; that there are `count` more is checked by `raw`.
    fn next(&self) -> Result<TypeId, ModuleErrorKind> {
        u32::try_from(self.entry_of.len())
            .map(TypeId::new)
            .map_err(|_| ModuleErrorKind::TooMany)
    }

    fn push(&mut self, content: TypeEntry, count: usize) {
        let entry = self.entries.len() as u32;
        self.entry_of.resize(self.entry_of.len() + count, entry);
        self.entries.push(StoredType {
            content,
            references: 0,
        });
    }

    pub(super) fn raw<const N: usize>(
        &mut self,
        build: impl FnOnce([TypeId; N]) -> RawType,
    ) -> Result<[TypeId; N], ModuleErrorKind> {
        let first = self.next()?;
        if self.entry_of.len() + N > u32::MAX as usize {
            return Err(ModuleErrorKind::TooMany);
        }
        let ids = std::array::from_fn(|i| TypeId::new((first.index() + i) as u32));
        let raw = build(ids);
        let mut end = 0;
        for &(offset, ty) in &raw.holes {
            if (offset as usize) < end {
                return Err(ModuleErrorKind::HoleOrder {
                    offset,
                    previous_end: end,
                });
            }
            end = offset as usize + leb128::FIXED32;
            if end > raw.bytes.len() {
                return Err(ModuleErrorKind::HoleOutside {
                    offset,
                    width: leb128::FIXED32,
                    size: raw.bytes.len(),
                });
            }
            if ty.index() >= first.index() + N {
                return Err(ModuleErrorKind::UnknownType { ty: ty.into() });
            }
        }
        let earlier: Vec<TypeId> = raw.holes.iter().map(|hole| hole.1).collect();
        self.push(TypeEntry::Raw(raw), N);
        let own = self.entry_of.len() - N..;
        // What an entry refers to is written whenever it could be.
        for ty in earlier {
            if !own.contains(&ty.index()) {
                self.retain(ty);
            }
        }
        Ok(ids)
    }

    pub(super) fn retain(&mut self, ty: TypeId) {
        let entry = self.entry_of[ty.index()];
        self.entries[entry as usize].references += 1;
    }

    pub(super) fn release(&mut self, ty: TypeId) {
        let entry = self.entry_of[ty.index()];
        self.entries[entry as usize].references -= 1;
    }

    /// The function type of `ty`; `None` if it is a raw one.
    pub(super) fn get(&self, ty: TypeId) -> Option<&FuncType> {
        match &self.entries[self.entry_of[ty.index()] as usize].content {
            TypeEntry::Func(ty) => Some(ty),
            TypeEntry::Raw(_) => None,
        }
    }

    /// The function types that are used, in the order of their numbers.
    pub(super) fn used_functions(&self) -> impl Iterator<Item = &FuncType> {
        let used = self.entries.iter().filter(|entry| entry.references > 0);
        used.filter_map(|entry| match &entry.content {
            TypeEntry::Func(ty) => Some(ty),
            TypeEntry::Raw(_) => None,
        })
    }

    /// Whether a raw type is used.
    pub(super) fn uses_raw(&self) -> bool {
        let is_raw = |entry: &StoredType| matches!(entry.content, TypeEntry::Raw(_));
        self.entries
            .iter()
            .any(|entry| entry.references > 0 && is_raw(entry))
    }

    /// Numbers the types that are used, in the order they were made, so that a type comes
    /// after those it refers to. By [`TypeId`]; [`u32::MAX`] for an unused one.
    pub(super) fn number(&self) -> Vec<u32> {
        let mut numbers = vec![u32::MAX; self.entry_of.len()];
        let mut next = 0;
        for (ty, &entry) in self.entry_of.iter().enumerate() {
            if self.entries[entry as usize].references > 0 {
                numbers[ty] = next;
                next += 1;
            }
        }
        numbers
    }

    /// Appends the entries of the type section that `numbers` numbers, and returns how many.
    pub(super) fn encode(&self, numbers: &[u32], section: &mut SectionBuffer<'_>) {
        for entry in &self.entries {
            if entry.references == 0 {
                continue;
            }
            section.entry(|out| match &entry.content {
                TypeEntry::Func(ty) => ty.encode(out),
                TypeEntry::Raw(raw) => {
                    let start = out.len();
                    out.extend_from_slice(&raw.bytes);
                    for &(offset, ty) in &raw.holes {
                        let place = &mut out[start + offset as usize..];
                        leb128::write_u32_fixed(place, numbers[ty.index()]);
                    }
                }
            });
        }
    }
}

/// Whether a type names another one by its index.
pub(super) fn is_concrete(ty: ValType) -> bool {
    matches!(ty, ValType::Ref(ty) if matches!(ty.heap, HeapType::Concrete(_)))
}
