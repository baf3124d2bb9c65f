//! Committing, failing and freeing declarations.

use std::sync::Arc;

use wasm_format::reloc::RelocType;
use wasm_format::{Limits, TableType, ValType};

use super::arena::{Call, Span};
use super::body::{FunctionBody, Signature};
use super::data::{Bytes, DataContents, DataDef};
use super::decl::{DeclState, Head};
use super::defs::{
    CustomDef, Element, ElementDef, ElementMode, GlobalDef, MemoryDef, TableDef, TagDef,
};
use super::error::{DeclKind, DeclName, ModuleError, ModuleErrorKind, Result};
use super::handle::{
    CustomId, DataId, ElementId, FuncId, GlobalId, Handle, MemoryId, TableId, TagId, Target,
    TargetKind, TypeId,
};
use super::holes::{self, HolePlace};
use super::{CommitScratch, Module, decls};
use crate::limits::{self, EngineLimit};

/// A kind of declaration with a definition that can be committed: every handle is one.
pub trait Update: Handle {
    /// What defines a declaration of the kind.
    type Definition;

    /// Commits `definition`. This is [`Module::update`].
    #[doc(hidden)]
    fn commit(self, module: &mut Module, definition: Self::Definition) -> Result<()>;
}

macro_rules! update {
    ($($handle:ident: $definition:ident => $method:ident;)*) => { $(
        impl Update for $handle {
            type Definition = $definition;

            fn commit(self, module: &mut Module, mut definition: $definition) -> Result<()> {
                module.$method(self.0, &mut definition)
            }
        }
    )* };
}

update! {
    FuncId: FunctionBody => update_function;
    DataId: DataDef => update_data;
    GlobalId: GlobalDef => update_global;
    TableId: TableDef => update_table;
    MemoryId: MemoryDef => update_memory;
    TagId: TagDef => update_tag;
    CustomId: CustomDef => update_custom;
}

/// Most bytes that a declaration's contents can have; what surrounds them in a section
/// takes a few more.
const MAX_SIZE: u64 = u32::MAX as u64 - 64;

impl Module {
    /// Commits a definition: it replaces what the declaration had, its type included, and
    /// clears a failure. An import's type is set in the same way. Data moves to the end of
    /// its order of placement.
    ///
    /// # Errors
    /// If the definition cannot be one of this declaration, no module can have it, or it is
    /// beyond what engines take ([`EngineLimit`]). Nothing is changed then.
    pub fn update<H: Update>(&mut self, handle: H, definition: H::Definition) -> Result<()> {
        self.note_update(handle.target());
        handle.commit(self, definition)
    }

    /// Reports that defining a declaration failed, and why. What it had is dropped. Until
    /// it is updated, a flush fails and gives the reason.
    ///
    /// # Errors
    /// If the handle is stale, or the engine makes what it names.
    pub fn fail(&mut self, handle: impl Handle, reason: impl Into<Box<str>>) -> Result<()> {
        let target = handle.target();
        self.decls.live(target)?;
        if self.decls.is_builtin(target) {
            return Err(self.decls.error(target, ModuleErrorKind::Builtin));
        }
        self.note(target);
        self.drop_definition(target);
        if let Some(head) = self.decls.head_mut(target) {
            head.state = DeclState::Failed;
            head.rare().failure = Some(reason.into());
        }
        Ok(())
    }

    /// Frees a declaration: its name can be announced anew, its exports are gone, and its
    /// memory and slots are used again. While something refers to it, a flush fails.
    ///
    /// # Errors
    /// If the handle is stale already.
    pub fn free(&mut self, handle: impl Handle) -> Result<()> {
        let target = handle.target();
        let head = self.decls.live(target)?;
        let name = Arc::clone(&head.name);
        let named = head.named(target.kind());
        self.note(target);
        self.drop_definition(target);
        self.drop_exports(target);
        if target.kind() == TargetKind::Custom {
            self.custom_names.swap_remove(&*name);
        } else {
            self.names.swap_remove(&*name);
        }
        let index = target.index();
        if let (TargetKind::Data, Some(datum)) = (target.kind(), self.decls.data.at(index)) {
            let (offset, passive) = (datum.body.offset_slot, datum.body.passive_slot);
            if let Some(slot) = offset {
                self.decls.offset_slots.give_back(slot);
            }
            if let Some(slot) = passive {
                self.decls.passive_slots.give_back(slot);
            }
        }
        self.decls.remove(target, named);
        Ok(())
    }

