//! The words for kinds and types in messages about symbols: `wasm-ld`'s.

use wasm_format::linking::SymbolKind;
use wasm_format::{FuncType, GlobalType, Mutability, Reader};

/// `WASM_SYMBOL_TYPE_FUNCTION` and so on.
pub(super) fn kind(kind: SymbolKind) -> &'static str {
    match kind {
        SymbolKind::Function => "WASM_SYMBOL_TYPE_FUNCTION",
        SymbolKind::Data => "WASM_SYMBOL_TYPE_DATA",
        SymbolKind::Global => "WASM_SYMBOL_TYPE_GLOBAL",
        SymbolKind::Section => "WASM_SYMBOL_TYPE_SECTION",
        SymbolKind::Tag => "WASM_SYMBOL_TYPE_TAG",
        SymbolKind::Table => "WASM_SYMBOL_TYPE_TABLE",
        _ => "WASM_SYMBOL_TYPE_UNKNOWN",
    }
}

/// `(i32, i32) -> i64`
pub(crate) fn signature(bytes: Option<&[u8]>) -> String {
    bytes
        .and_then(|bytes| FuncType::decode(&mut Reader::new(bytes)).ok())
        .map_or_else(|| "unknown".to_owned(), |ty| ty.to_string())
}

/// `var i32` or `const i32`
pub(crate) fn global_type(ty: GlobalType) -> String {
    match ty.mutability {
        Mutability::Var => format!("var {}", ty.value),
        Mutability::Const => format!("const {}", ty.value),
    }
}
