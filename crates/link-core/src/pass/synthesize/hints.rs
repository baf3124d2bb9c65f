//! What to do about a name that nothing defines, as far as the objects that refer to it tell.

use wasm_format::Reader;
use wasm_format::linking::{SymbolFlags, SymbolKind};
use wasm_format::producers::{FIELD_LANGUAGE, FIELD_PROCESSED_BY, decode};
use wasm_format::target_features::FeaturePrefix;

use crate::hash::HashMap;
use crate::ids::SymbolId;
use crate::input::object::Object;
use crate::resolve::resolution::{DEFAULT_MODULE, Resolution, Symbol};

/// The language whose syntax a hint uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Language {
    Rust,
    C,
}

/// How to declare an undefined function that the host is meant to provide. Linkers once
/// imported every undefined function of a Rust program, so its sources may not say so.
///
/// `by` is a function of `object` that refers to it. In C most undefined functions are of
/// libraries that are not linked: it is said once, which `told_c` remembers.
pub(super) fn import(
    symbol: &Symbol<'_>,
    object: &Object<'_>,
    by: &str,
    told_c: &mut bool,
) -> Option<String> {
    let name = symbol.name;
    // Hosts do not provide functions under mangled names.
    if symbol.kind != SymbolKind::Function || is_rust_name(name) || name.starts_with("_Z") {
        return None;
    }
    Some(match language(object, by)? {
        Language::C if std::mem::replace(told_c, true) => return None,
        Language::Rust => format!(
            "if the host provides it, put #[link(wasm_import_module = \"{DEFAULT_MODULE}\")] \
             before the extern block that declares it"
        ),
        Language::C => format!(
            "if the host provides it, declare it with \
             __attribute__((import_module(\"{DEFAULT_MODULE}\"), import_name(\"{name}\")))"
        ),
    })
}

/// The language that an object was compiled from; `None` if nothing tells. A function of its is
/// called `name`.
fn language(object: &Object<'_>, name: &str) -> Option<Language> {
    let mut found = is_rust_name(name).then_some(Language::Rust);
    // An object without the section has no bytes.
    let fields = decode(Reader::new(object.producers)).ok();
    for field in fields.into_iter().flatten().flatten() {
        for value in field.values.flatten() {
            match (field.name, value.name) {
                (FIELD_PROCESSED_BY, "rustc") | (FIELD_LANGUAGE, "Rust") => {
                    return Some(Language::Rust);
                }
                (FIELD_PROCESSED_BY, "clang") => found = found.or(Some(Language::C)),
                (FIELD_LANGUAGE, language)
                    if language.starts_with('C')
                        && (language[1..].is_empty()
                            || language[1..].starts_with(|c: char| !c.is_alphanumeric())) =>
                {
                    found = found.or(Some(Language::C));
                }
                _ => {}
            }
        }
    }
    found
}

/// Whether a name is mangled as rustc does it: `_R…`, or `_ZN…17h` and a hash.
fn is_rust_name(name: &str) -> bool {
    const HASH: &str = "17h";
    const HASH_DIGITS: usize = 16;
    let legacy = || {
        let hash = name.strip_prefix("_ZN")?.strip_suffix('E')?;
        let (_, digits) = hash.rsplit_once(HASH)?;
        let is_hash =
            digits.len() == HASH_DIGITS && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        is_hash.then_some(())
    };
    name.starts_with("_R") || legacy().is_some()
}

/// For each of these undefined data symbols that an object hides, the first object that does.
pub(super) fn hidden_in<'r>(
    resolution: &'r Resolution<'_>,
    symbols: impl Iterator<Item = SymbolId>,
) -> HashMap<SymbolId, &'r str> {
    let mut wanted: Vec<SymbolId> = symbols
        .filter(|&id| resolution.symbol(id).kind == SymbolKind::Data)
        .collect();
    wanted.sort_unstable();
    let mut found = HashMap::default();
    if wanted.is_empty() {
        return found;
    }
    for (file, object) in resolution.objects() {
        let ids = &resolution.files[file.index()].symbols;
        for (id, entry) in ids.iter().zip(object.symbols.iter()) {
            if let Some(id) = id
                && entry.is_undefined()
                && entry.flags().contains(SymbolFlags::VISIBILITY_HIDDEN)
                && wanted.binary_search(id).is_ok()
            {
                found.entry(*id).or_insert(&*object.name);
            }
        }
    }
    found
}

/// What to do about a variable that `user` takes for thread-local (or for no such variable, if
/// not `as_thread_local`) and `definer` defines otherwise, if that is because only one of them
/// was compiled for threads: without, compilers make a thread-local variable one like any other.
pub(super) fn threads(
    user: &Object<'_>,
    definer: &Object<'_>,
    as_thread_local: bool,
) -> Option<String> {
    let [by_user, by_definer] = [user, definer].map(uses_atomics);
    let (user, definer) = (&user.name, &definer.name);
    match (as_thread_local, by_user, by_definer) {
        (true, true, false) => Some(format!(
            "{user} was compiled with -matomics (or -pthread), and {definer} without: compile \
             {user} without, or link a library for threads, such as the libc of \
             wasm32-wasip1-threads, with --shared-memory"
        )),
        (false, false, true) => Some(format!(
            "{definer} was compiled with -matomics (or -pthread), and {user} without: compile \
             {user} with -pthread, or link a library without threads, such as the libc of \
             wasm32-wasip1"
        )),
        _ => None,
    }
}

/// Whether an object says that its code has atomic instructions.
fn uses_atomics(object: &Object<'_>) -> bool {
    let uses = |&(prefix, name): &(u8, &str)| {
        name == "atomics" && prefix != FeaturePrefix::Disallowed as u8
    };
    object.features.iter().any(uses)
}

/// What to do about an undefined variable that `object` hides.
pub(super) fn common(object: &str) -> String {
    format!(
        "{object} hides it without defining it, as -fcommon does with a variable that has no \
         initial value: compile with -fno-common"
    )
}
