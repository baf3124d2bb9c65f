//! The options of a link: adding one is adding a row here, and a field to [`Options`].

use super::line::{Arg, Problems};
use super::numbers::{any_base, decimal, hex, with_meant};
use super::row::Counted::{Each, LastWithValue};
use super::row::Set::{Custom, Flag, List, Number, Text};
use super::row::Takes::{Equals, EqualsOrNext, JoinedOrNext, Nothing, OptionalEquals};
use super::row::{Group, PathUse, Set, When, either, one, two};
use crate::diag::{Code, Diagnostic};
use crate::option_rows;
use crate::options::{
    BuildId, Defsym, DefsymValue, Entry, MemoryImport, Options, OutputKind, Strip, Unresolved,
};

option_rows! {
    /// The options of a link, one row each. Names, dashes and values are those that LLVM 23's `wasm-ld`
    /// accepts.
    pub enum LinkOption of Options {
        Relocatable {
            forms: &[either("relocatable", Nothing), one("r", Nothing)],
            group: Group::OUTPUT,
            help: "Merge the inputs into one relocatable object file",
            note: "Cannot be combined with `--gc-sections` (when given), `--pie`, `--undefined`, \
                `--entry`, `--export-table`, `--growable-table`, `--compress-relocations` or \
                `--shared-memory`.",
        } => Flag(|options| options.output = OutputKind::Relocatable),
        Shared {
            forms: &[either("shared", Nothing)],
            group: Group::OUTPUT,
            help: "Make a shared library (a side module)",
            note: "With `--relocatable` the output is a relocatable object.",
        } => Flag(shared),
        Pie {
            forms: &[either("pie", Nothing)],
            group: Group::OUTPUT,
            help: "Make a position-independent executable",
        } => Flag(pie),
        NoPie {
            forms: &[either("no-pie", Nothing)],
            group: Group::OUTPUT, default: "default",
            help: "Make an executable at fixed addresses",
        } => Flag(no_pie),
        Emulation {
            forms: &[one("m", JoinedOrNext)],
            value: "emulation", choices: &["wasm32", "wasm64"],
            group: Group::OUTPUT,
            help: "Link for wasm32 or wasm64",
            default: "wasm32",
            note: "Only the last `-m` is looked at.",
        } => Custom(emulation),
        Threads {
            forms: &[either("threads", EqualsOrNext)],
            value: "n",
            group: Group::OUTPUT,
            help: "Link with <n> threads; the output is the same for any number",
            default: "one for each processor",
        } => Custom(threads),
        Optimize {
            forms: &[one("O", JoinedOrNext)],
            value: "level",
            group: Group::OUTPUT,
            help: "How hard to make the output small; from 1 on equal strings are merged",
            default: "1",
            note: "A number; `-Os` and `-Oz` are errors, as in `wasm-ld`.",
        } => Number(|options, level| options.optimize = level.try_into().unwrap_or(u32::MAX)),
        NoInhibitExec {
            forms: &[either("noinhibit-exec", Nothing)],
            group: Group::OUTPUT,
            help: "A symbol defined more than once is a warning, and its last definition is taken",
            note: "Any other error prevents the output, as in `wasm-ld`.",
        } => Flag(|options| options.no_inhibit_exec = true),
        Entry {
            forms: &[either("entry", EqualsOrNext), one("e", JoinedOrNext)],
            value: "symbol",
            group: Group::SYMBOLS,
            help: "The function where the program starts",
            default: "_start",
            note: "Because `-e` takes its value joined, a long option that insists on two dashes and \
                begins with an e is an entry symbol when written with one: `-export-all` is the entry \
                `xport-all`.",
        } => Text(entry),
        NoEntry {
            forms: &[two("no-entry", Nothing)],
            group: Group::SYMBOLS,
            help: "The output has no entry point",
            note: "The later of `--entry` and `--no-entry` counts.",
        } => Custom(no_entry),
        Undefined {
            forms: &[either("undefined", EqualsOrNext), one("u", JoinedOrNext)],
            value: "symbol",
            group: Group::SYMBOLS,
            counts: Each,
            help: "Link and keep what defines <symbol>, even when nothing refers to it",
            note: "What it defines is kept, with all that it needs and the constructors of its object \
                (`wasm-ld` drops them). It is not exported. May be repeated. Nothing defining it is no \
                error. Where LLD links, nothing is kept.",
        } => Text(|options, name| options.undefined.push(name.into())),
        Wrap {
            forms: &[either("wrap", EqualsOrNext)],
            value: "symbol",
            group: Group::SYMBOLS,
            counts: Each,
            help: "References to <symbol> go to __wrap_<symbol>, those to __real_<symbol> to it",
        } => Text(|options, name| options.wrap.push(name.into())),
        Defsym {
            forms: &[either("defsym", EqualsOrNext)],
            value: "symbol=value",
            group: Group::SYMBOLS,
            extension: true, native_only: true, counts: Each,
            help: "Define <symbol> as another name of a symbol, or as an address",
            note: "The value is a symbol, or a number: decimal, 0x (hexadecimal), 0b (binary) or 0 \
                (octal). Expressions are errors. The symbol may be anything that an object defines, a \
                member of an archive included, or an address that the linker knows, such as \
                `__heap_base`. The option wins over a definition in an object, and of one symbol the \
                last one counts.",
        } => Custom(defsym),
        AllowMultipleDefinition {
            forms: &[either("allow-multiple-definition", Nothing)],
            group: Group::SYMBOLS,
            help: "When a symbol is defined more than once, take the first definition",
            note: "`-z muldefs` says the same and wins over `--no-allow-multiple-definition`.",
        } => Flag(|options| options.allow_multiple_definition = true),
        NoAllowMultipleDefinition {
            forms: &[either("no-allow-multiple-definition", Nothing)],
            group: Group::SYMBOLS, default: "default",
            help: "A symbol defined more than once is an error",
        } => Flag(|options| options.allow_multiple_definition = false),
        AllowUndefined {
            forms: &[either("allow-undefined", Nothing)],
            group: Group::SYMBOLS,
            help: "Undefined functions become imports, other undefined symbols are address 0",
            note: "The same as `--import-undefined --unresolved-symbols=ignore-all`, and stronger than \
                any other value of `--unresolved-symbols`.",
        } => Flag(allow_undefined),
        AllowUndefinedFile {
            forms: &[two("allow-undefined-file", Equals), one("allow-undefined-file", EqualsOrNext)],
            value: "file",
            group: Group::SYMBOLS,
            counts: Each, path: PathUse::Read,
            help: "As --allow-undefined, for the symbols listed in <file>",
            note: "One symbol to a line; a line that begins with # is a comment. The value can be the \
                next argument only after one dash, as in `wasm-ld`.",
        } => Custom(|options, arg, _| options.allow_undefined_files.push(arg.path())),
        UnresolvedSymbols {
            forms: &[either("unresolved-symbols", EqualsOrNext)],
            value: "method", choices: &["report-all", "ignore-all", "import-dynamic"],
            group: Group::SYMBOLS,
            help: "What to do about undefined symbols: report-all, ignore-all or import-dynamic",
            default: "report-all",
        } => Custom(unresolved_symbols),
        NoUndefined {
            forms: &[either("no-undefined", Nothing)],
            group: Group::SYMBOLS, default: "default",
            extension: true,
            help: "Undefined symbols are errors",
            note: "Accepted because build systems (Meson) pass it to every linker; `wasm-ld` does not \
                know it. It describes the default and has no effect: not on `--allow-undefined`, \
                `--import-undefined`, `--unresolved-symbols` and `--warn-unresolved-symbols`, wherever \
                they stand, and not with `--shared`, where a loader may define what is undefined.",
        } => Set::Nothing,
        WarnUnresolvedSymbols {
            forms: &[either("warn-unresolved-symbols", Nothing)],
            group: Group::SYMBOLS,
            help: "Undefined symbols that are reported are warnings",
        } => Flag(warn_unresolved),
        ErrorUnresolvedSymbols {
            forms: &[either("error-unresolved-symbols", Nothing)],
            group: Group::SYMBOLS, default: "default",
            help: "Undefined symbols that are reported are errors",
        } => Flag(error_unresolved),
        CheckFeatures {
            forms: &[two("check-features", Nothing)],
            group: Group::SYMBOLS, default: "default",
            help: "Objects that disagree about WebAssembly features are an error",
        } => Flag(|options| options.features.check = true),
        NoCheckFeatures {
            forms: &[two("no-check-features", Nothing)],
            group: Group::SYMBOLS,
            help: "Do not compare the features that objects use",
        } => Flag(|options| options.features.check = false),
        Features {
            forms: &[either("features", Equals)],
            value: "list",
            group: Group::SYMBOLS,
            help: "The WebAssembly features that objects may use, separated by commas",
            default: "those the objects use",
        } => List(|options, list| options.features.only = Some(list)),
        ExtraFeatures {
            forms: &[either("extra-features", Equals)],
            value: "list",
            group: Group::SYMBOLS,
            help: "Features to add to those the objects use, separated by commas",
        } => List(|options, list| options.features.extra = list),
        Export {
            forms: &[either("export", EqualsOrNext)],
            value: "symbol",
            group: Group::EXCHANGE,
            counts: Each,
            help: "Export <symbol>; not having it is an error",
            note: "A function that the linker writes can be named, too: `__wasm_call_ctors`, \
                   `__wasm_init_memory`, `__wasm_apply_data_relocs`, `__wasm_apply_global_relocs`, \
                   `__wasm_apply_tls_relocs`, `__wasm_apply_global_tls_relocs` and `__wasm_start`, \
                   which do nothing where the output has nothing for them to do, and with threads \
                   `__wasm_init_tls`; if they are there, the wrapper `NAME.command_export` of an \
                   export, a function that traps (`undefined_weak:NAME`, \
                   `signature_mismatch:NAME`), and the guard `__wasm_init_memory_flag`. \
                   Not in an object file (`-r`). Where LLD links, only functions that it has a \
                   symbol for can be named: `__wasm_call_ctors` and `__wasm_init_tls`.",
        } => Text(|options, name| options.exports.push(name.into())),
        ExportIfDefined {
            forms: &[either("export-if-defined", EqualsOrNext)],
            value: "symbol",
            group: Group::EXCHANGE,
            counts: Each,
            help: "Export <symbol> if it is defined",
            note: "A function that the linker writes is exported if the output needs it.",
        } => Text(|options, name| options.exports_if_defined.push(name.into())),
        ExportAll {
            forms: &[two("export-all", Nothing)],
            group: Group::EXCHANGE,
            help: "Export every symbol that is not local",
        } => Flag(|options| options.export_all = true),
        ExportDynamic {
            forms: &[either("export-dynamic", Nothing), one("E", Nothing)],
            group: Group::EXCHANGE,
            help: "Export every symbol that is not hidden",
        } => Flag(|options| options.export_dynamic = Some(true)),
        NoExportDynamic {
            forms: &[either("no-export-dynamic", Nothing)],
            group: Group::EXCHANGE, default: "default",
            help: "Export only what is asked for",
        } => Flag(|options| options.export_dynamic = Some(false)),
        ExcludeLibs {
            forms: &[two("exclude-libs", EqualsOrNext)],
            value: "list",
            group: Group::EXCHANGE,
            extension: true, native_only: true, counts: Each,
            help: "Export no symbol of these archives; ALL is every archive",
            note: "File names without directories, separated by commas or colons. The option wins over \
                `--export-all`, `--export-dynamic`, `-shared` and an export that the source asks for; \
                `--export`, `--export-if-defined` and `--entry` still export the symbols that they name. \
                A shared library refers to its own definitions. No effect on an object file (`-r`). Written with two dashes only: `-exclude-libs` is an entry symbol.",
        } => Custom(exclude_libs),
        VersionScript {
            forms: &[either("version-script", EqualsOrNext)],
            value: "file",
            group: Group::EXCHANGE,
            extension: true, native_only: true, counts: Each, path: PathUse::Read,
            help: "Do not export the local symbols of the version script <file>",
            note: "The file says `{ global: a; b*; local: *; };`. Patterns have `*`, `?` and `[a-z]`; a \
                name wins over a pattern, a pattern over `*`, and `global` over `local`. In \
                `extern \"C++\" { }` they match demangled names. Names of versions have no effect. A \
                global symbol is exported as it would be without the file, and need not exist. A \
                local symbol is exported neither by `--export-all`, `--export-dynamic` or `-shared` \
                nor because its source asks for it; `--export`, `--export-if-defined` and `--entry` \
                still export it, and a shared library refers to its own definition. The file applies \
                to symbols that objects define. It has no effect on an object file (`-r`).",
        } => Custom(|options, arg, _| options.version_scripts.push(arg.path())),
        DynamicList {
            forms: &[either("dynamic-list", EqualsOrNext)],
            value: "file",
            group: Group::EXCHANGE,
            extension: true, native_only: true, counts: Each, path: PathUse::Read,
            help: "Export the symbols that <file> lists; with -shared, a loader may replace only those",
            note: "The file says `{ a; b*; };`, with the patterns of `--version-script`. A program exports \
                the listed symbols that objects define, unless they are hidden. A shared library \
                exports the same symbols as without the option, and binds references to unlisted \
                symbols to its own definitions, as with `-Bsymbolic`.",
        } => Custom(|options, arg, _| options.dynamic_lists.push(arg.path())),
        RetainSymbolsFile {
            forms: &[either("retain-symbols-file", EqualsOrNext)],
            value: "file",
            group: Group::EXCHANGE,
            extension: true, native_only: true, counts: Each, path: PathUse::Read,
            help: "Export only symbols that <file> lists",
            note: "One symbol to a line. It works like a version script with these symbols global and \
                all others local. The names of functions for debuggers stay.",
        } => Custom(|options, arg, _| options.retain_symbols_files.push(arg.path())),
        ImportUndefined {
            forms: &[either("import-undefined", Nothing)],
            group: Group::EXCHANGE,
            help: "Undefined functions become imports; other undefined symbols are still reported",
        } => Flag(|options| options.import_undefined = true),
        ImportMemory {
            forms: &[two("import-memory", OptionalEquals)],
            value: "module,name",
            group: Group::EXCHANGE,
            counts: LastWithValue,
            help: "Import the memory instead of defining it",
            default: "env,memory when no value is given",
            note: "A value without a comma is the name, in the default module. A value wins over the \
                form without one, whichever comes first. An empty module or name is an error.",
        } => Custom(import_memory),
        ExportMemory {
            forms: &[two("export-memory", OptionalEquals)],
            value: "name",
            group: Group::EXCHANGE,
            counts: LastWithValue,
            help: "Export the memory, also when it is imported",
            default: "as memory, unless it is imported",
            note: "A value wins over the form without one, whichever comes first. An empty name is an \
                error.",
        } => Custom(export_memory),
        ImportTable {
            forms: &[two("import-table", Nothing)],
            group: Group::EXCHANGE,
            help: "Import the function table",
        } => Flag(|options| options.table.import = true),
        ExportTable {
            forms: &[two("export-table", Nothing)],
            group: Group::EXCHANGE,
            help: "Export the function table",
        } => Flag(|options| options.table.export = true),
        ZOption {
            forms: &[one("z", JoinedOrNext)],
            value: "keyword", choices: &["stack-size=", "muldefs"],
            group: Group::MEMORY,
            counts: Each, when: When::Last,
            help: "stack-size=<bytes> sets the size of the stack (default 65536); muldefs is \
                --allow-multiple-definition",
            note: "The number may be written 0x (hexadecimal), 0b (binary) or 0 (octal), which no \
                other option accepts. An unknown keyword is a warning.",
        } => Custom(keyword),
        StackFirst {
            forms: &[either("stack-first", Nothing)],
            group: Group::MEMORY, default: "default",
            help: "Place the stack below the data: an overflow traps",
        } => Flag(|options| options.memory.stack_first = true),
        NoStackFirst {
            forms: &[either("no-stack-first", Nothing)],
            group: Group::MEMORY,
            help: "Place the stack above the data",
        } => Flag(|options| options.memory.stack_first = false),
        GlobalBase {
            forms: &[two("global-base", Equals)],
            value: "address",
            group: Group::MEMORY,
            help: "Where data begins in memory",
            default: "after the stack; 1024 with --no-stack-first",
        } => Number(|options, base| options.memory.global_base = nonzero(base)),
        TableBase {
            forms: &[two("table-base", Equals)],
            value: "slot",
            group: Group::MEMORY,
            help: "Where functions begin in the table",
            default: "1",
        } => Number(|options, base| options.table.base = nonzero(base)),
        InitialMemory {
            forms: &[two("initial-memory", Equals)],
            value: "bytes",
            group: Group::MEMORY,
            help: "How large the memory is at the start",
            default: "what is needed",
            note: "A multiple of the page size.",
        } => Number(|options, size| options.memory.initial = nonzero(size)),
        InitialHeap {
            forms: &[two("initial-heap", Equals)],
            value: "bytes",
            group: Group::MEMORY,
            help: "How much memory follows data and stack at the start",
            default: "0",
            note: "A multiple of the page size.",
        } => Number(|options, size| options.memory.initial_heap = Some(size)),
        MaxMemory {
            forms: &[two("max-memory", Equals)],
            value: "bytes",
            group: Group::MEMORY,
            help: "How large the memory may grow",
            default: "no limit",
            note: "A multiple of the page size.",
        } => Number(|options, size| options.memory.max = nonzero(size)),
        NoGrowableMemory {
            forms: &[two("no-growable-memory", Nothing)],
            group: Group::MEMORY,
            help: "The memory stays as large as it is at the start",
        } => Flag(|options| options.memory.growable = false),
        PageSize {
            forms: &[two("page-size", Equals)],
            value: "bytes", choices: &["1", "65536"],
            group: Group::MEMORY,
            help: "The memory's page size: 1 or 65536",
            default: "65536",
        } => Custom(page_size),
        SharedMemory {
            forms: &[two("shared-memory", Nothing)],
            group: Group::MEMORY,
            help: "The memory is shared between threads",
        } => Flag(|options| options.memory.shared = true),
        CooperativeThreading {
            forms: &[two("cooperative-threading", Nothing)],
            group: Group::MEMORY,
            help: "Threads take turns, and share an instance (experimental)",
            note: "Experimental: the conventions of WASI 0.3 threads, which still change. Not together \
                with `--shared-memory`. `__init_stack_pointer` and `__init_tls_base` say where the \
                first thread has its stack and its thread-local data; code asks the functions \
                `__wasm_get_stack_pointer` and `__wasm_get_tls_base`. The function table is exported, \
                unless it is imported.",
        } => Flag(|options| options.memory.cooperative = true),
        GrowableTable {
            forms: &[two("growable-table", Nothing)],
            group: Group::MEMORY,
            help: "The function table has no maximum",
        } => Flag(|options| options.table.growable = true),
        GcSections {
            forms: &[either("gc-sections", Nothing)],
            group: Group::CONTENT,
            default: "default, except with --relocatable",
            help: "Leave out what nothing refers to",
        } => Flag(|options| options.gc_sections = true),
        NoGcSections {
            forms: &[either("no-gc-sections", Nothing)],
            group: Group::CONTENT,
            help: "Keep what nothing refers to",
        } => Flag(|options| options.gc_sections = false),
        MergeDataSegments {
            forms: &[two("merge-data-segments", Nothing)],
            group: Group::CONTENT,
            default: "default, except with --relocatable",
            help: "Join data segments of one kind (.rodata.*, .data.*, …)",
        } => Flag(|options| options.merge_data_segments = Some(true)),
        NoMergeDataSegments {
            forms: &[two("no-merge-data-segments", Nothing)],
            group: Group::CONTENT,
            help: "Keep every data segment by itself",
        } => Flag(|options| options.merge_data_segments = Some(false)),
        StripAll {
            forms: &[either("strip-all", Nothing), one("s", Nothing)],
            group: Group::CONTENT,
            help: "Leave out names, debug information and other custom sections",
        } => Flag(|options| options.strip = Strip::All),
        StripDebug {
            forms: &[either("strip-debug", Nothing), one("S", Nothing)],
            group: Group::CONTENT,
            help: "Leave out debug information",
        } => Flag(|options| options.strip = options.strip.max(Strip::Debug)),
        KeepSection {
            forms: &[either("keep-section", EqualsOrNext)],
            value: "name",
            group: Group::CONTENT,
            counts: Each,
            help: "Keep this custom section in spite of --strip-all; may be repeated",
        } => Text(keep_section),
        ExtractCustomSections {
            forms: &[two("extract-custom-sections", Nothing)],
            group: Group::CONTENT,
            extension: true, native_only: true,
            help: "Link archive members that have custom sections, even if nothing refers to them",
            note: "Objects between `--start-lib` and `--end-lib` count, too. Empty sections do not \
                count, nor do those that compilers and linkers add by themselves: `linking`, \
                `reloc.*`, `name`, `producers`, `target_features`, `build_id`, \
                `external_debug_info`, `sourceMappingURL`, `dylink*`, `metadata.code.*`, \
                `llvm.func_attr.*` and names that begin with a dot, such as those of debug \
                information. Bitcode is passed over. Such a member is linked like one that is \
                needed, and what it needs is linked with it; where a symbol is defined without them, \
                that definition stays. Sections alone do not keep code or data: `--gc-sections` \
                leaves out what is neither exported nor needed, and constructors run only if \
                something else of their member is in the output. With `--no-gc-sections` all of the \
                member is in the output: undefined symbols in its code are errors, and its \
                constructors run.",
        } => Flag(|options| options.extract_custom_sections = true),
        BuildId {
            forms: &[either("build-id", OptionalEquals)],
            value: "style", choices: &["fast", "sha1", "tree", "uuid", "none", "0x"],
            group: Group::CONTENT,
            help: "Add a build_id section: fast (the default), sha1, tree, uuid, none or 0x<hex digits>",
            note: "`tree` is `sha1` here as in `wasm-ld`. A `0x` value needs no even number of digits.",
        } => Custom(build_id),
        CompressRelocations {
            forms: &[either("compress-relocations", Nothing)],
            group: Group::CONTENT,
            help: "Write addresses and indices in code as short as they are; needs -s or -S",
        } => Flag(|options| options.compress_relocations = true),
        EmitRelocs {
            forms: &[either("emit-relocs", Nothing)],
            group: Group::CONTENT,
            help: "Keep the relocations in the output",
            note: "The functions that the linker writes have relocations and fields of full width, too, so that \
                   tools can move all code.",
        } => Flag(|options| options.emit_relocs = true),
        MaxFunctionBodySize {
            forms: &[two("max-function-body-size", Equals)],
            value: "bytes",
            group: Group::CONTENT,
            extension: true, native_only: true,
            help: "Split functions of the linker, such as __wasm_apply_data_relocs, that are larger",
            default: "7654321, the limit of engines",
            note: "The size of a body includes the declarations of its locals. A function that is \
                larger calls others, `__wasm_apply_data_relocs_0` and so on, which are not exported. \
                Functions of objects stay as they are.",
        } => Custom(max_function_body_size),
        NoCompactImports {
            forms: &[two("no-compact-imports", Nothing)],
            group: Group::CONTENT,
            extension: true, native_only: true,
            help: "Write each import by itself, in spite of the feature compact-imports (experimental)",
            note: "If an input has the feature `compact-imports`, or `--features` or \
                `--extra-features` turns it on, imports of one module that follow each other share \
                the module's name. Engines do not take that by default yet, so there is a warning. \
                An object file has no such groups.",
        } => Flag(|options| options.compact_imports = false),
        Bsymbolic {
            forms: &[either("Bsymbolic", Nothing)],
            group: Group::DYNAMIC,
            help: "With --shared, defined symbols are bound within the library",
        } => Flag(|options| options.pic.bsymbolic = true),
        BsymbolicFunctions {
            forms: &[either("Bsymbolic-functions", Nothing)],
            group: Group::DYNAMIC,
            extension: true, native_only: true,
            help: "As -Bsymbolic, for functions alone",
        } => Flag(|options| options.pic.bsymbolic_functions = true),
        Soname {
            forms: &[either("soname", EqualsOrNext)],
            value: "name",
            group: Group::DYNAMIC,
            help: "The module's name in the name section",
            default: "the output's file name",
        } => Text(|options, name| options.pic.soname = (!name.is_empty()).then(|| name.into())),
        Rpath {
            forms: &[either("rpath", EqualsOrNext)],
            value: "dir",
            group: Group::DYNAMIC,
            counts: Each,
            help: "Add a directory to the run-time search path in dylink.0; may be repeated",
        } => Text(|options, path| options.pic.rpath.push(path.into())),
        NoShlibSigcheck {
            forms: &[two("no-shlib-sigcheck", Nothing)],
            group: Group::DYNAMIC,
            help: "Do not compare the signatures of functions that shared libraries define",
        } => Flag(|options| options.pic.check_shared_signatures = false),
        ExperimentalPic {
            forms: &[two("experimental-pic", Nothing)],
            group: Group::DYNAMIC,
            help: "Accepted without effect: position-independent output needs no permission",
            note: "LLVM 22 and older warn about `-shared`, `-pie` and dynamic imports without it.",
        } => Set::Nothing,
        ErrorLimit {
            forms: &[two("error-limit", EqualsOrNext)],
            value: "n",
            group: Group::MESSAGES,
            when: When::First,
            help: "Stop after <n> errors; 0 for no limit",
            default: "20",
        } => Number(|options, limit| options.error_limit = limit.try_into().unwrap_or(usize::MAX)),
        FatalWarnings {
            forms: &[either("fatal-warnings", Nothing)],
            group: Group::MESSAGES,
            help: "Warnings are errors",
        } => Flag(|options| options.fatal_warnings = true),
        NoFatalWarnings {
            forms: &[either("no-fatal-warnings", Nothing)],
            group: Group::MESSAGES, default: "default",
            help: "Warnings are warnings",
        } => Flag(|options| options.fatal_warnings = false),
        Demangle {
            forms: &[either("demangle", Nothing)],
            group: Group::MESSAGES, default: "default",
            help: "Show C++ and Rust names as in the source",
        } => Flag(|options| options.demangle = true),
        NoDemangle {
            forms: &[either("no-demangle", Nothing)],
            group: Group::MESSAGES,
            help: "Show names as they are in the objects",
        } => Flag(|options| options.demangle = false),
        Trace {
            forms: &[either("trace", Nothing), one("t", Nothing)],
            group: Group::MESSAGES,
            help: "Print the name of every file that is linked",
        } => Flag(|options| options.trace = true),
        TraceSymbol {
            forms: &[either("trace-symbol", EqualsOrNext), one("y", JoinedOrNext)],
            value: "symbol",
            group: Group::MESSAGES,
            counts: Each,
            help: "Print where <symbol> is defined and referred to; may be repeated",
        } => Text(trace_symbol),
        PrintGcSections {
            forms: &[either("print-gc-sections", Nothing)],
            group: Group::MESSAGES,
            help: "Print what --gc-sections leaves out",
        } => Flag(|options| options.print_gc_sections = true),
        NoPrintGcSections {
            forms: &[either("no-print-gc-sections", Nothing)],
            group: Group::MESSAGES, default: "default",
            help: "Do not print what --gc-sections leaves out",
        } => Flag(|options| options.print_gc_sections = false),
        Stats {
            forms: &[either("stats", Nothing)],
            group: Group::MESSAGES,
            extension: true,
            help: "Accepted without effect",
            note: "Linkers of other formats print statistics of the link. `--time` prints those here.",
        } => Set::Nothing,
        Cref {
            forms: &[two("cref", Nothing)],
            group: Group::OWN,
            extension: true, native_only: true,
            help: "Print which file defines each symbol and which ones refer to it",
        } => Flag(|options| options.cross_references = true),
        Why {
            forms: &[two("why", EqualsOrNext)],
            value: "symbol",
            group: Group::OWN,
            extension: true, native_only: true, counts: Each,
            help: "Print why a symbol is in the output: the references from a root to it; may be repeated",
            note: "`<symbol>` is a name as in the files, or as it is demangled, or a pattern with `*`, `?` and \
                `[a-z]`. A symbol that garbage collection dropped, or that only an archive member \
                defines which was not linked, is printed with what would keep it.",
        } => Text(|options, name| options.why.push(name.into())),
        WhyImport {
            forms: &[two("why-import", EqualsOrNext)],
            value: "module.name",
            group: Group::OWN,
            extension: true, native_only: true, counts: Each,
            help: "Print what refers to an import; may be repeated",
            note: "As for `--why`, `*`, `?` and `[a-z]` make a pattern: `--why-import='env.*'`.",
        } => Text(|options, name| options.why_imports.push(name.into())),
        ErrorSignatureMismatch {
            forms: &[two("error-signature-mismatch", Nothing)],
            group: Group::OWN,
            extension: true, native_only: true,
            help: "A call of a function with a signature that is not its own is an error, not a warning",
        } => Flag(|options| options.error_signature_mismatch = true),
        HostModule {
            forms: &[two("host-module", EqualsOrNext)],
            value: "name",
            group: Group::OWN,
            extension: true,
            help: "The module of imports that name none",
            default: "env",
            note: "Where LLD links, only `env` is possible.",
        } => Custom(host_module),
    }
}

