//! Standard sections: what is written here, `wasmparser` reads back equal.

use proptest::collection::vec;
use proptest::prelude::*;
use wasm_format::{
    ConstExpr, ConstOp, DataMode, DataSegment, ElementItems, ElementMode, ElementSegment,
    EntityType, Export, ExternalKind, FuncType, Global, GlobalType, HeapType, Import, Limits,
    MODULE_HEADER, MemoryType, Mutability, Reader, RefType, ReservedSection, SectionId, Table,
    TableType, ValType, leb128, put_custom_section, put_data_count_section, put_function_body,
    put_start_section, put_tag, put_vector_section,
};
use wasmparser::{BinaryReader, FromReader, Operator, Parser, Payload, SectionLimited};

// What is generated.

fn heap_type() -> impl Strategy<Value = HeapType> {
    prop_oneof![
        prop::sample::select(vec![
            HeapType::NoExn,
            HeapType::NoFunc,
            HeapType::NoExtern,
            HeapType::None,
            HeapType::Func,
            HeapType::Extern,
            HeapType::Any,
            HeapType::Eq,
            HeapType::I31,
            HeapType::Struct,
            HeapType::Array,
            HeapType::Exn,
        ]),
        // `wasmparser` packs a type's index into 20 bits.
        (0..1u32 << 20).prop_map(HeapType::Concrete),
    ]
}

fn ref_type() -> impl Strategy<Value = RefType> {
    (any::<bool>(), heap_type()).prop_map(|(nullable, heap)| RefType { nullable, heap })
}

fn val_type() -> impl Strategy<Value = ValType> {
    prop_oneof![
        Just(ValType::I32),
        Just(ValType::I64),
        Just(ValType::F32),
        Just(ValType::F64),
        Just(ValType::V128),
        ref_type().prop_map(ValType::Ref),
    ]
}

fn func_type() -> impl Strategy<Value = FuncType> {
    (vec(val_type(), 0..20), vec(val_type(), 0..5))
        .prop_map(|(params, results)| FuncType::new(params, results))
}

fn limits() -> impl Strategy<Value = Limits> {
    let sizes = (any::<u64>(), any::<Option<u64>>());
    (sizes, any::<bool>(), any::<bool>()).prop_map(|((min, max), shared, is_64)| {
        let fit = |size| if is_64 { size } else { size & 0xffff_ffff };
        Limits {
            min: fit(min),
            max: max.map(fit),
            shared,
            is_64,
            page_size_log2: None,
        }
    })
}

fn memory_type() -> impl Strategy<Value = MemoryType> {
    (limits(), prop::option::of(prop_oneof![Just(0), Just(16)])).prop_map(|(limits, page)| Limits {
        page_size_log2: page,
        ..limits
    })
}

fn table_type() -> impl Strategy<Value = TableType> {
    (ref_type(), limits()).prop_map(|(element, limits)| TableType { element, limits })
}

fn global_type() -> impl Strategy<Value = GlobalType> {
    (val_type(), any::<bool>()).prop_map(|(value, mutable)| GlobalType {
        value,
        mutability: if mutable {
            Mutability::Var
        } else {
            Mutability::Const
        },
    })
}

fn entity_type() -> impl Strategy<Value = EntityType> {
    prop_oneof![
        any::<u32>().prop_map(EntityType::Func),
        table_type().prop_map(EntityType::Table),
        memory_type().prop_map(EntityType::Memory),
        global_type().prop_map(EntityType::Global),
        any::<u32>().prop_map(EntityType::Tag),
    ]
}

