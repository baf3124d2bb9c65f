//! Random options of a link problem.

use super::generate::{Style, World};

/// Each with how many times in a hundred problems it is given.
const ANYWHERE: &[(&str, usize)] = &[
    ("-O0", 15),
    ("-O2", 10),
    ("-s", 10),
    ("-S", 10),
    ("--no-gc-sections", 25),
    ("--gc-sections", 3),
    ("--allow-multiple-definition", 8),
    ("--no-merge-data-segments", 12),
    ("--merge-data-segments", 3),
    ("--no-demangle", 8),
    ("--build-id", 2),
    ("--build-id=0x1234abcd", 4),
    ("--keep-section=mine", 6),
    ("--keep-section=name", 2),
    ("--keep-section=producers", 2),
    ("--fatal-warnings", 3),
    ("--error-limit=0", 4),
    ("--error-limit=2", 4),
    ("--soname=module", 3),
    ("--no-check-features", 4),
    ("--extra-features=simd128,sign-ext", 4),
    (
        "--features=mutable-globals,sign-ext,multivalue,extended-const",
        3,
    ),
    ("--features=mutable-globals", 2),
    ("--allow-undefined", 12),
    ("--import-undefined", 6),
    ("--unresolved-symbols=report-all", 3),
    ("--unresolved-symbols=ignore-all", 5),
    ("--unresolved-symbols=import-dynamic", 4),
    ("--warn-unresolved-symbols", 6),
    ("--no-shlib-sigcheck", 3),
    ("--noinhibit-exec", 2),
];

/// Not with `-r`.
const FINAL: &[(&str, usize)] = &[
    ("--export=f0", 8),
    ("--export=f3", 5),
    ("--export=d0", 5),
    ("--export=g0", 3),
    ("--export=e0", 2),
    ("--export=table0", 2),
    ("--export=__heap_base", 4),
    ("--export=__data_end", 4),
    ("--export=__stack_pointer", 3),
    ("--export=__wasm_call_ctors", 4),
    ("--export=__tls_base", 2),
    ("--export=__memory_base", 2),
    ("--export=__rodata_end", 2),
    ("--export=__wasm_init_tls", 2),
    ("--export=nothing", 2),
    ("--export-if-defined=f1", 6),
    ("--export-if-defined=nothing", 3),
    ("--export-if-defined=d1", 3),
    ("--export-all", 12),
    ("--export-dynamic", 12),
    ("--no-export-dynamic", 8),
    ("--undefined=f2", 6),
    ("--undefined=nothing", 3),
    ("--undefined=d2", 3),
    ("--wrap=f1", 6),
    ("--wrap=f2", 3),
    ("--wrap=d1", 2),
    ("--trace-symbol=f1", 3),
    ("--trace-symbol=d0", 2),
    ("--trace", 2),
    ("--print-gc-sections", 4),
    ("--import-memory", 8),
    ("--import-memory=a,b", 3),
    ("--export-memory=mem", 5),
    ("--export-memory", 3),
    ("--import-table", 8),
    ("--export-table", 8),
    ("--growable-table", 8),
    ("--initial-memory=131072", 5),
    ("--initial-memory=1048576", 6),
    ("--initial-heap=65536", 5),
    ("--max-memory=1048576", 8),
    ("--max-memory=65536", 2),
    ("--no-growable-memory", 5),
    ("--page-size=1", 4),
    ("-zstack-size=8192", 8),
    ("-zstack-size=0", 2),
    ("-zstack-size=100", 2),
    ("-Bstatic", 3),
    ("--entry=f0", 5),
    ("--entry=nothing", 2),
    ("--entry=f2", 2),
    ("--no-entry", 15),
];

/// Neither with `-r` nor in position-independent code.
const STATIC: &[(&str, usize)] = &[
    ("--no-stack-first", 15),
    ("--stack-first", 3),
    ("--global-base=1024", 4),
    ("--global-base=70000", 5),
    ("--global-base=1000000", 3),
    ("--table-base=5", 6),
    ("--table-base=0", 2),
    ("--emit-relocs", 8),
];

pub(crate) fn options(world: &mut World) -> Vec<String> {
    let mut options: Vec<&str> = Vec::new();
    let mut lists = vec![ANYWHERE];
    match world.style {
        Style::Static => {}
        Style::Threads => {
            options.push("--shared-memory");
            if world.random.chance(95) {
                options.push("--max-memory=4194304");
            }
        }
        Style::Pie => options.push("-pie"),
        Style::Shared => options.push("-shared"),
        Style::Relocatable => options.push("-r"),
    }
    if world.style.is_pic() && world.random.chance(10) {
        options.push("--experimental-pic");
    }
    let shares_memory = world.style.is_pic() && world.random.chance(10);
    if world.cooperative {
        options.push("--cooperative-threading");
    } else if shares_memory {
        options.push("--shared-memory");
    }
    if world.style == Style::Shared && world.random.chance(50) {
        options.push("--unresolved-symbols=import-dynamic");
    }
    if world.style != Style::Relocatable {
        lists.push(FINAL);
        if !world.style.is_pic() || world.random.chance(10) {
            lists.push(STATIC);
        }
    } else if world.random.chance(5) {
        lists.push(FINAL);
    }
    if world.is_64 || !world.clean && world.random.chance(3) {
        options.push("-mwasm64");
    }
    for &(option, percent) in lists.into_iter().flatten() {
        // Few at once: with many, most problems would be the same error.
        // What `wasm-ld` forgets then: docs/differences.md.
        let relocatable = world.style == Style::Relocatable;
        let has_threads = world.style == Style::Threads || world.cooperative;
        let lossy = has_threads && option == "--emit-relocs"
            || relocatable && (option.contains("import-dynamic") || option.contains("--wrap"));
        let wrapped = option.strip_prefix("--entry=").is_some_and(|entry| {
            let wrap = format!("--wrap={entry}");
            options.contains(&wrap.as_str())
        });
        if lossy || wrapped {
            continue;
        }
        let risky = ["nothing", "--fatal", "--page-size", "--max-memory=6"];
        if world.clean && risky.iter().any(|risk| option.contains(risk)) {
            continue;
        }
        // What only `--undefined` names, `wasm-ld` collects.
        let collects = !options.contains(&"--no-gc-sections") || options.contains(&"--gc-sections");
        let dropped =
            option.starts_with("--undefined=") && !option.ends_with("nothing") && collects;
        if world.random.chance(percent.div_ceil(2)) && !dropped {
            options.push(option);
        }
    }
    let stripped = options.iter().any(|&it| it == "-s" || it == "-S");
    if stripped && !options.contains(&"--emit-relocs") && world.random.chance(25) {
        options.push("--compress-relocations");
    }
    options.into_iter().map(Into::into).collect()
}
