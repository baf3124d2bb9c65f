//! The linker's own symbols: those that always exist and those that exist where a file
//! refers to them (or everything is exported).

use wasm_format::linking::{SymbolFlags, SymbolKind};
use wasm_format::{GlobalType, Limits, Mutability, RefType, TableType, ValType};

use super::Resolver;
use super::mention::{Mention, own_mention};
use super::resolution::{
    COMMAND_EXPORT, Definition, INIT_MEMORY_FLAG, MadeAddress, MadeFunction, MadeGlobal, Stub,
};
use crate::diag::{Code, Diagnostic};
use crate::hash::HashSet;
use crate::ids::SymbolId;
use crate::input::object::NULLARY;
use crate::input::object::SymbolImport;
use crate::options::{Options, OutputKind};

/// `(i32) -> ()`
const I32_SIGNATURE: &[u8] = &[0x60, 1, 0x7f, 0];
/// `(i64) -> ()`
const I64_SIGNATURE: &[u8] = &[0x60, 1, 0x7e, 0];

/// `() -> (i32)`
const RETURNS_I32: &[u8] = &[0x60, 0, 1, 0x7f];
/// `() -> (i64)`
const RETURNS_I64: &[u8] = &[0x60, 0, 1, 0x7e];

/// The table of functions whose address is taken.
const INDIRECT_FUNCTION_TABLE: &str = "__indirect_function_table";

const HIDDEN: SymbolFlags = SymbolFlags::VISIBILITY_HIDDEN;

/// Addresses that describe the layout of the whole memory.
const LAYOUT: [(&str, MadeAddress); 8] = [
    ("__data_end", MadeAddress::DataEnd),
    ("__rodata_start", MadeAddress::RodataStart),
    ("__rodata_end", MadeAddress::RodataEnd),
    ("__stack_low", MadeAddress::StackLow),
    ("__stack_high", MadeAddress::StackHigh),
    ("__global_base", MadeAddress::GlobalBase),
    ("__heap_base", MadeAddress::HeapBase),
    ("__heap_end", MadeAddress::HeapEnd),
];

/// Whether an output of this kind has, or gets from its loader, an address of this name if a
/// file refers to it. For an object file: whether an output that it is linked into may.
pub(super) fn is_address(name: &str, output: OutputKind) -> bool {
    LAYOUT.iter().any(|(known, _)| *known == name)
        || matches!(name, "__dso_handle" | "__wasm_first_page_end")
        || bounded_segment(name).is_some()
        || !output.is_pic() && matches!(name, "__memory_base" | "__table_base")
}

/// The segment whose bound would have this name.
fn bounded_segment(name: &str) -> Option<&str> {
    let bound = ["__start_", "__stop_"];
    let segment = bound.iter().find_map(|prefix| name.strip_prefix(prefix));
    segment.filter(|segment| is_c_identifier(segment))
}

/// What to say about an address that only a loader knows.
pub(super) const LOADERS: &str =
    "position-independent output has none: a loader lays out the memory, and knows where that is";

/// Whether `name` describes the layout of a memory that only a loader knows. A
/// position-independent executable knows where its own data ends.
pub(super) fn is_loaders(name: &str, options: &Options) -> bool {
    let made = LAYOUT.iter().find(|(known, _)| *known == name);
    made.is_some_and(|&(_, made)| match made {
        MadeAddress::DataEnd | MadeAddress::RodataStart | MadeAddress::RodataEnd => {
            options.output == OutputKind::Shared
        }
        _ => options.is_pic(),
    })
}

