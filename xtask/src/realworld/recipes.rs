//! The lines of docs/toolchains.md: run as they stand there, with `wasm-link` and with LLVM's linker.
//!
//! A recipe is what a heading of the document has in blocks of `sh`. Its lines are run by a shell in a
//! directory with the files of the recipe, where `wasm-link` on `PATH` is one linker or the other.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::components::Hosts;
use super::report::behaviour;
use super::tools::{self, NODE};
use super::{Context, bindgen, zig};
use crate::{Result, process};

/// The document.
const DOCUMENT: &str = "docs/toolchains.md";

/// The word behind `sh` of a block that is not run. The text behind the block says why.
const UNTRIED: &str = "untried";

/// What is known of a recipe beside its lines.
struct Recipe {
    heading: &'static str,
    /// Files among the programs, and their names in the directory where the lines are run.
    files: &'static [(&'static str, &'static str)],
    makes: &'static [(&'static str, Use)],
    /// Programs that the lines start.
    needs: &'static [Tool],
}

/// How something that a recipe makes is used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Use {
    /// A program for WASI preview 1.
    Wasi,
    /// The same, with threads.
    WasiThreads,
    /// A module with an export `run`.
    Run,
    /// A module with an export `report`.
    Report,
    /// A component.
    Component,
    /// JavaScript that wasm-bindgen made.
    Bindgen,
    /// JavaScript that Emscripten made.
    Emscripten,
}

/// A program that not every machine has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Tool {
    /// From PyPI: CMake, Meson and Zig.
    Python,
    WasmBindgen,
    /// Takes minutes to compile: only with `--all`.
    WasmPack,
    /// A large package of Debian: only with `--all`.
    Emscripten,
}

const CARGO_PROJECT: &[(&str, &str)] = &[
    ("hello.rs", "hello.rs"),
    ("hello.rs", "src/main.rs"),
    ("recipe.toml", "Cargo.toml"),
];

const GREETER: &[(&str, &str)] = &[
    ("bindgen/Cargo.toml", "Cargo.toml"),
    ("bindgen/Cargo.lock", "Cargo.lock"),
    ("bindgen/src/lib.rs", "src/lib.rs"),
];

const RECIPES: &[Recipe] = &[
    Recipe {
        heading: "By hand",
        files: &[("hello.c", "hello.c")],
        makes: &[("hello.wasm", Use::Wasi)],
        needs: &[],
    },
    Recipe {
        heading: "Names of other linkers",
        files: &[("hello.c", "hello.c")],
        makes: &[("hello.wasm", Use::Wasi)],
        needs: &[],
    },
    Recipe {
        heading: "clang",
        files: &[("hello.c", "hello.c"), ("iostream.cc", "hello.cc")],
        makes: &[("hello.wasm", Use::Wasi), ("hellocc.wasm", Use::Wasi)],
        needs: &[],
    },
    Recipe {
        heading: "`wasm32-wasip1`",
        files: CARGO_PROJECT,
        makes: &[
            ("hello.wasm", Use::Wasi),
            ("target/wasm32-wasip1/debug/recipe.wasm", Use::Wasi),
        ],
        needs: &[],
    },
    Recipe {
        heading: "`wasm32-wasip1-threads`",
        files: CARGO_PROJECT,
        makes: &[
            ("hello.wasm", Use::WasiThreads),
            (
                "target/wasm32-wasip1-threads/debug/recipe.wasm",
                Use::WasiThreads,
            ),
        ],
        needs: &[],
    },
    Recipe {
        heading: "`wasm32-wasip2`",
        files: CARGO_PROJECT,
        makes: &[
            ("hello.wasm", Use::Component),
            ("target/wasm32-wasip2/debug/recipe.wasm", Use::Component),
        ],
        needs: &[],
    },
    Recipe {
        heading: "`wasm32-unknown-unknown`",
        files: &[
            ("exports.rs", "exports.rs"),
            ("exports.rs", "src/lib.rs"),
            ("recipe-lib.toml", "Cargo.toml"),
        ],
        makes: &[
            ("exports.wasm", Use::Report),
            (
                "target/wasm32-unknown-unknown/debug/recipe.wasm",
                Use::Report,
            ),
        ],
        needs: &[],
    },
    Recipe {
        heading: "wasm-bindgen",
        files: GREETER,
        makes: &[("pkg/greeter.js", Use::Bindgen)],
        needs: &[Tool::WasmBindgen],
    },
    Recipe {
        heading: "wasm-pack",
        files: GREETER,
        makes: &[("pkg/greeter.js", Use::Bindgen)],
        needs: &[Tool::WasmBindgen, Tool::WasmPack],
    },
    Recipe {
        heading: "CMake",
        files: &[
            ("cmake/CMakeLists.txt", "CMakeLists.txt"),
            ("hello.c", "hello.c"),
        ],
        makes: &[("build/hello", Use::Wasi), ("build-type/hello", Use::Wasi)],
        needs: &[Tool::Python],
    },
    Recipe {
        heading: "Meson",
        files: &[("meson/meson.build", "meson.build"), ("hello.c", "hello.c")],
        makes: &[("build/hello", Use::Wasi)],
        needs: &[Tool::Python],
    },
    Recipe {
        heading: "Zig",
        files: &[("hello.zig", "hello.zig"), ("run.zig", "run.zig")],
        makes: &[("hello.wasm", Use::Wasi), ("run.wasm", Use::Run)],
        needs: &[Tool::Python],
    },
    Recipe {
        heading: "Emscripten",
        files: &[("hello.c", "hello.c")],
        makes: &[("hello.js", Use::Emscripten)],
        needs: &[Tool::Emscripten],
    },
    Recipe {
        heading: "Components or core modules",
        files: &[("hello.rs", "hello.rs")],
        makes: &[("hello.wasm", Use::Component)],
        needs: &[],
    },
];

