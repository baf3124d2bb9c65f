//! What is announced, used, and never defined: each kind of declaration, in each way that it
//! can be used, by a flush, an object and a link.

use std::fmt::Write;

use link_core::module::{
    CustomDef, DataDef, ElementDef, ElementMode, FunctionBody, GlobalDef, Init, MemoryDef, Module,
    ModuleOptions, SymbolAttributes, Target,
};
use link_core::reloc::Reloc;
use wasm_format::reloc::RelocType;
use wasm_format::{FuncType, GlobalType, HeapType, Mutability};

use crate::support::{I32, flush, function, ty};

/// The same error from a flush, an object, and a link.
fn missing(module: &Module) -> String {
    let flushed = module.flush().expect_err("a flush").to_string();
    let written = module.write_object().expect_err("an object").to_string();
    let linked = module.link_input().expect_err("a link").to_string();
    assert_eq!(flushed, written);
    assert_eq!(written, linked);
    flushed
}

/// Announces something; what is announced can be used, or not.
type Announce = fn(&mut Module) -> Target;

fn set_exports(module: &mut Module, target: Target) {
    // A target is no handle: the names lead back to one.
    match target.kind().name() {
        "function" => {
            let id = module.announce_function("x").unwrap();
            module.set_exports(id, ["x", "y"]).unwrap();
        }
        "data" => {
            let id = module.announce_data("x").unwrap();
            module.set_exports(id, ["x", "y"]).unwrap();
        }
        "global" => {
            let id = module.announce_global("x").unwrap();
            module.set_exports(id, ["x", "y"]).unwrap();
        }
        "table" => {
            let id = module.announce_table("x").unwrap();
            // A linker wants one symbol of each table.
            module.set_exports(id, ["x"]).unwrap();
        }
        "tag" => {
            let id = module.announce_tag("x").unwrap();
            module.set_exports(id, ["x", "y"]).unwrap();
        }
        "memory" => {
            let id = module.announce_memory("x").unwrap();
            module.set_exports(id, ["x", "y"]).unwrap();
        }
        other => panic!("a {other} has no exports"),
    }
}

#[test]
fn whatever_is_announced_has_to_be_defined() {
    let kinds: [(&str, Announce); 13] = [
        ("function", |m| m.announce_function("x").unwrap().into()),
        ("imported function", |m| {
            m.announce_imported_function("x").unwrap().into()
        }),
        ("data", |m| m.announce_data("x").unwrap().into()),
        ("data with a slot", |m| {
            let data = m.announce_data("x").unwrap();
            m.use_offset_slot(data).unwrap();
            data.into()
        }),
        ("global", |m| m.announce_global("x").unwrap().into()),
        ("imported global", |m| {
            m.announce_imported_global("x").unwrap().into()
        }),
        ("table", |m| m.announce_table("x").unwrap().into()),
        ("imported table", |m| {
            m.announce_imported_table("x").unwrap().into()
        }),
        ("tag", |m| m.announce_tag("x").unwrap().into()),
        ("imported tag", |m| {
            m.announce_imported_tag("x").unwrap().into()
        }),
        ("memory", |m| m.announce_memory("x").unwrap().into()),
        ("imported memory", |m| {
            m.announce_imported_memory("x").unwrap().into()
        }),
        ("custom section", |m| {
            m.announce_custom_section("x").unwrap().into()
        }),
    ];
    let mut text = String::new();
    for (name, announce) in kinds {
        writeln!(text, "== {name}").unwrap();
        // Nothing uses it.
        let mut module = Module::default();
        announce(&mut module);
        if name == "data with a slot" {
            // The slot is empty.
            flush(&module);
            module.write_object().unwrap();
        } else {
            writeln!(text, "alone: {}", missing(&module)).unwrap();
        }

        // An export.
        if !name.starts_with("imported") && name != "custom section" {
            let mut module = Module::default();
            let target = announce(&mut module);
            set_exports(&mut module, target);
            writeln!(text, "exported: {}", missing(&module)).unwrap();
        }

        // Code.
        let ty_of_hole = match name {
            _ if name.ends_with("function") => RelocType::FunctionIndexLeb,
            _ if name.starts_with("data") => RelocType::MemoryAddrSleb,
            _ if name.ends_with("global") => RelocType::GlobalIndexLeb,
            _ if name.ends_with("table") => RelocType::TableNumberLeb,
            _ if name.ends_with("tag") => RelocType::TagIndexLeb,
            _ => continue,
        };
        let mut module = Module::default();
        let target = announce(&mut module);
        let mut body = FunctionBody::new(FuncType::default());
        body.code(&[0x00, 0x41]).hole(ty_of_hole, target, 0).end();
        function(&mut module, "user", body);
        writeln!(text, "code: {}", missing(&module)).unwrap();
    }
    insta::assert_snapshot!(text);
}

