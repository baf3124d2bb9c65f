//! The tables of a module's declarations, and who refers to whom in them.

use super::arena::{Call, Hole};
use super::chain::Chain;
use super::data::Datum;
use super::decl::{Decl, Head};
use super::defs::{Custom, Element, Func, Global, Memory, Table, Tag};
use super::error::{DeclKind, DeclName, ModuleError, ModuleErrorKind};
use super::handle::{Target, TargetKind, TypeId};
use super::slab::Slab;
use super::slots::Slots;
use super::types::Types;
use crate::reloc::takes_slot;

pub(super) struct Decls {
    pub(super) funcs: Slab<Decl<Func>>,
    pub(super) data: Slab<Decl<Datum>>,
    pub(super) globals: Slab<Decl<Global>>,
    pub(super) tables: Slab<Decl<Table>>,
    pub(super) memories: Slab<Decl<Memory>>,
    pub(super) tags: Slab<Decl<Tag>>,
    pub(super) customs: Slab<Decl<Custom>>,
    pub(super) elements: Slab<Element>,
    pub(super) types: Types,
    /// The order in which data is placed.
    pub(super) placement: Chain,
    /// Entries of the offset table.
    pub(super) offset_slots: Slots,
    /// Numbers of passive segments.
    pub(super) passive_slots: Slots,
}

/// Runs `$body` with `$slab` being the table that holds declarations of kind `$kind`,
/// borrowed as `$borrow` says; types have no such table.
macro_rules! with_slab {
    ([$($borrow:tt)+], $kind:expr, $slab:ident => $body:expr, type => $type:expr) => {
        match $kind {
            TargetKind::Function => {
                let $slab = $($borrow)+.funcs;
                $body
            }
            TargetKind::Data | TargetKind::DataSlot => {
                let $slab = $($borrow)+.data;
                $body
            }
            TargetKind::Global => {
                let $slab = $($borrow)+.globals;
                $body
            }
            TargetKind::Table => {
                let $slab = $($borrow)+.tables;
                $body
            }
            TargetKind::Memory => {
                let $slab = $($borrow)+.memories;
                $body
            }
            TargetKind::Tag => {
                let $slab = $($borrow)+.tags;
                $body
            }
            TargetKind::Custom => {
                let $slab = $($borrow)+.customs;
                $body
            }
            TargetKind::Type | TargetKind::BodyType => $type,
        }
    };
}

impl Decls {
    pub(super) fn new() -> Self {
        Self {
            funcs: Slab::new(),
            data: Slab::new(),
            globals: Slab::new(),
            tables: Slab::new(),
            memories: Slab::new(),
            tags: Slab::new(),
            customs: Slab::new(),
            elements: Slab::new(),
            types: Types::new(),
            placement: Chain::new(),
            offset_slots: Slots::default(),
            passive_slots: Slots::default(),
        }
    }

    /// What all declarations have, of the one that `target` names.
    pub(super) fn head(&self, target: Target) -> Option<&Head> {
        let (index, generation) = (target.index(), target.generation());
        with_slab!([&self], target.kind(),
            slab => slab.get(index, generation).map(|decl| &decl.head),
            type => None)
    }

    pub(super) fn head_mut(&mut self, target: Target) -> Option<&mut Head> {
        let (index, generation) = (target.index(), target.generation());
        with_slab!([&mut self], target.kind(),
            slab => slab.get_mut(index, generation).map(|decl| &mut decl.head),
            type => None)
    }

    /// [`head`](Self::head), or the error that the handle is stale.
    pub(super) fn live(&self, target: Target) -> Result<&Head, ModuleError> {
        self.head(target)
            .ok_or_else(|| self.error(target, ModuleErrorKind::Stale))
    }

    /// An error about the declaration that `target` names, or named.
    #[cold]
    pub(super) fn error(&self, target: Target, kind: ModuleErrorKind) -> ModuleError {
        ModuleError {
            declaration: self.name(target),
            kind,
        }
    }

