//! Finding a linker in made-up environments.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use lld_driver::{Environment, ExplicitLinker, Lld, LocateError, LocateOptions, Origin};

use crate::support::{Dir, fake_linker, rust_lld};

/// A file that may be run, by name relative to the directory.
fn program(dir: &Dir, name: &str, text: &str) -> PathBuf {
    let path = dir.write(&format!("{name}{}", std::env::consts::EXE_SUFFIX), text);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
    }
    path
}

fn search_path(dir: &Dir, names: &[&str]) -> OsString {
    std::env::join_paths(names.iter().map(|name| dir.path(name))).unwrap()
}

fn locate(env: Environment) -> Result<Lld, LocateError> {
    Lld::locate(&LocateOptions {
        explicit: None,
        env,
    })
}

fn explicit(program: &Path, leading_args: &[&str], env: Environment) -> Result<Lld, LocateError> {
    Lld::locate(&LocateOptions {
        explicit: Some(ExplicitLinker {
            program: program.to_owned(),
            leading_args: leading_args.iter().map(OsString::from).collect(),
        }),
        env,
    })
}

#[test]
fn the_toolchains_is_a_wasm_linker_of_llvm_22() {
    let lld = rust_lld();
    assert_eq!(lld.leading_args(), ["-flavor", "wasm"]);
    let output = lld.command(["--version"]).output().unwrap();
    let version = String::from_utf8(output.stdout).unwrap();
    assert!(version.starts_with("LLD 2"), "{version}");
}

#[test]
fn an_explicit_program_comes_before_all_others() {
    let dir = Dir::new();
    let mine = program(&dir, "mine/my-ld", "");
    program(&dir, "bin/wasm-ld", "");
    let env = Environment {
        path: Some(search_path(&dir, &["bin", "mine"])),
        wasm_ld: Some(dir.path("bin/wasm-ld").into()),
        ..Environment::default()
    };
    let lld = explicit(&mine, &["-a", "-b"], env.clone()).unwrap();
    assert_eq!(lld.program(), mine);
    assert_eq!(lld.leading_args(), ["-a", "-b"]);
    assert_eq!(lld.origin(), Origin::Explicit);
    // By its bare name it is on the search path.
    let lld = explicit(Path::new("my-ld"), &[], env.clone()).unwrap();
    assert_eq!(lld.program(), mine);

    let error = explicit(Path::new("no-ld"), &[], env.clone()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the linker 'no-ld' cannot be used: it is not on PATH"
    );
    let error = explicit(Path::new("no/ld"), &[], env.clone()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the linker 'no/ld' cannot be used: there is no such file"
    );
    let error = explicit(&dir.path("bin"), &[], env).unwrap_err();
    assert!(error.to_string().ends_with("it is not an executable file"));
}

#[test]
fn only_a_generic_binary_is_told_its_flavor() {
    let dir = Dir::new();
    for (name, expected) in [
        ("rust-lld", &["-flavor", "wasm"][..]),
        ("lld", &["-flavor", "wasm"]),
        ("wasm-ld", &[]),
        ("ld.lld", &[]),
        ("my-rust-lld", &[]),
    ] {
        let path = program(&dir, name, "");
        let lld = explicit(&path, &[], Environment::default()).unwrap();
        assert_eq!(lld.leading_args(), expected, "{name}");
    }
    let path = program(&dir, "lld", "");
    let lld = explicit(&path, &["-flavor", "wasm"], Environment::default()).unwrap();
    assert_eq!(lld.leading_args(), ["-flavor", "wasm"], "not twice");
}

#[test]
fn wasm_ld_variable_comes_before_the_toolchain() {
    let dir = Dir::new();
    let named = program(&dir, "named", "");
    program(&dir, "rust/lib/rustlib/host/bin/rust-lld", "");
    let mut env = Environment {
        wasm_ld: Some(named.clone().into()),
        cargo: Some(dir.path("rust/bin/cargo").into()),
        ..Environment::default()
    };
    let lld = locate(env.clone()).unwrap();
    assert_eq!(
        (lld.program(), lld.origin()),
        (&*named, Origin::WasmLdVariable)
    );

    // Naming one that is not there does not silently mean another.
    env.wasm_ld = Some(dir.path("none").into());
    let error = locate(env.clone()).unwrap_err();
    assert!(matches!(error, LocateError::WasmLdVariable { .. }));
    // An empty variable names nothing.
    env.wasm_ld = Some(OsString::new());
    assert_eq!(locate(env).unwrap().origin(), Origin::RustToolchain);
}

