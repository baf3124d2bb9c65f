//! Components of small modules, as WIT and as text, and the errors of those that are none.

use std::fs;
use std::path::{Path, PathBuf};

use link_component::{
    ADAPTER_VERSION, Adapter, ComponentError, ComponentOptions, StringEncoding, WasiAdapter, World,
    component,
};
use wasm_format::put_custom_section;
use wasmparser::{Validator, WasmFeatures};
use wit_component::{DecodedWasm, WitPrinter, metadata};
use wit_parser::Resolve;

/// A directory that is removed with its contents.
struct Dir(PathBuf);

impl Dir {
    fn new(name: &str) -> Self {
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).unwrap();
        Self(dir)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A module from text, and a section for each world.
fn module(text: &str, worlds: &[(&str, &str)]) -> Vec<u8> {
    let mut module = wat::parse_str(text).unwrap();
    for (section, wit) in worlds {
        put_custom_section(&mut module, section, &world(wit));
    }
    module
}

/// The contents of a section that describes the one world of `wit`.
fn world(wit: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let package = resolve.push_str("test.wit", wit).unwrap();
    let id = resolve.select_world(&[package], None).unwrap();
    let encoding = wit_component::StringEncoding::UTF8;
    metadata::encode(&resolve, id, encoding, None, false).unwrap()
}

/// An adapter of `random_get` that calls the module and has a body after another one.
const ADAPTER: &str = r#"(module
    (import "env" "memory" (memory 0))
    (import "__main_module__" "cabi_realloc" (func $realloc (param i32 i32 i32 i32) (result i32)))
    (func (export "random_get") (param i32 i32) (result i32) i32.const 4)
    (func (result i32) (call $realloc (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))))"#;

fn options(change: impl FnOnce(&mut ComponentOptions)) -> ComponentOptions {
    let mut options = ComponentOptions::default();
    change(&mut options);
    options
}

/// Makes a component, which is validated.
fn made(module: &[u8], options: &ComponentOptions) -> Vec<u8> {
    let component = component(module, options).unwrap_or_else(|error| panic!("{}", told(&error)));
    let mut validator = Validator::new_with_features(WasmFeatures::all());
    validator.validate_all(&component).unwrap();
    component
}

/// The world of a component.
fn wit(component: &[u8]) -> String {
    let decoded = wit_component::decode(component).unwrap();
    let DecodedWasm::Component(..) = &decoded else {
        panic!("this is a WIT package");
    };
    let mut printer = WitPrinter::default();
    let (resolve, package) = (decoded.resolve(), decoded.package());
    printer.print_package(resolve, package, true).unwrap();
    printer.output.to_string()
}

/// The imports and exports of a component, without what is in them.
fn ports(component: &[u8]) -> String {
    let wit = wit(component);
    let lines = wit.lines().map(str::trim);
    let ports = lines.filter(|line| line.starts_with("import ") || line.starts_with("export "));
    ports.collect::<Vec<_>>().join("\n")
}

/// An error with its reasons, a line each.
fn told(error: &ComponentError) -> String {
    let mut text = error.to_string();
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        text += "\n  ";
        text += &cause.to_string();
        next = cause.source();
    }
    text
}

fn refused(module: &[u8], options: &ComponentOptions) -> String {
    told(&component(module, options).unwrap_err())
}

const ANSWER: &str = r#"(module (func (export "answer") (result i32) i32.const 42))"#;

/// A program for WASI preview 1.
const PROGRAM: &str = r#"(module
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1)
    (func (export "_start") (drop (call $write (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0)))))"#;

/// The same without an entry point.
const LIBRARY: &str = r#"(module
    (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
    (memory (export "memory") 1)
    (func (export "dice") (result i32) (call $random (i32.const 0) (i32.const 4))))"#;

#[test]
fn a_world_is_exported_and_imported() {
    let module = module(
        r#"(module
            (import "demo:log/lines" "line" (func $line (param i32 i32)))
            (memory (export "memory") 1)
            (func (export "answer") (result i32)
                (call $line (i32.const 0) (i32.const 1))
                i32.const 42))"#,
        &[(
            "component-type:demo",
            "package demo:answer;
            world answers {
                import line-sink: interface { flush: func(); }
                import demo:log/lines;
                export answer: func() -> u32;
            }
            package demo:log { interface lines { line: func(text: string); } }",
        )],
    );
    insta::assert_snapshot!(wit(&made(&module, &ComponentOptions::default())));
}