/// A block of the document.
#[derive(Debug, PartialEq, Eq)]
struct Block {
    heading: String,
    lines: String,
    is_tried: bool,
}

/// The blocks of `sh` in the text of the document.
fn blocks(text: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut heading = "";
    let mut open: Option<Option<Block>> = None;
    for line in text.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(language)) => {
                let mut words = language.split(' ');
                let is_shell = words.next() == Some("sh");
                open = Some(is_shell.then(|| Block {
                    heading: heading.to_owned(),
                    lines: String::new(),
                    is_tried: words.next() != Some(UNTRIED),
                }));
            }
            (Some(_), Some(_)) => blocks.extend(open.take().flatten()),
            (Some(Some(block)), None) => {
                block.lines.push_str(line);
                block.lines.push('\n');
            }
            (Some(None), None) => {}
            (None, None) => {
                if line.starts_with('#') {
                    heading = line.trim_start_matches('#').trim_start();
                }
            }
        }
    }
    blocks
}

/// The lines of the recipe: those of its blocks that are tried.
fn lines(blocks: &[Block], heading: &str) -> String {
    let ours = blocks
        .iter()
        .filter(|it| it.heading == heading && it.is_tried);
    ours.map(|block| block.lines.as_str()).collect()
}

/// Runs the recipes. `--backend` does not reach them: the lines are run as they stand.
pub(super) fn check(context: &mut Context) -> Result {
    let blocks = blocks(&fs::read_to_string(process::root().join(DOCUMENT))?);
    let wanted: Vec<&Recipe> = RECIPES
        .iter()
        .filter(|recipe| context.wants(&name(recipe)))
        .filter(|recipe| context.all || !recipe.is_slow())
        .collect();
    if wanted.is_empty() {
        return Ok(());
    }
    let kitchen = Kitchen::new(context, &wanted)?;
    for recipe in wanted {
        let name = name(recipe);
        let lines = lines(&blocks, recipe.heading);
        let theirs = kitchen.cook(recipe, &lines, "theirs")?;
        let ours = match kitchen.cook(recipe, &lines, "ours") {
            Ok(ours) => ours,
            Err(error) => {
                context.problem(&name, &error.to_string());
                continue;
            }
        };
        let mut found = 0;
        for &(file, usage) in recipe.makes {
            let (ours, theirs) = (ours.join(file), theirs.join(file));
            let difference = if usage == Use::Component {
                kitchen.hosts.difference(&ours, &theirs, true)?
            } else {
                if usage.is_module() {
                    found += context.compare_files(&name, &ours, &theirs)?;
                }
                behaviour(&mut usage.command(&ours), &mut usage.command(&theirs))?
            };
            if let Some(difference) = difference {
                context.problem(&name, &format!("{file}: {difference}"));
                found += 1;
            }
        }
        let result = if found == 0 { "the same" } else { "differs" };
        println!("{name}: {result}");
    }
    Ok(())
}

/// The recipe's name, for `--filter` and messages.
fn name(recipe: &Recipe) -> String {
    let word = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_lowercase()
        } else {
            '-'
        }
    };
    let heading: String = recipe.heading.chars().map(word).collect();
    format!("recipe-{}", heading.trim_matches('-'))
}

impl Recipe {
    fn is_slow(&self) -> bool {
        let slow = [Tool::WasmPack, Tool::Emscripten];
        self.needs.iter().any(|tool| slow.contains(tool))
    }
}

