//! `--wrap=X`: references to `X` go to `__wrap_X`, references to `__real_X` to `X`.

use wasm_format::linking::SymbolFlags;

use super::Resolver;
use super::command_line::INTERNAL;
use super::mention::own_mention;
use super::record::Wanted;
use super::table::Referred;
use crate::hash::{HashMap, HashSet};
use crate::ids::SymbolId;

/// One wrapped name.
pub(super) struct Wrapped {
    original: SymbolId,
    real: SymbolId,
    wrap: SymbolId,
}

/// Refers to `__wrap_X` (which may pull an archive member) and `__real_X`, for every
/// wrapped `X` that an input mentions.
pub(super) fn refer(resolver: &mut Resolver<'_>) -> Vec<Wrapped> {
    let options = resolver.options;
    let mut wrapped = Vec::new();
    let mut seen = HashSet::default();
    for name in options.wrap.iter().filter(|name| seen.insert(*name)) {
        let Some(original) = resolver.table.find_or_offered(name) else {
            continue;
        };
        let is_used = resolver.table.symbols[original.index()].used_in_object;
        let names = ["__real_", "__wrap_"]
            .map(|prefix| &*resolver.names.alloc_str(&format!("{prefix}{name}")));
        let [Some(real), Some(wrap)] = names.map(|name| other(resolver, original, name)) else {
            continue;
        };
        // References to `X` go there, and no others: if only an archive mentions `X`, its
        // type is unknown and nothing calls the wrapper.
        resolver.table.symbols[wrap.index()].used_in_object |= is_used;
        // The wrapper may have been pulled just now.
        if resolver.table.symbols[real.index()].used_in_object {
            resolver.want(name, INTERNAL);
        }
        let Some(original) = resolver.table.find(name) else {
            continue;
        };
        wrapped.push(Wrapped {
            original,
            real,
            wrap,
        });
    }
    wrapped
}

/// The symbol of `name`, which stands beside `original`; pulls it if a lazy input has it.
fn other<'a>(resolver: &mut Resolver<'a>, original: SymbolId, name: &'a str) -> Option<SymbolId> {
    if resolver.table.find_or_offered(name).is_none() {
        let symbol = &resolver.table.symbols[original.index()];
        let mut mention = own_mention(name, symbol.kind, SymbolFlags::UNDEFINED);
        mention.signature = symbol.signature;
        mention.global_type = symbol.global_type();
        mention.table_type = symbol.table_type();
        // It is imported under its own name.
        mention.called_directly = symbol.called_directly;
        if let Referred::Pull(_, lazy) = resolver.table.refer(&mention) {
            let by = INTERNAL.into();
            resolver.pull(lazy, Wanted { by, symbol: name });
        }
    }
    resolver.find_or_pull(name, INTERNAL)
}

/// Redirects the references of every file.
pub(super) fn apply(resolver: &mut Resolver<'_>, wrapped: &[Wrapped]) {
    if wrapped.is_empty() {
        return;
    }
    let redirect: HashMap<SymbolId, SymbolId> = wrapped
        .iter()
        .flat_map(|w| [(w.original, w.wrap), (w.real, w.original)])
        .collect();
    for (file, object) in resolver.files.iter_mut().zip(&resolver.objects) {
        for (id, entry) in file.symbols.iter_mut().zip(object.symbols.iter()) {
            if let Some(id) = id
                && let Some(&to) = redirect.get(id)
            {
                *id = to;
                // No option asks that of a name that is defined.
                resolver.table.symbols[to.index()].called_directly |= entry.called_directly;
            }
        }
    }
    for w in wrapped {
        let names = [w.original, w.real].map(|id| resolver.table.symbols[id.index()].name);
        resolver.table.stands_for(names[0], w.wrap);
        resolver.table.stands_for(names[1], w.original);
        // Nothing refers to it any more.
        resolver.table.symbols[w.real.index()].used_in_object = false;
    }
}
