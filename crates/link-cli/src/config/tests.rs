//! What options come to, as values.

use super::*;
use crate::parse::parse;
use crate::report::{Message, Severity};

fn build_line(line: &str) -> (Config, Vec<Message>) {
    let args = line.split_whitespace().map(Into::into).collect();
    let (items, unknown) = parse(args, true);
    assert_eq!(unknown, [], "{line}");
    build(&items, Vec::new())
}

/// The configuration of a line without errors and warnings.
#[track_caller]
fn config(line: &str) -> Config {
    let (config, messages) = build_line(&format!("a.o -o x {line}"));
    assert_eq!(messages, [], "{line}");
    config
}

fn link(line: &str) -> LinkArgs {
    config(line).link
}

#[test]
fn inputs_have_the_state_of_their_position() {
    let link = link(
        "-lc --whole-archive b.a -Bdynamic -lm --no-whole-archive --start-lib c.o --end-lib \
         -static -l:d.a -L p --library-path=q",
    );
    let input = |what, whole_archive, allow_shared, lazy| Input {
        what,
        whole_archive,
        allow_shared,
        lazy,
    };
    let file = |path: &str| InputKind::File(path.into());
    let library = |name: &str| InputKind::Library(name.to_owned());
    assert_eq!(
        link.inputs,
        [
            input(file("a.o"), false, false, false),
            input(library("c"), false, false, false),
            input(file("b.a"), true, false, false),
            input(library("m"), true, true, false),
            input(file("c.o"), false, true, true),
            input(library(":d.a"), false, false, false),
        ]
    );
    assert_eq!(link.library_paths, [PathBuf::from("p"), PathBuf::from("q")]);
}

#[test]
fn without_options_the_defaults_are_those_of_lld() {
    let link = link("");
    assert_eq!(link.output.as_deref(), Some("x".as_ref()));
    assert_eq!(link.kind, OutputKind::Executable);
    assert_eq!((link.arch, link.threads, link.optimize), (None, None, 1));
    assert_eq!(link.symbols.entry, Entry::Default);
    assert_eq!(link.symbols.unresolved, Unresolved::Error);
    assert!(link.symbols.check_features && link.dynamic.check_signatures);
    assert!(link.content.gc_sections && link.content.merge_data_segments);
    assert!(link.memory.stack_first && link.memory.growable && link.reports.demangle);
    assert_eq!(
        (link.memory.page_size, link.memory.stack_size),
        (65536, None)
    );
    assert_eq!(link.content.build_id, BuildId::None);
    assert_eq!(config("").messages, report::Settings::default());
}

#[test]
fn the_kind_of_output_changes_defaults() {
    let relocatable = link("-r");
    assert_eq!(relocatable.kind, OutputKind::Relocatable);
    assert!(!relocatable.content.gc_sections && !relocatable.content.merge_data_segments);
    assert_eq!(
        link("--pie --experimental-pic").kind,
        OutputKind::PieExecutable
    );
    assert_eq!(link("--pie --no-pie").kind, OutputKind::Executable);
    assert_eq!(
        link("-shared --experimental-pic").kind,
        OutputKind::SharedLibrary
    );
    assert_eq!(link("-shared -r").kind, OutputKind::Relocatable);
}

#[test]
fn the_last_of_an_option_and_its_opposite_counts() {
    assert_eq!(link("-e f --no-entry").symbols.entry, Entry::None);
    assert_eq!(
        link("--no-entry --entry=f").symbols.entry,
        Entry::Symbol("f".into())
    );
    assert!(!link("--gc-sections --no-gc-sections").content.gc_sections);
    assert!(link("--no-demangle --demangle").reports.demangle);
    assert!(!link("--stack-first --no-stack-first").memory.stack_first);
    assert_eq!(
        link("--export-dynamic --no-export-dynamic")
            .symbols
            .export_dynamic,
        Some(false)
    );
    assert!(
        link("--no-check-features --check-features")
            .symbols
            .check_features
    );
    assert_eq!(link("-m wasm64 -mwasm32").arch, Some(Arch::Wasm32));
    assert_eq!(
        link("--threads=x --threads=3").threads,
        NonZeroUsize::new(3)
    );
    assert_eq!(link("-S -s -S").content.strip, Strip::All);
}

