//! C and C++ programs over Debian's WASI libraries: linked in every way of [`VARIANTS`].

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::bundled::Bundled;
use super::report::Check;
use super::tools::{self, BUILTINS, LIB};
use super::{Context, compile};
use crate::Result;

/// How every program is linked.
const VARIANTS: [(&str, &[&str]); 7] = [
    ("plain", &[]),
    ("strip-debug", &["--strip-debug"]),
    ("strip-all", &["--strip-all"]),
    ("no-gc-sections", &["--no-gc-sections"]),
    ("export-all", &["--export-all"]),
    ("O2", &["-O2"]),
    ("compress", &["--compress-relocations", "-S"]),
];

/// How every program is compiled.
const PROFILES: [(&str, &[&str]); 2] = [("O0-g", &["-O0", "-g"]), ("O2", &["-O2"])];

/// A program, its objects made.
struct Program {
    name: &'static str,
    objects: Vec<PathBuf>,
    libraries: &'static [&'static str],
    /// A function whose line table is compared.
    function: &'static str,
}

/// Runs every program through both linkers.
pub(super) fn check(context: &mut Context, bundled: &Bundled) -> Result {
    for (profile, flags) in PROFILES {
        let dir = context.work.join(profile);
        for program in programs(context, &dir, flags, bundled)? {
            for (variant, options) in VARIANTS {
                let name = format!("{}-{profile}-{variant}", program.name);
                let mut arguments: Vec<OsString> = vec![format!("{LIB}/crt1-command.o").into()];
                arguments.extend(program.objects.iter().map(Into::into));
                arguments.push(format!("-L{LIB}").into());
                arguments.extend(program.libraries.iter().map(Into::into));
                arguments.push(BUILTINS.into());
                arguments.extend(options.iter().map(Into::into));
                context.compare(&Check {
                    name: &name,
                    arguments: &arguments,
                    run: &|module| {
                        let mut node = tools::node("wasi.mjs");
                        node.arg(module).args(["one", "two"]);
                        node
                    },
                    fewer_functions: variant == "no-gc-sections",
                    debug_function: (profile == "O0-g" && variant == "plain")
                        .then_some(program.function),
                })?;
            }
        }
    }
    Ok(())
}

fn programs(
    context: &Context,
    dir: &Path,
    flags: &[&str],
    bundled: &Bundled,
) -> Result<Vec<Program>> {
    const C: &[&str] = &["--target=wasm32-wasi", "-Wno-everything"];
    let compile = |source: &Path, more: &[&str]| {
        let name = source.file_stem().unwrap_or_default().to_string_lossy();
        compile::object(dir, source, &name, &[C, flags, more].concat())
    };
    let mut programs = Vec::new();
    if context.wants("stdio") {
        programs.push(Program {
            name: "stdio",
            objects: vec![compile(&tools::source("stdio.c"), &[])?],
            libraries: &["-lc-printscan-long-double", "-lc"],
            function: "checksum",
        });
    }
    if context.wants("iostream") {
        let flags = ["-std=c++17", "-fno-exceptions"];
        programs.push(Program {
            name: "iostream",
            objects: vec![compile(&tools::source("iostream.cc"), &flags)?],
            libraries: &["-lc++", "-lc++abi", "-lc"],
            function: "early",
        });
    }
    if context.wants("sqlite") {
        let include = format!("-I{}", bundled.sqlite.display());
        let mut objects = vec![compile(&tools::source("sqlite.c"), &[&include])?];
        let options = [
            "-DSQLITE_OS_OTHER",
            "-DSQLITE_OMIT_LOAD_EXTENSION",
            "-DSQLITE_OMIT_WAL",
            "-DSQLITE_THREADSAFE=0",
        ];
        for (source, name) in [
            ("sqlite3.c", "sqlite3-library"),
            ("wasm32-wasi-vfs.c", "vfs"),
        ] {
            let source = bundled.sqlite.join(source);
            let flags = [C, flags, &options, &[&include]].concat();
            objects.push(compile::object(dir, &source, name, &flags)?);
        }
        programs.push(Program {
            name: "sqlite",
            objects,
            libraries: &["-lc-printscan-long-double", "-lc"],
            function: "collatz",
        });
    }
    if context.wants("zlib") {
        let include = format!("-I{}", bundled.zlib.display());
        let mut objects = vec![compile(&tools::source("zlib.c"), &[&include])?];
        objects.extend(zlib_objects(dir, &[C, flags].concat(), bundled)?);
        programs.push(Program {
            name: "zlib",
            objects,
            libraries: &["-lc"],
            function: "main",
        });
    }
    Ok(programs)
}

/// zlib itself, without what reads and writes files.
pub(super) fn zlib_objects(dir: &Path, flags: &[&str], bundled: &Bundled) -> Result<Vec<PathBuf>> {
    const PARTS: [&str; 10] = [
        "adler32", "compress", "crc32", "deflate", "inffast", "inflate", "inftrees", "trees",
        "uncompr", "zutil",
    ];
    let object = |part: &&str| {
        let source = bundled.zlib.join(part).with_extension("c");
        compile::object(dir, &source, &format!("zlib-{part}"), flags)
    };
    PARTS.iter().map(object).collect()
}