    /// Drops what defines `target`, which is live, and the references that it makes.
    fn drop_definition(&mut self, target: Target) {
        let index = target.index();
        let decls = &mut self.decls;
        match target.kind() {
            TargetKind::Function => {
                let Some(decl) = decls.funcs.at_mut(index) else {
                    return;
                };
                let body = &mut decl.body;
                let ty = body.ty.take();
                body.locals_len = 0;
                let span = std::mem::replace(&mut body.span, Span::EMPTY);
                let names = std::mem::replace(&mut body.local_names, Span::EMPTY);
                if let Some(journal) = &mut self.journal {
                    journal.local_names |= names != Span::EMPTY;
                }
                if let Some(ty) = ty {
                    decls.release(ty.into());
                }
                decls.release_holes(self.arena.holes(span));
                decls.release_calls(self.arena.calls(span));
                self.arena.free(span);
                self.arena.free(names);
            }
            TargetKind::Data | TargetKind::DataSlot => {
                let Some(decl) = decls.data.at_mut(index) else {
                    return;
                };
                let placed = decl.is_defined();
                let span = std::mem::replace(&mut decl.body.span, Span::EMPTY);
                decl.body.bytes = Bytes::default();
                decl.body.segment = None;
                if placed {
                    decls.placement.remove(&mut decls.data, index);
                }
                decls.release_holes(self.arena.holes(span));
                self.arena.free(span);
            }
            TargetKind::Global => {
                let init = decls
                    .globals
                    .at_mut(index)
                    .and_then(|decl| decl.body.init.take());
                if let Some(init) = init {
                    decls.release_holes(&init.holes);
                }
            }
            TargetKind::Tag => {
                let ty = decls
                    .tags
                    .at_mut(index)
                    .and_then(|decl| decl.body.ty.take());
                if let Some(ty) = ty {
                    decls.release(ty.into());
                }
            }
            TargetKind::Custom => {
                let Some(decl) = decls.customs.at_mut(index) else {
                    return;
                };
                let span = std::mem::replace(&mut decl.body.span, Span::EMPTY);
                decls.release_holes(self.arena.holes(span));
                self.arena.free(span);
            }
            // These make no references.
            TargetKind::Table | TargetKind::Memory | TargetKind::Type | TargetKind::BodyType => {}
        }
    }

    fn update_function(&mut self, target: Target, body: &mut FunctionBody) -> Result<()> {
        let imported = self.decls.live(target)?.imported;
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.clear();
        let committed = self.commit_function(target, imported, body, &mut scratch);
        self.scratch = scratch;
        committed.map_err(|kind| self.decls.error(target, kind))
    }

