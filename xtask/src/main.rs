//! Development commands: `cargo xtask help` lists them.
//!
//! The commands start other programs and print what they start, so that the user can
//! repeat any step by hand. This crate has few dependencies, all of which the workspace's crates
//! have too: `cargo xtask` begins soon even where nothing is built yet.

mod apt;
mod bench;
mod ci;
mod conformance;
mod demo;
mod differential;
mod fixtures;
mod full_disk;
mod fuzz;
mod inside;
mod miri;
mod process;
mod realworld;
mod sections;
mod snapshot;
mod table;
mod test;
mod together;

use std::process::ExitCode;

/// What a command returns. Errors are for a person to read: they say what to do.
type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

/// A development command.
struct Command {
    name: &'static str,
    /// How its arguments are written in the help.
    usage: &'static str,
    about: &'static str,
    run: fn(&[String]) -> Result,
}

const COMMANDS: &[Command] = &[
    Command {
        name: "demo",
        usage: "[--backend=auto|native|lld] [--release]",
        about: "Compile examples/demo.calc, link it with C objects through wasm-link, run it",
        run: demo::run_command,
    },
    Command {
        name: "test",
        usage: "[--fallbacks]",
        about: "Formatting, clippy, all tests and doc tests; with --fallbacks, the tests of the \
                crates that ask the platform for something, as if it had nothing to offer",
        run: test::run_command,
    },
    Command {
        name: "snapshot",
        usage: "[review|accept]",
        about: "Show which snapshots changed, go through them one by one, or accept them all",
        run: snapshot::run_command,
    },
    Command {
        name: "bench",
        usage: "[--scale S] [--rounds N] [--filter TEXT] [--linker PATH] [--json FILE] \
                [--save NAME] [--compare NAME] [--chart FILE] | --prepare S | --criterion [TEXT]",
        about: "Measure wasm-link beside the reference rust-lld, and beside wasm-ld-19 and wild \
                where they are; \
                PATH is another build of wasm-link, measured in the same rounds; S is the size of the large inputs, such as 1/10; NAME \
                is that of results that are kept. --prepare only makes the large inputs, \
                --criterion runs the benchmarks of inner pieces (needs clang-22, wasi-libc and \
                others, which it names)",
        run: bench::run_command,
    },
    Command {
        name: "fixtures",
        usage: "[--check]",
        about: "Rebuild the checked-in objects from their C sources, or check that they match \
                (needs clang-22)",
        run: fixtures::run_command,
    },
    Command {
        name: "fuzz",
        usage: "[--minutes N] [--target object|archive|link|module|demangle]",
        about: "Fuzz the linker's inputs, the engine and the demangler, each target for N \
                minutes (10 if nothing is said); needs cargo-fuzz, and takes a nightly \
                toolchain if there is one",
        run: fuzz::run_command,
    },
    Command {
        name: "differential",
        usage: "[--count N] [--seed S] [--keep DIR [--reduce]] [--linker PATH]",
        about: "Random link problems, solved by wasm-link and by the reference rust-lld, which must \
                agree in everything; --keep writes those that differ, --reduce makes them \
                small first; PATH is another build of wasm-link, to compare with instead of \
                rust-lld",
        run: differential::run_command,
    },
    Command {
        name: "full-disk",
        usage: "",
        about: "Link onto a disk that is full (needs Linux, and a user namespace or root)",
        run: full_disk::run_command,
    },
    Command {
        name: "conformance",
        usage: "[--suite DIR] [--linker PATH] [--filter REGEX] [--verbose] [--save]",
        about: "Run LLVM's tests of wasm-ld on wasm-link, or on the linker at PATH, and on the \
                reference rust-lld; --verbose shows what failing tests printed, --save records \
                the results (needs llvm-22, llvm-22-tools, python3-venv)",
        run: conformance::run_command,
    },
    Command {
        name: "realworld",
        usage: "[--linker PATH] [--backend=auto|native|lld] [--filter TEXT] [--all]",
        about: "Link C, C++, Rust and Zig programs by wasm-link, or the linker at PATH, and by \
                the reference rust-lld, run them and compare; the same for the lines of \
                docs/toolchains.md. --all adds what takes longer than continuous integration has (needs clang-22, \
                wasi-libc and others, which it names)",
        run: realworld::run_command,
    },
    Command {
        name: "together",
        usage: "",
        about: "Link generated code with C, and C and C++ with WASI libraries, by every linker and \
                in every way, and run them all (needs clang-22, lld-22, wasi-libc and others, \
                which it names)",
        run: together::run_command,
    },
    Command {
        name: "inside",
        usage: "",
        about: "Check the libraries for wasm32-unknown-unknown, and link a C program by link-core \
                inside WebAssembly, which must make the module that it makes natively",
        run: inside::run_command,
    },
    Command {
        name: "miri",
        usage: "",
        about: "Miri over the tests of library code that is unsafe (rustup installs the nightly \
                toolchain that it needs)",
        run: miri::run_command,
    },
    Command {
        name: "ci",
        usage: "",
        about: "What continuous integration runs after `test`",
        run: ci::run_command,
    },
];

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let Some((name, rest)) = args.split_first() else {
        eprint!("{}", help());
        return ExitCode::FAILURE;
    };
    if ["help", "--help", "-h"].contains(&name.as_str()) {
        print!("{}", help());
        return ExitCode::SUCCESS;
    }
    let Some(command) = COMMANDS.iter().find(|command| command.name == name) else {
        eprint!("xtask: there is no command `{name}`\n\n{}", help());
        return ExitCode::FAILURE;
    };
    match (command.run)(rest) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask {name}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn help() -> String {
    let mut help = String::from("Usage: cargo xtask COMMAND\n\n");
    for command in COMMANDS {
        let usage = [command.name, command.usage].join(" ");
        help.extend(["  ", usage.trim_end(), "\n      ", command.about, "\n"]);
    }
    help
}

/// The error of a command that was given an argument it does not know.
fn unknown_argument<T>(argument: &str) -> Result<T> {
    Err(format!("unknown argument `{argument}`; see `cargo xtask help`").into())
}
