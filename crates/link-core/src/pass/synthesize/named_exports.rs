//! `--export` and `--export-if-defined` of what the linker makes and no symbol stands for. Which
//! of these functions the output has is known only when the linker has decided what it adds.

use super::port_names::{ExportNames, Exported};
use super::{Export, ExportTarget, SynthFunction, Synthesis};
use crate::diag::Diagnostics;
use crate::options::Options;
use crate::resolve::resolution::{COMMAND_EXPORT, MadeFunction, Resolution};
use crate::resolve::{is_without_symbol, not_exported};

/// Whether an option exports `name`.
pub(super) fn is_named(name: &str, options: &Options) -> bool {
    let mut names = options.exports.iter().chain(&options.exports_if_defined);
    names.any(|export| export == name)
}

/// Whether a function is made because `--export` names it. Other programs may call it, whether
/// or not this output has anything for it to do.
pub(super) fn is_made_for(
    resolution: &Resolution<'_>,
    options: &Options,
    made: MadeFunction,
) -> bool {
    let name = made.name();
    options.exports.iter().any(|export| export == name) && !is_exported_symbol(resolution, name)
}

/// Whether a symbol of this name is exported.
fn is_exported_symbol(resolution: &Resolution<'_>, name: &str) -> bool {
    let symbol = resolution.names.find(name);
    symbol.is_some_and(|id| resolution.symbol(id).force_export)
}

/// Exports wrappers and stubs that an option names, and reports names that nothing has.
pub(super) fn add<'a>(
    resolution: &Resolution<'a>,
    options: &'a Options,
    names: &mut ExportNames<'_, 'a>,
    synthesis: &mut Synthesis<'a>,
    diagnostics: &mut Diagnostics,
) {
    for name in options.exports.iter().chain(&options.exports_if_defined) {
        let found = if is_exported_symbol(resolution, name) {
            None
        } else {
            wrapper(resolution, synthesis, name).or_else(|| stub(synthesis, name))
        };
        if let Some(what) = found
            && names.take(name, Exported::Linker(what))
        {
            synthesis.exports.push(Export { name, what });
        }
    }
    for name in &options.exports {
        let is_exported = synthesis.exports.iter().any(|export| export.name == name);
        if is_without_symbol(name) && !is_exported {
            diagnostics.extend(not_exported(name, options));
        }
    }
}

/// The wrapper of a function that the output exports.
fn wrapper(
    resolution: &Resolution<'_>,
    synthesis: &Synthesis<'_>,
    name: &str,
) -> Option<ExportTarget> {
    let wrapped = name.strip_suffix(COMMAND_EXPORT)?;
    let mut wrappers = synthesis.wrappers.iter();
    let nth = wrappers.position(|&id| resolution.symbol(id).name == wrapped)?;
    Some(ExportTarget::Wrapper(nth as u32))
}

/// The function that traps in the place of another. Of undefined functions that are ignored, it is
/// the one of the first signature.
fn stub(synthesis: &Synthesis<'_>, name: &str) -> Option<ExportTarget> {
    let mut functions = synthesis.functions.iter();
    functions.find_map(|&function| match function {
        SynthFunction::Stub(stub) => {
            let is_it = synthesis.stubs[stub as usize].is_called(name);
            is_it.then_some(ExportTarget::Stub(stub))
        }
        SynthFunction::Made(_) => None,
    })
}