    fn commit_function(
        &mut self,
        target: Target,
        imported: bool,
        body: &mut FunctionBody,
        scratch: &mut CommitScratch,
    ) -> std::result::Result<(), ModuleErrorKind> {
        let index = target.index();
        let ty = self.intern(&body.signature)?;
        if imported {
            if !body.code.is_empty() || !body.locals.is_empty() || !body.local_names.is_empty() {
                return Err(ModuleErrorKind::ContentsOfImport);
            }
            let old = self.decls.funcs.at(index).and_then(|decl| decl.body.ty);
            if old != Some(ty) {
                self.note(target);
            }
            self.decls.retain(ty.into());
            self.drop_definition(target);
            if let Some(decl) = self.decls.funcs.at_mut(index) {
                decl.body.ty = Some(ty);
                ready(&mut decl.head);
            }
            return Ok(());
        }

        if body.code.last() != Some(&0x0b) {
            return Err(ModuleErrorKind::MissingEnd);
        }
        let CommitScratch {
            holes,
            calls,
            locals,
        } = scratch;
        let parameters = self.decls.types.get(ty).map_or(0, |ty| ty.params.len());
        body.encode_locals(parameters, locals, holes)?;
        let size = (locals.len() + body.code.len()) as u64;
        within(limits::body_beyond(size))?;
        let names = body.encode_local_names()?;
        check_size(names.len() as u64)?;

        holes::check(&self.decls, holes, locals.len(), HolePlace::Code)?;
        let locals_len = locals.len() as u32;
        calls.reserve(body.holes.len());
        // Offsets in messages count as the caller's do, so the locals come in afterwards.
        let mut previous_end = 0;
        for hole in &body.holes {
            let mut hole = *hole;
            if hole.target.kind() == TargetKind::BodyType {
                let ty = body.types.get(hole.target.index());
                let ty = ty.ok_or(ModuleErrorKind::UnknownType { ty: hole.target })?;
                hole.target = self.decls.types.function(ty)?.into();
            }
            let size = body.code.len();
            previous_end =
                holes::check_one(&self.decls, &hole, previous_end, size, HolePlace::Code)?;
            hole.offset += locals_len;
            if hole.ty == RelocType::FunctionIndexLeb {
                calls.push(Call {
                    offset: hole.offset,
                    function: hole.target.index() as u32,
                });
            } else {
                holes.push(hole);
            }
        }
        for call in &*calls {
            call.assume_number(&mut body.code, locals_len);
        }

        // The new references come first: a slot that both bodies refer to stays taken.
        self.decls.retain(ty.into());
        self.decls.retain_holes(holes);
        let Some(decl) = self.decls.funcs.at_mut(index) else {
            return Ok(());
        };
        let old_ty = decl.body.ty.replace(ty);
        let (old, old_names) = (decl.body.span, decl.body.local_names);
        if let Some(journal) = &mut self.journal {
            journal.local_names |= self.arena.bytes(old_names) != names;
        }
        if let Some(ty) = old_ty {
            self.decls.release(ty.into());
        }
        self.decls.release_holes(self.arena.holes(old));
        // Most changes of a body leave what it calls as it was.
        let old_calls = self.arena.calls(old);
        let callee = |call: &Call| call.function;
        if !old_calls.iter().map(callee).eq(calls.iter().map(callee)) {
            self.decls.retain_calls(calls);
            self.decls.release_calls(old_calls);
        }
        let span = self.arena.replace(old, holes, calls, [locals, &body.code]);
        let names = self.arena.replace(old_names, &[], &[], [&names, &[]]);
        if let Some(decl) = self.decls.funcs.at_mut(index) {
            decl.body.span = span;
            decl.body.locals_len = locals.len() as u32;
            decl.body.local_names = names;
            ready(&mut decl.head);
        }
        Ok(())
    }

    fn intern(&mut self, signature: &Signature) -> std::result::Result<TypeId, ModuleErrorKind> {
        match signature {
            Signature::Id(id) if self.decls.types.contains(*id) => Ok(*id),
            Signature::Id(id) => Err(ModuleErrorKind::UnknownType { ty: (*id).into() }),
            Signature::Type(ty) => self.decls.types.function(ty),
        }
    }

