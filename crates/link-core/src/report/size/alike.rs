//! Symbols that are alike: instances of one template or generic function, and functions whose
//! finished bodies are equal.

use std::cmp::Reverse;

use wasm_format::leb128::len_u32;

use super::namespaces::NamedSymbols;
use super::size_rows::Rows;
use super::{AlikeSymbols, SizedKind, SizedSymbol};
use crate::emit::{Sources, write_chunk};
use crate::fingerprint::Fingerprint;
use crate::hash::{HashMap, IndexMap};
use crate::par;
use crate::plan::values::Site;

/// Groups of several, those that save most first.
fn finish(groups: impl Iterator<Item = AlikeSymbols>) -> Vec<AlikeSymbols> {
    let mut groups: Vec<AlikeSymbols> = groups.filter(|group| group.saving > 0).collect();
    groups.sort_by_cached_key(|group| (Reverse(group.saving), group.symbols[0]));
    groups
}

/// Symbols whose names differ in nothing but arguments. One copy that serves all saves at most
/// all but the largest.
pub(super) fn instances(named: &NamedSymbols) -> Vec<AlikeSymbols> {
    let mut groups: IndexMap<&str, Vec<u32>> = IndexMap::default();
    for ((i, symbol), generic) in (0..).zip(&named.symbols).zip(&named.generic) {
        let is_whole = matches!(symbol.kind, SizedKind::Function | SizedKind::Data);
        if let Some(generic) = generic.as_deref().filter(|_| is_whole) {
            groups.entry(generic).or_default().push(i);
        }
    }
    let several = groups.into_iter().filter(|(_, symbols)| symbols.len() > 1);
    finish(several.map(|(name, symbols)| {
        let sizes = || symbols.iter().map(|&i| named.symbols[i as usize].size);
        let size = sizes().sum();
        AlikeSymbols {
            name: name.to_owned(),
            size,
            saving: size - sizes().max().unwrap_or(0),
            symbols,
        }
    }))
}

/// Functions of equal type whose bodies are equal when relocated. Folding them saves all bodies but
/// one, with the sizes that stand before them.
pub(super) fn identical(
    sources: &Sources<'_, '_>,
    rows: &Rows<'_>,
    symbols: &[SizedSymbol],
) -> Vec<AlikeSymbols> {
    let (resolution, plan) = (sources.resolution, sources.plan);
    let relocator = plan.relocator(resolution, sources.liveness);
    let files = (0..resolution.objects.len() as u32).collect();
    // A body that is like no other one in type and length need not be relocated.
    let like = |file, function| {
        let object = resolution.object(file);
        let ty = plan.types.files[file.index()][object.functions[function].ty.index()];
        Some((ty?, object.functions.body_len(function)))
    };
    let mut counts: HashMap<_, u32> = HashMap::default();
    for (file, _) in resolution.objects() {
        for function in sources.liveness.functions(file) {
            *counts.entry(like(file, function)).or_default() += 1;
        }
    }
    let of_files = par::map_with(files, Vec::new, |buffer: &mut Vec<u8>, file| {
        let file = crate::ids::FileId(file);
        let object = resolution.object(file);
        let site = Site::code(file);
        let mut bodies = Vec::new();
        for function in sources.liveness.functions(file) {
            let key = like(file, function);
            let row = plan.functions.of(file, function);
            let row = row.and_then(|index| rows.function(index));
            let (Some(like), Some(row)) = (key, row) else {
                continue;
            };
            if counts.get(&key).is_none_or(|&count| count < 2) {
                continue;
            }
            let chunk = object.functions.chunk(function);
            buffer.clear();
            buffer.resize(chunk.bytes.len(), 0);
            // A body with a relocation that cannot be applied ends the link elsewhere.
            if write_chunk(&relocator, &site, &chunk, buffer).is_ok() {
                let Fingerprint { low, high } = Fingerprint::of(buffer);
                bodies.push(((like, low, high), row));
            }
        }
        bodies
    });
    let mut groups: IndexMap<_, Vec<u32>> = IndexMap::default();
    for (body, row) in of_files.into_iter().flatten() {
        groups.entry(body).or_default().push(row);
    }
    let several = groups.into_values().filter(|rows| rows.len() > 1);
    finish(several.map(|members| {
        let body = symbols[members[0] as usize].size;
        let each = body + len_u32(body as u32) as u64;
        AlikeSymbols {
            name: symbols[members[0] as usize].shown(),
            size: each * members.len() as u64,
            saving: each * (members.len() as u64 - 1),
            symbols: members,
        }
    }))
}
