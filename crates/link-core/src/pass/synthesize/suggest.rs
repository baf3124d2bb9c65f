//! What an undefined name was perhaps meant to be.

use wasm_format::linking::SymbolKind;

use crate::resolve::resolution::{Definition, Resolution};

/// A defined name close to `name`: a typing error, another case, an underscore more or
/// less.
pub(super) fn near<'a>(
    resolution: &Resolution<'a>,
    name: &str,
    kind: SymbolKind,
) -> Option<&'a str> {
    let most = match name.len() {
        0..=2 => return None,
        3..=5 => 1,
        _ => 2,
    };
    resolution
        .symbols
        .iter()
        .filter(|symbol| {
            symbol.kind == kind
                && !matches!(
                    symbol.definition,
                    Definition::Undefined | Definition::Stub(_)
                )
                && symbol.name.len().abs_diff(name.len()) <= most
                && symbol.name != name
        })
        .filter_map(|symbol| {
            let distance = if symbol.name.eq_ignore_ascii_case(name) {
                0
            } else {
                strsim::osa_distance(symbol.name, name)
            };
            (distance <= most).then_some((distance, symbol.name))
        })
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, name)| name)
}
