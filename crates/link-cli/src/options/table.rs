//! The table itself. Names, dashes and value forms are those that LLVM 22's `wasm-ld` accepts.

use super::Takes::{Equals, EqualsOrNext, Joined, JoinedOrNext, Nothing, OptionalEquals};
use super::{Group, Spec, either, one, two};

options! {
    Output {
        forms: &[one("o", JoinedOrNext)],
        value: "path",
        group: Group::Output,
        help: "Write the output to <path>; - is standard output",
        note: "Required. An output that is the same file as an input is an error (`wasm-ld` \
            overwrites the input), and so is a report (`--Map`, `--why-extract`, \
            `--dependency-file`, `--reproduce`) that is the same file as an input, the output or \
            another report. A native link replaces each of them as a whole, or leaves the earlier \
            one. A device or a pipe is written to, not replaced.",
    }
    Relocatable {
        forms: &[either("relocatable", Nothing), one("r", Nothing)],
        group: Group::Output,
        help: "Merge the inputs into one relocatable object file",
        note: "Cannot be combined with `--gc-sections` (when given), `--pie`, `--undefined`, \
            `--entry`, `--export-table`, `--growable-table`, `--compress-relocations` or \
            `--shared-memory`.",
    }
    Shared {
        forms: &[either("shared", Nothing)],
        group: Group::Output,
        help: "Make a shared library (a side module)",
        note: "With `--relocatable` the output is a relocatable object.",
    }
    Pie {
        forms: &[either("pie", Nothing)],
        group: Group::Output,
        help: "Make a position-independent executable",
    }
    NoPie {
        forms: &[either("no-pie", Nothing)],
        group: Group::Output, default: "default",
        help: "Make an executable at fixed addresses",
    }
    Emulation {
        forms: &[one("m", JoinedOrNext)],
        value: "emulation", choices: &["wasm32", "wasm64"],
        group: Group::Output,
        help: "Link for wasm32 or wasm64",
        default: "what the first object is",
        note: "Only the last `-m` is looked at.",
    }
    Threads {
        forms: &[either("threads", EqualsOrNext)],
        value: "n",
        group: Group::Output,
        help: "Link with <n> threads; the output is the same for any number",
        default: "one for each processor",
    }
    Optimize {
        forms: &[one("O", JoinedOrNext)],
        value: "level",
        group: Group::Output,
        help: "How hard to make the output small; from 1 on equal strings are merged",
        default: "1",
        note: "A number; `-Os` and `-Oz` are errors, as in `wasm-ld`.",
    }
    NoInhibitExec {
        forms: &[either("noinhibit-exec", Nothing)],
        group: Group::Output,
        help: "A symbol defined more than once is a warning, and its last definition is taken",
        note: "Any other error prevents the output, as in `wasm-ld`.",
    }

    LibraryPath {
        forms: &[one("L", JoinedOrNext), either("library-path", EqualsOrNext)],
        value: "dir",
        group: Group::Inputs,
        help: "Search <dir> for libraries",
        note: "Every directory counts for every `-l`, whichever comes first.",
    }
    Library {
        forms: &[one("l", JoinedOrNext), either("library", EqualsOrNext)],
        value: "name",
        group: Group::Inputs,
        help: "Link lib<name>.so or lib<name>.a from the library search path",
        note: "`-l:FILE` looks for a file of exactly that name. With one dash, `-lto-O2` is a \
            library called `to-O2`.",
    }
    Bstatic {
        forms: &[
            either("Bstatic", Nothing),
            either("static", Nothing),
            either("dn", Nothing),
            either("non_shared", Nothing),
        ],
        group: Group::Inputs, default: "default",
        help: "From here on, do not take shared libraries for -l",
    }
    Bdynamic {
        forms: &[either("Bdynamic", Nothing), either("dy", Nothing), either("call_shared", Nothing)],
        group: Group::Inputs,
        help: "From here on, prefer shared libraries for -l",
    }
    WholeArchive {
        forms: &[either("whole-archive", Nothing)],
        group: Group::Inputs,
        help: "From here on, link every member of an archive, needed or not",
    }
    NoWholeArchive {
        forms: &[either("no-whole-archive", Nothing)],
        group: Group::Inputs, default: "default",
        help: "From here on, link only the members of an archive that are needed",
    }
    StartLib {
        forms: &[either("start-lib", Nothing)],
        group: Group::Inputs,
        help: "Begin a group of objects that are linked only when needed, like members of an archive",
    }
    EndLib {
        forms: &[either("end-lib", Nothing)],
        group: Group::Inputs,
        help: "End the group begun by --start-lib",
    }
    RspQuoting {
        forms: &[either("rsp-quoting", EqualsOrNext)],
        value: "style", choices: &["posix", "windows"],
        group: Group::Inputs,
        help: "How response files (@file) are quoted: posix or windows",
        default: "posix; windows on Windows",
        note: "Only looked for on the command line itself, where its position does not matter; the \
            last one counts. `@file` is replaced by the arguments in the file, also within \
            response files; names in it are relative to the current directory. A file that does \
            not exist leaves the argument as it is. A response file that includes itself is an \
            error.",
    }

    Entry {
        forms: &[either("entry", EqualsOrNext), one("e", JoinedOrNext)],
        value: "symbol",
        group: Group::Symbols,
        help: "The function where the program starts",
        default: "_start",
        note: "Because `-e` takes its value joined, a long option that insists on two dashes and \
            begins with an e is an entry symbol when written with one: `-export-all` is the entry \
            `xport-all`.",
    }
    NoEntry {
        forms: &[two("no-entry", Nothing)],
        group: Group::Symbols,
        help: "The output has no entry point",
        note: "The later of `--entry` and `--no-entry` counts.",
    }
    Undefined {
        forms: &[either("undefined", EqualsOrNext), one("u", JoinedOrNext)],
        value: "symbol",
        group: Group::Symbols,
        help: "Link and keep what defines <symbol>, even when nothing refers to it",
        note: "What it defines is kept, with all that it needs and the constructors of its object \
            (`wasm-ld` drops them). It is not exported. May be repeated. Nothing defining it is no \
            error. Where LLD links, nothing is kept.",
    }
    Wrap {
        forms: &[either("wrap", EqualsOrNext)],
        value: "symbol",
        group: Group::Symbols,
        help: "References to <symbol> go to __wrap_<symbol>, those to __real_<symbol> to it",
    }
    AllowMultipleDefinition {
        forms: &[either("allow-multiple-definition", Nothing)],
        group: Group::Symbols,
        help: "When a symbol is defined more than once, take the first definition",
        note: "`-z muldefs` says the same and wins over `--no-allow-multiple-definition`.",
    }
    NoAllowMultipleDefinition {
        forms: &[either("no-allow-multiple-definition", Nothing)],
        group: Group::Symbols, default: "default",
        help: "A symbol defined more than once is an error",
    }
    AllowUndefined {
        forms: &[either("allow-undefined", Nothing)],
        group: Group::Symbols,
        help: "Undefined functions become imports, other undefined symbols are address 0",
        note: "The same as `--import-undefined --unresolved-symbols=ignore-all`, and stronger than \
            any other value of `--unresolved-symbols`.",
    }
    AllowUndefinedFile {
        forms: &[two("allow-undefined-file", Equals), one("allow-undefined-file", EqualsOrNext)],
        value: "file",
        group: Group::Symbols,
        help: "As --allow-undefined, for the symbols listed in <file>",
        note: "One symbol to a line; a line that begins with # is a comment. The value can be the \
            next argument only after one dash, as in `wasm-ld`.",
    }
    UnresolvedSymbols {
        forms: &[either("unresolved-symbols", EqualsOrNext)],
        value: "method", choices: &["report-all", "ignore-all", "import-dynamic"],
        group: Group::Symbols,
        help: "What to do about undefined symbols: report-all, ignore-all or import-dynamic",
        default: "report-all",
    }
    NoUndefined {
        forms: &[either("no-undefined", Nothing)],
        group: Group::Symbols, default: "default",
        help: "Undefined symbols are errors",
        note: "Accepted because build systems (Meson) pass it to every linker; `wasm-ld` does not \
            know it. It describes the default and has no effect: not on `--allow-undefined`, \
            `--import-undefined`, `--unresolved-symbols` and `--warn-unresolved-symbols`, wherever \
            they stand, and not with `--shared`, where a loader may define what is undefined.",
    }
    WarnUnresolvedSymbols {
        forms: &[either("warn-unresolved-symbols", Nothing)],
        group: Group::Symbols,
        help: "Undefined symbols that are reported are warnings",
    }
    ErrorUnresolvedSymbols {
        forms: &[either("error-unresolved-symbols", Nothing)],
        group: Group::Symbols, default: "default",
        help: "Undefined symbols that are reported are errors",
    }
    CheckFeatures {
        forms: &[two("check-features", Nothing)],
        group: Group::Symbols, default: "default",
        help: "Objects that disagree about WebAssembly features are an error",
    }
    NoCheckFeatures {
        forms: &[two("no-check-features", Nothing)],
        group: Group::Symbols,
        help: "Do not compare the features that objects use",
    }
    Features {
        forms: &[either("features", Equals)],
        value: "list",
        group: Group::Symbols,
        help: "The WebAssembly features that objects may use, separated by commas",
        default: "those the objects use",
    }
    ExtraFeatures {
        forms: &[either("extra-features", Equals)],
        value: "list",
        group: Group::Symbols,
        help: "Features to add to those the objects use, separated by commas",
    }

    Export {
        forms: &[either("export", EqualsOrNext)],
        value: "symbol",
        group: Group::Exchange,
        help: "Export <symbol>; not having it is an error",
    }
    ExportIfDefined {
        forms: &[either("export-if-defined", EqualsOrNext)],
        value: "symbol",
        group: Group::Exchange,
        help: "Export <symbol> if it is defined",
    }
    ExportAll {
        forms: &[two("export-all", Nothing)],
        group: Group::Exchange,
        help: "Export every symbol that is not local",
    }
    ExportDynamic {
        forms: &[either("export-dynamic", Nothing), one("E", Nothing)],
        group: Group::Exchange,
        help: "Export every symbol that is not hidden",
    }
    NoExportDynamic {
        forms: &[either("no-export-dynamic", Nothing)],
        group: Group::Exchange, default: "default",
        help: "Export only what is asked for",
    }
    ImportUndefined {
        forms: &[either("import-undefined", Nothing)],
        group: Group::Exchange,
        help: "Undefined functions become imports; other undefined symbols are still reported",
    }
    ImportMemory {
        forms: &[two("import-memory", OptionalEquals)],
        value: "module,name",
        group: Group::Exchange,
        help: "Import the memory instead of defining it",
        default: "env,memory when no value is given",
        note: "A value without a comma is the name, in the default module. A value wins over the \
            form without one, whichever comes first. An empty module or name is an error.",
    }
    ExportMemory {
        forms: &[two("export-memory", OptionalEquals)],
        value: "name",
        group: Group::Exchange,
        help: "Export the memory, also when it is imported",
        default: "as memory, unless it is imported",
        note: "A value wins over the form without one, whichever comes first. An empty name is an \
            error.",
    }
    ImportTable {
        forms: &[two("import-table", Nothing)],
        group: Group::Exchange,
        help: "Import the function table",
    }
    ExportTable {
        forms: &[two("export-table", Nothing)],
        group: Group::Exchange,
        help: "Export the function table",
    }

    ZOption {
        forms: &[one("z", JoinedOrNext)],
        value: "keyword", choices: &["stack-size=", "muldefs"],
        group: Group::Memory,
        help: "stack-size=<bytes> sets the size of the stack (default 65536); muldefs is \
            --allow-multiple-definition",
        note: "The number may be written 0x (hexadecimal), 0b (binary) or 0 (octal), which no \
            other option accepts. An unknown keyword is a warning.",
    }
    StackFirst {
        forms: &[either("stack-first", Nothing)],
        group: Group::Memory, default: "default",
        help: "Place the stack below the data: an overflow traps",
    }
    NoStackFirst {
        forms: &[either("no-stack-first", Nothing)],
        group: Group::Memory,
        help: "Place the stack above the data",
    }
    GlobalBase {
        forms: &[two("global-base", Equals)],
        value: "address",
        group: Group::Memory,
        help: "Where data begins in memory",
        default: "after the stack; 1024 with --no-stack-first",
    }
    TableBase {
        forms: &[two("table-base", Equals)],
        value: "slot",
        group: Group::Memory,
        help: "Where functions begin in the table",
        default: "1",
    }
    InitialMemory {
        forms: &[two("initial-memory", Equals)],
        value: "bytes",
        group: Group::Memory,
        help: "How large the memory is at the start",
        default: "what is needed",
        note: "A multiple of the page size.",
    }
    InitialHeap {
        forms: &[two("initial-heap", Equals)],
        value: "bytes",
        group: Group::Memory,
        help: "How much memory follows data and stack at the start",
        default: "0",
        note: "A multiple of the page size.",
    }
    MaxMemory {
        forms: &[two("max-memory", Equals)],
        value: "bytes",
        group: Group::Memory,
        help: "How large the memory may grow",
        default: "no limit",
        note: "A multiple of the page size.",
    }
    NoGrowableMemory {
        forms: &[two("no-growable-memory", Nothing)],
        group: Group::Memory,
        help: "The memory stays as large as it is at the start",
    }
    PageSize {
        forms: &[two("page-size", Equals)],
        value: "bytes", choices: &["1", "65536"],
        group: Group::Memory,
        help: "The memory's page size: 1 or 65536",
        default: "65536",
    }
    SharedMemory {
        forms: &[two("shared-memory", Nothing)],
        group: Group::Memory,
        help: "The memory is shared between threads",
    }
    GrowableTable {
        forms: &[two("growable-table", Nothing)],
        group: Group::Memory,
        help: "The function table has no maximum",
    }

    GcSections {
        forms: &[either("gc-sections", Nothing)],
        group: Group::Content,
        default: "default, except with --relocatable",
        help: "Leave out what nothing refers to",
    }
    NoGcSections {
        forms: &[either("no-gc-sections", Nothing)],
        group: Group::Content,
        help: "Keep what nothing refers to",
    }
    MergeDataSegments {
        forms: &[two("merge-data-segments", Nothing)],
        group: Group::Content,
        default: "default, except with --relocatable",
        help: "Join data segments of one kind (.rodata.*, .data.*, …)",
    }
    NoMergeDataSegments {
        forms: &[two("no-merge-data-segments", Nothing)],
        group: Group::Content,
        help: "Keep every data segment by itself",
    }
    StripAll {
        forms: &[either("strip-all", Nothing), one("s", Nothing)],
        group: Group::Content,
        help: "Leave out names, debug information and other custom sections",
    }
    StripDebug {
        forms: &[either("strip-debug", Nothing), one("S", Nothing)],
        group: Group::Content,
        help: "Leave out debug information",
    }
    KeepSection {
        forms: &[either("keep-section", EqualsOrNext)],
        value: "name",
        group: Group::Content,
        help: "Keep this custom section in spite of --strip-all; may be repeated",
    }
    BuildId {
        forms: &[either("build-id", OptionalEquals)],
        value: "style", choices: &["fast", "sha1", "tree", "uuid", "none", "0x"],
        group: Group::Content,
        help: "Add a build_id section: fast (the default), sha1, tree, uuid, none or 0x<hex digits>",
        note: "`tree` is `sha1` here as in `wasm-ld`. A `0x` value needs no even number of digits.",
    }
    CompressRelocations {
        forms: &[either("compress-relocations", Nothing)],
        group: Group::Content,
        help: "Write addresses and indices in code as short as they are; needs -s or -S",
    }
    EmitRelocs {
        forms: &[either("emit-relocs", Nothing)],
        group: Group::Content,
        help: "Keep the relocations in the output",
    }

    Bsymbolic {
        forms: &[either("Bsymbolic", Nothing)],
        group: Group::Dynamic,
        help: "With --shared, defined symbols are bound within the library",
    }
    Soname {
        forms: &[either("soname", EqualsOrNext)],
        value: "name",
        group: Group::Dynamic,
        help: "The module's name in the name section",
        default: "the output's file name",
    }
    Rpath {
        forms: &[either("rpath", EqualsOrNext)],
        value: "dir",
        group: Group::Dynamic,
        help: "Add a directory to the run-time search path in dylink.0; may be repeated",
    }
    NoShlibSigcheck {
        forms: &[two("no-shlib-sigcheck", Nothing)],
        group: Group::Dynamic,
        help: "Do not compare the signatures of functions that shared libraries define",
    }
    ExperimentalPic {
        forms: &[two("experimental-pic", Nothing)],
        group: Group::Dynamic,
        help: "Do not warn that --shared, --pie and dynamic imports are not yet stable",
    }

    LtoO {
        forms: &[two("lto-O", Joined)],
        value: "level", choices: &["0", "1", "2", "3"],
        group: Group::Lto,
        help: "Optimisation level",
        default: "2",
    }
    LtoCgO {
        forms: &[two("lto-CGO", Joined)],
        value: "level", choices: &["0", "1", "2", "3"],
        group: Group::Lto,
        help: "Optimisation level of code generation",
        default: "that of --lto-O",
    }
    LtoPartitions {
        forms: &[two("lto-partitions", Equals)],
        value: "n",
        group: Group::Lto,
        help: "Generate code in <n> parts",
        default: "1",
    }
    LtoDebugPassManager {
        forms: &[two("lto-debug-pass-manager", Nothing)],
        group: Group::Lto,
        help: "Have LLVM's pass manager say what it does",
    }
    LtoObjPath {
        forms: &[two("lto-obj-path", Equals)],
        value: "file",
        group: Group::Lto, hidden: true,
        help: "Keep the object that LLVM makes as <file>",
    }
    DisableVerify {
        forms: &[either("disable-verify", Nothing)],
        group: Group::Lto, hidden: true,
        help: "Do not have LLVM verify the bitcode",
    }
    SaveTemps {
        forms: &[either("save-temps", Nothing)],
        group: Group::Lto,
        help: "Keep LLVM's intermediate files",
    }
    Mllvm {
        forms: &[either("mllvm", EqualsOrNext)],
        value: "option",
        group: Group::Lto,
        help: "Pass an option to LLVM; may be repeated",
    }
    ThinltoCacheDir {
        forms: &[two("thinlto-cache-dir", Equals)],
        value: "dir",
        group: Group::Lto,
        help: "ThinLTO: keep object files in <dir> and use them again",
    }
    ThinltoCachePolicy {
        forms: &[two("thinlto-cache-policy", EqualsOrNext)],
        value: "policy",
        group: Group::Lto,
        help: "ThinLTO: when to remove files from that directory",
    }
    ThinltoJobs {
        forms: &[two("thinlto-jobs", Equals)],
        value: "n",
        group: Group::Lto,
        help: "ThinLTO: how many jobs; 0 or all for one each processor",
        default: "that of --threads",
    }
    ThinltoIndexOnly {
        forms: &[two("thinlto-index-only", OptionalEquals)],
        value: "file",
        group: Group::Lto, hidden: true,
        help: "ThinLTO: make only the index files and list the objects to be made in <file>",
    }
    ThinltoEmitImportsFiles {
        forms: &[two("thinlto-emit-imports-files", Nothing)],
        group: Group::Lto, hidden: true,
        help: "ThinLTO: write what each module imports",
    }
    ThinltoEmitIndexFiles {
        forms: &[two("thinlto-emit-index-files", Nothing)],
        group: Group::Lto, hidden: true,
        help: "ThinLTO: write each module's index and link",
    }
    ThinltoObjectSuffixReplace {
        forms: &[two("thinlto-object-suffix-replace", Equals)],
        value: "old;new",
        group: Group::Lto, hidden: true,
        help: "ThinLTO: replace the suffix of bitcode files' names",
    }
    ThinltoPrefixReplace {
        forms: &[two("thinlto-prefix-replace", Equals)],
        value: "old;new",
        group: Group::Lto, hidden: true,
        help: "ThinLTO: replace the prefix of output files' names",
    }

    Help {
        forms: &[either("help", Nothing)],
        group: Group::Messages,
        help: "Print this help and exit",
    }
    Version {
        forms: &[either("version", Nothing)],
        group: Group::Messages,
        help: "Print the version and exit",
    }
    PrintVersion {
        forms: &[one("v", Nothing), one("V", Nothing)],
        group: Group::Messages,
        help: "Print the version, and link if there are inputs",
    }
    Verbose {
        forms: &[either("verbose", Nothing)],
        group: Group::Messages,
        help: "Say what is being done, on standard error",
        note: "A native link names the files it reads, links and writes, as `wasm-ld` does.",
    }
    ColorDiagnostics {
        forms: &[either("color-diagnostics", OptionalEquals)],
        value: "when", choices: &["auto", "always", "never"],
        group: Group::Messages,
        help: "Colour messages: auto, always (when no value is given) or never",
        default: "auto",
        note: "`auto` colours when standard error is a terminal, unless `NO_COLOR` is set to \
            anything but nothing, or `TERM` is `dumb`.",
    }
    NoColorDiagnostics {
        forms: &[either("no-color-diagnostics", Nothing)],
        group: Group::Messages,
        help: "The same as --color-diagnostics=never",
    }
    ErrorLimit {
        forms: &[two("error-limit", EqualsOrNext)],
        value: "n",
        group: Group::Messages,
        help: "Stop after <n> errors; 0 for no limit",
        default: "20",
    }
    FatalWarnings {
        forms: &[either("fatal-warnings", Nothing)],
        group: Group::Messages,
        help: "Warnings are errors",
    }
    NoFatalWarnings {
        forms: &[either("no-fatal-warnings", Nothing)],
        group: Group::Messages, default: "default",
        help: "Warnings are warnings",
    }
    Demangle {
        forms: &[either("demangle", Nothing)],
        group: Group::Messages, default: "default",
        help: "Show C++ and Rust names as in the source",
    }
    NoDemangle {
        forms: &[either("no-demangle", Nothing)],
        group: Group::Messages,
        help: "Show names as they are in the objects",
    }
    Trace {
        forms: &[either("trace", Nothing), one("t", Nothing)],
        group: Group::Messages,
        help: "Print the name of every file that is linked",
    }
    TraceSymbol {
        forms: &[either("trace-symbol", EqualsOrNext), one("y", JoinedOrNext)],
        value: "symbol",
        group: Group::Messages,
        help: "Print where <symbol> is defined and referred to; may be repeated",
    }
    PrintGcSections {
        forms: &[either("print-gc-sections", Nothing)],
        group: Group::Messages,
        help: "Print what --gc-sections leaves out",
    }
    NoPrintGcSections {
        forms: &[either("no-print-gc-sections", Nothing)],
        group: Group::Messages, default: "default",
        help: "Do not print what --gc-sections leaves out",
    }
    Map {
        forms: &[either("Map", EqualsOrNext)],
        value: "file",
        group: Group::Messages,
        help: "Write a map of the output to <file>; - is standard output",
    }
    PrintMap {
        forms: &[either("print-map", Nothing), one("M", Nothing)],
        group: Group::Messages,
        help: "Print a map of the output",
    }
    WhyExtract {
        forms: &[two("why-extract", Equals)],
        value: "file",
        group: Group::Messages,
        help: "Write to <file> why each archive member was linked; - is standard output",
    }
    Reproduce {
        forms: &[two("reproduce", EqualsOrNext)],
        value: "file",
        group: Group::Messages,
        help: "Write a tar archive with the command line and all inputs",
        note: "In its directory, `wasm-link @response.txt` links again, with no other file. \
            `LLD_REPRODUCE` in the environment says the same.",
    }

    Backend {
        forms: &[two("backend", EqualsOrNext)],
        value: "which", choices: &["auto", "native", "lld"],
        group: Group::Own,
        help: "Which linker does the work: auto, native or lld (wasm-ld as a child process)",
        default: "auto",
        note: "`auto` links natively, and with LLD where a needed file is LLVM bitcode, \
            which is an error with `native`.",
    }
    LldPath {
        forms: &[two("lld-path", EqualsOrNext)],
        value: "program",
        group: Group::Own,
        help: "The wasm-ld or rust-lld that is run where LLD links",
        default: "$WASM_LD, the Rust toolchain's rust-lld, then wasm-ld on PATH",
    }
    CacheDir {
        forms: &[two("cache-dir", EqualsOrNext)],
        value: "dir",
        group: Group::Own,
        help: "Remember links in <dir> and skip one that would change nothing",
        default: "no cache",
        note: "Decided by the contents of everything the link reads. A link that prints or writes \
            something besides its output is always made, and so is one whose output is no regular \
            file. `--verbose-link` says what was decided. A directory that cannot be used is a \
            warning, which `--fatal-warnings` leaves one, and the link is made.",
    }
    VerboseLink {
        forms: &[two("verbose-link", Nothing)],
        group: Group::Own,
        help: "Print which backend links and, for lld, its exact command line",
    }
    Time {
        forms: &[two("time", Nothing)],
        group: Group::Own,
        help: "Say on standard error how long each phase of the link took",
        note: "Not where LLD links.",
    }
    Cref {
        forms: &[two("cref", Nothing)],
        group: Group::Own,
        help: "Print which file defines each symbol and which ones refer to it",
        note: "Not where LLD links.",
    }
    DependencyFile {
        forms: &[two("dependency-file", EqualsOrNext)],
        value: "file",
        group: Group::Own,
        help: "Write the files that were read to <file>, as make and ninja read it",
        note: "Not where LLD links.",
    }
    ErrorSignatureMismatch {
        forms: &[two("error-signature-mismatch", Nothing)],
        group: Group::Own,
        help: "A call of a function with a signature that is not its own is an error, not a warning",
        note: "Not where LLD links.",
    }
    HostModule {
        forms: &[two("host-module", EqualsOrNext)],
        value: "name",
        group: Group::Own,
        help: "The module of imports that name none",
        default: "env",
        note: "Where LLD links, only `env` is possible.",
    }
    WasiSysroot {
        forms: &[two("wasi-sysroot", EqualsOrNext)],
        value: "dir",
        group: Group::OwnWasi,
        help: "Take WASI's crt files and libraries from <dir>/lib/wasm32-wasip1 or wasm32-wasi",
    }
    ExecModel {
        forms: &[two("exec-model", EqualsOrNext)],
        value: "model", choices: &["command", "reactor"],
        group: Group::OwnWasi,
        help: "command (runs once) or reactor (initialised, then called): which crt file is linked",
        default: "command",
    }
    LinkLibc {
        forms: &[two("link-libc", Nothing)],
        group: Group::OwnWasi,
        help: "Link the crt file and libc of the sysroot",
    }
    LinkLibcxx {
        forms: &[two("link-libcxx", Nothing)],
        group: Group::OwnWasi,
        help: "Link libc++ and libc++abi of the sysroot, and libc",
    }
    WasiEmulated {
        forms: &[two("wasi-emulated", EqualsOrNext)],
        value: "list", choices: &["getpid", "mman", "process-clocks", "pthread", "signal"],
        group: Group::OwnWasi,
        help: "Link these emulation libraries of the sysroot, separated by commas",
        note: "`getpid`, `mman`, `process-clocks`, `pthread` and `signal` are what wasi-libc has.",
    }
    PrintCompletions {
        forms: &[two("print-completions", EqualsOrNext)],
        value: "shell", choices: &["bash", "zsh", "fish"],
        group: Group::OwnGenerators, hidden: true,
        help: "Print shell completions: bash, zsh or fish",
    }
    PrintMan {
        forms: &[two("print-man", Nothing)],
        group: Group::OwnGenerators, hidden: true,
        help: "Print the manual page",
    }
    PrintOptionsMd {
        forms: &[two("print-options-md", Nothing)],
        group: Group::OwnGenerators, hidden: true,
        help: "Print docs/options.md",
    }
}
