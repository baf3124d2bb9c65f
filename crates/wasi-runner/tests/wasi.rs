//! What the functions of WASI answer to a program.

use wasi_runner::{Output, Program, RunError};
use wasm_format::leb128::{put_i32, put_i64, put_u32};
use wasm_format::{
    ConstExpr, DataMode, DataSegment, EntityType, Export, ExternalKind, FuncType, Import, Limits,
    MODULE_HEADER, Opcode, SectionId, ValType, put_function_body, put_vector_section,
};

const I32: ValType = ValType::I32;

/// A program that imports functions of WASI with these types, has one page of memory that begins
/// with `data`, and the code `_start`.
fn program(imports: &[(&str, FuncType)], data: &[u8], code: &[u8]) -> Vec<u8> {
    let mut module = MODULE_HEADER.to_vec();
    let mut section = |id, count: usize, items: &[u8]| {
        put_vector_section(&mut module, id, count as u32, items);
    };
    let mut items = Vec::new();
    FuncType::default().encode(&mut items);
    for (_, ty) in imports {
        ty.encode(&mut items);
    }
    section(SectionId::Type, imports.len() + 1, &items);
    items.clear();
    for (ty, (field, _)) in (1..).zip(imports) {
        let module = "wasi_snapshot_preview1";
        let ty = EntityType::Func(ty);
        Import { module, field, ty }.encode(&mut items);
    }
    section(SectionId::Import, imports.len(), &items);
    section(SectionId::Function, 1, &[0]);
    items.clear();
    let limits = Limits {
        min: 1,
        ..Limits::default()
    };
    limits.encode(&mut items);
    section(SectionId::Memory, 1, &items);
    items.clear();
    for (name, kind, index) in [
        ("memory", ExternalKind::Memory, 0),
        ("_start", ExternalKind::Func, imports.len() as u32),
    ] {
        Export { name, kind, index }.encode(&mut items);
    }
    section(SectionId::Export, 2, &items);
    items.clear();
    put_function_body(&mut items, &[], code);
    section(SectionId::Code, 1, &items);
    items.clear();
    DataSegment {
        mode: DataMode::Active {
            memory: 0,
            offset: ConstExpr::i32(0),
        },
        bytes: data,
    }
    .encode(&mut items);
    section(SectionId::Data, 1, &items);
    module
}

/// `params` as a type: `i` is `i32`, `I` is `i64`.
fn returns_errno(params: &str) -> FuncType {
    let params = params.bytes().map(|code| match code {
        b'I' => ValType::I64,
        _ => I32,
    });
    FuncType::new(params, [I32])
}

fn proc_exit() -> (&'static str, FuncType) {
    ("proc_exit", FuncType::new([I32], []))
}

/// Appends constants of the types in `params`.
fn put_constants(code: &mut Vec<u8>, params: &str, values: &[i64]) {
    assert_eq!(params.len(), values.len());
    for (ty, value) in params.bytes().zip(values) {
        if ty == b'I' {
            Opcode::I64Const.encode(code);
            put_i64(code, *value);
        } else {
            Opcode::I32Const.encode(code);
            put_i32(code, *value as i32);
        }
    }
}

fn put_call(code: &mut Vec<u8>, function: u32) {
    Opcode::Call.encode(code);
    put_u32(code, function);
}

/// What a function returns for these arguments.
fn answer(function: &str, params: &str, values: &[i64]) -> i32 {
    let mut code = Vec::new();
    put_constants(&mut code, params, values);
    put_call(&mut code, 0);
    put_call(&mut code, 1);
    Opcode::End.encode(&mut code);
    let imports = [(function, returns_errno(params)), proc_exit()];
    let program = program(&imports, &[], &code);
    Program::new(&program).run().unwrap().exit_code
}

#[test]
fn a_function_says_why_it_did_nothing() {
    const BADF: i32 = 8;
    const FAULT: i32 = 21;
    const INVAL: i32 = 28;
    const SPIPE: i32 = 70;
    for (function, params, values, errno) in [
        ("sched_yield", "", &[][..], 0),
        ("environ_sizes_get", "ii", &[0, 4], 0),
        ("clock_res_get", "ii", &[0, 0], 0),
        ("clock_time_get", "iIi", &[0, 0, 0], 0),
        ("clock_time_get", "iIi", &[1, 0, 0], 0),
        ("clock_time_get", "iIi", &[9, 0, 0], INVAL),
        ("random_get", "ii", &[0, 100], 0),
        ("random_get", "ii", &[65_500, 100], FAULT),
        ("args_get", "ii", &[0, 65_535], FAULT),
        ("args_sizes_get", "ii", &[0, 65_533], FAULT),
        ("fd_close", "i", &[1], 0),
        ("fd_close", "i", &[3], BADF),
        ("fd_fdstat_get", "ii", &[0, 0], 0),
        ("fd_fdstat_get", "ii", &[3, 0], BADF),
        ("fd_read", "iiii", &[1, 0, 0, 0], BADF),
        ("fd_write", "iiii", &[0, 0, 0, 0], BADF),
        ("fd_write", "iiii", &[1, -8, 1, 0], FAULT),
        ("fd_write", "iiii", &[1, 0, -1, 0], FAULT),
        ("fd_seek", "iIii", &[1, 0, 0, 0], SPIPE),
        ("fd_prestat_get", "ii", &[3, 0], BADF),
        ("path_open", "iiiiiIIii", &[3, 0, 0, 0, 0, 0, 0, 0, 0], BADF),
    ] {
        assert_eq!(answer(function, params, values), errno, "{function}");
    }
}

#[test]
fn a_program_has_arguments_and_standard_streams() {
    // A buffer of 64 bytes at 16, how many were read at the place of its length.
    let list = [16, 64].map(u32::to_le_bytes).concat();
    let imports = [
        ("fd_read", returns_errno("iiii")),
        ("fd_write", returns_errno("iiii")),
        ("args_sizes_get", returns_errno("ii")),
        proc_exit(),
    ];
    let mut code = Vec::new();
    for (function, params, values) in [
        (0, "iiii", &[0, 0, 1, 4][..]),
        (1, "iiii", &[1, 0, 1, 12]),
        (1, "iiii", &[2, 0, 1, 12]),
        (2, "ii", &[8, 12]),
    ] {
        put_constants(&mut code, params, values);
        put_call(&mut code, function);
        Opcode::Drop.encode(&mut code);
    }
    put_constants(&mut code, "i", &[8]);
    Opcode::I32Load.encode(&mut code);
    code.extend([2, 0]);
    put_call(&mut code, 3);
    Opcode::End.encode(&mut code);
    let program = program(&imports, &list, &code);
    let output = Program::new(&program).arg("a").arg("b").stdin("hello");
    let expected = Output {
        exit_code: 3,
        stdout: "hello".to_owned(),
        stderr: "hello".to_owned(),
    };
    assert_eq!(output.run().unwrap(), expected);
}

#[test]
fn an_argument_with_a_zero_byte_is_refused() {
    let program = program(&[], &[], &[0x0b]);
    let error = Program::new(&program).arg("a\0b").run().unwrap_err();
    assert!(matches!(error, RunError::Argument(_)), "{error}");
}

#[test]
fn an_import_of_another_type_is_named() {
    let imports = [("fd_write", returns_errno("")), proc_exit()];
    let program = program(&imports, &[], &[0x0b]);
    let error = Program::new(&program).run().unwrap_err();
    assert!(matches!(error, RunError::Import(_)), "{error}");
    assert!(error.to_string().contains("fd_write"), "{error}");
}