/// 0 counts as not given.
fn nonzero(number: u64) -> Option<u64> {
    (number != 0).then_some(number)
}

/// `--relocatable` wins over `--shared`, and that over `--pie`. That they contradict each other is
/// reported by `compatible::check`.
fn shared(options: &mut Options) {
    if options.output != OutputKind::Relocatable {
        options.output = OutputKind::Shared;
    }
}

fn pie(options: &mut Options) {
    if options.output == OutputKind::Executable {
        options.output = OutputKind::Pie;
    }
}

fn no_pie(options: &mut Options) {
    if options.output == OutputKind::Pie {
        options.output = OutputKind::Executable;
    }
}

fn emulation(options: &mut Options, arg: &Arg, problems: &mut Problems) {
    match arg.text(problems) {
        Some("wasm32") => options.is_64 = Some(false),
        Some("wasm64") => options.is_64 = Some(true),
        Some(other) => problems.error_expecting(
            format!("invalid target architecture: {other}"),
            &arg.spec.choices_listed(),
        ),
        None => {}
    }
}

fn threads(options: &mut Options, arg: &Arg, problems: &mut Problems) {
    let Some(text) = arg.text(problems) else {
        return;
    };
    let number = decimal(text);
    options.threads = number
        .and_then(|threads| u32::try_from(threads).ok())
        .filter(|&threads| threads != 0)
        .map(|threads| threads as usize);
    if options.threads.is_none() {
        let message = format!("--threads: expected a positive integer, but got '{text}'");
        if number.is_some_and(|number| number > 0) {
            problems.error_expecting(message, &format!("at most {}", u32::MAX));
        } else {
            problems.error(message);
        }
    }
}

