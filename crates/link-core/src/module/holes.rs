//! What a hole may be: checked when a body is committed, relied on afterwards.

use wasm_format::reloc::{RelocBase, RelocTarget, RelocType, ValueForm};

use super::arena::Hole;
use super::decls::Decls;
use super::error::ModuleErrorKind;
use super::handle::{Target, TargetKind};

/// What a hole lies in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HolePlace {
    Code,
    Data,
    Custom,
    Init,
}

/// Fails unless `holes` are in order, lie within `size` bytes, and each refers to something
/// that exists and that its type can refer to.
pub(super) fn check(
    decls: &Decls,
    holes: &[Hole],
    size: usize,
    place: HolePlace,
) -> Result<(), ModuleErrorKind> {
    let mut previous_end = 0;
    for hole in holes {
        previous_end = check_one(decls, hole, previous_end, size, place)?;
    }
    Ok(())
}

/// [`check`] of one hole, which may begin at `previous_end`; returns where it ends.
#[inline]
pub(super) fn check_one(
    decls: &Decls,
    hole: &Hole,
    previous_end: usize,
    size: usize,
    place: HolePlace,
) -> Result<usize, ModuleErrorKind> {
    let Hole {
        offset, ty, target, ..
    } = *hole;
    if (offset as usize) < previous_end {
        return Err(ModuleErrorKind::HoleOrder {
            offset,
            previous_end,
        });
    }
    let end = hole.end();
    if end > size {
        let width = ty.form().width();
        return Err(ModuleErrorKind::HoleOutside {
            offset,
            width,
            size,
        });
    }
    match accepts(ty, target.kind(), place) {
        Fit::Yes => {}
        Fit::WrongTarget => {
            let target = target.kind();
            return Err(ModuleErrorKind::HoleTarget { offset, ty, target });
        }
        Fit::WrongPlace => return Err(ModuleErrorKind::HoleType { offset, ty }),
    }
    if !decls.is_live(target) {
        return Err(match target.kind() {
            TargetKind::Type => ModuleErrorKind::UnknownType { ty: target },
            _ => ModuleErrorKind::StaleTarget {
                offset,
                target: decls.name(target),
            },
        });
    }
    if target.kind() == TargetKind::DataSlot && !has_slot(decls, target) {
        return Err(ModuleErrorKind::NoOffsetSlot {
            offset,
            target: decls.name(target),
        });
    }
    Ok(end)
}

fn has_slot(decls: &Decls, target: Target) -> bool {
    let datum = decls.data.at(target.index());
    datum.is_some_and(|datum| datum.body.offset_slot.is_some())
}

enum Fit {
    Yes,
    WrongTarget,
    WrongPlace,
}

/// Whether a relocation of type `ty` can refer to a `target` from `place`.
#[inline]
fn accepts(ty: RelocType, target: TargetKind, place: HolePlace) -> Fit {
    use TargetKind as T;
    let is_leb = !matches!(ty.form(), ValueForm::I32 | ValueForm::I64);
    // Which kinds of target the type is for, and where it has a meaning.
    let (targets, fits): (&[TargetKind], bool) = match ty.target() {
        RelocTarget::Function => (&[T::Function], is_leb || place == HolePlace::Custom),
        RelocTarget::TableSlot => (&[T::Function], place != HolePlace::Init),
        RelocTarget::FunctionOffset => (&[T::Function], place == HolePlace::Custom),
        RelocTarget::SectionOffset => (&[T::Custom], place == HolePlace::Custom),
        RelocTarget::Type => (&[T::Type], place != HolePlace::Data),
        RelocTarget::Global => {
            let holds_numbers = matches!(place, HolePlace::Data | HolePlace::Custom);
            (&[T::Global], is_leb || holds_numbers)
        }
        RelocTarget::Tag => (&[T::Tag], true),
        RelocTarget::Table => (&[T::Table], true),
        RelocTarget::Memory => match ty.base() {
            RelocBase::Absolute | RelocBase::ImageBase => (&[T::Data, T::DataSlot], true),
            RelocBase::TlsBase => (&[T::Data], place == HolePlace::Code),
            RelocBase::Place => (&[T::Data, T::DataSlot], place == HolePlace::Data),
        },
    };
    if !fits {
        return Fit::WrongPlace;
    }
    if targets.contains(&target) {
        Fit::Yes
    } else {
        Fit::WrongTarget
    }
}