fn const_op() -> impl Strategy<Value = ConstOp> {
    prop_oneof![
        any::<i32>().prop_map(ConstOp::I32Const),
        any::<i64>().prop_map(ConstOp::I64Const),
        any::<u32>().prop_map(ConstOp::F32Const),
        any::<u64>().prop_map(ConstOp::F64Const),
        any::<[u8; 16]>().prop_map(ConstOp::V128Const),
        any::<u32>().prop_map(ConstOp::GlobalGet),
        heap_type().prop_map(ConstOp::RefNull),
        any::<u32>().prop_map(ConstOp::RefFunc),
        any::<u32>().prop_map(ConstOp::StructNew),
        any::<u32>().prop_map(ConstOp::StructNewDefault),
        any::<u32>().prop_map(ConstOp::ArrayNew),
        any::<u32>().prop_map(ConstOp::ArrayNewDefault),
        any::<(u32, u32)>().prop_map(|(ty, len)| ConstOp::ArrayNewFixed { ty, len }),
        prop::sample::select(vec![
            ConstOp::I32Add,
            ConstOp::I32Sub,
            ConstOp::I32Mul,
            ConstOp::I64Add,
            ConstOp::I64Sub,
            ConstOp::I64Mul,
            ConstOp::RefI31,
            ConstOp::AnyConvertExtern,
            ConstOp::ExternConvertAny,
        ]),
    ]
}

fn const_ops() -> impl Strategy<Value = Vec<ConstOp>> {
    vec(const_op(), 0..5)
}

// What `wasmparser` read, in the types of this crate.

