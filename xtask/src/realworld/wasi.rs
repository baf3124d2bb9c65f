//! C and C++ programs over Debian's WASI libraries: linked in every way of [`VARIANTS`].

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::bundled::Bundled;
use super::report::Check;
use super::tools::{self, BUILTINS, LIB};
use super::{Context, sources};
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
                    may_lack_copies: variant == "no-gc-sections",
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
    let mut programs = Vec::new();
    if context.wants("stdio") {
        programs.push(Program {
            name: "stdio",
            objects: vec![sources::program(dir, "stdio.c", flags)?],
            libraries: &["-lc-printscan-long-double", "-lc"],
            function: "checksum",
        });
    }
    if context.wants("iostream") {
        programs.push(Program {
            name: "iostream",
            objects: vec![sources::iostream(dir, flags)?],
            libraries: &["-lc++", "-lc++abi", "-lc"],
            function: "early",
        });
    }
    if context.wants("sqlite") {
        programs.push(Program {
            name: "sqlite",
            objects: sources::sqlite(dir, flags, bundled)?,
            libraries: &["-lc-printscan-long-double", "-lc"],
            function: "collatz",
        });
    }
    if context.wants("zlib") {
        programs.push(Program {
            name: "zlib",
            objects: sources::zlib(dir, flags, bundled)?,
            libraries: &["-lc"],
            function: "main",
        });
    }
    Ok(programs)
}