#[test]
fn lists_keep_their_order() {
    let symbols = link(
        "--export=b --export a --export-if-defined=c -u d --undefined=e -ue --wrap=f \
         --features=x,,y --extra-features=z -allow-undefined-file l --allow-undefined-file=k",
    )
    .symbols;
    assert_eq!(symbols.export, ["b", "a"]);
    assert_eq!(symbols.export_if_defined, ["c"]);
    assert_eq!(symbols.undefined, ["d", "e", "e"]);
    assert_eq!(symbols.wrap, ["f"]);
    assert_eq!(symbols.features, Some(vec!["x".into(), "y".into()]));
    assert_eq!(symbols.extra_features, ["z"]);
    assert_eq!(
        symbols.allow_undefined_files,
        [PathBuf::from("l"), PathBuf::from("k")]
    );
}

#[test]
fn undefined_symbols_follow_llds_precedence() {
    let of = |line: &str| {
        let symbols = link(&format!("{line} --experimental-pic")).symbols;
        (symbols.unresolved, symbols.import_undefined)
    };
    assert_eq!(of("--allow-undefined"), (Unresolved::Ignore, true));
    assert_eq!(
        of("--allow-undefined --unresolved-symbols=report-all"),
        (Unresolved::Ignore, true)
    );
    assert_eq!(of("--import-undefined"), (Unresolved::Error, true));
    assert_eq!(of("--warn-unresolved-symbols"), (Unresolved::Warn, false));
    assert_eq!(
        of("--warn-unresolved-symbols --error-unresolved-symbols"),
        (Unresolved::Error, false)
    );
    assert_eq!(
        of("--unresolved-symbols=ignore-all"),
        (Unresolved::Ignore, false)
    );
    assert_eq!(
        of("--unresolved-symbols=report-all --warn-unresolved-symbols"),
        (Unresolved::Warn, false)
    );
    assert_eq!(
        of("--unresolved-symbols import-dynamic"),
        (Unresolved::ImportDynamic, false)
    );
}

#[test]
fn memory_and_table() {
    let memory = link(
        "-z stack-size=0x20000 -zmuldefs --global-base=1024 --table-base=2 --initial-memory=131072 \
         --initial-heap=65536 --max-memory=262144 --page-size=1 --shared-memory --import-table \
         --growable-table --no-stack-first",
    )
    .memory;
    assert_eq!(memory.stack_size, Some(0x20000));
    assert_eq!(
        (memory.global_base, memory.table_base),
        (Some(1024), Some(2))
    );
    assert_eq!(
        (memory.initial_memory, memory.initial_heap),
        (Some(131_072), Some(65536))
    );
    assert_eq!((memory.max_memory, memory.page_size), (Some(262_144), 1));
    assert!(memory.shared && memory.import_table && memory.growable_table && !memory.stack_first);
    assert!(!memory.export_table && memory.growable);
    assert!(!link("--no-growable-memory").memory.growable);

    let import = |module: Option<&str>, name: &str| {
        Some(MemoryImport {
            module: module.map(str::to_owned),
            name: name.to_owned(),
        })
    };
    assert_eq!(link("").memory.import, None);
    assert_eq!(
        link("--import-memory").memory.import,
        import(None, "memory")
    );
    assert_eq!(link("--import-memory=m").memory.import, import(None, "m"));
    assert_eq!(
        link("--import-memory=h,m,n --import-memory").memory.import,
        import(Some("h"), "m,n")
    );
    assert_eq!(
        link("--export-memory").memory.export.as_deref(),
        Some("memory")
    );
    assert_eq!(
        link("--export-memory=m --export-memory")
            .memory
            .export
            .as_deref(),
        Some("m")
    );
}