fn heap(ty: wasmparser::HeapType) -> HeapType {
    use wasmparser::AbstractHeapType as Abstract;
    match ty {
        wasmparser::HeapType::Concrete(index) => {
            HeapType::Concrete(index.as_module_index().expect("a module's type"))
        }
        wasmparser::HeapType::Abstract { shared: false, ty } => match ty {
            Abstract::Func => HeapType::Func,
            Abstract::Extern => HeapType::Extern,
            Abstract::Any => HeapType::Any,
            Abstract::None => HeapType::None,
            Abstract::NoExtern => HeapType::NoExtern,
            Abstract::NoFunc => HeapType::NoFunc,
            Abstract::Eq => HeapType::Eq,
            Abstract::Struct => HeapType::Struct,
            Abstract::Array => HeapType::Array,
            Abstract::I31 => HeapType::I31,
            Abstract::Exn => HeapType::Exn,
            Abstract::NoExn => HeapType::NoExn,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

fn reference(ty: wasmparser::RefType) -> RefType {
    RefType {
        nullable: ty.is_nullable(),
        heap: heap(ty.heap_type()),
    }
}

fn value(ty: wasmparser::ValType) -> ValType {
    match ty {
        wasmparser::ValType::I32 => ValType::I32,
        wasmparser::ValType::I64 => ValType::I64,
        wasmparser::ValType::F32 => ValType::F32,
        wasmparser::ValType::F64 => ValType::F64,
        wasmparser::ValType::V128 => ValType::V128,
        wasmparser::ValType::Ref(ty) => ValType::Ref(reference(ty)),
    }
}

fn memory(ty: wasmparser::MemoryType) -> MemoryType {
    Limits {
        min: ty.initial,
        max: ty.maximum,
        shared: ty.shared,
        is_64: ty.memory64,
        page_size_log2: ty.page_size_log2,
    }
}

fn table(ty: wasmparser::TableType) -> TableType {
    TableType {
        element: reference(ty.element_type),
        limits: Limits {
            min: ty.initial,
            max: ty.maximum,
            shared: ty.shared,
            is_64: ty.table64,
            page_size_log2: None,
        },
    }
}

fn global(ty: wasmparser::GlobalType) -> GlobalType {
    GlobalType {
        value: value(ty.content_type),
        mutability: if ty.mutable {
            Mutability::Var
        } else {
            Mutability::Const
        },
    }
}

fn entity(ty: wasmparser::TypeRef) -> EntityType {
    match ty {
        wasmparser::TypeRef::Func(ty) => EntityType::Func(ty),
        wasmparser::TypeRef::Table(ty) => EntityType::Table(table(ty)),
        wasmparser::TypeRef::Memory(ty) => EntityType::Memory(memory(ty)),
        wasmparser::TypeRef::Global(ty) => EntityType::Global(global(ty)),
        wasmparser::TypeRef::Tag(ty) => EntityType::Tag(ty.func_type_idx),
        wasmparser::TypeRef::FuncExact(_) => panic!("exact imports are not written"),
    }
}

fn expr(expr: &wasmparser::ConstExpr<'_>) -> Vec<ConstOp> {
    let mut ops = Vec::new();
    for op in expr.get_operators_reader() {
        ops.push(match op.expect("readable") {
            Operator::I32Const { value } => ConstOp::I32Const(value),
            Operator::I64Const { value } => ConstOp::I64Const(value),
            Operator::F32Const { value } => ConstOp::F32Const(value.bits()),
            Operator::F64Const { value } => ConstOp::F64Const(value.bits()),
            Operator::V128Const { value } => ConstOp::V128Const(*value.bytes()),
            Operator::GlobalGet { global_index } => ConstOp::GlobalGet(global_index),
            Operator::RefNull { hty } => ConstOp::RefNull(heap(hty)),
            Operator::RefFunc { function_index } => ConstOp::RefFunc(function_index),
            Operator::I32Add => ConstOp::I32Add,
            Operator::I32Sub => ConstOp::I32Sub,
            Operator::I32Mul => ConstOp::I32Mul,
            Operator::I64Add => ConstOp::I64Add,
            Operator::I64Sub => ConstOp::I64Sub,
            Operator::I64Mul => ConstOp::I64Mul,
            Operator::StructNew { struct_type_index } => ConstOp::StructNew(struct_type_index),
            Operator::StructNewDefault { struct_type_index } => {
                ConstOp::StructNewDefault(struct_type_index)
            }
            Operator::ArrayNew { array_type_index } => ConstOp::ArrayNew(array_type_index),
            Operator::ArrayNewDefault { array_type_index } => {
                ConstOp::ArrayNewDefault(array_type_index)
            }
            Operator::ArrayNewFixed {
                array_type_index,
                array_size,
            } => ConstOp::ArrayNewFixed {
                ty: array_type_index,
                len: array_size,
            },
            Operator::RefI31 => ConstOp::RefI31,
            Operator::AnyConvertExtern => ConstOp::AnyConvertExtern,
            Operator::ExternConvertAny => ConstOp::ExternConvertAny,
            Operator::End => break,
            other => panic!("{other:?}"),
        });
    }
    ops
}

/// Puts the section both ways, with a compact header and with a reserved one, and hands
/// what `wasmparser` made of each to `check`.
fn both_forms(
    id: SectionId,
    count: usize,
    items: &[u8],
    mut check: impl FnMut(Payload<'_>) -> Result<(), TestCaseError>,
) -> Result<(), TestCaseError> {
    let mut compact = MODULE_HEADER.to_vec();
    put_vector_section(&mut compact, id, count as u32, items);

    let mut reserved = MODULE_HEADER.to_vec();
    let section = ReservedSection::begin_vector(&mut reserved, id);
    reserved.extend_from_slice(items);
    section.finish(&mut reserved, count as u32);

    for module in [compact, reserved] {
        // No further: the end of a module wants as many bodies as functions, for one.
        let payload = Parser::new(0).parse_all(&module).nth(1);
        let payload = payload
            .ok_or_else(|| TestCaseError::fail("no section"))?
            .map_err(|error| TestCaseError::fail(error.to_string()))?;
        check(payload)?;
    }
    Ok(())
}

fn all<'a, T: FromReader<'a>>(section: SectionLimited<'a, T>) -> Result<Vec<T>, TestCaseError> {
    section
        .into_iter()
        .collect::<Result<_, _>>()
        .map_err(|error| TestCaseError::fail(error.to_string()))
}

macro_rules! expect {
    ($payload:expr, $variant:ident) => {
        match $payload {
            Payload::$variant(section) => section,
            other => return Err(TestCaseError::fail(format!("{other:?}"))),
        }
    };
}

proptest! {
    #[test]
    fn types(types in vec(func_type(), 0..20)) {
        let mut items = Vec::new();
        for ty in &types {
            ty.encode(&mut items);
        }
        both_forms(SectionId::Type, types.len(), &items, |payload| {
            let section = expect!(payload, TypeSection).into_iter_err_on_gc_types();
            let read = section.map(|ty| {
                let ty = ty.expect("readable");
                let list = |types: &[wasmparser::ValType]| -> Vec<_> {
                    types.iter().map(|&ty| value(ty)).collect()
                };
                FuncType::new(list(ty.params()), list(ty.results()))
            });
            prop_assert_eq!(read.collect::<Vec<_>>(), types.clone());
            Ok(())
        })?;
        // And as this crate reads them.
        let mut reader = Reader::new(&items);
        for ty in &types {
            prop_assert_eq!(&FuncType::decode(&mut reader).expect("written here"), ty);
        }
        prop_assert!(reader.is_empty());
    }

    #[test]
    fn imports(imports in vec(("\\PC{0,8}", "\\PC{0,8}", entity_type()), 0..20)) {
        let mut items = Vec::new();
        for (module, field, ty) in &imports {
            Import { module, field, ty: *ty }.encode(&mut items);
        }
        both_forms(SectionId::Import, imports.len(), &items, |payload| {
            let section = expect!(payload, ImportSection);
            let read = section.into_imports().map(|import| {
                let import = import.expect("readable");
                (import.module.to_owned(), import.name.to_owned(), entity(import.ty))
            });
            prop_assert_eq!(read.collect::<Vec<_>>(), imports.clone());
            Ok(())
        })?;
    }

    #[test]
    fn functions(types in vec(any::<u32>(), 0..50)) {
        let mut items = Vec::new();
        for &ty in &types {
            leb128::put_u32(&mut items, ty);
        }
        both_forms(SectionId::Function, types.len(), &items, |payload| {
            prop_assert_eq!(all(expect!(payload, FunctionSection))?, types.clone());
            Ok(())
        })?;
    }

    #[test]
    fn tables(tables in vec((table_type(), prop::option::of(const_ops())), 0..10)) {
        let mut items = Vec::new();
        for (ty, init) in &tables {
            Table { ty: *ty, init: init.as_deref().map(ConstExpr::new) }.encode(&mut items);
        }
        both_forms(SectionId::Table, tables.len(), &items, |payload| {
            let read = all(expect!(payload, TableSection))?.into_iter().map(|read| {
                let init = match read.init {
                    wasmparser::TableInit::RefNull => None,
                    wasmparser::TableInit::Expr(init) => Some(expr(&init)),
                };
                (table(read.ty), init)
            });
            prop_assert_eq!(read.collect::<Vec<_>>(), tables.clone());
            Ok(())
        })?;
        for (ty, _) in &tables {
            let mut bytes = Vec::new();
            ty.encode(&mut bytes);
            prop_assert_eq!(TableType::decode(&mut Reader::new(&bytes)), Ok(*ty));
        }
    }

    #[test]
    fn memories(memories in vec(memory_type(), 0..10)) {
        let mut items = Vec::new();
        for ty in &memories {
            ty.encode(&mut items);
        }
        both_forms(SectionId::Memory, memories.len(), &items, |payload| {
            let read = all(expect!(payload, MemorySection))?.into_iter().map(memory);
            prop_assert_eq!(read.collect::<Vec<_>>(), memories.clone());
            Ok(())
        })?;
        let mut reader = Reader::new(&items);
        for &ty in &memories {
            prop_assert_eq!(MemoryType::decode(&mut reader), Ok(ty));
        }
    }

    #[test]
    fn tags(types in vec(any::<u32>(), 0..10)) {
        let mut items = Vec::new();
        for &ty in &types {
            put_tag(&mut items, ty);
        }
        both_forms(SectionId::Tag, types.len(), &items, |payload| {
            let read = all(expect!(payload, TagSection))?;
            let read = read.into_iter().map(|tag| tag.func_type_idx);
            prop_assert_eq!(read.collect::<Vec<_>>(), types.clone());
            Ok(())
        })?;
    }

    #[test]
    fn globals(globals in vec((global_type(), const_ops()), 0..20)) {
        let mut items = Vec::new();
        for (ty, init) in &globals {
            Global { ty: *ty, init: ConstExpr::new(init) }.encode(&mut items);
        }
        both_forms(SectionId::Global, globals.len(), &items, |payload| {
            let read = all(expect!(payload, GlobalSection))?;
            let read = read.into_iter().map(|read| (global(read.ty), expr(&read.init_expr)));
            prop_assert_eq!(read.collect::<Vec<_>>(), globals.clone());
            Ok(())
        })?;
        let mut reader = Reader::new(&items);
        for (ty, init) in &globals {
            prop_assert_eq!(GlobalType::decode(&mut reader), Ok(*ty));
            let read = ConstExpr::decode(&mut reader).expect("written here");
            prop_assert_eq!(read, ConstExpr::new(init));
            let mut again = Vec::new();
            read.encode(&mut again);
            let mut first = Vec::new();
            ConstExpr::new(init).encode(&mut first);
            prop_assert_eq!(again, first);
        }
        prop_assert!(reader.is_empty());
    }

    #[test]
    fn exports(exports in vec(("\\PC{0,8}", 0..5u8, any::<u32>()), 0..20)) {
        let mut items = Vec::new();
        for (name, kind, index) in &exports {
            let kind = ExternalKind::from_u8(*kind).expect("five kinds");
            Export { name, kind, index: *index }.encode(&mut items);
        }
        both_forms(SectionId::Export, exports.len(), &items, |payload| {
            let read = all(expect!(payload, ExportSection))?.into_iter().map(|export| {
                use wasmparser::ExternalKind as Kind;
                let kind = match export.kind {
                    Kind::Func => 0,
                    Kind::Table => 1,
                    Kind::Memory => 2,
                    Kind::Global => 3,
                    Kind::Tag => 4,
                    Kind::FuncExact => 5,
                };
                (export.name.to_owned(), kind, export.index)
            });
            prop_assert_eq!(read.collect::<Vec<_>>(), exports.clone());
            Ok(())
        })?;
    }

    #[test]
    fn numbers_on_their_own(number in any::<u32>()) {
        let mut module = MODULE_HEADER.to_vec();
        put_start_section(&mut module, number);
        put_data_count_section(&mut module, number);
        let payloads = Parser::new(0).parse_all(&module).take(3);
        match &payloads.collect::<Result<Vec<_>, _>>().expect("readable")[1..] {
            [Payload::StartSection { func, .. }, Payload::DataCountSection { count, .. }] => {
                prop_assert_eq!((*func, *count), (number, number));
            }
            other => return Err(TestCaseError::fail(format!("{other:?}"))),
        }
    }

    #[test]
    fn elements(segments in vec(
        (
            prop_oneof![
                (prop_oneof![Just(0), any::<u32>()], const_ops()).prop_map(Some).prop_map(Ok),
                Just(Ok(None)),
                Just(Err(())),
            ],
            prop_oneof![
                vec(any::<u32>(), 0..20).prop_map(Ok),
                (
                    prop_oneof![Just(RefType::FUNCREF), ref_type()],
                    vec(const_ops(), 0..5),
                )
                    .prop_map(Err),
            ],
        ),
        0..10,
    )) {
        let mut items = Vec::new();
        for (mode, contents) in &segments {
            let mode = match mode {
                Ok(Some((table, offset))) => {
                    ElementMode::Active { table: *table, offset: ConstExpr::new(offset) }
                }
                Ok(None) => ElementMode::Passive,
                Err(()) => ElementMode::Declared,
            };
            let exprs: Vec<_>;
            let contents = match contents {
                Ok(functions) => ElementItems::Functions(functions),
                Err((ty, ops)) => {
                    exprs = ops.iter().map(|ops| ConstExpr::new(ops)).collect();
                    ElementItems::Exprs(*ty, &exprs)
                }
            };
            ElementSegment { mode, items: contents }.encode(&mut items);
        }
        both_forms(SectionId::Element, segments.len(), &items, |payload| {
            let mut read = Vec::new();
            for segment in all(expect!(payload, ElementSection))? {
                let mode = match segment.kind {
                    wasmparser::ElementKind::Passive => Ok(None),
                    wasmparser::ElementKind::Active { table_index, offset_expr } => {
                        Ok(Some((table_index.unwrap_or(0), expr(&offset_expr))))
                    }
                    wasmparser::ElementKind::Declared => Err(()),
                };
                let contents = match segment.items {
                    wasmparser::ElementItems::Functions(functions) => Ok(all(functions)?),
                    wasmparser::ElementItems::Expressions(ty, exprs) => {
                        Err((reference(ty), all(exprs)?.iter().map(expr).collect()))
                    }
                };
                read.push((mode, contents));
            }
            prop_assert_eq!(read, segments.clone());
            Ok(())
        })?;
    }

    #[test]
    fn data(segments in vec(
        (
            prop::option::of((prop_oneof![Just(0), any::<u32>()], const_ops())),
            vec(any::<u8>(), 0..300),
        ),
        0..10,
    )) {
        let mut items = Vec::new();
        for (mode, bytes) in &segments {
            let mode = match mode {
                Some((memory, offset)) => {
                    DataMode::Active { memory: *memory, offset: ConstExpr::new(offset) }
                }
                None => DataMode::Passive,
            };
            DataSegment { mode, bytes }.encode(&mut items);
        }
        both_forms(SectionId::Data, segments.len(), &items, |payload| {
            let read = all(expect!(payload, DataSection))?.into_iter().map(|segment| {
                let mode = match segment.kind {
                    wasmparser::DataKind::Passive => None,
                    wasmparser::DataKind::Active { memory_index, offset_expr } => {
                        Some((memory_index, expr(&offset_expr)))
                    }
                };
                (mode, segment.data.to_vec())
            });
            prop_assert_eq!(read.collect::<Vec<_>>(), segments.clone());
            Ok(())
        })?;
    }

    #[test]
    fn code(bodies in vec(
        (vec((0..5000u32, val_type()), 0..6), vec(Just(0x01u8), 0..300)),
        0..10,
    )) {
        let mut module = MODULE_HEADER.to_vec();
        let mut items = Vec::new();
        for (locals, nops) in &bodies {
            let code = [&nops[..], &[0x0b]].concat();
            put_function_body(&mut items, locals, &code);
        }
        let count = bodies.len() as u32;
        put_vector_section(&mut module, SectionId::Function, count, &vec![0; bodies.len()]);
        put_vector_section(&mut module, SectionId::Code, count, &items);
        let mut read = Vec::new();
        for payload in Parser::new(0).parse_all(&module) {
            if let Payload::CodeSectionEntry(body) = payload.expect("readable") {
                let locals = body.get_locals_reader().expect("readable").into_iter();
                let locals = locals.map(|run| run.map(|(count, ty)| (count, value(ty))));
                let code = body.get_operators_reader().expect("readable");
                let mut code = code.get_binary_reader();
                let len = code.bytes_remaining();
                let code = code.read_bytes(len).expect("readable");
                read.push((
                    locals.collect::<Result<Vec<_>, _>>().expect("readable"),
                    code[..len - 1].to_vec(),
                ));
            }
        }
        prop_assert_eq!(read, bodies);
    }

    #[test]
    fn custom_sections(name in "\\PC{0,200}", body in vec(any::<u8>(), 0..300)) {
        let mut compact = MODULE_HEADER.to_vec();
        wasm_format::put_custom_section(&mut compact, &name, &body);
        let mut reserved = MODULE_HEADER.to_vec();
        let section = ReservedSection::begin_custom(&mut reserved, &name);
        reserved.extend_from_slice(&body);
        section.finish(&mut reserved, 0);
        for module in [compact, reserved] {
            let payloads = Parser::new(0).parse_all(&module).collect::<Result<Vec<_>, _>>();
            match &payloads.expect("readable")[1..2] {
                [Payload::CustomSection(section)] => {
                    prop_assert_eq!(section.name(), &name);
                    prop_assert_eq!(section.data(), &body);
                }
                other => return Err(TestCaseError::fail(format!("{other:?}"))),
            }
        }
    }

    /// Headers that are written in place are those that are reserved and patched.
    #[test]
    fn headers_in_place(count in any::<u32>(), len in 0..1000usize) {
        let mut patched = Vec::new();
        let section = ReservedSection::begin_vector(&mut patched, SectionId::Data);
        patched.resize(patched.len() + len, 0);
        section.finish(&mut patched, count);
        let mut placed = vec![0; ReservedSection::VECTOR_HEADER_LEN + len];
        let header =
            wasm_format::write_vector_section_header(&mut placed, SectionId::Data, count, len as u32);
        prop_assert_eq!(header, ReservedSection::VECTOR_HEADER_LEN);
        prop_assert_eq!(placed, patched);

        let mut patched = Vec::new();
        let section = ReservedSection::begin(&mut patched, SectionId::Start);
        patched.resize(patched.len() + len, 0);
        section.finish(&mut patched, count);
        let mut placed = vec![0; ReservedSection::HEADER_LEN + len];
        let header =
            wasm_format::write_section_header(&mut placed, SectionId::Start, len as u32);
        prop_assert_eq!(header, ReservedSection::HEADER_LEN);
        prop_assert_eq!(placed, patched);
    }
}

/// `SectionId::IN_ORDER` is the order that `wasmparser`'s validator asks for.
#[test]
fn sections_have_the_order_that_validation_wants() {
    let module = |ids: &[SectionId]| {
        let mut module = MODULE_HEADER.to_vec();
        for &id in ids {
            match id {
                // Its only body is a function's index, which there is none of.
                SectionId::Start => {}
                SectionId::DataCount => put_data_count_section(&mut module, 0),
                id => put_vector_section(&mut module, id, 0, &[]),
            }
        }
        module
    };
    wasmparser::validate(&module(&SectionId::IN_ORDER)).expect("in order");
    let without_start: Vec<_> = SectionId::IN_ORDER
        .into_iter()
        .filter(|&id| id != SectionId::Start)
        .collect();
    for i in 1..without_start.len() {
        let mut swapped = without_start.clone();
        swapped.swap(i - 1, i);
        let error = wasmparser::validate(&module(&swapped))
            .err()
            .expect("out of order");
        assert!(error.message().contains("out of order"), "{error}");
    }
    for (rank, id) in SectionId::IN_ORDER.into_iter().enumerate() {
        assert_eq!(id.rank(), Some(rank));
        assert_eq!(SectionId::from_u8(id as u8), Some(id));
    }
    assert_eq!(SectionId::Custom.rank(), None);
    assert_eq!(SectionId::from_u8(14), None);
}

#[test]
fn sections_are_read_one_after_another() {
    let mut module = MODULE_HEADER.to_vec();
    put_data_count_section(&mut module, 3);
    put_custom_section(&mut module, "name", b"x");
    module.extend_from_slice(&[11, 2, 0]); // a data section of two bytes, one of which is there

    let mut reader = Reader::new(&module);
    reader.module_header().expect("a module");
    let (id, mut contents) = reader.section().expect("a section");
    assert_eq!((id, contents.u32()), (SectionId::DataCount, Ok(3)));
    let (id, mut contents) = reader.section().expect("a section");
    assert_eq!((id, contents.name()), (SectionId::Custom, Ok("name")));
    // Offsets are those of the file.
    assert_eq!(module[contents.offset()..][..contents.remaining()], *b"x");
    let error = reader.section().expect_err("cut off");
    assert_eq!(error.to_string(), "unexpected end of data (at offset 0x15)");

    for (bytes, expected) in [
        (
            &b"\0asm\x0d\0\x01\0"[..],
            "unsupported module version 65549 (expected 1) (at offset 0x4)",
        ),
        (
            b"!<arch>\n",
            "this is no WebAssembly module (at offset 0x0)",
        ),
        (b"\0as", "unexpected end of data (at offset 0x0)"),
    ] {
        let error = Reader::new(bytes).module_header().expect_err("no module");
        assert_eq!(error.to_string(), expected);
    }
    let error = Reader::at(&[14, 0], 8)
        .section()
        .expect_err("no such section");
    assert_eq!(error.to_string(), "unknown section id 0xe (at offset 0x8)");
}

#[test]
fn the_reader_of_wasmparser_agrees_on_where_an_expression_ends() {
    let mut bytes = Vec::new();
    ConstExpr::address(0x1_0000_0000, true).encode(&mut bytes);
    bytes.extend_from_slice(&[0xde, 0xad]);
    let mut theirs = BinaryReader::new(&bytes, 0);
    let read = wasmparser::ConstExpr::from_reader(&mut theirs).expect("readable");
    assert_eq!(expr(&read), [ConstOp::I64Const(0x1_0000_0000)]);
    let mut ours = Reader::new(&bytes);
    let read = ConstExpr::decode(&mut ours).expect("readable");
    assert_eq!(read.single(), Some(ConstOp::I64Const(0x1_0000_0000)));
    assert_eq!(ours.rest(), [0xde, 0xad]);
}
