//! The value of every hole, and writing it: the one place where a number that was decided
//! at flush gets into contents.

use wasm_format::leb128::{self, FIXED32};
use wasm_format::reloc::{RelocBase, RelocTarget};

use super::layout::Layout;
use super::number::{NONE, Numbers};
use super::{Form, Problem};
use crate::module::Module;
use crate::module::arena::{Call, Hole};
use crate::module::error::DeclName;
use crate::module::handle::TargetKind;

/// What holes are patched with.
pub(in crate::module) struct Patcher<'a> {
    pub(in crate::module) module: &'a Module,
    pub(in crate::module) numbers: &'a Numbers<'a>,
    pub(in crate::module) layout: &'a Layout,
    pub(in crate::module) form: Form,
    /// By slot: offset of a function's first instruction in the contents of the code
    /// section. Known once that section is written, and only custom sections ask.
    pub(in crate::module) code_offsets: Vec<u32>,
}

/// What calls are patched with.
pub(super) enum CallNumbers {
    /// Every function has the number that its [slot](Call::assume_number) has, and so does
    /// every call.
    AsAssumed,
    /// Every function's number as it stands in code, by slot: a call is patched by copying,
    /// and there are many more calls than functions.
    Encoded(Vec<[u8; 8]>),
}

impl CallNumbers {
    /// From the numbers by slot.
    pub(super) fn new(numbers: &[u32]) -> Self {
        // What has no number is called from nowhere.
        let as_assumed = |(slot, &number)| number == slot || number == NONE;
        if (0..).zip(numbers).all(as_assumed) {
            return CallNumbers::AsAssumed;
        }
        let encode = |&number: &u32| {
            let mut encoded = [0; 8];
            leb128::write_u32_fixed(&mut encoded, number);
            encoded
        };
        CallNumbers::Encoded(numbers.iter().map(encode).collect())
    }

    /// Patches `calls` in `contents`, which are a copy of what was committed.
    #[inline]
    pub(super) fn patch(&self, calls: &[Call], contents: &mut [u8]) {
        let CallNumbers::Encoded(numbers) = self else {
            return;
        };
        for call in calls {
            let number = &numbers[call.function as usize];
            let place = call.offset as usize;
            contents[place..place + FIXED32].copy_from_slice(&number[..FIXED32]);
        }
    }
}

impl Patcher<'_> {
    /// Patches `holes` in `contents`, which will lie at `address` if it is data. What goes
    /// wrong is added to `problems`; `from` names what has the holes.
    #[inline]
    pub(in crate::module) fn patch(
        &self,
        holes: &[Hole],
        contents: &mut [u8],
        address: u64,
        from: impl Fn() -> DeclName,
        problems: &mut Vec<Problem>,
    ) {
        for hole in holes {
            match self.value(hole, address) {
                Ok(value) => hole.write(contents, value),
                Err(problem) => problems.push(problem(from(), self.module.decls.name(hole.target))),
            }
        }
    }

    /// The value of a hole, or what to say about it.
    fn value(
        &self,
        hole: &Hole,
        place: u64,
    ) -> Result<u64, impl Fn(DeclName, DeclName) -> Problem> {
        let index = hole.target.index();
        let value = match hole.ty.target() {
            RelocTarget::TableSlot => self.numbers.table_slots[index].into(),
            RelocTarget::FunctionOffset => {
                let start = self.code_offsets.get(index).copied().unwrap_or(0);
                i128::from(start) + i128::from(hole.addend)
            }
            RelocTarget::SectionOffset => hole.addend.into(),
            RelocTarget::Memory => match self.address(hole, place) {
                Some(value) => value,
                None => return Err(Wrong::NotThreadLocal.into_problem()),
            },
            RelocTarget::Function
            | RelocTarget::Type
            | RelocTarget::Global
            | RelocTarget::Tag
            | RelocTarget::Table => self.numbers.of(hole.target).into(),
        };
        if hole.ty.form().fits(value) {
            Ok(value as u64)
        } else {
            Err(Wrong::Range(value).into_problem())
        }
    }

    /// The value of a hole that wants an address; `None` if it wants a thread-local one of
    /// something that is not thread-local.
    fn address(&self, hole: &Hole, place: u64) -> Option<i128> {
        let index = hole.target.index();
        let datum = self.module.decls.data.at(index)?;
        let target = if hole.target.kind() == TargetKind::DataSlot {
            let slot = u64::from(datum.body.offset_slot?);
            self.layout.offset_table + slot * self.module.options.pointer_size()
        } else {
            self.layout.addresses[index]
        };
        let relative_to = match hole.ty.base() {
            RelocBase::TlsBase => {
                if self.form == Form::Module && !datum.body.is_tls() {
                    return None;
                }
                if datum.head.imported {
                    0
                } else {
                    self.layout.tls_base
                }
            }
            RelocBase::Place => place + u64::from(hole.offset),
            // The engine writes modules whose memory begins at 0.
            RelocBase::Absolute | RelocBase::ImageBase => 0,
        };
        Some(i128::from(target) - i128::from(relative_to) + i128::from(hole.addend))
    }
}

enum Wrong {
    Range(i128),
    NotThreadLocal,
}

impl Wrong {
    fn into_problem(self) -> impl Fn(DeclName, DeclName) -> Problem {
        move |from, to| match self {
            Wrong::Range(value) => Problem::AddressRange { from, to, value },
            Wrong::NotThreadLocal => Problem::NotThreadLocal { from, to },
        }
    }
}