fn entry(options: &mut Options, name: &str) {
    options.entry = match name {
        "" => Entry::None,
        name => Entry::Named(name.to_owned()),
    };
}

fn no_entry(options: &mut Options, _: &Arg, problems: &mut Problems) {
    problems.forget(LinkOption::Entry.spec());
    options.entry = Entry::None;
}

fn defsym(options: &mut Options, arg: &Arg, problems: &mut Problems) {
    const EXPECTED: &str = "--defsym=<symbol>=<symbol or address>";
    let Some(text) = arg.text(problems) else {
        return;
    };
    let parts = text.split_once('=');
    let Some((name, value)) = parts.filter(|(name, value)| !name.is_empty() && !value.is_empty())
    else {
        let message = format!("--defsym: a symbol and its value expected, but got '{text}'");
        return problems.error_expecting(message, EXPECTED);
    };
    let is_operator = |c: char| c.is_whitespace() || "+-*/%()<>&|^~!?:,;=".contains(c);
    let value = if value.starts_with(|c: char| c.is_ascii_digit()) {
        any_base(value).map(DefsymValue::Address)
    } else {
        (!value.contains(is_operator)).then(|| DefsymValue::Symbol(value.to_owned()))
    };
    match value {
        Some(value) => options.defsyms.push(Defsym {
            name: name.to_owned(),
            value,
        }),
        None => problems.error_expecting(
            format!("--defsym={text}: the value is neither a symbol nor a number"),
            EXPECTED,
        ),
    }
}