    fn update_data(&mut self, target: Target, def: &DataDef) -> Result<()> {
        let error = |decls: &decls::Decls, kind| Err(decls.error(target, kind));
        if self.decls.live(target)?.imported {
            return error(&self.decls, ModuleErrorKind::ContentsOfImport);
        }
        if !def.align.is_power_of_two() || def.align > 1 << 31 {
            let align = def.align;
            return error(&self.decls, ModuleErrorKind::Alignment { align });
        }
        let size = def.size();
        let zero = matches!(def.contents, DataContents::Zero(_));
        if zero && !def.holes.is_empty() {
            return error(&self.decls, ModuleErrorKind::HolesInZeroFill);
        }
        // Zero-fill takes room in memory alone, and a 64-bit memory has more of it.
        if size > MAX_SIZE && !(zero && self.options.memory64) {
            return error(&self.decls, ModuleErrorKind::TooLarge { size });
        }
        if let Err(kind) = holes::check(&self.decls, &def.holes, size as usize, HolePlace::Data) {
            return error(&self.decls, kind);
        }

        self.decls.retain_holes(&def.holes);
        let index = target.index();
        let Some(decl) = self.decls.data.at_mut(index) else {
            return Ok(());
        };
        let placed = decl.is_defined();
        let old = decl.body.span;
        self.decls.release_holes(self.arena.holes(old));
        let (bytes, copied): (_, &[u8]) = match &def.contents {
            DataContents::Copied(bytes) => (Bytes::Arena, bytes),
            DataContents::Shared(bytes) => (Bytes::Shared(Arc::clone(bytes)), &[]),
            DataContents::Static(bytes) => (Bytes::Static(bytes), &[]),
            DataContents::Zero(size) => (Bytes::Zero(*size), &[]),
        };
        let span = self.arena.replace(old, &def.holes, &[], [copied, &[]]);
        if placed {
            self.decls.placement.remove(&mut self.decls.data, index);
        }
        self.decls.placement.push(&mut self.decls.data, index);
        if let Some(decl) = self.decls.data.at_mut(index) {
            let datum = &mut decl.body;
            datum.bytes = bytes;
            datum.span = span;
            datum.align_log2 = def.align.trailing_zeros() as u8;
            datum.flags = def.flags;
            datum.passive = def.passive;
            datum.segment.clone_from(&def.segment);
            if def.passive && datum.passive_slot.is_none() {
                datum.passive_slot = Some(self.decls.passive_slots.take(index));
            }
            ready(&mut decl.head);
        }
        Ok(())
    }

    fn update_global(&mut self, target: Target, def: &GlobalDef) -> Result<()> {
        let imported = self.decls.live(target)?.imported;
        let holes = def.init.as_ref().map_or(&[][..], |init| &init.holes);
        let size = def.init.as_ref().map_or(0, |init| init.bytes.len());
        let refused = if self.decls.is_builtin(target) {
            Some(ModuleErrorKind::Builtin)
        } else if super::types::is_concrete(def.ty.value) {
            Some(ModuleErrorKind::ConcreteTypeIndex)
        } else if imported && def.init.is_some() {
            Some(ModuleErrorKind::ContentsOfImport)
        } else if !imported && def.init.is_none() {
            Some(ModuleErrorKind::MissingInit)
        } else if let Some(init) = &def.init
            && init.bytes.last() != Some(&0x0b)
        {
            Some(ModuleErrorKind::MissingEnd)
        } else {
            let init = def.init.as_ref();
            holes::check(&self.decls, holes, size, HolePlace::Init)
                .and_then(|()| {
                    let checked = init.map_or(Ok(()), |init| init.check(def.ty.value));
                    checked.map_err(ModuleErrorKind::BadInit)
                })
                .err()
        };
        if let Some(kind) = refused {
            return Err(self.decls.error(target, kind));
        }
        self.decls.retain_holes(holes);
        self.drop_definition(target);
        if let Some(decl) = self.decls.globals.at_mut(target.index()) {
            decl.body.ty = Some(def.ty);
            decl.body.init.clone_from(&def.init);
            ready(&mut decl.head);
        }
        Ok(())
    }

    fn update_table(&mut self, target: Target, def: &TableDef) -> Result<()> {
        let imported = self.decls.live(target)?.imported;
        let TableType { element, limits } = def.ty;
        let checked = if self.decls.is_builtin(target) {
            Err(ModuleErrorKind::Builtin)
        } else if super::types::is_concrete(ValType::Ref(element)) {
            Err(ModuleErrorKind::ConcreteTypeIndex)
        } else if let Err(invalid) = limits::check_table(element, &limits, !imported) {
            Err(ModuleErrorKind::Limits(invalid))
        } else {
            within(limits::table_beyond(limits.min))
        };
        if let (Ok(()), Some(decl)) = (&checked, self.decls.tables.at_mut(target.index())) {
            decl.body.ty = Some(def.ty);
            ready(&mut decl.head);
        }
        checked.map_err(|kind| self.decls.error(target, kind))
    }