impl Use {
    /// Whether it is a core module, as the linker made it.
    fn is_module(self) -> bool {
        match self {
            Self::Wasi | Self::WasiThreads | Self::Run | Self::Report => true,
            Self::Component | Self::Bindgen | Self::Emscripten => false,
        }
    }

    /// The command that uses `file`.
    fn command(self, file: &Path) -> Command {
        let script = |name: &str| {
            let mut node = tools::node(name);
            node.arg(file);
            node
        };
        match self {
            Self::Wasi => script("wasi.mjs"),
            Self::WasiThreads => script("wasi_threads.mjs"),
            Self::Run => {
                let mut node = script("exports.mjs");
                node.args(["0", "1", "7"]);
                node
            }
            Self::Report => {
                let mut node = script("rust_exports.mjs");
                node.arg("5");
                node
            }
            Self::Bindgen => script("bindgen.cjs"),
            Self::Emscripten | Self::Component => {
                let mut node = Command::new(NODE);
                // What Emscripten 3.1.6 makes takes `fetch` for a sign of a browser.
                node.arg("--no-experimental-fetch").arg(file);
                node
            }
        }
    }
}

/// Where recipes are run.
struct Kitchen {
    work: PathBuf,
    hosts: Hosts,
    /// Directories of programs, in front of `PATH`.
    path: Vec<PathBuf>,
}

impl Kitchen {
    /// Installs what the recipes need.
    fn new(context: &Context, recipes: &[&Recipe]) -> Result<Self> {
        let work = context.work.join("recipes");
        let needed = |tool| recipes.iter().any(|recipe| recipe.needs.contains(&tool));
        let hosts = Hosts::install(&context.work.join("components"))?;
        let programs = work.join("bin");
        fs::create_dir_all(&programs)?;
        for (name, program) in [
            ("clang", tools::CLANG),
            ("clang++", tools::CLANGXX),
            ("llvm-ar", tools::AR),
        ] {
            link(&tools::find(program)?, &programs.join(name))?;
        }
        let mut path = vec![programs.clone()];
        if needed(Tool::Python) {
            let python = tools::python(&context.work.join("python"), zig::PACKAGES)?;
            let zig = format!("#!/bin/sh\nexec '{}' -m ziglang \"$@\"\n", python.display());
            executable(&programs.join("zig"), &zig)?;
            path.extend(python.parent().map(Path::to_owned));
        }
        if needed(Tool::WasmBindgen) {
            path.push(bindgen::install(&context.work, "wasm-bindgen-cli")?);
        }
        if needed(Tool::WasmPack) {
            path.push(bindgen::install(&context.work, "wasm-pack")?);
        }
        if needed(Tool::Emscripten) {
            process::require("emcc", "emscripten")?;
        }
        let ours = work.join("linker-ours");
        fs::create_dir_all(&ours)?;
        link(&context.ours.program, &ours.join("wasm-link"))?;
        reference(&work.join("linker-theirs"), &context.theirs.program)?;
        Ok(Self { work, hosts, path })
    }

    /// Runs the lines with the linker called `whose`. Where they were run.
    fn cook(&self, recipe: &Recipe, lines: &str, whose: &str) -> Result<PathBuf> {
        let dir = self.work.join(whose).join(name(recipe));
        if dir.exists() {
            fs::remove_dir_all(&dir)?;
        }
        for (source, file) in recipe.files {
            let file = dir.join(file);
            fs::create_dir_all(file.parent().unwrap_or(&dir))?;
            fs::copy(tools::source(source), file)?;
        }
        let mut path = vec![self.work.join(format!("linker-{whose}"))];
        path.extend(self.path.iter().cloned());
        path.extend(std::env::split_paths(
            &std::env::var_os("PATH").unwrap_or_default(),
        ));
        let mut shell = Command::new("bash");
        shell
            .args(["-euxc", lines])
            .current_dir(&dir)
            .env("PATH", std::env::join_paths(path)?)
            // `--install` writes there; cargo and rustup stay where they are.
            .env("HOME", &dir)
            .env("CARGO_HOME", home(".cargo", "CARGO_HOME")?)
            .env("RUSTUP_HOME", home(".rustup", "RUSTUP_HOME")?)
            .env_remove("RUSTFLAGS")
            .env_remove("CARGO_TARGET_DIR")
            .env("CARGO_INCREMENTAL", "0");
        tools::succeed(&mut shell)?;
        Ok(dir)
    }
}

/// A directory of Rust's tools, which follow `HOME` unless a variable names it.
fn home(name: &str, variable: &str) -> Result<PathBuf> {
    if let Some(dir) = std::env::var_os(variable) {
        return Ok(dir.into());
    }
    let home = std::env::home_dir().ok_or("there is no home directory")?;
    Ok(home.join(name))
}

