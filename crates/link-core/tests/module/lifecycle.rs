//! Announce, update, fail, free: in every order, and what a flush says in between.

use link_core::EngineLimit;
use link_core::module::{
    DataDef, FlushError, FunctionBody, Module, ModuleError, ModuleErrorKind, Problem,
    SymbolAttributes,
};
use wasm_format::FuncType;
use wasm_format::reloc::RelocType;

use crate::support::{I32, constant, flush, function, problems, run, sum, text, ty};

fn kind<T: std::fmt::Debug>(result: Result<T, ModuleError>) -> ModuleErrorKind {
    result.expect_err("a mistake").kind
}

#[test]
fn modules_can_be_handed_to_another_thread() {
    fn is_send<T: Send>() {}
    is_send::<Module>();
    is_send::<FunctionBody>();
    is_send::<DataDef>();
}

#[test]
fn an_empty_module_is_a_header() {
    assert_eq!(flush(&Module::default()), b"\0asm\x01\0\0\0");
}

#[test]
fn functions_call_functions_that_came_later() {
    let mut module = Module::default();
    let two = module.announce_function("two").unwrap();
    let main = function(&mut module, "main", sum(&[two, two]));
    module.update(two, constant(2)).unwrap();
    module.set_exports(main, ["main"]).unwrap();
    assert_eq!(run(&flush(&module), "main"), 4);
}

