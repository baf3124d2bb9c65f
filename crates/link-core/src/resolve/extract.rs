//! `--extract-custom-sections`: lazy inputs are linked for the sake of their custom sections.
//!
//! No symbol stands for a custom section, so no reference ever pulls one.

use super::record::Wanted;
use super::table::LazyId;
use super::{Resolver, Waiting};
use crate::diag::Diagnostic;
use crate::input::{ReadInput, first_own_section_of};
use crate::par;

/// Who needs these inputs, in the words of `--why-extract`.
const BY: &str = "--extract-custom-sections";

/// Pulls the lazy inputs that are left and have custom sections of their own, in order, and what
/// those need. What they define gives way to what is defined without them.
pub(super) fn extract(resolver: &mut Resolver<'_>) {
    if !resolver.options.extract_custom_sections {
        return;
    }
    let waiting = resolver.inputs.iter().enumerate();
    let waiting: Vec<_> = waiting
        .filter_map(|(id, waiting)| Some((LazyId(id as u32), waiting.as_ref()?)))
        .collect();
    // Thin archives' members have to be read first.
    let found = par::map(waiting, |(id, waiting)| (id, own_section(waiting)));
    resolver.table.yielding = resolver.begun..u32::MAX;
    for (id, section) in found {
        match section {
            // It is linked already if an earlier one needed it.
            Ok(Some(symbol)) => resolver.pull(
                id,
                Wanted {
                    by: BY.into(),
                    symbol,
                },
            ),
            Ok(None) => {}
            Err(diagnostic) => resolver.table.diagnostics.push(diagnostic),
        }
    }
    resolver.table.yielding.end = resolver.begun;
}

/// The first custom section of its own that a lazy input has.
fn own_section<'a>(waiting: &Waiting<'a>) -> Result<Option<&'a str>, Diagnostic> {
    match waiting {
        Waiting::Input(ReadInput::Lazy(member)) => member.own_section(),
        Waiting::Input(_) => Ok(None),
        Waiting::Parsed((object, _)) => Ok(first_own_section_of(object)),
    }
}