#[test]
fn every_place_that_refers_to_it_is_named() {
    let mut module = Module::default();
    let code = module.announce_function("function").unwrap();
    let data = module.announce_data("data").unwrap();
    module.use_offset_slot(data).unwrap();
    let table = module.announce_table("table").unwrap();

    let pointer = module.announce_data("pointer").unwrap();
    let mut def = DataDef::copied(vec![0; 8]);
    def.hole(0, RelocType::MemoryAddrI32, data, 0);
    def.hole(4, RelocType::TableIndexI32, code, 0);
    module.update(pointer, def).unwrap();
    let slot = module.announce_data("pointer to the slot").unwrap();
    let mut def = DataDef::copied(vec![0; 4]);
    def.hole(0, RelocType::MemoryAddrI32, Target::slot_of(data), 0);
    module.update(slot, def).unwrap();
    let debug = module.announce_custom_section(".debug").unwrap();
    let hole = |offset, ty, target: Target| Reloc {
        offset,
        ty,
        target,
        addend: 0,
    };
    let holes = vec![
        hole(0, RelocType::MemoryAddrI32, data.into()),
        hole(4, RelocType::FunctionOffsetI32, code.into()),
    ];
    let bytes = vec![0; 8];
    module.update(debug, CustomDef { bytes, holes }).unwrap();
    let global = module.announce_global("global").unwrap();
    let def = GlobalDef {
        ty: GlobalType {
            value: I32,
            mutability: Mutability::Const,
        },
        init: Some(Init::address(data, 4)),
    };
    module.update(global, def).unwrap();
    module.set_start(Some(code)).unwrap();
    module.set_init_functions([(code, 7)]).unwrap();
    let mode = ElementMode::Active { table, offset: 0 };
    let functions = vec![code];
    module.add_element(ElementDef { mode, functions }).unwrap();
    insta::assert_snapshot!(module.flush().unwrap_err().to_string());
}

/// An entry of the offset table is null as long as its datum is not there; anything else that
/// gives the address away needs the datum.
#[test]
fn an_export_needs_what_its_slot_does_not() {
    for memory64 in [false, true] {
        let mut options = ModuleOptions::default();
        options.memory64 = memory64;
        let mut module = Module::new(options);
        let data = module.announce_data("later").unwrap();
        module.use_offset_slot(data).unwrap();
        let symbol = SymbolAttributes {
            no_strip: true,
            ..SymbolAttributes::default()
        };
        module.set_symbol(data, symbol).unwrap();
        flush(&module);
        module.write_object().unwrap();
        module.set_exports(data, ["later"]).unwrap();
        assert_eq!(
            missing(&module),
            "data `later`: announced, but never defined"
        );
        module.set_exports(data, ["under another name"]).unwrap();
        assert_eq!(
            missing(&module),
            "data `later`: announced, but never defined"
        );
        module.fail(data, "broken").unwrap();
        assert_eq!(missing(&module), "data `later`: broken");
        module.set_exports::<&str>(data, []).unwrap();
        assert_eq!(missing(&module), "data `later`: broken");
        module.update(data, DataDef::fixed(b"x")).unwrap();
        module.set_exports(data, ["later"]).unwrap();
        flush(&module);
        module.write_object().unwrap();
    }
}

#[test]
fn definitions_of_one_kind_are_not_missed_for_another() {
    let mut module = Module::default();
    let memory = module.announce_memory("memory").unwrap();
    module.update(memory, MemoryDef::default()).unwrap();
    let null = module.announce_global("null").unwrap();
    let def = GlobalDef {
        ty: GlobalType {
            value: wasm_format::ValType::FUNCREF,
            mutability: Mutability::Const,
        },
        init: Some(Init::ref_null(HeapType::NoFunc)),
    };
    module.update(null, def).unwrap();
    let import = module.announce_imported_function("import").unwrap();
    module.update(import, FunctionBody::new(ty(0))).unwrap();
    flush(&module);
    module.write_object().unwrap();
}