#[test]
fn the_toolchain_that_cargo_is_in() {
    let dir = Dir::new();
    let lld = program(&dir, "rust/lib/rustlib/some-host/bin/rust-lld", "");
    program(&dir, "bin/wasm-ld", "");
    let found = locate(Environment {
        path: Some(search_path(&dir, &["bin"])),
        cargo: Some(dir.path("rust/bin/cargo").into()),
        ..Environment::default()
    });
    let found = found.unwrap();
    assert_eq!(
        (found.program(), found.origin()),
        (&*lld, Origin::RustToolchain)
    );
}

#[cfg(unix)]
#[test]
fn the_toolchain_that_rustc_names() {
    let dir = Dir::new();
    let lld = program(&dir, "lib/rustlib/some-host/bin/rust-lld", "");
    // A link, not a copy: a program that was just written may still be open in a
    // child that another test has forked, and then it cannot be started.
    let rustc = dir.path("bin/rustc");
    std::fs::create_dir(dir.path("bin")).unwrap();
    std::os::unix::fs::symlink(fake_linker("").program(), &rustc).unwrap();
    program(&dir, "bin/wasm-ld", "");
    let on_path = locate(Environment {
        path: Some(search_path(&dir, &["bin"])),
        ..Environment::default()
    });
    assert_eq!(on_path.unwrap().program(), lld);
    let named = locate(Environment {
        rustc: Some(rustc.into()),
        ..Environment::default()
    });
    assert_eq!(named.unwrap().program(), lld);

    // A compiler that does not answer is passed over.
    program(&dir, "bad/rustc", "#!/bin/sh\nexit 1\n");
    program(&dir, "bad/wasm-ld", "");
    let found = locate(Environment {
        path: Some(search_path(&dir, &["bad"])),
        ..Environment::default()
    });
    assert_eq!(found.unwrap().origin(), Origin::SearchPath);
}

#[test]
fn wasm_ld_on_the_search_path_else_the_newest_version() {
    let dir = Dir::new();
    let find = |dirs: &[&str]| {
        let env = Environment {
            path: Some(search_path(&dir, dirs)),
            ..Environment::default()
        };
        locate(env).unwrap().program().to_owned()
    };
    let nine = program(&dir, "one/wasm-ld-9", "");
    let nineteen = program(&dir, "two/wasm-ld-19", "");
    program(&dir, "two/wasm-ld-19.bak", "");
    program(&dir, "two/wasm-ld-+99", "");
    program(&dir, "two/wasm-ld-", "");
    std::fs::create_dir(dir.path("two/wasm-ld-98")).unwrap();
    assert_eq!(find(&["one"]), nine);
    assert_eq!(find(&["one", "two", "none"]), nineteen);
    assert_eq!(find(&["two", "one"]), nineteen);
    let plain = program(&dir, "three/wasm-ld", "");
    assert_eq!(find(&["two", "three"]), plain);
}

#[test]
fn nothing_found_says_all_that_was_tried() {
    let dir = Dir::new();
    let error = locate(Environment {
        path: Some(search_path(&dir, &["bin"])),
        cargo: Some(dir.path("rust/bin/cargo").into()),
        ..Environment::default()
    })
    .unwrap_err();
    let text = error
        .to_string()
        .replace(dir.path("").to_str().unwrap(), "DIR/");
    insta::assert_snapshot!(text);
}

#[cfg(unix)]
#[test]
fn a_relative_program_is_the_one_seen_from_here() {
    let here = std::env::current_dir().unwrap();
    let mut relative: PathBuf = here.components().skip(1).map(|_| "..").collect();
    let fake = fake_linker("");
    relative.push(fake.program().strip_prefix("/").unwrap());
    let lld = explicit(&relative, &["echo"], Environment::default()).unwrap();
    // In another directory it is still found.
    Dir::new().run(&lld, &["x"]).unwrap();
}