#[test]
fn what_the_output_contains() {
    let content =
        link("--compress-relocations -S --emit-relocs --keep-section=a --keep-section b").content;
    assert!(content.compress_relocations && content.emit_relocs);
    assert_eq!(
        (content.strip, content.keep_sections),
        (Strip::Debug, vec!["a".into(), "b".into()])
    );
    for (option, id) in [
        ("--build-id", BuildId::Fast),
        ("--build-id=sha1", BuildId::Sha1),
        ("--build-id=tree", BuildId::Sha1),
        ("-build-id=uuid", BuildId::Uuid),
        ("--build-id --build-id=none", BuildId::None),
        ("--build-id=0x123", BuildId::Bytes(vec![0x12, 3])),
    ] {
        assert_eq!(link(option).content.build_id, id, "{option}");
    }
}

#[test]
fn link_time_optimisation() {
    let lto = link(
        "--lto-O3 --lto-CGO1 --lto-partitions=4 -mllvm -a --mllvm=-b --save-temps --disable-verify \
         --lto-obj-path=o --thinlto-jobs=all --thinlto-prefix-replace=a;b --thinlto-index-only=i \
         --thinlto-cache-policy p --thinlto-cache-dir=d --thinlto-emit-index-files",
    )
    .lto;
    assert_eq!(
        (lto.level, lto.codegen_level, lto.partitions),
        (Some(3), Some(1), Some(4))
    );
    assert_eq!(lto.mllvm, ["-a", "-b"]);
    assert!(lto.save_temps && lto.disable_verify && lto.thin.emit_index_files);
    assert_eq!(lto.thin.prefix_replace, Some(("a".into(), "b".into())));
    assert!(lto.thin.index_only && lto.thin.index_only_list == Some("i".into()));
    assert!(link("--thinlto-index-only").lto.thin.index_only);
}

#[test]
fn reports_go_to_files_or_to_standard_output() {
    let file = |name: &str| Some(Destination::File(name.into()));
    assert_eq!(link("--Map=m").reports.map, file("m"));
    assert_eq!(link("--Map=").reports.map, None);
    assert_eq!(link("--Map=m -M").reports.map, Some(Destination::Stdout));
    assert_eq!(
        link("--why-extract=-").reports.why_extract,
        Some(Destination::Stdout)
    );
    for printing in [
        "-t",
        "-y f",
        "--print-gc-sections",
        "-M",
        "--Map=-",
        "--why-extract=-",
    ] {
        assert!(link(printing).reports.uses_stdout(), "{printing}");
    }
    let quiet = "--Map=m --why-extract=w --reproduce=r --verbose --print-gc-sections --no-print-gc-sections";
    assert!(!link(quiet).reports.uses_stdout());
}

#[test]
fn own_options() {
    let own = config(
        "--backend=native --lld-path=l --cache-dir c --verbose-link --host-module=h \
         --wasi-sysroot=s --link-libcxx --exec-model=reactor --wasi-emulated=mman,signal,mman",
    )
    .own;
    assert_eq!(own.backend, Backend::Native);
    assert_eq!(own.lld_path, Some("l".into()));
    assert_eq!(own.cache_dir, Some("c".into()));
    assert!(own.verbose_link && own.wasi.libc && own.wasi.libcxx && own.wasi.is_used());
    assert_eq!(own.host_module.as_deref(), Some("h"));
    assert_eq!(own.wasi.exec_model, Some(ExecModel::Reactor));
    assert_eq!(own.wasi.emulated, ["mman", "signal"]);
    assert!(!config("--wasi-sysroot=s").own.wasi.is_used());
}

#[test]
fn help_needs_no_inputs_and_a_link_needs_an_output() {
    assert_eq!(build_line("--help").1, []);
    assert_eq!(build_line("-v").1, []);
    assert_eq!(build_line("").1, [Message::error("no input files")]);
    assert_eq!(
        build_line("a.o").1,
        [Message::error("no output file specified")]
    );
    assert_eq!(
        build_line("--help --version").0.request,
        Some(Request::Help)
    );
}

#[test]
fn warnings_are_no_errors() {
    for line in [
        "--shared",
        "--pie",
        "--Bsymbolic",
        "-z relro",
        "--unresolved-symbols=import-dynamic",
    ] {
        let (_, messages) = build_line(&format!("a.o -o x {line}"));
        assert_eq!(messages.len(), 1, "{line}");
        assert_eq!(messages[0].severity, Severity::Warning, "{line}");
    }
}