/// Makes `path` a symbolic link to `target`.
fn link(target: &Path, path: &Path) -> Result {
    if path.is_symlink() {
        fs::remove_file(path)?;
    }
    Ok(std::os::unix::fs::symlink(target, path)?)
}

/// Writes a script.
fn executable(path: &Path, text: &str) -> Result {
    use std::os::unix::fs::PermissionsExt;
    fs::write(path, text)?;
    Ok(fs::set_permissions(
        path,
        fs::Permissions::from_mode(0o755),
    )?)
}

/// LLVM's linker under the name `wasm-link`, for the lines that are `wasm-link`'s own too.
fn reference(dir: &Path, lld: &Path) -> Result {
    fs::create_dir_all(dir)?;
    let component = lld.with_file_name("wasm-component-ld");
    let script = REFERENCE
        .replace("LLD", &lld.display().to_string())
        .replace("COMPONENT", &component.display().to_string())
        .replace("LIB", tools::LIB);
    executable(&dir.join("wasm-link"), &script)
}

const REFERENCE: &str = r#"#!/bin/bash
arguments=()
linker='LLD'
[ "$1" = -flavor ] && shift 2
for argument; do
    case "$argument" in
        --install=*)
            dir=${argument#*=}
            mkdir -p "$dir"
            printf '#!/bin/bash\n[ "$1" = -flavor ] && shift 2\nexec "%s" -flavor wasm "$@"\n' 'LLD' >"$dir/wasm-ld"
            chmod +x "$dir/wasm-ld"
            ln -sf 'COMPONENT' "$dir/wasm-component-ld"
            exit ;;
        --component) linker='COMPONENT' ;;
        --wasi-sysroot=*) ;;
        --link-libc) arguments+=(LIB/crt1-command.o -LLIB -lc) ;;
        *) arguments+=("$argument") ;;
    esac
done
[ "$linker" = 'COMPONENT' ] || arguments=(-flavor wasm "${arguments[@]}")
exec "$linker" "${arguments[@]}"
"#;

#[cfg(test)]
mod tests {
    use super::*;

    fn document() -> Vec<Block> {
        let text = fs::read_to_string(process::root().join(DOCUMENT));
        blocks(&text.expect("the document"))
    }

    #[test]
    fn every_line_of_the_document_is_run_or_says_why_not() {
        let blocks = document();
        for block in blocks.iter().filter(|block| block.is_tried) {
            let known = RECIPES.iter().any(|it| it.heading == block.heading);
            assert!(known, "{DOCUMENT}: no recipe is called {}", block.heading);
        }
        for recipe in RECIPES {
            let lines = lines(&blocks, recipe.heading);
            assert!(!lines.is_empty(), "{DOCUMENT} has no {}", recipe.heading);
        }
        let text = fs::read_to_string(process::root().join(DOCUMENT)).expect("the document");
        let untried = blocks.iter().filter(|block| !block.is_tried).count();
        assert!(untried <= 3, "{untried} untried blocks");
        assert_eq!(text.matches("\n```\n\nUntried: ").count(), untried);
    }

    #[test]
    fn the_readme_has_no_other_lines_about_toolchains() {
        let readme = fs::read_to_string(process::root().join("README.md")).expect("README.md");
        let known: Vec<Block> = document();
        let has = |line: &str| {
            known
                .iter()
                .any(|block| block.is_tried && block.lines.contains(line))
        };
        let mut count = 0;
        let mut check = |line: &str| {
            assert!(has(line), "README.md: {DOCUMENT} does not run `{line}`");
            count += 1;
        };
        for block in blocks(&readme) {
            if block.heading == "Linking programs" {
                let lines = block.lines.lines();
                lines
                    .filter(|line| !line.starts_with("cargo install"))
                    .for_each(&mut check);
            }
        }
        // A row about a tool: its code is part of the tool's lines.
        for row in readme.lines() {
            if let Some((tool, way)) = row.trim_matches(['|', ' ']).split_once(" | ")
                && tool.contains("](docs/toolchains.md#")
            {
                way.split('`').skip(1).step_by(2).for_each(&mut check);
            }
        }
        assert!(count > 15, "{count} lines");
    }

    #[test]
    fn blocks_have_headings_and_languages() {
        let text =
            "# A\n```sh\none\n```\n```toml\n# two\n```\n## B\n```sh untried\nthree\nfour\n```\n";
        let block = |heading: &str, lines: &str, is_tried| Block {
            heading: heading.to_owned(),
            lines: lines.to_owned(),
            is_tried,
        };
        assert_eq!(
            blocks(text),
            [
                block("A", "one\n", true),
                block("B", "three\nfour\n", false)
            ]
        );
    }
}
