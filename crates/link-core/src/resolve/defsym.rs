//! `--defsym`: symbols that the command line defines, as addresses or as other names of symbols.

use wasm_format::linking::SymbolFlags;

use super::Resolver;
use super::made;
use super::mention::{By, Mention, own_mention};
use super::resolution::Definition;
use crate::diag::{Code, Diagnostic};
use crate::hash::IndexMap;
use crate::ids::SymbolId;
use crate::input::object::Object;
use crate::options::{DefsymValue, Options};

/// A symbol that becomes another name of `target`.
pub(super) struct Alias<'a> {
    name: &'a str,
    target: &'a str,
}

/// Whether a symbol gets another name.
pub(super) fn is_target(name: &str, options: &Options) -> bool {
    let mut defsyms = options.defsyms.iter();
    defsyms.any(|defsym| matches!(&defsym.value, DefsymValue::Symbol(target) if target == name))
}

/// Defines the symbols whose values are known when all objects are. Returns the others.
pub(super) fn define<'a>(resolver: &mut Resolver<'a>) -> Vec<Alias<'a>> {
    let options = resolver.options;
    // Of one name the last counts.
    let values: IndexMap<&'a str, &'a DefsymValue> = (options.defsyms.iter())
        .map(|defsym| (&*defsym.name, &defsym.value))
        .collect();
    let mut addresses = Vec::new();
    let mut known_later = Vec::new();
    for &name in values.keys() {
        match value(name, &values) {
            Some(DefsymValue::Address(address)) => addresses.push((name, *address)),
            Some(DefsymValue::Symbol(target)) => {
                let alias = Alias { name, target };
                match resolver.want(target, "--defsym") {
                    Some(id) if is_objects(resolver, id) => resolver.add_alias(&alias, id),
                    _ => known_later.push(alias),
                }
            }
            None => {
                let message = format!("--defsym={name}: it is defined as itself");
                let diagnostic = Diagnostic::error(Code::Options, message);
                resolver.table.diagnostics.push(diagnostic.about(name));
            }
        }
    }
    addresses.retain(|(name, _)| resolver.give_way(name));
    if !addresses.is_empty() {
        let object = Object::of_addresses("--defsym", &addresses);
        let names = resolver.table.names.of_object(&object);
        resolver.add_object((Box::new(object), names), None);
    }
    known_later
}

/// The value of a symbol once aliases are followed; `None` for a cycle.
fn value<'a>(
    name: &'a str,
    values: &IndexMap<&'a str, &'a DefsymValue>,
) -> Option<&'a DefsymValue> {
    let mut value = values[name];
    for _ in 0..values.len() {
        match value {
            DefsymValue::Symbol(target) => match values.get(&**target) {
                Some(next) => value = next,
                None => return Some(value),
            },
            DefsymValue::Address(_) => return Some(value),
        }
    }
    None
}

fn is_objects(resolver: &Resolver<'_>, id: SymbolId) -> bool {
    let definition = resolver.table.symbols[id.index()].definition;
    matches!(definition, Definition::Object { .. })
}

/// Defines the symbols that are other names of what the linker defines; reports those that are
/// names of nothing.
pub(super) fn define_rest<'a>(resolver: &mut Resolver<'a>, aliases: &[Alias<'a>]) {
    for alias in aliases {
        let found = resolver.table.find(alias.target);
        let definition = found.map(|id| resolver.table.symbols[id.index()].definition);
        let what = match (found, definition) {
            (Some(id), Some(Definition::Object { .. } | Definition::Address(_))) => {
                resolver.add_alias(alias, id);
                continue;
            }
            (None, _) | (_, None | Some(Definition::Undefined)) => "symbol not found: ",
            (
                _,
                Some(
                    Definition::Shared(_)
                    | Definition::Stub(_)
                    | Definition::Function(_)
                    | Definition::Global(_)
                    | Definition::IndirectFunctionTable,
                ),
            ) => "neither defined by an object nor an address that the linker knows: ",
        };
        let Alias { name, target } = alias;
        let message = format!("--defsym={name}={target}: {what}{target}");
        let diagnostic = Diagnostic::error(Code::Undefined, message).about(*target);
        resolver.table.diagnostics.push(diagnostic);
    }
}

impl<'a> Resolver<'a> {
    /// Makes a symbol another name of `target`, which is defined.
    fn add_alias(&mut self, alias: &Alias<'a>, target: SymbolId) {
        let name = alias.name;
        if !self.give_way(name) {
            return;
        }
        let symbol = self.table.symbols[target.index()];
        let mut flags = SymbolFlags::default();
        for (is_set, flag) in [
            (symbol.hidden, SymbolFlags::VISIBILITY_HIDDEN),
            (symbol.tls, SymbolFlags::TLS),
        ] {
            if is_set {
                flags = flags | flag;
            }
        }
        let mention = Mention {
            signature: symbol.signature,
            global_type: symbol.global_type(),
            table_type: symbol.table_type(),
            by: symbol.file.map_or(By::Linker, By::Object),
            ..own_mention(name, symbol.kind, flags)
        };
        if symbol.file.is_some() {
            self.table.define(&mention, symbol.definition);
        } else {
            made::define(self, &mention, symbol.definition);
        }
    }

    /// Lets the command line define a symbol that a file defines. Whether it may: of the linker's
    /// own symbols there is one definition.
    fn give_way(&mut self, name: &'a str) -> bool {
        let Some(id) = self
            .table
            .find(name)
            .filter(|&id| self.table.is_defined(id))
        else {
            return true;
        };
        let symbol = &mut self.table.symbols[id.index()];
        if symbol.definition.is_made() {
            let message = format!("--defsym={name}: the linker defines this symbol");
            let diagnostic = Diagnostic::error(Code::Duplicate, message).about(name);
            self.table.diagnostics.push(diagnostic);
            return false;
        }
        symbol.weak = true;
        true
    }
}