    fn update_memory(&mut self, target: Target, def: &MemoryDef) -> Result<()> {
        self.decls.live(target)?;
        let limits = Limits {
            is_64: self.options.memory64,
            ..def.limits
        };
        let checked = limits::check_memory(&limits)
            .map_err(ModuleErrorKind::Limits)
            .and_then(|()| within(limits::memory_beyond(&limits)));
        if let (Ok(()), Some(decl)) = (&checked, self.decls.memories.at_mut(target.index())) {
            decl.body.limits = limits;
            ready(&mut decl.head);
        }
        checked.map_err(|kind| self.decls.error(target, kind))
    }

    fn update_tag(&mut self, target: Target, def: &TagDef) -> Result<()> {
        self.decls.live(target)?;
        let ty = self
            .intern(&def.ty)
            .and_then(|ty| match self.decls.types.get(ty) {
                Some(known) if !known.results.is_empty() => Err(ModuleErrorKind::TagResults),
                _ => Ok(ty),
            })
            .map_err(|kind| self.decls.error(target, kind))?;
        self.decls.retain(ty.into());
        self.drop_definition(target);
        if let Some(decl) = self.decls.tags.at_mut(target.index()) {
            decl.body.ty = Some(ty);
            ready(&mut decl.head);
        }
        Ok(())
    }

    fn update_custom(&mut self, target: Target, def: &CustomDef) -> Result<()> {
        self.decls.live(target)?;
        let checked = check_size(def.bytes.len() as u64).and_then(|()| {
            holes::check(&self.decls, &def.holes, def.bytes.len(), HolePlace::Custom)
        });
        checked.map_err(|kind| self.decls.error(target, kind))?;
        self.decls.retain_holes(&def.holes);
        let index = target.index();
        let Some(old) = self.decls.customs.at(index).map(|decl| decl.body.span) else {
            return Ok(());
        };
        self.decls.release_holes(self.arena.holes(old));
        let span = self.arena.replace(old, &def.holes, &[], [&def.bytes, &[]]);
        if let Some(decl) = self.decls.customs.at_mut(index) {
            decl.body.span = span;
            ready(&mut decl.head);
        }
        Ok(())
    }

    /// Adds an element segment of functions (core spec, 5.5.12 Element Section). It refers
    /// to them like a body does.
    ///
    /// # Errors
    /// If a handle in it is stale, it has more than 10,000,000 items, which is what engines
    /// take, or no more segments fit.
    pub fn add_element(&mut self, def: ElementDef) -> Result<ElementId> {
        let table = match def.mode {
            ElementMode::Active { table, .. } => Some(Target::from(table)),
            ElementMode::Passive | ElementMode::Declared => None,
        };
        let functions = def.functions.iter().map(|&function| Target::from(function));
        for target in table.into_iter().chain(functions) {
            self.decls.live(target)?;
        }
        let name: Arc<str> = self.decls.elements.len().to_string().into();
        within(EngineLimit::check(
            "items of an element segment",
            def.functions.len() as u64,
            limits::TABLE_ELEMENTS,
        ))
        .map_err(|kind| element_error(&name, kind))?;
        let element = Element {
            mode: def.mode,
            functions: def.functions,
            name: Arc::clone(&name),
        };
        let references = element.references();
        let (index, generation) = self
            .decls
            .elements
            .insert(element)
            .map_err(|_| element_error(&name, ModuleErrorKind::TooMany))?;
        for target in references {
            self.decls.retain(target);
        }
        self.note_other("an element segment");
        Ok(ElementId { index, generation })
    }

    /// Removes an element segment.
    ///
    /// # Errors
    /// If it was removed before.
    pub fn remove_element(&mut self, element: ElementId) -> Result<()> {
        let (index, generation) = (element.index as usize, element.generation);
        let Some(known) = self.decls.elements.get(index, generation) else {
            let name = format!("{index}.{generation}").into();
            return Err(element_error(&name, ModuleErrorKind::Stale));
        };
        let name = DeclName {
            kind: DeclKind::Element,
            name: Arc::clone(&known.name),
        };
        let removed = self.decls.elements.remove(index, name);
        for target in removed.iter().flat_map(Element::references) {
            self.decls.release(target);
        }
        self.note_other("an element segment");
        Ok(())
    }

