//! `cargo xtask together`: the same objects by every linker and in every way that a user has.
//!
//! The demo's generated object is linked with C objects by LLVM's linkers of both versions, by
//! each backend of `wasm-link` and in the compiler's own process; C and C++ programs are linked
//! over Debian's WASI libraries by each backend, by the command's own options, and with clang as
//! the driver. All that is linked is run, and has to print the same.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::{build_dir, capture, cargo, reference_lld, require, root, run, target_dir};
use crate::realworld::tools::{self, BUILTINS, CLANG, LIB};
use crate::{Result, fixtures, unknown_argument};

const WASM_LD: &str = "wasm-ld-22";
/// Where Debian's WASI libraries are the sysroot's.
const SYSROOT: &str = "--wasi-sysroot=/usr";

pub(crate) fn run_command(args: &[String]) -> Result {
    if let [argument, ..] = args {
        return unknown_argument(argument);
    }
    tools::check_compiler()?;
    require(WASM_LD, "lld-22")?;
    let mut build = cargo();
    run(build.args(["build", "--package", "calc", "--package", "link-cli"]))?;
    let built = build_dir(false)?;
    let work = target_dir()?.join("together");
    fs::create_dir_all(&work)?;
    let place = Place {
        calc: built.join("calc"),
        wasm_link: built.join("wasm-link"),
        rust_lld: reference_lld()?,
        work,
    };
    place.generated()?;
    place.c()?;
    place.cpp()
}

struct Place {
    calc: PathBuf,
    wasm_link: PathBuf,
    rust_lld: PathBuf,
    work: PathBuf,
}

impl Place {
    /// The demo: generated code with objects of C.
    fn generated(&self) -> Result {
        let object = self.work.join("demo.o");
        let source = "examples/demo.calc";
        capture(
            at_root(&self.calc)
                .args(["build", source, "-o"])
                .arg(&object),
        )?;
        let c_objects: Vec<PathBuf> = fixtures::sources()?
            .iter()
            .map(|source| source.with_extension("o"))
            .collect();
        let mut ways = self.linkers();
        for way in &mut ways {
            way.arg(&object).args(&c_objects);
        }
        let mut in_process = at_root(&self.calc);
        in_process.args(["link", source]).args(&c_objects);
        ways.push(in_process);
        self.same("demo", "fib(24) = 46368", ways)
    }

    fn c(&self) -> Result {
        let object = self.compile("hello.c", &[])?;
        let mut ways = self.linkers();
        for way in &mut ways {
            way.arg(format!("{LIB}/crt1-command.o")).arg(&object);
            way.args([&format!("-L{LIB}"), "-lc", BUILTINS]);
        }
        for backend in ["--backend=native", "--backend=lld"] {
            let mut own = at_root(&self.wasm_link);
            own.args([backend, SYSROOT, "--link-libc"]);
            own.arg(&object).arg(BUILTINS);
            ways.push(own);
        }
        let mut driver = at_root(Path::new(CLANG));
        driver.arg("--target=wasm32-wasi").arg(&object);
        driver.arg(format!("-fuse-ld={}", self.wasm_link.display()));
        ways.push(driver);
        self.same("hello-c", "hello from C: 1 allocated 1.500", ways)
    }

    fn cpp(&self) -> Result {
        let flags = [
            "-fno-exceptions",
            "-D_WASI_EMULATED_SIGNAL",
            "-D_WASI_EMULATED_PROCESS_CLOCKS",
        ];
        let object = self.compile("hello.cc", &flags)?;
        let mut ways = Vec::new();
        for backend in ["--backend=native", "--backend=lld"] {
            let mut own = at_root(&self.wasm_link);
            own.args([backend, SYSROOT, "--link-libc", "--link-libcxx"]);
            own.arg("--wasi-emulated=signal,process-clocks");
            own.arg(&object).arg(BUILTINS);
            ways.push(own);
        }
        self.same("hello-cpp", "hello from C++: 1\nsignal 15", ways)
    }

    /// Every linker, about to link.
    fn linkers(&self) -> Vec<Command> {
        let wasm_ld = at_root(Path::new(WASM_LD));
        let mut rust_lld = at_root(&self.rust_lld);
        rust_lld.args(["-flavor", "wasm"]);
        let mut ways = vec![wasm_ld, rust_lld];
        for arguments in [
            &["--backend=native"][..],
            &["--backend=lld"],
            &["--backend=lld", "--lld-path", WASM_LD],
        ] {
            let mut wasm_link = at_root(&self.wasm_link);
            wasm_link.args(arguments);
            ways.push(wasm_link);
        }
        ways
    }

    fn compile(&self, source: &str, flags: &[&str]) -> Result<PathBuf> {
        let object = self.work.join(format!("{source}.o"));
        let mut clang = at_root(Path::new(CLANG));
        clang.args(["--target=wasm32-wasi", "-O1"]).args(flags);
        clang.arg("-c").arg(tools::source(source));
        capture(clang.arg("-o").arg(&object))?;
        Ok(object)
    }

    /// Links in all `ways` and runs what comes of each: it prints `expected`.
    fn same(&self, name: &str, expected: &str, ways: Vec<Command>) -> Result {
        for (number, mut way) in ways.into_iter().enumerate() {
            let program = self.work.join(format!("{name}-{number}.wasm"));
            capture(way.arg("-o").arg(&program))?;
            let printed = capture(at_root(&self.calc).arg("run").arg(&program))?.stdout;
            let printed = String::from_utf8(printed)?;
            if !printed.contains(expected) {
                return Err(format!(
                    "{} prints {printed:?} instead of {expected:?}",
                    program.display()
                )
                .into());
            }
        }
        Ok(())
    }
}

fn at_root(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root());
    command
}
