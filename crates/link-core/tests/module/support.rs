//! What the tests share: validating, printing and running modules.

use link_core::module::{FuncId, FunctionBody, Module};
use wasm_format::{FuncType, ValType};
use wasmparser::{Validator, WasmFeatures};

pub(crate) const I32: ValType = ValType::I32;

/// The finished module, after `wasmparser` has found it valid.
pub(crate) fn flush(module: &Module) -> Vec<u8> {
    let bytes = module.flush().expect("the module is complete").bytes;
    validate(&bytes);
    let again = module.flush().expect("nothing changed").bytes;
    assert!(bytes == again, "two flushes without a change differ");
    bytes
}

pub(crate) fn validate(bytes: &[u8]) {
    let mut validator = Validator::new_with_features(WasmFeatures::all());
    if let Err(error) = validator.validate_all(bytes) {
        panic!("{error}\n{}", print(bytes));
    }
}

/// The module as text.
pub(crate) fn print(bytes: &[u8]) -> String {
    wasmprinter::print_bytes(bytes).unwrap_or_else(|error| format!("cannot be printed: {error}"))
}

/// Text of the finished module.
pub(crate) fn text(module: &Module) -> String {
    print(&flush(module))
}

/// The reasons why the module cannot be flushed, one below the other.
pub(crate) fn problems(module: &Module) -> String {
    let mut out = b"before".to_vec();
    let error = module
        .flush_into(&mut out)
        .expect_err("the module is not complete");
    assert_eq!(out, b"before", "a failed flush leaves the buffer as it was");
    error.to_string()
}

/// Instantiates the module without imports and calls an export without parameters.
pub(crate) fn run(bytes: &[u8], export: &str) -> i32 {
    let mut config = wasmi::Config::default();
    config.wasm_multi_memory(true);
    let engine = wasmi::Engine::new(&config);
    let module = wasmi::Module::new(&engine, bytes).expect("a valid module");
    let mut store = wasmi::Store::new(&engine, ());
    let instance = wasmi::Linker::new(&engine)
        .instantiate_and_start(&mut store, &module)
        .expect("the module can be instantiated");
    let function = instance
        .get_typed_func::<(), i32>(&store, export)
        .expect("an exported function");
    function.call(&mut store, ()).expect("no trap")
}

/// The type of functions with so many `i32` parameters, and one result.
pub(crate) fn ty(params: usize) -> FuncType {
    FuncType::new(vec![I32; params], [I32])
}

/// A body that returns `value`.
pub(crate) fn constant(value: i32) -> FunctionBody {
    let mut body = FunctionBody::new(ty(0));
    body.code(&[0x41]).signed(value.into()).end();
    body
}

/// A body that returns the sum of what `functions` return.
pub(crate) fn sum(functions: &[FuncId]) -> FunctionBody {
    let mut body = FunctionBody::new(ty(0));
    body.code(&[0x41, 0]);
    for &function in functions {
        body.call(function).code(&[0x6a]);
    }
    body.end();
    body
}

/// A function that is announced and defined.
pub(crate) fn function(module: &mut Module, name: &str, body: FunctionBody) -> FuncId {
    let id = module.announce_function(name).expect("a new name");
    module.update(id, body).expect("a good body");
    id
}

/// The sections of a module one below the other, and what `linking` and `reloc.*` say.
pub(crate) fn listing(bytes: &[u8]) -> String {
    use std::fmt::Write;
    use wasm_format::Reader;
    use wasm_format::linking::{LinkingSection, Subsection};
    use wasm_format::reloc::RelocSection;
    let mut out = String::new();
    let mut reader = Reader::new(bytes);
    reader.module_header().unwrap();
    let mut number = 0;
    while !reader.is_empty() {
        let (id, mut body) = reader.section().unwrap();
        write!(out, "{number}: {}", id.name()).unwrap();
        number += 1;
        if id.is_vector() {
            let count = body.u32().unwrap();
            writeln!(out, ", {count} items, {} bytes", body.remaining()).unwrap();
            continue;
        } else if id != wasm_format::SectionId::Custom {
            writeln!(out).unwrap();
            continue;
        }
        let name = body.name().unwrap();
        writeln!(out, " {name}, {} bytes", body.remaining()).unwrap();
        if name == "linking" {
            for subsection in LinkingSection::decode(body).unwrap() {
                let mut lines: Vec<String> = Vec::new();
                match subsection.unwrap() {
                    Subsection::SegmentInfo(all) => {
                        lines.extend(all.map(|segment| format!("{:?}", segment.unwrap())));
                    }
                    Subsection::InitFuncs(all) => {
                        lines.extend(all.map(|init| format!("{:?}", init.unwrap())));
                    }
                    Subsection::ComdatInfo(all) => lines.extend(all.map(|comdat| {
                        let comdat = comdat.unwrap();
                        let name = comdat.name().unwrap();
                        let members: Vec<_> = comdat.entries.map(Result::unwrap).collect();
                        format!("comdat {name}: {members:?}")
                    })),
                    Subsection::SymbolTable(all) => {
                        lines.extend(all.enumerate().map(|(index, symbol)| {
                            let symbol = symbol.unwrap();
                            let (flags, name) = (symbol.flags.0, symbol.name.unwrap_or("-"));
                            format!("symbol {index}: {name} {flags:#x} {:?}", symbol.target)
                        }));
                    }
                    other => lines.push(format!("{other:?}")),
                }
                for line in lines {
                    writeln!(out, "    {line}").unwrap();
                }
            }
        } else if name.starts_with("reloc.") {
            let section = RelocSection::decode(body).unwrap();
            for entry in &section {
                let entry = entry.unwrap();
                let (ty, offset) = (entry.ty.name(), entry.offset);
                writeln!(
                    out,
                    "    {offset:#06x} {ty} {} {:+}",
                    entry.index, entry.addend
                )
                .unwrap();
            }
        }
    }
    out
}
