//! Components: when one is made, of what, and what is said when none can be.

use wit_component::{DecodedWasm, WitPrinter, metadata};
use wit_parser::Resolve;

use crate::support::{Room, Run, object};

const COMPONENT_LD: &str = "wasm-component-ld";

const CORE: &[u8] = b"\0asm\x01\0\0\0";
const COMPONENT: &[u8] = b"\0asm\x0D\0\x01\0";

const WORLD: &str = "package demo:f; world one { export f: func(); }";

/// Links `f.o`, which defines `f`, with the world that exports it.
const LIBRARY: &str = "f.o --no-entry --export=f --component-type f.wit -o x";

fn room() -> Room {
    let room = Room::new();
    room.write("f.wit", WORLD);
    room
}

fn split(line: &str) -> std::str::Split<'_, char> {
    line.split(' ')
}

/// What a file is: a core module or a component.
fn kind(room: &Room, name: &str) -> &'static str {
    let bytes = room.read(name);
    match &bytes[..8] {
        CORE => "core module",
        COMPONENT => "component",
        other => panic!("{other:?}"),
    }
}

/// The imports and exports of a component, which is validated.
fn ports(component: &[u8]) -> String {
    let features = wasmparser::WasmFeatures::all();
    let mut validator = wasmparser::Validator::new_with_features(features);
    validator
        .validate_all(component)
        .expect("a valid component");
    let decoded = wit_component::decode(component).expect("a component");
    assert!(matches!(decoded, DecodedWasm::Component(..)));
    let mut printer = WitPrinter::default();
    let printed = printer.print_package(decoded.resolve(), decoded.package(), true);
    printed.expect("a world can be printed");
    let text = printer.output.to_string();
    let lines = text.lines().map(str::trim);
    let ports = lines.filter(|line| line.starts_with("import ") || line.starts_with("export "));
    ports.collect::<Vec<_>>().join("\n")
}

/// An object that defines a function and describes the world of `wit`.
fn describes(function: &str, wit: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let package = resolve.push_str("test.wit", wit).expect("WIT");
    let world = resolve.select_world(&[package], None).expect("a world");
    let encoding = wit_component::StringEncoding::UTF8;
    let world = metadata::encode(&resolve, world, encoding, None, false).expect("a world");
    let mut object = object(function, None);
    wasm_format::put_custom_section(&mut object, "component-type:test", &world);
    object
}

#[test]
fn the_name_or_an_option_says_whether_a_component_is_made() {
    let room = room();
    let linked = |name: &str, line: &str| {
        room.run_as(name, split(line)).ok();
        kind(&room, "x")
    };
    let program = "main.o -o x";
    assert_eq!(linked("wasm-link", program), "core module");
    assert_eq!(linked("wasm-ld", program), "core module");
    assert_eq!(linked(COMPONENT_LD, program), "component");
    assert_eq!(linked("x86_64-wasm-component-ld", program), "component");
    let with = |name: &str, option: &str| linked(name, &format!("{program} {option}"));
    assert_eq!(with("wasm-link", "--component"), "component");
    assert_eq!(with("wasm-ld", "--component"), "component");
    assert_eq!(with("wasm-ld", "--component --no-component"), "core module");
    assert_eq!(with(COMPONENT_LD, "--no-component"), "core module");
    assert_eq!(
        with(COMPONENT_LD, "--no-component --component"),
        "component"
    );
    assert_eq!(with(COMPONENT_LD, "--skip-wit-component"), "core module");
    assert_eq!(
        with(COMPONENT_LD, "--skip-wit-component --component"),
        "core module"
    );
    // What rustc passes says nothing about it.
    assert_eq!(
        linked(COMPONENT_LD, "-flavor wasm main.o -o x"),
        "component"
    );
    // Nothing that is made here can be a component.
    assert_eq!(with(COMPONENT_LD, "-r"), "core module");
    assert_eq!(with(COMPONENT_LD, "--shared"), "core module");
    assert_eq!(
        with(COMPONENT_LD, "-r --component-type f.wit"),
        "core module"
    );
}