fn exclude_libs(options: &mut Options, arg: &Arg, problems: &mut Problems) {
    let Some(list) = arg.text(problems) else {
        return;
    };
    for name in list.split([',', ':']).filter(|name| !name.is_empty()) {
        if name == "ALL" {
            options.exclude_libs.all = true;
        } else {
            options.exclude_libs.names.insert(name.to_owned());
        }
    }
}

/// Wins over every `--unresolved-symbols`.
fn allow_undefined(options: &mut Options) {
    options.import_undefined = true;
    options.unresolved = Unresolved::Ignore;
}

fn unresolved_symbols(options: &mut Options, arg: &Arg, problems: &mut Problems) {
    match arg.text(problems) {
        Some("report-all") | None => {}
        Some("ignore-all") => options.unresolved = Unresolved::Ignore,
        // Only `--allow-undefined` can have set this before.
        Some("import-dynamic") if options.unresolved == Unresolved::Ignore => {}
        Some("import-dynamic") => options.unresolved = Unresolved::ImportDynamic,
        Some(other) => problems.error_expecting(
            format!("unknown --unresolved-symbols value: {other}"),
            &arg.spec.choices_listed(),
        ),
    }
}

/// How undefined symbols are reported, unless they are ignored.
fn warn_unresolved(options: &mut Options) {
    if options.unresolved == Unresolved::Error {
        options.unresolved = Unresolved::Warn;
    }
}