/// Whether only a function or an address of the linker that no symbol stands for can have this
/// name. Whether the output has it is known when the linker decides what it adds.
pub(crate) fn is_without_symbol(name: &str) -> bool {
    let mut functions = MadeFunction::without_symbol();
    functions.any(|made| made.name() == name)
        || name == INIT_MEMORY_FLAG
        || name.ends_with(COMMAND_EXPORT)
        || Stub::PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// Defines (or, where a loader provides them, refers to) the symbols that exist in every
/// link but one of objects.
pub(super) fn define_always(resolver: &mut Resolver<'_>) {
    let options = resolver.options;
    if options.is_relocatable() {
        return;
    }
    resolver.made.call_ctors = Some(function(
        resolver,
        "__wasm_call_ctors",
        NULLARY,
        MadeFunction::CallCtors,
    ));
    let cooperative = options.memory.cooperative;
    let stack_pointer = MadeGlobal::StackPointer.name(cooperative);
    let mutability = if cooperative {
        Mutability::Const
    } else {
        Mutability::Var
    };
    if options.is_pic() {
        resolver.made.stack_pointer = Some(imported(resolver, stack_pointer, mutability));
        resolver.made.memory_base = Some(imported(resolver, "__memory_base", Mutability::Const));
        resolver.made.table_base = Some(imported(resolver, "__table_base", Mutability::Const));
    } else {
        resolver.made.stack_pointer = Some(global(
            resolver,
            stack_pointer,
            mutability,
            SymbolFlags::NONE,
            MadeGlobal::StackPointer,
        ));
    }
    if options.has_threads() {
        resolver.made.tls_base = Some(global(
            resolver,
            MadeGlobal::TlsBase.name(cooperative),
            Mutability::Var,
            HIDDEN,
            MadeGlobal::TlsBase,
        ));
        resolver.made.tls_size = Some(global(
            resolver,
            "__tls_size",
            Mutability::Const,
            HIDDEN,
            MadeGlobal::TlsSize,
        ));
        resolver.made.tls_align = Some(global(
            resolver,
            "__tls_align",
            Mutability::Const,
            HIDDEN,
            MadeGlobal::TlsAlign,
        ));
        let [takes_pointer, _] = pointer_signatures(resolver);
        resolver.made.init_tls = Some(function(
            resolver,
            "__wasm_init_tls",
            takes_pointer,
            MadeFunction::InitTls,
        ));
    }
    if cooperative {
        refer_to_thread_context(resolver);
    }
}

/// Refers to the functions by which threads that take turns find their thread-local data: the
/// program's library has them, or the host.
fn refer_to_thread_context(resolver: &mut Resolver<'_>) {
    let [takes_pointer, returns_pointer] = pointer_signatures(resolver);
    let mut refer = |name, signature| {
        let mention = Mention {
            signature: Some(signature),
            called_directly: true,
            ..own_mention(name, SymbolKind::Function, SymbolFlags::UNDEFINED)
        };
        let (super::Referred::To(id) | super::Referred::Pull(id, _)) =
            resolver.table.refer(&mention);
        let symbol = &mut resolver.table.symbols[id.index()];
        symbol.used_in_object = true;
        symbol.force_import = true;
        id
    };
    let set = refer("__wasm_set_tls_base", takes_pointer);
    let get = refer("__wasm_get_tls_base", returns_pointer);
    resolver.made.set_tls_base = Some(set);
    resolver.made.get_tls_base = Some(get);
}

/// The signatures of functions that take and that return an address.
fn pointer_signatures(resolver: &Resolver<'_>) -> [&'static [u8]; 2] {
    if is_64(resolver) {
        [I64_SIGNATURE, RETURNS_I64]
    } else {
        [I32_SIGNATURE, RETURNS_I32]
    }
}

/// Defines the symbols that exist where a file refers to them, or where everything (or
/// they by name) is exported.
pub(super) fn define_optional(resolver: &mut Resolver<'_>) {
    let options = resolver.options;
    if options.is_relocatable() {
        refer_to_indirect_function_table(resolver);
        return;
    }
    resolver.made.dso_handle = address(resolver, "__dso_handle", MadeAddress::DsoHandle);
    for (name, made) in LAYOUT {
        if is_loaders(name, options) {
            let mention = own_mention(name, SymbolKind::Data, SymbolFlags::UNDEFINED);
            let pointer = pointer(resolver);
            resolver.table.leave_to_loader(&mention, pointer);
        } else {
            address(resolver, name, made);
        }
    }
    if !options.is_pic() {
        base(
            resolver,
            "__memory_base",
            MadeGlobal::MemoryBase,
            MadeAddress::MemoryBase,
        );
        base(
            resolver,
            "__table_base",
            MadeGlobal::TableBase,
            MadeAddress::TableBase,
        );
    }
    address(resolver, "__wasm_first_page_end", MadeAddress::FirstPageEnd);
    if !options.has_threads() && wanted(resolver, "__tls_base") {
        // Without threads there is one set of thread-local data; its place is known.
        // Objects refer to a variable, since they may be linked with threads too.
        resolver.made.tls_base = Some(global(
            resolver,
            "__tls_base",
            Mutability::Const,
            HIDDEN,
            MadeGlobal::TlsBase,
        ));
    }
    define_indirect_function_table(resolver);
    define_segment_bounds(resolver);
}

/// `__indirect_function_table`: always a symbol, so that it can be imported, exported and
/// named; whether the output has the table, synthesis decides.
fn define_indirect_function_table(resolver: &mut Resolver<'_>) {
    const NAME: &str = INDIRECT_FUNCTION_TABLE;
    if let Some(id) = resolver.table.find(NAME)
        && resolver.table.is_defined(id)
    {
        let diagnostic = Diagnostic::error(
            Code::Duplicate,
            format!("reserved name must not be defined in input files: {NAME}"),
        )
        .in_file(resolver.table.known_from(id));
        resolver.table.diagnostics.push(diagnostic);
        return;
    }
    let mut mention = own_mention(NAME, SymbolKind::Table, HIDDEN);
    mention.table_type = Some(indirect_function_table_type(resolver));
    let no_strip = resolver
        .table
        .find(NAME)
        .is_some_and(|id| resolver.table.symbols[id.index()].no_strip);
    let id = define(resolver, &mention, Definition::IndirectFunctionTable);
    let symbol = &mut resolver.table.symbols[id.index()];
    // A module offers its table to others only when it is told to.
    symbol.hidden = !resolver.options.exports_table();
    symbol.no_strip = no_strip;
    symbol.force_export |= resolver.options.exports_table();
    resolver.made.indirect_function_table = Some(id);
}

/// An object file imports the table. Objects from before tables had symbols
/// use it without naming it.
fn refer_to_indirect_function_table(resolver: &mut Resolver<'_>) {
    let mention = Mention {
        table_type: Some(indirect_function_table_type(resolver)),
        ..own_mention(
            INDIRECT_FUNCTION_TABLE,
            SymbolKind::Table,
            SymbolFlags::UNDEFINED | HIDDEN,
        )
    };
    let (super::Referred::To(id) | super::Referred::Pull(id, _)) = resolver.table.refer(&mention);
    resolver.made.indirect_function_table = Some(id);
}

fn indirect_function_table_type(resolver: &Resolver<'_>) -> TableType {
    TableType {
        element: RefType::FUNCREF,
        limits: Limits {
            is_64: is_64(resolver),
            ..Limits::default()
        },
    }
}

/// `__start_NAME` and `__stop_NAME` of the segments whose name is a C identifier.
fn define_segment_bounds(resolver: &mut Resolver<'_>) {
    let mut seen = HashSet::default();
    let segments: Vec<&str> = resolver
        .objects
        .iter()
        .flat_map(|object| object.segments.iter().map(|segment| segment.name))
        .filter(|name| is_c_identifier(name) && seen.insert(*name))
        .collect();
    for segment in segments {
        for (prefix, made) in [
            ("__start_", MadeAddress::SegmentStart),
            ("__stop_", MadeAddress::SegmentStop),
        ] {
            let name = format!("{prefix}{segment}");
            if wanted(resolver, &name) {
                // Whether it may be missing is asked once more when segments are left out.
                let weak = resolver.table.find(&name);
                let weak = weak.is_some_and(|id| resolver.table.symbols[id.index()].weak);
                let name = resolver.names.alloc_str(&name);
                let mention = own_mention(name, SymbolKind::Data, HIDDEN);
                let id = define(resolver, &mention, Definition::Address(made));
                resolver.table.symbols[id.index()].weak = weak;
            }
        }
    }
}

fn is_c_identifier(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn is_64(resolver: &Resolver<'_>) -> bool {
    resolver.is_64.unwrap_or(false)
}

/// Whether a file refers to an undefined `name`, or an export option asks for it.
fn wanted(resolver: &Resolver<'_>, name: &str) -> bool {
    let options = resolver.options;
    match resolver.table.find(name) {
        Some(id) if resolver.table.is_defined(id) => false,
        Some(id) if resolver.table.is_undefined(id) => true,
        _ => {
            options.export_all
                || options
                    .exports
                    .iter()
                    .chain(&options.exports_if_defined)
                    .any(|export| export == name)
                || super::defsym::is_target(name, options)
                || resolver.needed_by_stubs.contains(name)
        }
    }
}

fn function(
    resolver: &mut Resolver<'_>,
    name: &'static str,
    signature: &'static [u8],
    made: MadeFunction,
) -> SymbolId {
    let mention = Mention {
        signature: Some(signature),
        ..own_mention(name, SymbolKind::Function, HIDDEN)
    };
    define(resolver, &mention, Definition::Function(made))
}

pub(super) fn define<'a>(
    resolver: &mut Resolver<'a>,
    mention: &Mention<'a>,
    definition: Definition,
) -> SymbolId {
    let pointer = pointer(resolver);
    resolver.table.define_own(mention, definition, pointer)
}

/// The type of an address.
fn pointer(resolver: &Resolver<'_>) -> ValType {
    if is_64(resolver) {
        ValType::I64
    } else {
        ValType::I32
    }
}

fn pointer_global(resolver: &Resolver<'_>, mutability: Mutability) -> GlobalType {
    GlobalType {
        value: pointer(resolver),
        mutability,
    }
}

fn global(
    resolver: &mut Resolver<'_>,
    name: &'static str,
    mutability: Mutability,
    flags: SymbolFlags,
    made: MadeGlobal,
) -> SymbolId {
    let mention = Mention {
        global_type: Some(pointer_global(resolver, mutability)),
        ..own_mention(name, SymbolKind::Global, flags)
    };
    define(resolver, &mention, Definition::Global(made))
}

/// A global that a loader provides.
fn imported(resolver: &mut Resolver<'_>, name: &'static str, mutability: Mutability) -> SymbolId {
    let mention = Mention {
        global_type: Some(pointer_global(resolver, mutability)),
        import: Some(SymbolImport {
            module: "env",
            name,
            explicit: false,
        }),
        ..own_mention(name, SymbolKind::Global, SymbolFlags::UNDEFINED)
    };
    match resolver.table.refer(&mention) {
        super::Referred::To(id) | super::Referred::Pull(id, _) => {
            resolver.table.symbols[id.index()].used_in_object = true;
            id
        }
    }
}

/// A base that a loader would provide: a constant global, since position-independent code reads it
/// from one. If any file takes the name for an address instead, that is what it is to all of them.
fn base(
    resolver: &mut Resolver<'_>,
    name: &'static str,
    made: MadeGlobal,
    made_address: MadeAddress,
) {
    if !wanted(resolver, name) {
        return;
    }
    let table = &resolver.table;
    let is_global = table.find(name).is_none_or(|id| {
        let others = table.also.iter().any(|also| also.id == id);
        table.symbols[id.index()].kind == SymbolKind::Global && !others
    });
    if is_global {
        global(resolver, name, Mutability::Const, HIDDEN, made);
    } else {
        address(resolver, name, made_address);
    }
}

fn address(resolver: &mut Resolver<'_>, name: &'static str, made: MadeAddress) -> Option<SymbolId> {
    if !wanted(resolver, name) {
        return None;
    }
    let mention = own_mention(name, SymbolKind::Data, HIDDEN);
    Some(define(resolver, &mention, Definition::Address(made)))
}
