//! Warnings about what objects hold and the output does not, although nothing else decided
//! against it.

use super::mark::Liveness;
use crate::diag::{Code, Diagnostic, Diagnostics, FirstOfMany};
use crate::ids::{FileId, ObjSymbol};
use crate::input::object::{LeftOut, Object};
use crate::options::Options;
use crate::resolve::resolution::Resolution;

/// Warns of what cannot be carried over from the objects that are part of the output.
pub(crate) fn warn(
    resolution: &Resolution<'_>,
    live: &Liveness,
    options: &Options,
    diagnostics: &mut Diagnostics,
) {
    let mut started_by = None;
    let mut first = FirstOfMany::default();
    for (file, object) in resolution.objects() {
        if !live.files[file.index()].any {
            continue;
        }
        for left_out in &object.left_out {
            if let Some(message) = message(resolution, live, file, left_out) {
                first.add(diagnostics, || warning(object, message));
            }
        }
        if let Some(start) = object.start.filter(|_| options.is_relocatable()) {
            match started_by {
                Some(by) => {
                    let message = second_start(object, start, by);
                    first.add(diagnostics, || warning(object, message));
                }
                None => started_by = Some(&*object.name),
            }
        }
    }
    first.finish(diagnostics, "things that objects hold are dropped or moved");
}

/// What to say about something that `file` holds; `None` if the output is none the worse for
/// it.
fn message(
    resolution: &Resolution<'_>,
    live: &Liveness,
    file: FileId,
    left_out: &LeftOut<'_>,
) -> Option<String> {
    let LeftOut::Data {
        segment,
        is_described,
        is_passive,
        ..
    } = *left_out
    else {
        return Some(left_out.to_string());
    };
    if resolution.segment_discarded(file, segment) {
        None
    } else if !live.segment(file, segment) {
        Some(left_out.to_string())
    } else if is_passive {
        Some(format!(
            "data segment {} is put into memory: it is passive and has no symbol, and code \
             cannot refer to it by its index in the file",
            segment.0
        ))
    } else {
        // Only its address is lost, which matters to code that knows it.
        (!is_described).then(|| {
            format!(
                "data segment {} is moved: it has no symbol, and code cannot find it at \
                 another address",
                segment.0
            )
        })
    }
}

fn second_start(object: &Object<'_>, start: ObjSymbol, first: &str) -> String {
    let symbol = &object.symbols[start.index()];
    let named = symbol.function();
    let named = named.and_then(|function| object.any_function_name(function));
    let name = named.unwrap_or(symbol.name);
    format!("start function `{name}` is dropped: an object file has only one, that of {first}")
}

fn warning(object: &Object<'_>, message: String) -> Diagnostic {
    Diagnostic::warning(Code::BadInput, message)
        .in_file(&*object.name)
        .never_fatal()
}