    /// How a message names what `target` names, or named before it was freed.
    pub(super) fn name(&self, target: Target) -> DeclName {
        if let Some(head) = self.head(target) {
            return head.named(target.kind());
        }
        let freed = with_slab!([&self], target.kind(),
            slab => slab.freed_name(target),
            type => None);
        freed.cloned().unwrap_or_else(|| DeclName {
            kind: DeclKind::of(target.kind(), false),
            name: format!("{target:?}").into(),
        })
    }

    /// Whether `target` names something that exists.
    #[inline]
    pub(super) fn is_live(&self, target: Target) -> bool {
        match target.kind() {
            // By far the most, so without a look at what is there.
            TargetKind::Function => self.funcs.contains(target.index(), target.generation()),
            TargetKind::Type => self.types.contains(TypeId(target)),
            _ => self.head(target).is_some(),
        }
    }

    /// Whether the engine makes what `target`, which is live, names.
    pub(super) fn is_builtin(&self, target: Target) -> bool {
        let builtin = match target.kind() {
            TargetKind::Global => self
                .globals
                .at(target.index())
                .map(|decl| decl.body.builtin),
            TargetKind::Table => self.tables.at(target.index()).map(|decl| decl.body.builtin),
            _ => None,
        };
        builtin.flatten().is_some()
    }

    /// Counts a reference to `target`, which exists.
    #[inline]
    pub(super) fn retain(&mut self, target: Target) {
        let index = target.index();
        with_slab!([&mut self], target.kind(),
            slab => slab.retain(index),
            type => self.types.retain(TypeId(target)));
    }

    /// Takes back what [`retain`](Self::retain) did.
    #[inline]
    pub(super) fn release(&mut self, target: Target) {
        let index = target.index();
        with_slab!([&mut self], target.kind(),
            slab => slab.release(index),
            type => self.types.release(TypeId(target)));
    }

    /// The generation of slot `index` of the kind's table, which exists.
    pub(super) fn generation(&self, kind: TargetKind, index: usize) -> u32 {
        with_slab!([&self], kind, slab => slab.generation(index), type => 0)
    }

    /// Takes the declaration that `target` names, which is live, out of its table.
    pub(super) fn remove(&mut self, target: Target, name: DeclName) {
        let index = target.index();
        with_slab!([&mut self], target.kind(),
            slab => drop(slab.remove(index, name)),
            type => drop(name));
    }

    /// Counts what `holes`, which were checked, refer to.
    pub(super) fn retain_holes(&mut self, holes: &[Hole]) {
        for hole in holes {
            self.retain(hole.target);
            if hole.target.kind() == TargetKind::DataSlot
                && let Some(datum) = self.data.at_mut(hole.target.index())
            {
                datum.body.slot_uses += 1;
            }
            if takes_slot(hole.ty)
                && let Some(function) = self.funcs.at_mut(hole.target.index())
            {
                function.body.address_uses += 1;
            }
        }
    }

    /// [`retain_holes`](Self::retain_holes) of calls.
    pub(super) fn retain_calls(&mut self, calls: &[Call]) {
        for call in calls {
            self.funcs.retain(call.function as usize);
        }
    }

    /// Takes back what [`retain_calls`](Self::retain_calls) did.
    pub(super) fn release_calls(&mut self, calls: &[Call]) {
        for call in calls {
            self.funcs.release(call.function as usize);
        }
    }

    /// Takes back what [`retain_holes`](Self::retain_holes) did. A function that was freed
    /// meanwhile has nothing to be counted any more, and its slot no other tenant yet.
    pub(super) fn release_holes(&mut self, holes: &[Hole]) {
        for hole in holes {
            if takes_slot(hole.ty)
                && let Some(function) = self.funcs.at_mut(hole.target.index())
            {
                function.body.address_uses -= 1;
            }
            if hole.target.kind() == TargetKind::DataSlot
                && let Some(datum) = self.data.at_mut(hole.target.index())
            {
                datum.body.slot_uses -= 1;
            }
            self.release(hole.target);
        }
    }
}
