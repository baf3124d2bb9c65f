//! An object that has something of everything.

use wasm_format::linking::{
    ComdatEntry, ComdatKind, InitFunc, SegmentFlags, SymbolFlags, SymbolTarget,
};
use wasm_format::reloc::{RelocEntry, RelocType};
use wasm_format::{
    ConstExpr, EntityType, Export, ExternalKind, FuncType, Global, GlobalType, Limits, Mutability,
    RefType, TableType, ValType,
};

use crate::common::{
    CustomDef, FunctionDef, ObjectFile, SegmentDef, call, data_symbol, import, reloc, symbol,
    undefined,
};

/// Indices of the sample's symbols.
pub(crate) const CALLEE: u32 = 0;
pub(crate) const MAIN: u32 = 1;
pub(crate) const GREETING: u32 = 3;
pub(crate) const STACK_POINTER: u32 = 5;
pub(crate) const TABLE: u32 = 6;
pub(crate) const DEBUG_INFO: u32 = 8;

pub(crate) fn object() -> ObjectFile<'static> {
    let (call, call_reloc) = call(0, CALLEE);
    let mut code = call.to_vec();
    // global.get __stack_pointer, drop, i32.const greeting + 4, drop
    code.extend([0x23, 0x80, 0x80, 0x80, 0x80, 0x00, 0x1a]);
    code.extend([0x41, 0x80, 0x80, 0x80, 0x80, 0x00, 0x1a, 0x0b]);
    let address = RelocEntry {
        addend: 4,
        ..reloc(RelocType::MemoryAddrSleb, 14, GREETING)
    };
    let pointer = GlobalType {
        value: ValType::I32,
        mutability: Mutability::Var,
    };
    let table = TableType {
        element: RefType::FUNCREF,
        limits: Limits::default(),
    };
    ObjectFile {
        types: vec![
            FuncType::default(),
            FuncType::new([ValType::I32, ValType::FUNCREF], [ValType::I64]),
        ],
        imports: vec![
            import("__linear_memory", EntityType::Memory(Limits::default())),
            import("callee", EntityType::Func(0)),
            import("__stack_pointer", EntityType::Global(pointer)),
            import("__indirect_function_table", EntityType::Table(table)),
        ],
        functions: vec![
            FunctionDef {
                code,
                relocs: vec![
                    call_reloc,
                    reloc(RelocType::GlobalIndexLeb, 7, STACK_POINTER),
                    address,
                ],
                ..FunctionDef::default()
            },
            FunctionDef {
                ty: 1,
                code: vec![0x42, 0, 0x0b],
                ..FunctionDef::default()
            },
        ],
        tags: vec![0],
        globals: vec![Global {
            ty: pointer,
            init: ConstExpr::i32(7),
        }],
        exports: vec![Export {
            name: "exported_main",
            kind: ExternalKind::Func,
            index: 1,
        }],
        segments: vec![
            SegmentDef {
                name: ".rodata.greeting",
                bytes: b"hello, world\0".to_vec(),
                flags: SegmentFlags::STRINGS,
                ..SegmentDef::default()
            },
            SegmentDef {
                name: ".data.pointers",
                bytes: vec![0; 8],
                align_log2: 2,
                relocs: vec![
                    reloc(RelocType::MemoryAddrI32, 0, GREETING),
                    reloc(RelocType::TableIndexI32, 4, MAIN),
                ],
                ..SegmentDef::default()
            },
        ],
        symbols: vec![
            undefined(SymbolTarget::Function(0)),
            symbol("main", SymbolTarget::Function(1)),
            symbol("inline", SymbolTarget::Function(2)),
            data_symbol("greeting", 0, 0, 13),
            data_symbol("pointers", 1, 0, 8),
            undefined(SymbolTarget::Global(0)),
            undefined(SymbolTarget::Table(0)),
            symbol("counter", SymbolTarget::Global(1)),
            wasm_format::linking::SymbolEntry {
                flags: SymbolFlags::BINDING_LOCAL,
                name: None,
                // Type, import, function, tag, global, export, data count, code, data.
                target: SymbolTarget::Section(9),
            },
            symbol("exception", SymbolTarget::Tag(0)),
        ],
        init_funcs: vec![InitFunc {
            priority: 100,
            symbol: MAIN,
        }],
        comdats: vec![(
            "inline",
            0,
            vec![ComdatEntry {
                kind: ComdatKind::Function,
                index: 2,
            }],
        )],
        customs: vec![
            CustomDef {
                name: ".debug_info",
                bytes: vec![0; 12],
                relocs: vec![
                    reloc(RelocType::SectionOffsetI32, 0, DEBUG_INFO),
                    reloc(RelocType::FunctionOffsetI32, 8, MAIN),
                ],
            },
            CustomDef {
                name: "my section",
                bytes: b"mine".to_vec(),
                relocs: vec![],
            },
        ],
        function_names: Some(vec![(1, "main function")]),
        ..ObjectFile::default()
    }
}