#[test]
fn bodies_are_compiled_in_many_threads() {
    let mut module = Module::default();
    let leaves: Vec<_> = (0..64)
        .map(|i| module.announce_function(format!("leaf{i}")).unwrap())
        .collect();
    let bodies: Vec<_> = std::thread::scope(|scope| {
        let compile = |i: usize| scope.spawn(move || constant(i as i32));
        let threads: Vec<_> = (0..leaves.len()).map(compile).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    for (&leaf, body) in leaves.iter().zip(bodies) {
        module.update(leaf, body).unwrap();
    }
    let main = function(&mut module, "main", sum(&leaves));
    module.set_exports(main, ["main"]).unwrap();
    assert_eq!(run(&flush(&module), "main"), (0..64).sum());
}

#[test]
fn announcing_again_is_the_same_declaration() {
    let mut module = Module::default();
    let first = module.announce_function("f").unwrap();
    assert_eq!(module.announce_function("f").unwrap(), first);
    let error = module.announce_data("f").unwrap_err();
    assert_eq!(
        error.to_string(),
        "data `f`: the name is already announced as function"
    );
    assert!(module.announce_imported_function("f").is_err());
    module.free(first).unwrap();
    let data = module.announce_data("f").unwrap();
    module.update(data, DataDef::fixed(b"x")).unwrap();
    assert_eq!(text(&module).matches("(data").count(), 1);
}

#[test]
fn a_stale_handle_is_an_error_and_not_its_successor() {
    let mut module = Module::default();
    let old = function(&mut module, "old", constant(1));
    module.free(old).unwrap();
    let error = module.update(old, constant(2)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "function `old`: the handle is stale: the declaration was freed"
    );
    let new = function(&mut module, "new", constant(3));
    assert_eq!(
        kind(module.update(old, constant(2))),
        ModuleErrorKind::Stale
    );
    assert_eq!(kind(module.free(old)), ModuleErrorKind::Stale);
    assert_eq!(kind(module.fail(old, "x")), ModuleErrorKind::Stale);
    assert_eq!(kind(module.set_exports(old, ["x"])), ModuleErrorKind::Stale);
    let flushed = module.flush().unwrap();
    assert_eq!(flushed.map.get(old), None);
    assert_eq!(flushed.map.get(new).unwrap().index, Some(0));
    let stale = module.announce_function("caller").unwrap();
    let error = module.update(stale, sum(&[old])).unwrap_err();
    assert!(
        matches!(error.kind, ModuleErrorKind::StaleTarget { offset: 3, .. }),
        "{error}"
    );
}

#[test]
fn freeing_in_the_middle_renumbers_and_keeps_handles() {
    let mut module = Module::default();
    let a = function(&mut module, "a", constant(1));
    let b = function(&mut module, "b", constant(10));
    let c = function(&mut module, "c", constant(100));
    let main = function(&mut module, "main", sum(&[a, c]));
    module.set_exports(main, ["main"]).unwrap();
    assert_eq!(module.flush().unwrap().map.get(c).unwrap().index, Some(2));
    module.free(b).unwrap();
    let flushed = module.flush().unwrap();
    assert_eq!(flushed.map.get(c).unwrap().index, Some(1));
    assert_eq!(run(&flushed.bytes, "main"), 101);
    let host = module.announce_imported_function("host").unwrap();
    module.update(host, FunctionBody::new(ty(0))).unwrap();
    let flushed = module.flush().unwrap();
    assert_eq!(flushed.map.get(host).unwrap().index, Some(0));
    assert_eq!(flushed.map.get(c).unwrap().index, Some(2));
}

#[test]
fn the_map_says_where_bytes_went() {
    let mut module = Module::default();
    let f = function(&mut module, "f", constant(42));
    let d = module.announce_data("d").unwrap();
    module.update(d, DataDef::copied(*b"needle")).unwrap();
    let z = module.announce_data("z").unwrap();
    module.update(z, DataDef::zeroed(16).align(16)).unwrap();
    let mut out = vec![0; 3];
    let map = module.flush_into(&mut out).unwrap();
    let bytes = &out[3..];
    assert_eq!(&bytes[map.get(f).unwrap().range], [0, 0x41, 42, 0x0b]);
    let location = map.get(d).unwrap();
    assert_eq!(&bytes[location.range], b"needle");
    assert_eq!((location.index, location.address), (Some(0), Some(1024)));
    let location = map.get(z).unwrap();
    assert_eq!((location.index, location.address), (None, Some(1040)));
    assert!(location.range.is_empty());
}

#[test]
fn a_flush_names_all_that_is_missing_and_who_wants_it() {
    let mut module = Module::default();
    let failed = function(&mut module, "failed", constant(1));
    let never = module.announce_function("never").unwrap();
    let freed = function(&mut module, "freed", constant(1));
    let import = module.announce_imported_function("import").unwrap();
    function(&mut module, "one", sum(&[failed, never, freed]));
    function(&mut module, "two", sum(&[freed, import]));
    let pointer = module.announce_data("pointer").unwrap();
    let mut def = DataDef::copied(vec![0; 4]);
    def.hole(0, RelocType::TableIndexI32, freed, 0);
    module.update(pointer, def).unwrap();
    module.set_start(Some(freed)).unwrap();
    module.free(freed).unwrap();
    module.fail(failed, "out of registers").unwrap();
    insta::assert_snapshot!(problems(&module));

    module.update(failed, constant(1)).unwrap();
    module.update(never, constant(1)).unwrap();
    module.update(import, FunctionBody::new(ty(0))).unwrap();
    let Err(FlushError::Incomplete(problems)) = module.flush() else {
        panic!("`freed` is still referred to");
    };
    assert!(matches!(&problems[..], [Problem::Freed { references, .. }] if references.len() == 4));

    let two = module.announce_function("two").unwrap();
    module.free(two).unwrap();
    let one = module.announce_function("one").unwrap();
    module.update(one, sum(&[failed])).unwrap();
    module.free(pointer).unwrap();
    module.set_start(None).unwrap();
    flush(&module);
}

#[test]
fn a_failure_drops_the_old_body_and_an_update_clears_it() {
    let mut module = Module::default();
    let f = function(&mut module, "f", constant(1));
    let main = function(&mut module, "main", sum(&[f]));
    module.set_exports(main, ["main"]).unwrap();
    let live = module.memory_use().live;
    module.fail(f, "no such instruction").unwrap();
    assert!(module.memory_use().live < live);
    assert_eq!(
        problems(&module),
        "function `f`: no such instruction\n>>> referenced by function `main`"
    );
    module.update(f, constant(7)).unwrap();
    assert_eq!(run(&flush(&module), "main"), 7);
}

#[test]
fn an_update_replaces_type_code_and_holes() {
    let mut module = Module::default();
    let helper = function(&mut module, "helper", constant(5));
    let f = function(&mut module, "f", sum(&[helper]));
    let mut body = FunctionBody::new(FuncType::new([I32], []));
    body.end();
    module.update(f, body).unwrap();
    module.free(helper).unwrap();
    insta::assert_snapshot!(text(&module));
}

#[test]
fn mistakes_in_a_body_change_nothing() {
    let mut module = Module::default();
    let f = function(&mut module, "f", constant(5));
    module.set_exports(f, ["f"]).unwrap();
    let data = module.announce_data("data").unwrap();
    module.update(data, DataDef::fixed(b"x")).unwrap();
    let before = flush(&module);

    let body = FunctionBody::new(ty(0));
    assert_eq!(kind(module.update(f, body)), ModuleErrorKind::MissingEnd);
    let mut body = FunctionBody::new(ty(0));
    body.hole(RelocType::TypeIndexLeb, data, 0).end();
    assert!(matches!(
        kind(module.update(f, body)),
        ModuleErrorKind::HoleTarget { .. }
    ));
    let mut body = FunctionBody::new(ty(0));
    body.hole(RelocType::FunctionOffsetI32, f, 0).end();
    assert!(matches!(
        kind(module.update(f, body)),
        ModuleErrorKind::HoleType { .. }
    ));
    let mut body = constant(1);
    body.locals(u32::MAX, I32).locals(2, I32);
    assert_eq!(
        kind(module.update(f, body)),
        ModuleErrorKind::EngineLimit(EngineLimit {
            what: "local variables, parameters included",
            count: u64::from(u32::MAX) + 2,
            limit: 50_000
        })
    );
    let mut body = constant(1);
    body.name_local(0, "a").name_local(0, "b");
    assert_eq!(
        kind(module.update(f, body)),
        ModuleErrorKind::LocalNamedTwice { local: 0 }
    );
    let mut body = FunctionBody::new(ty(0));
    body.address_from_slot(data).end();
    assert!(matches!(
        kind(module.update(f, body)),
        ModuleErrorKind::NoOffsetSlot { .. }
    ));

    let mut def = DataDef::copied(vec![0; 8]);
    def.hole(4, RelocType::MemoryAddrI32, data, 0);
    def.hole(3, RelocType::MemoryAddrI32, data, 0);
    assert!(matches!(
        kind(module.update(data, def)),
        ModuleErrorKind::HoleOrder {
            offset: 3,
            previous_end: 8
        }
    ));
    let mut def = DataDef::copied(vec![0; 8]);
    def.hole(5, RelocType::MemoryAddrI32, data, 0);
    assert!(matches!(
        kind(module.update(data, def)),
        ModuleErrorKind::HoleOutside {
            offset: 5,
            width: 4,
            size: 8
        }
    ));
    let mut def = DataDef::zeroed(8);
    def.hole(0, RelocType::MemoryAddrI32, data, 0);
    assert_eq!(
        kind(module.update(data, def)),
        ModuleErrorKind::HolesInZeroFill
    );
    let def = DataDef::zeroed(8).align(24);
    assert_eq!(
        kind(module.update(data, def)),
        ModuleErrorKind::Alignment { align: 24 }
    );
    let def = DataDef::zeroed(1 << 40);
    assert_eq!(
        kind(module.update(data, def)),
        ModuleErrorKind::TooLarge { size: 1 << 40 }
    );

    assert_eq!(flush(&module), before);
}

/// A handle of another module is an error or another declaration of this one, and does no
/// harm.
#[test]
fn handles_of_another_module_do_no_harm() {
    let mut other = Module::default();
    let functions: Vec<_> = (0..9)
        .map(|i| function(&mut other, &format!("f{i}"), constant(i)))
        .collect();
    let data: Vec<_> = (0..9)
        .map(|i| other.announce_data(format!("d{i}")).unwrap())
        .collect();
    for &id in &data {
        other.update(id, DataDef::fixed(b"x")).unwrap();
        other.use_offset_slot(id).unwrap();
    }
    let global = other.announce_global("g").unwrap();
    let table = other.function_table().unwrap();
    let types: Vec<_> = (0..9)
        .map(|i| other.func_type(&FuncType::new(vec![I32; i], [])).unwrap())
        .collect();
    let comdats: Vec<_> = (0..3).map(|i| other.comdat(format!("c{i}"))).collect();

    let mut module = Module::default();
    let own = function(&mut module, "own", constant(1));
    let own_data = module.announce_data("own data").unwrap();
    module.update(own_data, DataDef::fixed(b"y")).unwrap();
    let before = flush(&module);
    for &foreign in &functions[1..] {
        assert_eq!(kind(module.free(foreign)), ModuleErrorKind::Stale);
        assert_eq!(kind(module.fail(foreign, "")), ModuleErrorKind::Stale);
        assert_eq!(
            kind(module.set_start(Some(foreign))),
            ModuleErrorKind::Stale
        );
        let list = [(foreign, 1)];
        assert_eq!(
            kind(module.set_init_functions(list)),
            ModuleErrorKind::Stale
        );
        let body = sum(&[foreign]);
        assert!(module.update(own, body).is_err());
        assert!(module.update(foreign, constant(0)).is_err());
        assert_eq!(module.flush().unwrap().map.get(foreign), None);
    }
    for &foreign in &data[1..] {
        assert_eq!(
            kind(module.use_offset_slot(foreign)),
            ModuleErrorKind::Stale
        );
        assert_eq!(kind(module.passive_index(foreign)), ModuleErrorKind::Stale);
        let mut body = FunctionBody::new(ty(0));
        body.address(foreign, 0).end();
        assert!(module.update(own, body).is_err());
    }
    // This module has a datum in that place, but it has no slot.
    let mut body = FunctionBody::new(ty(0));
    body.address_from_slot(data[0]).end();
    assert!(module.update(own, body).is_err());
    for &foreign in &types[1..] {
        let body = FunctionBody::new(foreign);
        assert!(matches!(
            kind(module.update(own, body)),
            ModuleErrorKind::UnknownType { .. }
        ));
    }
    let mut body = FunctionBody::new(ty(0));
    body.global_get(global).end();
    assert!(module.update(own, body).is_err());
    let mut body = FunctionBody::new(ty(0));
    body.call_indirect(ty(0), table).end();
    assert!(module.update(own, body).is_err());
    for comdat in comdats {
        let symbol = SymbolAttributes {
            comdat: Some(comdat),
            ..SymbolAttributes::default()
        };
        assert_eq!(
            kind(module.set_symbol(own, symbol)),
            ModuleErrorKind::UnknownComdat
        );
    }
    assert_eq!(flush(&module), before);
}