fn error_unresolved(options: &mut Options) {
    if options.unresolved == Unresolved::Warn {
        options.unresolved = Unresolved::Error;
    }
}

fn import_memory(options: &mut Options, arg: &Arg, problems: &mut Problems) {
    let Some(text) = arg.text(problems) else {
        return;
    };
    let (module, name) = match text.split_once(',') {
        _ if arg.value.is_none() => (None, "memory"),
        Some((module, name)) => (Some(module), name),
        None => (None, text),
    };
    if name.is_empty() || module == Some("") {
        let part = if name.is_empty() { "name" } else { "module" };
        problems.error_expecting(
            format!("{}: the {part} is empty", arg.shown()),
            "--import-memory, --import-memory=<name> or --import-memory=<module>,<name>",
        );
    }
    options.memory.import = Some(MemoryImport {
        module: module.map(str::to_owned),
        name: name.to_owned(),
    });
}

fn export_memory(options: &mut Options, arg: &Arg, problems: &mut Problems) {
    let name = match arg.text(problems) {
        _ if arg.value.is_none() => "memory",
        Some(name) => name,
        None => return,
    };
    if name.is_empty() {
        problems.error_expecting(
            format!("{}: the name is empty", arg.shown()),
            "--export-memory or --export-memory=<name>",
        );
    }
    options.memory.export = Some(name.to_owned());
}