    /// Sets the function that runs when a finished module is instantiated, after the init
    /// functions; it takes and returns nothing. A relocatable object has no such thing, so
    /// there it is the last of the init functions.
    ///
    /// # Errors
    /// If the handle is stale.
    pub fn set_start(&mut self, function: Option<FuncId>) -> Result<()> {
        if let Some(function) = function {
            self.decls.live(function.into())?;
            self.decls.retain(function.into());
        }
        if let Some(old) = std::mem::replace(&mut self.start, function) {
            self.decls.release(old.into());
        }
        self.note_other("the start function");
        Ok(())
    }

    /// Sets the init functions, each with its priority: they run before the program, lower
    /// priorities first, equal ones in the order given. They take nothing and return
    /// nothing. The set is replaced as a whole.
    ///
    /// # Errors
    /// If a handle is stale.
    pub fn set_init_functions(
        &mut self,
        functions: impl IntoIterator<Item = (FuncId, u32)>,
    ) -> Result<()> {
        let mut list: Vec<_> = functions
            .into_iter()
            .map(|(function, priority)| (priority, function))
            .collect();
        for (_, function) in &list {
            self.decls.live((*function).into())?;
        }
        list.sort_by_key(|(priority, _)| *priority);
        for (_, function) in &list {
            self.decls.retain((*function).into());
        }
        for (_, old) in std::mem::replace(&mut self.init_functions, list) {
            self.decls.release(old.into());
        }
        self.note_other("an init function");
        Ok(())
    }

    /// Gives a datum an entry in the offset table, which it keeps until it is freed. The
    /// entry is a pointer in memory, at a place that stays the same, and holds the datum's
    /// address, or zero while the datum is empty or has no definition; so the datum may
    /// move without anything that reads the entry being patched. Bodies refer to the entry
    /// with [`Target::slot_of`].
    ///
    /// # Errors
    /// If the handle is stale, or the datum is another object's.
    pub fn use_offset_slot(&mut self, data: DataId) -> Result<()> {
        let target = data.into();
        if self.decls.live(target)?.imported {
            let what = "an entry in the offset table";
            return Err(self
                .decls
                .error(target, ModuleErrorKind::NotPossible { what }));
        }
        let index = target.index();
        if let Some(decl) = self.decls.data.at_mut(index)
            && decl.body.offset_slot.is_none()
        {
            decl.body.offset_slot = Some(self.decls.offset_slots.take(index));
            self.note_other("an entry of the offset table");
        }
        Ok(())
    }

    /// The index of a passive datum's segment in a finished module, for `memory.init` and
    /// `data.drop`. The datum keeps it until it is freed. `None` before the datum was first
    /// committed as passive.
    ///
    /// # Errors
    /// If the handle is stale.
    pub fn passive_index(&self, data: DataId) -> Result<Option<u32>> {
        self.decls.live(data.into())?;
        let datum = self.decls.data.at(data.0.index());
        Ok(datum.and_then(|datum| datum.body.passive_slot))
    }
}

impl Element {
    pub(super) fn references(&self) -> Vec<Target> {
        let table = match self.mode {
            ElementMode::Active { table, .. } => Some(table.into()),
            ElementMode::Passive | ElementMode::Declared => None,
        };
        let functions = self.functions.iter().map(|&function| function.into());
        table.into_iter().chain(functions).collect()
    }
}

#[cold]
fn element_error(name: &Arc<str>, kind: ModuleErrorKind) -> ModuleError {
    ModuleError {
        declaration: DeclName {
            kind: DeclKind::Element,
            name: Arc::clone(name),
        },
        kind,
    }
}

/// Says that a definition is there.
fn ready(head: &mut Head) {
    head.state = DeclState::Ready;
    if let Some(rare) = &mut head.rare {
        rare.failure = None;
    }
}

fn check_size(size: u64) -> std::result::Result<(), ModuleErrorKind> {
    if size > MAX_SIZE {
        return Err(ModuleErrorKind::TooLarge { size });
    }
    Ok(())
}

fn within(beyond: Option<EngineLimit>) -> std::result::Result<(), ModuleErrorKind> {
    beyond.map_or(Ok(()), |limit| Err(ModuleErrorKind::EngineLimit(limit)))
}