#[test]
fn a_program_exports_run_and_a_library_what_its_world_says() {
    let room = room();
    room.run_as(COMPONENT_LD, ["main.o", "-o", "x"]).ok();
    insta::assert_snapshot!(ports(&room.read("x")), @r"
    import wasi:io/error@0.2.12;
    import wasi:io/streams@0.2.12;
    import wasi:cli/stderr@0.2.12;
    export wasi:cli/run@0.2.12;
    ");
    room.run_as(COMPONENT_LD, split(LIBRARY)).ok();
    assert_eq!(ports(&room.read("x")), "export f: func();");
    // So does an object that says it itself.
    room.write("f.o", describes("f", WORLD));
    room.run_as(COMPONENT_LD, split("f.o --no-entry --export=f -o x"))
        .ok();
    assert_eq!(ports(&room.read("x")), "export f: func();");
}

/// The component of a link, written to standard output.
fn made(room: &Room, line: &str) -> Vec<u8> {
    let run = room.run_as(COMPONENT_LD, split(&format!("{line} -o -")));
    run.ok().stdout
}

#[test]
fn each_option_reaches_the_component() {
    let room = room();
    room.write(
        "calls.wit",
        "package demo:f; world one { import f: func(text: string); }",
    );
    room.write(
        "adapter.wat",
        r#"(module (func (export "f")) (func (export "unused")))"#,
    );
    let library = "calls.o --no-entry --export=_start --allow-undefined";
    let adapted = made(
        &room,
        &format!("{library} --adapt env=adapter.wat --wasi-adapter=none"),
    );
    assert_eq!(ports(&adapted), "");
    std::fs::rename(room.path("adapter.wat"), room.path("env.wat")).expect("it is renamed");
    assert!(
        made(
            &room,
            &format!("{library} --adapt=env.wat --wasi-adapter none")
        ) == adapted
    );
    assert!(ports(&made(&room, &format!("{library} --adapt=env.wat"))).contains("wasi:cli/run@"));

    let of = |more: &str| made(&room, &format!("f.o --no-entry --export=f {more}"));
    let plain = of("--component-type=f.wit");
    for same in [
        "--component-type f.wit",
        "--component-type f.wit --validate-component",
        "--component-type f.wit --validate-component true",
        "--component-type f.wit --string-encoding utf8",
        "--component-type f.wit --merge-imports-based-on-semver=true",
        "--component-type f.wit --component-type f.wit",
        "--component-type f.wit --wasm-ld-path nothing",
        "--component-type f.wit --wasm-ld-path=nothing",
        "--component-type f.wit --append-lld-flag=--no-demangle",
    ] {
        assert!(of(same) == plain, "{same}");
    }
    let rejected = "f.o --no-entry --export=f --component-type f.wit --reject-legacy-names -o x";
    let said = room.run_as(COMPONENT_LD, split(rejected)).failed();
    assert!(said.contains("`f`"), "{said}");
    assert!(of("--component-type f.wit --append-lld-flag=--strip-all").len() < plain.len());
    assert!(of("--component-type f.wit --append-lld-flag --strip-all").len() < plain.len());
}

#[test]
fn worlds_that_conflict_are_errors_that_name_the_objects() {
    let room = room();
    let other = "package demo:other; world two { export f: func() -> u32; }";
    room.write("f.o", describes("f", WORLD));
    room.write("other.o", describes("other", other));
    room.write("x", "as it was");
    let line = "f.o other.o --no-entry --export=f -o x";
    insta::assert_snapshot!(room.run_as(COMPONENT_LD, split(line)).failed(), @r"
    wasm-component-ld: error: x: the worlds of f.o and other.o conflict
    >>> updating metadata for section component-type:test
    >>> failed to merge worlds from two documents
    >>> failed to merge world export f
    >>> failed to merge functions
    >>> different number of function results
    ");
    assert_eq!(room.read("x"), b"as it was");
    assert_eq!(
        std::fs::read_dir(room.path(""))
            .expect("a directory")
            .filter(|entry| {
                let name = entry.as_ref().expect("an entry").file_name();
                name.to_string_lossy().starts_with('.')
            })
            .count(),
        0
    );
    // The same world is no conflict.
    room.write("other.o", describes("other", WORLD));
    room.run_as(COMPONENT_LD, split(line)).ok();
}

#[test]
fn imports_that_nothing_provides_come_with_what_to_do() {
    let room = room();
    let line = "calls.o --allow-undefined -o x";
    insta::assert_snapshot!(room.run_as(COMPONENT_LD, split(line)).failed(), @r"
    wasm-component-ld: error: x: the module does not fit its worlds
    >>> failed to decode world from module
    >>> module was not valid
    >>> failed to resolve import `env::f`
    >>> module requires an import interface named `env`
    >>> nothing defines f; without --allow-undefined, the link says where it is needed
    ");
    let without = "main.o -o x --wasi-adapter=command --no-entry";
    insta::assert_snapshot!(room.run_as(COMPONENT_LD, split(without)).failed(), @"wasm-component-ld: error: x: the command adapter needs a module that exports _start");
}

#[test]
fn files_that_are_wrong_are_named() {
    let room = room();
    room.write("bad.wit", "package demo:f; world {");
    room.write("bad.wat", "(module (fun))");
    let said: Vec<_> = [
        "--component-type=bad.wit",
        "--component-type=absent.wit",
        "--adapt=env=bad.wat",
        "--adapt=env=absent.wat",
        "--adapt=env=",
        "--adapt=.=",
        "--wasi-adapter=server",
        "--string-encoding=latin1",
        "--validate-component=yes",
    ]
    .map(|option| {
        room.run_as(COMPONENT_LD, ["main.o", "-o", "x", option])
            .failed()
    })
    .into_iter()
    .collect();
    insta::assert_snapshot!(said.concat(), @r"
    wasm-component-ld: error: bad.wit: cannot read a WIT world
    >>> expected an identifier or string, found '{'
    >>>      --> bad.wit:1:23
    >>>       |
    >>>     1 | package demo:f; world {
    >>>       |                       ^
    wasm-component-ld: error: absent.wit: cannot read a WIT world
    >>> failed to read path for WIT [absent.wit]: No such file or directory (os error 2)
    wasm-component-ld: error: bad.wat: the adapter env cannot be used
    >>> expected valid module field
    >>>      --> <anon>:1:10
    >>>       |
    >>>     1 | (module (fun))
    >>>       |          ^
    wasm-component-ld: error: cannot open absent.wat: No such file or directory
    wasm-component-ld: error: --adapt=env=: no name or no file
    >>> expected --adapt=<file> or --adapt=<name>=<file>
    wasm-component-ld: error: --adapt=.=: no name or no file
    >>> expected --adapt=<file> or --adapt=<name>=<file>
    wasm-component-ld: error: --wasi-adapter=server: unknown value 'server'; expected command, reactor, proxy, none
    wasm-component-ld: error: --string-encoding=latin1: unknown value 'latin1'; expected utf8, utf16, compact-utf16
    wasm-component-ld: error: --validate-component=yes: unknown value 'yes'; expected true, false
    ");
    assert!(!room.path("x").exists());
}

#[test]
fn an_option_about_components_needs_one() {
    let room = room();
    insta::assert_snapshot!(room.run(split(LIBRARY)).failed(), @r"
    wasm-link: error: --component-type: this link makes no component
    >>> expected --component
    ");
    room.run(split(&format!("{LIBRARY} --no-component"))).ok();
    assert_eq!(kind(&room, "x"), "core module");
}

#[test]
fn a_program_that_rustc_links_is_what_its_target_says() {
    let room = room();
    for target in ["wasm32-wasip2", "wasm32-wasip3"] {
        room.write(&format!("lib/{target}/lib/main.o"), object("_start", None));
    }
    let line = "-flavor wasm lib/wasm32-wasip2/lib/main.o -o x";
    insta::assert_snapshot!(room.run(split(line)).failed(), @r"
    wasm-link: error: programs for wasm32-wasip2 are components, and this would be a core module
    >>> to make a component, add -C link-arg=--component, or call this command by a name that ends in wasm-component-ld (-C linker=<dir>/wasm-component-ld)
    >>> to make the core module, add -C link-arg=--no-component
    ");
    assert!(!room.path("x").exists());
    let p3 = line.replace("wasip2", "wasip3");
    assert!(room.run(split(&p3)).failed().contains("wasm32-wasip3"));
    let searched = "-flavor wasm main.o -L lib/wasm32-wasip2/lib -o x";
    room.run(split(searched)).failed();
    let linked = |name: &str, line: &str| {
        room.run_as(name, split(line)).ok();
        kind(&room, "x")
    };
    let wasm_link = |more: &str| linked("wasm-link", &format!("{line} {more}"));
    assert_eq!(wasm_link("--component"), "component");
    assert_eq!(wasm_link("--no-component"), "core module");
    assert_eq!(wasm_link("-r"), "core module");
    assert_eq!(wasm_link("--shared"), "core module");
    assert_eq!(linked(COMPONENT_LD, line), "component");
    // clang and wasm-component-ld call for core modules.
    let theirs = line.strip_prefix("-flavor wasm ").expect("a flavor");
    assert_eq!(linked("wasm-link", theirs), "core module");
    assert_eq!(
        linked("wasm-link", "-flavor wasm main.o -o x"),
        "core module"
    );
}

#[test]
fn lld_links_the_module_of_a_component_too() {
    let room = room();
    let linked = |more: &str| {
        room.run_as(COMPONENT_LD, split(&format!("{LIBRARY} {more}")))
            .ok();
        ports(&room.read("x"))
    };
    assert_eq!(linked("--backend=lld"), linked(""));
    let streamed = made(&room, &format!("{LIBRARY} --backend=lld"));
    assert_eq!(ports(&streamed), "export f: func();");
    let absent = "--backend=lld --wasm-ld-path=absent/wasm-ld";
    let said = room.run_as(COMPONENT_LD, split(&format!("{LIBRARY} {absent}")));
    assert!(said.failed().contains("absent/wasm-ld"));
    // It overwrites no file that is an input of the component alone.
    room.write("adapter.wat", "(module)");
    for backend in ["native", "lld"] {
        let line = format!("main.o --adapt=a=adapter.wat -o adapter.wat --backend={backend}");
        let said = room.run_as(COMPONENT_LD, split(&line)).failed();
        assert!(said.contains("would overwrite the input"), "{said}");
        assert_eq!(room.read("adapter.wat"), b"(module)");
    }
}

#[test]
fn a_cached_component_is_made_anew_when_its_world_changes() {
    let room = room();
    let skips = |more: &str| {
        let line = format!("{LIBRARY} --cache-dir=cache --verbose-link {more}");
        let Run { code, stderr, .. } = room.run_as(COMPONENT_LD, split(&line));
        assert_eq!(code, Some(0), "{stderr}");
        stderr.contains("link skipped")
    };
    assert!(!skips("-O1"));
    assert!(skips("-O1"));
    assert!(!skips("--no-component"));
    assert_eq!(kind(&room, "x"), "core module");
    assert!(!skips("-O1"));
    room.write("f.wit", WORLD.replace("one", "another"));
    assert!(!skips("-O1"));
    assert!(skips("-O1"));
}

#[test]
fn reports_name_what_a_component_is_made_of() {
    let room = room();
    room.write("adapter.wat", "(module)");
    room.write("wit/f.wit", WORLD);
    let line = "f.o --no-entry --export=f --component-type wit --adapt=a=adapter.wat \
        --dependency-file=d --reproduce=r.tar --Map=m -o x";
    room.run_as(COMPONENT_LD, line.split_whitespace()).ok();
    let dependencies = String::from_utf8(room.read("d")).expect("text");
    for file in ["f.o", "wit/f.wit", "adapter.wat"] {
        assert!(dependencies.contains(file), "{dependencies}");
    }
    assert!(room.read("m").starts_with(b"    Addr"));
    // The archive makes the same component, under another name of the command.
    let untar = std::process::Command::new("tar")
        .args(["-xf", "r.tar"])
        .current_dir(room.path(""))
        .status();
    if untar.is_ok_and(|status| status.success()) {
        let mut again = room.command("wasm-link");
        again.current_dir(room.path("r")).arg("@response.txt");
        room.result(&mut again).ok();
        assert!(room.read("r/x") == room.read("x"));
    }
}

#[test]
fn the_version_says_how_new_a_host_has_to_be() {
    let room = room();
    for name in ["wasm-link", COMPONENT_LD] {
        let text = room.run_as(name, ["--version"]).ok().text();
        let lines: Vec<_> = text.lines().collect();
        let first = format!("{name} (compatible with LLD 23.");
        assert!(lines[0].starts_with(&first), "{text}");
        let adapter = "components: adapters for WASI preview 1 of Wasmtime ";
        assert!(lines[1].starts_with(adapter), "{text}");
    }
    assert_eq!(
        room.run_as(COMPONENT_LD, ["-V"])
            .ok()
            .text()
            .lines()
            .count(),
        2
    );
    assert_eq!(
        room.run_as("wasm-ld", ["--version"])
            .ok()
            .text()
            .lines()
            .count(),
        1
    );
    let help = room.run_as(COMPONENT_LD, ["-h"]).ok().text();
    assert!(help.contains("--wasi-adapter=<which>"), "{help}");
}