/// `-z`.
fn keyword(options: &mut Options, arg: &Arg, problems: &mut Problems) {
    const BYTES: &str = "a number of bytes, decimal or with 0x, 0b or 0 before it";
    let Some(keyword) = arg.text(problems) else {
        return;
    };
    match keyword.split_once('=') {
        Some(("stack-size", size)) => match any_base(size) {
            Some(size) => options.memory.stack_size = size,
            None => problems.error_expecting(
                format!("invalid stack-size: {size}"),
                &with_meant(BYTES, size),
            ),
        },
        None if keyword == "stack-size" => {
            problems.warning("unknown -z value: stack-size");
            problems.error_expecting("invalid stack-size: ", "-z stack-size=<bytes>");
        }
        None if keyword == "muldefs" => options.allow_multiple_definition = true,
        // As in `wasm-ld`, this is accepted without effect.
        Some(("muldefs", _)) => {}
        _ => {
            let text = format!("unknown -z value: {keyword}");
            let warning = Diagnostic::warning(Code::InvalidArgument, text);
            problems.push(warning.note("expected stack-size=<bytes> or muldefs"));
        }
    }
}

fn max_function_body_size(options: &mut Options, arg: &Arg, problems: &mut Problems) {
    /// The bytes of the shortest body that stores an address: locals (1), a place (2), its base (2),
    /// their sum (1), the content of a global (2), the store (3) and the end (1).
    const SMALLEST: u64 = 12;
    match arg.number(problems) {
        Some(size) if size < SMALLEST => problems.error_expecting(
            format!("{}: too small to hold even one relocation", arg.shown()),
            &format!("at least {SMALLEST}"),
        ),
        Some(size) => options.max_function_body_size = size,
        None => {}
    }
}