#[test]
fn worlds_of_several_sections_are_one() {
    let one = "package demo:one; world one { export answer: func() -> u32; }";
    let two = "package demo:two; world two { export answer: func() -> u32; export double: func(x: u32) -> u32; }";
    let module = module(
        r#"(module
            (func (export "answer") (result i32) i32.const 42)
            (func (export "double") (param i32) (result i32) (i32.add (local.get 0) (local.get 0))))"#,
        &[("component-type:one", one), ("component-type:two", two)],
    );
    insta::assert_snapshot!(ports(&made(&module, &ComponentOptions::default())), @r"
    export answer: func() -> u32;
    export double: func(x: u32) -> u32;
    ");
}

#[test]
fn worlds_that_conflict_are_named() {
    let dir = Dir::new("conflict");
    let narrow = "package demo:one; world one { export answer: func() -> u32; }";
    let other = "package demo:two; world two { export question: func() -> u32; }";
    let wide = "package demo:three; world three { export answer: func() -> u64; }";
    let all = [
        ("component-type:one", narrow),
        ("component-type:two", other),
        ("component-type:three", wide),
    ];
    let module = module(ANSWER, &all);
    let files = options(|options| {
        options.section_files = ["one.o", "libtwo.a(two.o)", "three.o"]
            .map(str::to_owned)
            .to_vec();
    });
    insta::assert_snapshot!(refused(&module, &files), @r"
    the worlds of one.o and three.o conflict
      updating metadata for section component-type:three: failed to merge worlds from two documents: failed to merge world export answer: failed to merge functions: different function result types: different kinds of types
    ");
    // Without names of objects, those of the sections are said.
    insta::assert_snapshot!(refused(&module, &ComponentOptions::default()), @r"
    the worlds of section component-type:one and section component-type:three conflict
      updating metadata for section component-type:three: failed to merge worlds from two documents: failed to merge world export answer: failed to merge functions: different function result types: different kinds of types
    ");
    // A world of the command line is named by its file.
    let path = dir.write("three.wit", wide);
    let with_world = options(|options| {
        options.section_files = vec!["one.o".to_owned()];
        options.worlds = vec![World::read(path).unwrap()];
    });
    let module = self::module(ANSWER, &all[..1]);
    let error = component(&module, &with_world).unwrap_err();
    let ComponentError::Conflict { first, second, .. } = error else {
        panic!("{error}");
    };
    assert_eq!(first, "one.o");
    assert!(second.ends_with("three.wit"), "{second}");
}

#[test]
fn a_section_that_describes_no_world_is_named() {
    let good = world("package demo:one; world one {}");
    let mut module = wat::parse_str("(module)").unwrap();
    put_custom_section(&mut module, "component-type:good", &good);
    put_custom_section(&mut module, "component-type:cut", &good[..good.len() / 2]);
    let files = options(|options| options.section_files = vec!["a.o".into(), "b.o".into()]);
    insta::assert_snapshot!(refused(&module, &files), @r"
    b.o: the section component-type:cut describes no world
      decoding custom section component-type:cut: expected one export in component
    ");
}

#[test]
fn a_program_gets_the_adapter_of_programs() {
    let program = made(&module(PROGRAM, &[]), &ComponentOptions::default());
    insta::assert_snapshot!("program", ports(&program));
    let world = "package demo:dice; world dice { export dice: func() -> s32; }";
    let library = module(LIBRARY, &[("component-type:dice", world)]);
    let library = made(&library, &ComponentOptions::default());
    insta::assert_snapshot!("library", ports(&library));
}

#[test]
fn the_adapter_can_be_chosen() {
    let (program, library) = (module(PROGRAM, &[]), module(LIBRARY, &[]));
    let with = |wasi_adapter| options(|options| options.wasi_adapter = wasi_adapter);
    let adapted = |module: &[u8], wasi_adapter| ports(&made(module, &with(wasi_adapter)));
    assert!(adapted(&program, WasiAdapter::Command).contains("export wasi:cli/run@"));
    assert!(!adapted(&program, WasiAdapter::Reactor).contains("export "));
    assert!(adapted(&program, WasiAdapter::Reactor).contains("import wasi:filesystem"));
    assert!(!adapted(&program, WasiAdapter::Proxy).contains("import wasi:filesystem"));
    // It would call what the module does not have.
    let command = with(WasiAdapter::Command);
    insta::assert_snapshot!(refused(&library, &command), @"the command adapter needs a module that exports _start");
    let none = with(WasiAdapter::None);
    insta::assert_snapshot!(refused(&library, &none), @r"
    the module does not fit its worlds
      failed to decode world from module: module was not valid: failed to resolve import `wasi_snapshot_preview1::random_get`: module requires an import interface named `wasi_snapshot_preview1`
    ");
    let ComponentError::Encode { needed, .. } = component(&library, &none).unwrap_err() else {
        panic!("another error");
    };
    assert!(needed.wasi_preview_1 && needed.undefined.is_empty());
    // What imports nothing of WASI gets nothing of an adapter.
    let alone = made(&module(ANSWER, &[]), &ComponentOptions::default());
    assert_eq!(ports(&alone), "");
}

#[test]
fn an_adapter_of_the_caller_replaces_a_built_in_one() {
    let text = br#"(module (func (export "random_get") (param i32 i32) (result i32) i32.const 4))"#;
    let adapter = |name: &str| Adapter::new(name, text).unwrap();
    let library = module(LIBRARY, &[]);
    let own = options(|options| options.adapters = vec![adapter("wasi_snapshot_preview1")]);
    assert_eq!(ports(&made(&library, &own)), "");
    let other = options(|options| options.adapters = vec![adapter("other")]);
    assert!(ports(&made(&library, &other)).contains("import wasi:random/random@"));
    // Of two with one name the later one counts; binary modules are adapters, too.
    let binary = Adapter::new("wasi_snapshot_preview1", &wat::parse_bytes(text).unwrap()).unwrap();
    let lacking = Adapter::new("wasi_snapshot_preview1", b"(module)").unwrap();
    let both = options(|options| options.adapters = vec![lacking, binary]);
    assert_eq!(ports(&made(&library, &both)), "");
}

#[test]
fn an_adapter_that_is_none_is_named() {
    let error = Adapter::new("ad", b"(module (fun))").unwrap_err();
    insta::assert_snapshot!(told(&error), @r"
    the adapter ad cannot be used
      expected valid module field
         --> <anon>:1:10
          |
        1 | (module (fun))
          |          ^
    ");
    let adapter = Adapter::new("ad", b"\0asm\x01\0\0\0\x01\xFF").unwrap();
    let damaged = options(|options| options.adapters = vec![adapter]);
    insta::assert_snapshot!(refused(&module(ANSWER, &[]), &damaged), @r"
    the adapter ad cannot be used
      unexpected end-of-file (at offset 0xa)
    ");
}

#[test]
fn imports_that_nothing_provides_are_listed() {
    let module = module(
        r#"(module (import "env" "missing" (func)) (import "env" "gone" (func)) (import "env" "there" (func)))"#,
        &[],
    );
    let error = component(&module, &ComponentOptions::default()).unwrap_err();
    insta::assert_snapshot!(told(&error), @r"
    the module does not fit its worlds
      failed to decode world from module: module was not valid: failed to resolve import `env::missing`: module requires an import interface named `env`
    ");
    let ComponentError::Encode { needed, .. } = error else {
        panic!("another error");
    };
    assert_eq!(needed.undefined, ["missing", "gone", "there"]);
}

#[test]
fn a_world_can_be_a_file_or_a_directory() {
    let dir = Dir::new("worlds");
    dir.write(
        "wit/deps/log/log.wit",
        "package demo:log; interface lines { line: func(text: string); }",
    );
    dir.write("wit/answer.wit", "package demo:answer; world answers { import demo:log/lines; export answer: func() -> u32; }");
    let read = World::read(dir.0.join("wit")).unwrap();
    assert_eq!(read.files().len(), 2, "{read:?}");
    let directory = options(|options| options.worlds = vec![read]);
    assert_eq!(
        ports(&made(&module(ANSWER, &[]), &directory)),
        "export answer: func() -> u32;"
    );

    let several = dir.write("several.wit", "package demo:both; world a {} world b {}");
    let malformed = dir.write("malformed.wit", "package demo:answer; world {");
    let absent = dir.0.join("absent.wit");
    let errors: Vec<_> = [several, malformed, absent]
        .iter()
        .map(|path| {
            told(&World::read(path).unwrap_err()).replace(&dir.0.display().to_string(), "DIR")
        })
        .collect();
    insta::assert_snapshot!(errors.join("\n\n"), @r"
    DIR/several.wit: cannot read a WIT world
      There are multiple worlds in `demo:both`; one must be explicitly chosen:
      demo:both/a
      demo:both/b

    DIR/malformed.wit: cannot read a WIT world
      expected an identifier or string, found '{'
         --> DIR/malformed.wit:1:28
          |
        1 | package demo:answer; world {
          |                            ^

    DIR/absent.wit: cannot read a WIT world
      failed to read path for WIT [DIR/absent.wit]: No such file or directory (os error 2)
    ");
}

#[test]
fn strings_are_passed_as_the_encoding_says() {
    let dir = Dir::new("strings");
    let path = dir.write(
        "greet.wit",
        "package demo:greet; world greets { import greet: func(who: string); }",
    );
    let world = World::read(path).unwrap();
    let module = module(
        r#"(module (import "$root" "greet" (func (param i32 i32))) (memory (export "memory") 1))"#,
        &[],
    );
    let all = [
        (StringEncoding::Utf8, "string-encoding=utf8"),
        (StringEncoding::Utf16, "string-encoding=utf16"),
        (StringEncoding::CompactUtf16, "string-encoding=latin1+utf16"),
    ];
    for (encoding, printed) in all {
        let options = options(|options| {
            options.worlds = vec![world.clone()];
            options.string_encoding = encoding;
        });
        let text = wasmprinter::print_bytes(made(&module, &options)).unwrap();
        assert!(text.contains(printed), "{text}");
    }
}

#[test]
fn each_option_has_an_effect() {
    let library = module(LIBRARY, &[]);
    let text = |change: fn(&mut ComponentOptions)| {
        wasmprinter::print_bytes(made(&library, &options(change))).unwrap()
    };
    assert!(text(|_| {}).contains("call_indirect"));
    assert!(text(|options| options.return_call_ref = true).contains("return_call_ref"));
    // Neither has the module a `cabi_realloc`.
    assert!(text(|options| options.realloc_via_memory_grow = true).contains("memory.grow"));

    let old = "package demo:old; world old { import demo:log/lines@1.0.0; }
        package demo:log@1.0.0 { interface lines { line: func(); } }";
    let new = "package demo:new; world new { import demo:log/lines@1.0.1; }
        package demo:log@1.0.1 { interface lines { line: func(); } }";
    let both = module(
        r#"(module (import "demo:log/lines@1.0.0" "line" (func)) (import "demo:log/lines@1.0.1" "line" (func)))"#,
        &[("component-type:old", old), ("component-type:new", new)],
    );
    let imports = |merge| {
        ports(&made(
            &both,
            &options(|options| options.merge_imports_based_on_semver = merge),
        ))
    };
    assert_eq!(imports(true), "import demo:log/lines@1.0.1;");
    assert_eq!(
        imports(false),
        "import demo:log/lines@1.0.0;\nimport demo:log/lines@1.0.1;"
    );

    let named = module(
        ANSWER,
        &[(
            "component-type:a",
            "package demo:a; world a { export answer: func() -> u32; }",
        )],
    );
    let reject = options(|options| options.reject_legacy_names = true);
    insta::assert_snapshot!(refused(&named, &reject), @r"
    the module does not fit its worlds
      failed to decode world from module: module was not valid: failed to find export of function `answer`
    ");
}

#[test]
fn what_is_no_module_is_an_error() {
    let options = ComponentOptions::default();
    insta::assert_snapshot!(refused(b"\0asm\x01\0\0\0\x07\x05", &options), @r"
    the linked module cannot be read
      unexpected end-of-file (at offset 0xa)
    ");
    insta::assert_snapshot!(refused(b"", &options), @r"
    the linked module cannot be read
      unexpected end-of-file (at offset 0x0)
    ");
    let made = made(&module(ANSWER, &[]), &options);
    assert!(matches!(
        component(&made, &options),
        Err(ComponentError::AlreadyComponent)
    ));
}

/// Wherever a module, a world in it or an adapter is cut short, and whichever byte is damaged, there is
/// an error or a component, and no panic.
#[test]
fn damaged_modules_worlds_and_adapters_are_errors() {
    let world = "package demo:dice; world dice { import log: func(s: string); export dice: func() -> s32; }";
    let whole = module(LIBRARY, &[("component-type:dice", world)]);
    let adapter = wat::parse_str(ADAPTER).unwrap();
    let own = |bytes: &[u8]| {
        let adapter = Adapter::new("wasi_snapshot_preview1", bytes).ok()?;
        Some(options(|options| options.adapters = vec![adapter]))
    };
    let plain = ComponentOptions::default();
    let mut refused = 0;
    for damaged in damages(&whole) {
        refused += usize::from(component(&damaged, &plain).is_err());
    }
    for options in damages(&adapter).iter().filter_map(|bytes| own(bytes)) {
        refused += usize::from(component(&whole, &options).is_err());
    }
    assert!(refused > 400, "{refused}");
}

/// `bytes` cut short at every place, and with every byte replaced.
fn damages(bytes: &[u8]) -> Vec<Vec<u8>> {
    let cut = (0..bytes.len()).map(|len| bytes[..len].to_vec());
    let replaced = (0..bytes.len()).flat_map(|place| {
        let with = move |byte: u8| {
            let mut damaged = bytes.to_vec();
            damaged[place] = byte;
            damaged
        };
        [0xFF, bytes[place] ^ 1].map(with)
    });
    cut.chain(replaced).collect()
}

#[test]
fn the_version_of_the_adapters_is_the_one_that_is_built_in() {
    let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Cargo.lock");
    let lock = fs::read_to_string(lock).unwrap();
    let package = format!(
        "name = \"wasi-preview1-component-adapter-provider\"\nversion = \"{ADAPTER_VERSION}\"\n"
    );
    assert!(lock.contains(&package));
}
