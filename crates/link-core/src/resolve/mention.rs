//! What files, the linker and the command line say of a symbol.

use bumpalo::Bump;
use wasm_format::linking::{SymbolFlags, SymbolKind};
use wasm_format::{GlobalType, TableType};

use super::names::NameId;
use super::resolution::{Particulars, Symbol};
use crate::ids::FileId;
use crate::input::object::{ObjTarget, Object, ObjectSymbol, SymbolImport, Undefined};

/// Who says something of a symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// An object.
    Object(FileId),
    /// A shared library, by its number.
    Library(u32),
    /// The linker, or the command line.
    Linker,
}

impl By {
    pub(super) fn object(self) -> Option<FileId> {
        match self {
            By::Object(file) => Some(file),
            By::Library(_) | By::Linker => None,
        }
    }
}

/// A reference to or definition of a symbol.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mention<'a> {
    pub(super) name: &'a str,
    /// The number of the name, if it is known.
    pub(super) number: Option<NameId>,
    pub(super) kind: SymbolKind,
    pub(super) flags: SymbolFlags,
    pub(super) by: By,
    pub(super) called_directly: bool,
    pub(super) signature: Option<&'a [u8]>,
    pub(super) global_type: Option<GlobalType>,
    pub(super) table_type: Option<TableType>,
    pub(super) import: Option<SymbolImport<'a>>,
}

/// What `object` says of its symbol `entry`. A definition in a comdat whose other copy
/// was chosen is described by the type it would have had.
#[inline]
pub(super) fn mention<'a>(
    object: &Object<'a>,
    file: FileId,
    entry: &ObjectSymbol<'a>,
) -> Mention<'a> {
    let mut mention = Mention {
        name: entry.name,
        number: None,
        kind: entry.kind(),
        flags: entry.flags(),
        by: By::Object(file),
        called_directly: entry.called_directly,
        signature: signature(object, entry),
        global_type: None,
        table_type: None,
        import: None,
    };
    match object.symbols.target(entry) {
        ObjTarget::Global(global) => {
            mention.global_type = Some(object.globals[global.index()].ty);
        }
        ObjTarget::Table(table) => mention.table_type = Some(object.tables[table.index()].ty),
        ObjTarget::Undefined { what, .. } => match object.undefined[what.index()] {
            Undefined::Function { import, .. } | Undefined::Tag { import, .. } => {
                mention.import = Some(import);
            }
            Undefined::Global { ty, import } => {
                mention.global_type = Some(ty);
                mention.import = Some(import);
            }
            Undefined::Table { ty, import } => {
                mention.table_type = Some(ty);
                mention.import = Some(import);
            }
            Undefined::Data => {}
        },
        ObjTarget::Function(_)
        | ObjTarget::Tag(_)
        | ObjTarget::Data { .. }
        | ObjTarget::Absolute { .. }
        | ObjTarget::Section(_) => {}
    }
    mention
}

/// The encoded signature that `object` gives its symbol `entry`, if that is a function or
/// a tag.
#[inline]
pub(super) fn signature<'a>(object: &Object<'a>, entry: &ObjectSymbol<'a>) -> Option<&'a [u8]> {
    let ty = match object.symbols.target(entry) {
        ObjTarget::Function(function) => object.functions[function].ty,
        ObjTarget::Tag(tag) => object.tags[tag.index()].ty,
        ObjTarget::Undefined { what, .. } => match object.undefined[what.index()] {
            Undefined::Function { ty, .. } | Undefined::Tag { ty, .. } => ty,
            Undefined::Global { .. } | Undefined::Table { .. } | Undefined::Data => return None,
        },
        _ => return None,
    };
    Some(object.types[ty.index()])
}

/// From now on a symbol is what these flags say.
fn set_flags(symbol: &mut Symbol<'_>, flags: SymbolFlags) {
    symbol.weak = flags.is_weak();
    symbol.set_common(flags.is_common() && !flags.contains(SymbolFlags::UNDEFINED));
    symbol.hidden = flags.contains(SymbolFlags::VISIBILITY_HIDDEN);
    symbol.no_strip = flags.contains(SymbolFlags::NO_STRIP);
    symbol.exported_flag = flags.contains(SymbolFlags::EXPORTED);
    symbol.explicit_name_flag = flags.contains(SymbolFlags::EXPLICIT_NAME);
    symbol.tls = flags.contains(SymbolFlags::TLS);
}

/// Writes what a file says of a symbol into the name's entry.
pub(super) fn describe<'a>(symbol: &mut Symbol<'a>, mention: &Mention<'a>, arena: &'a Bump) {
    symbol.kind = mention.kind;
    symbol.file = mention.by.object();
    set_flags(symbol, mention.flags);
    symbol.called_directly |= mention.called_directly;
    symbol.signature = mention.signature.or(symbol.signature);
    let particulars = Particulars {
        global_type: mention.global_type,
        table_type: mention.table_type,
        import: mention.import,
    };
    symbol.set_particulars(particulars, arena);
}

/// A symbol that the linker or the command line mentions.
pub(super) fn own_mention(name: &str, kind: SymbolKind, flags: SymbolFlags) -> Mention<'_> {
    Mention {
        name,
        number: None,
        kind,
        flags,
        by: By::Linker,
        called_directly: false,
        signature: None,
        global_type: None,
        table_type: None,
        import: None,
    }
}