fn page_size(options: &mut Options, arg: &Arg, problems: &mut Problems) {
    match arg.number(problems) {
        Some(size @ (1 | wasm_format::PAGE_SIZE)) => options.memory.page_size = size,
        Some(_) => problems.error("--page_size=N must be either 1 or 65536"),
        None => {}
    }
}

fn keep_section(options: &mut Options, name: &str) {
    options.keep_sections.insert(name.to_owned());
}

fn trace_symbol(options: &mut Options, name: &str) {
    options.trace_symbols.insert(name.to_owned());
}

fn build_id(options: &mut Options, arg: &Arg, problems: &mut Problems) {
    const STYLES: &str = "fast, sha1, tree, uuid, none or 0x<hex digits>";
    options.build_id = match arg.text(problems) {
        _ if arg.value.is_none() => BuildId::Fast,
        None => return,
        Some("fast") => BuildId::Fast,
        Some("sha1" | "tree") => BuildId::Sha1,
        Some("uuid") => BuildId::random_uuid(),
        Some("none") => BuildId::None,
        Some(style) => match style.strip_prefix("0x").map(|digits| (digits, hex(digits))) {
            Some((_, Some(bytes))) => BuildId::Hex(bytes),
            Some((digits, None)) => {
                let text = format!("not a hexadecimal value: {digits}");
                return problems.error_expecting(text, STYLES);
            }
            None => {
                let text = format!("unknown --build-id style: {style}");
                return problems.error_expecting(text, STYLES);
            }
        },
    };
}

fn host_module(options: &mut Options, arg: &Arg, problems: &mut Problems) {
    let Some(name) = arg.text(problems) else {
        return;
    };
    if name.is_empty() {
        problems.error_expecting("--host-module=: the name is empty", "--host-module=<name>");
    }
    name.clone_into(&mut options.default_import_module);
}
