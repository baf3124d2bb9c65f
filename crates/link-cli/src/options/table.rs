//! The options that are this command's own, one row each. Those of the link are in
//! [`link_core::args`]. Names, dashes and values are those that LLVM 23's `wasm-ld` accepts, as far as it
//! has them.

use link_core::args::Counted::Each;
use link_core::args::PathUse::{Read, Written};
use link_core::args::Set::{Choice, Custom, Flag, Path};
use link_core::args::Takes::{Equals, EqualsOrNext, Joined, Nothing, OptionalEquals};
use link_core::args::{Arg, Group, Problems, Set, When, either, one, two};
use link_core::option_rows;

use super::{LTO, OWN_COMPONENTS, OWN_GENERATORS, OWN_WASI};
use crate::config::{
    Backend, Config, Destination, Request, Shell, SizeDestination, StringEncodingArg,
    WasiAdapterArg, split_adapter,
};
use crate::report::Color;
use crate::rsp::Quoting;

option_rows! {
    /// The options of this command, one row each.
    pub(crate) enum Opt of Config {
        RspQuoting {
            forms: &[either("rsp-quoting", EqualsOrNext)],
            value: "style", choices: &["posix", "windows"],
            group: Group::INPUTS,
            when: When::First,
            help: "How response files (@file) are quoted: posix or windows",
            default: "posix; windows on Windows",
            note: "Only looked for on the command line itself, where its position does not matter; the \
                last one counts. `@file` is replaced by the arguments in the file, also within \
                response files; names in it are relative to the current directory. A file that does \
                not exist leaves the argument as it is. A response file that includes itself is an \
                error.",
        } => Custom(rsp_quoting),
        LtoO {
            forms: &[two("lto-O", Joined)],
            value: "level", choices: &["0", "1", "2", "3"],
            group: LTO,
            help: "Optimisation level",
            default: "2",
        } => Custom(|_, arg, problems| lto_level("optimization level", arg, problems)),
        LtoCgO {
            forms: &[two("lto-CGO", Joined)],
            value: "level", choices: &["0", "1", "2", "3"],
            group: LTO,
            help: "Optimisation level of code generation",
            default: "that of --lto-O",
        } => Custom(|_, arg, problems| lto_level("codegen optimization level", arg, problems)),
        LtoPartitions {
            forms: &[two("lto-partitions", Equals)],
            value: "n",
            group: LTO,
            help: "Generate code in <n> parts",
            default: "1",
        } => Custom(lto_partitions),
        LtoDebugPassManager {
            forms: &[two("lto-debug-pass-manager", Nothing)],
            group: LTO,
            help: "Have LLVM's pass manager say what it does",
        } => Flag(|config| config.lto.debug_pass_manager = true),
        LtoObjPath {
            forms: &[two("lto-obj-path", Equals)],
            value: "file",
            group: LTO, hidden: true,
            help: "Keep the object that LLVM makes as <file>",
        } => Path(|config, path| config.lto.obj_path = Some(path)),
        DisableVerify {
            forms: &[either("disable-verify", Nothing)],
            group: LTO, hidden: true,
            help: "Do not have LLVM verify the bitcode",
        } => Set::Nothing,
        SaveTemps {
            forms: &[either("save-temps", Nothing)],
            group: LTO,
            help: "Keep LLVM's intermediate files",
        } => Set::Nothing,
        Mllvm {
            forms: &[either("mllvm", EqualsOrNext)],
            value: "option",
            group: LTO,
            help: "Pass an option to LLVM; may be repeated",
        } => Flag(|config| config.lto.mllvm = true),
        ThinltoCacheDir {
            forms: &[two("thinlto-cache-dir", Equals)],
            value: "dir",
            group: LTO,
            help: "ThinLTO: keep object files in <dir> and use them again",
        } => Set::Nothing,
        ThinltoCachePolicy {
            forms: &[two("thinlto-cache-policy", EqualsOrNext)],
            value: "policy",
            group: LTO,
            help: "ThinLTO: when to remove files from that directory",
        } => Set::Nothing,
        ThinltoJobs {
            forms: &[two("thinlto-jobs", Equals)],
            value: "n",
            group: LTO,
            help: "ThinLTO: how many jobs; 0 or all for one each processor",
            default: "that of --threads",
        } => Custom(thinlto_jobs),
        ThinltoIndexOnly {
            forms: &[two("thinlto-index-only", OptionalEquals)],
            value: "file",
            group: LTO, hidden: true,
            help: "ThinLTO: make only the index files and list the objects to be made in <file>",
        } => Path(|config, path| config.lto.index_only_list = Some(path)),
        ThinltoEmitImportsFiles {
            forms: &[two("thinlto-emit-imports-files", Nothing)],
            group: LTO, hidden: true,
            help: "ThinLTO: write what each module imports",
        } => Set::Nothing,
        ThinltoEmitIndexFiles {
            forms: &[two("thinlto-emit-index-files", Nothing)],
            group: LTO, hidden: true,
            help: "ThinLTO: write each module's index and link",
        } => Set::Nothing,
        ThinltoObjectSuffixReplace {
            forms: &[two("thinlto-object-suffix-replace", Equals)],
            value: "old;new",
            group: LTO, hidden: true,
            help: "ThinLTO: replace the suffix of bitcode files' names",
        } => Custom(old_and_new),
        ThinltoPrefixReplace {
            forms: &[two("thinlto-prefix-replace", Equals)],
            value: "old;new",
            group: LTO, hidden: true,
            help: "ThinLTO: replace the prefix of output files' names",
        } => Custom(old_and_new),
        Help {
            forms: &[either("help", Nothing)],
            group: Group::MESSAGES,
            before: "error-limit",
            help: "Print this help and exit",
        } => Flag(|config| config.request(Request::Help)),
        Version {
            forms: &[either("version", Nothing)],
            group: Group::MESSAGES,
            before: "error-limit",
            help: "Print the version and exit",
        } => Flag(|config| config.request(Request::Version)),
        PrintVersion {
            forms: &[one("v", Nothing), one("V", Nothing)],
            group: Group::MESSAGES,
            before: "error-limit",
            help: "Print the version, and link if there are inputs",
        } => Flag(|config| config.print_version = true),
        Verbose {
            forms: &[either("verbose", Nothing)],
            group: Group::MESSAGES,
            before: "error-limit",
            help: "Say what is being done, on standard error",
            note: "A native link names the files it reads, links and writes, as `wasm-ld` does.",
        } => Flag(|config| config.reports.verbose = true),
        ColorDiagnostics {
            forms: &[either("color-diagnostics", OptionalEquals)],
            value: "when", choices: &["auto", "always", "never"],
            group: Group::MESSAGES,
            before: "error-limit", when: When::First,
            help: "Colour messages: auto, always (when no value is given) or never",
            default: "auto",
            note: "`auto` colours when standard error is a terminal, unless `NO_COLOR` is set to \
                anything but nothing, or `TERM` is `dumb`.",
        } => Custom(color_diagnostics),
        NoColorDiagnostics {
            forms: &[either("no-color-diagnostics", Nothing)],
            group: Group::MESSAGES,
            before: "error-limit", when: When::First,
            help: "The same as --color-diagnostics=never",
        } => Custom(no_color_diagnostics),
        Map {
            forms: &[either("Map", EqualsOrNext)],
            value: "file",
            group: Group::MESSAGES,
            path: Written,
            help: "Write a map of the output to <file>; - is standard output",
        } => Path(|config, path| config.reports.map = Some(Destination::of(path))),
        PrintMap {
            forms: &[either("print-map", Nothing), one("M", Nothing)],
            group: Group::MESSAGES,
            when: When::Last,
            help: "Print a map of the output",
        } => Flag(|config| config.reports.map = Some(Destination::Stdout)),
        WhyExtract {
            forms: &[two("why-extract", Equals)],
            value: "file",
            group: Group::MESSAGES,
            path: Written,
            help: "Write to <file> why each archive member was linked; - is standard output",
        } => Path(|config, path| config.reports.why_extract = Some(Destination::of(path))),
        Reproduce {
            forms: &[two("reproduce", EqualsOrNext)],
            value: "file",
            group: Group::MESSAGES,
            help: "Write a tar archive with the command line and all inputs",
            note: "In its directory, `wasm-link @response.txt` links again, with no other file. \
                `LLD_REPRODUCE` in the environment says the same.",
        } => Path(|config, path| config.reports.reproduce = Some(path)),
        Backend {
            forms: &[two("backend", EqualsOrNext)],
            value: "which", choices: &["auto", "native", "lld"],
            group: Group::OWN,
            before: "cref", extension: true,
            help: "Which linker does the work: auto, native or lld (wasm-ld as a child process)",
            default: "auto",
            note: "`auto` links natively, and with LLD where a needed file is LLVM bitcode, \
                which is an error with `native`.",
        } => Choice(backend),
        LldPath {
            forms: &[two("lld-path", EqualsOrNext)],
            value: "program",
            group: Group::OWN,
            before: "cref", extension: true,
            help: "The wasm-ld or rust-lld that is run where LLD links",
            default: "$WASM_LD, the Rust toolchain's rust-lld, then wasm-ld on PATH",
        } => Path(|config, path| config.own.lld_path = Some(path)),
        CacheDir {
            forms: &[two("cache-dir", EqualsOrNext)],
            value: "dir",
            group: Group::OWN,
            before: "cref", extension: true,
            help: "Remember links in <dir> and skip one that would change nothing",
            default: "no cache",
            note: "Decided by the contents of everything the link reads. A link that prints or writes \
                something besides its output is always made, and so is one whose output is no regular \
                file. `--verbose-link` says what was decided. A directory that cannot be used is a \
                warning, which `--fatal-warnings` leaves one, and the link is made.",
        } => Path(|config, path| config.own.cache_dir = Some(path)),
        VerboseLink {
            forms: &[two("verbose-link", Nothing)],
            group: Group::OWN,
            before: "cref", extension: true,
            help: "Print which backend links and, for lld, its exact command line",
        } => Flag(|config| config.own.verbose_link = true),
        Time {
            forms: &[two("time", Nothing)],
            group: Group::OWN,
            before: "cref", extension: true, native_only: true,
            help: "Say on standard error how long each phase of the link took",
        } => Flag(|config| config.own.time = true),
        DependencyFile {
            forms: &[two("dependency-file", EqualsOrNext)],
            value: "file",
            group: Group::OWN,
            before: "error-signature-mismatch", extension: true, native_only: true, path: Written,
            help: "Write the files that were read to <file>, as make and ninja read it",
        } => Path(|config, path| config.own.dependency_file = Some(path)),
        SizeReport {
            forms: &[two("size-report", EqualsOrNext)],
            value: "file",
            group: Group::OWN,
            before: "error-signature-mismatch", extension: true, native_only: true, counts: Each, path: Written,
            help: "Write to <file> where the output's bytes come from; - prints it as text",
            note: "The ending of `<file>` chooses the form: `.json` or `.txt`. May be repeated. Every byte of \
                the output is accounted for, by section, input, namespace and symbol; docs/size.md \
                describes the report. With `--component`, the output is the module that the component is \
                made of.",
        } => Custom(size_report),
        WasiSysroot {
            forms: &[two("wasi-sysroot", EqualsOrNext)],
            value: "dir",
            group: OWN_WASI,
            extension: true,
            help: "Take WASI's crt files and libraries from <dir>/lib/wasm32-wasip1 or wasm32-wasi",
        } => Path(|config, path| config.own.wasi.sysroot = Some(path)),
        ExecModel {
            forms: &[two("exec-model", EqualsOrNext)],
            value: "model", choices: &["command", "reactor"],
            group: OWN_WASI,
            extension: true,
            help: "command (runs once) or reactor (initialised, then called): which crt file is linked",
            default: "command",
        } => Choice(exec_model),
        LinkLibc {
            forms: &[two("link-libc", Nothing)],
            group: OWN_WASI,
            extension: true,
            help: "Link the crt file and libc of the sysroot",
        } => Flag(|config| config.own.wasi.libc = true),
        LinkLibcxx {
            forms: &[two("link-libcxx", Nothing)],
            group: OWN_WASI,
            extension: true,
            help: "Link libc++ and libc++abi of the sysroot, and libc",
        } => Flag(link_libcxx),
        WasiEmulated {
            forms: &[two("wasi-emulated", EqualsOrNext)],
            value: "list", choices: &["getpid", "mman", "process-clocks", "pthread", "signal"],
            group: OWN_WASI,
            extension: true, counts: Each,
            help: "Link these emulation libraries of the sysroot, separated by commas",
            note: "`getpid`, `mman`, `process-clocks`, `pthread` and `signal` are what wasi-libc has.",
        } => Custom(wasi_emulated),
        Component {
            forms: &[two("component", Nothing)],
            group: OWN_COMPONENTS, extension: true,
            default: "default, when called by a name that ends in wasm-component-ld",
            help: "Make a component of the linked module",
            note: "The output is a component for WASI 0.2 (`wasm32-wasip2`) or later, made in the same \
                process as `wasm-component-ld` makes it. With `--relocatable` or `--shared` there is \
                nothing to make a component of. Where LLD links, `--cache-dir` skips no \
                component. `--map` and other reports are about the core module. \
                `--version` says which version of WASI's adapters is built in: it decides how new \
                a host has to be.",
        } => Flag(|config| config.own.component.switch = Some(true)),
        NoComponent {
            forms: &[two("no-component", Nothing)],
            group: OWN_COMPONENTS, extension: true,
            help: "Write the core module, also when called as wasm-component-ld",
            note: "The later of `--component` and `--no-component` counts. When rustc links for \
                `wasm32-wasip2` or `wasm32-wasip3`, one of the two is needed, unless the command's name \
                says which: what it expects is a component.",
        } => Flag(|config| config.own.component.switch = Some(false)),
        WasiAdapter {
            forms: &[two("wasi-adapter", EqualsOrNext)],
            value: "which", choices: &["command", "reactor", "proxy", "none"],
            group: OWN_COMPONENTS, extension: true,
            help: "The adapter for imports of WASI preview 1: command, reactor, proxy or none",
            default: "command if the module exports _start, else reactor",
            note: "A module that exports no `_start` is no `command`: that is an error.",
        } => Choice(wasi_adapter),
        Adapt {
            forms: &[two("adapt", EqualsOrNext)],
            value: "name=file",
            group: OWN_COMPONENTS, extension: true, counts: Each,
            help: "The module <file>, binary or text, provides the imports of <name>; may be repeated",
            note: "Without `name=` the file's name, up to its last dot, is the name. An adapter called \
                `wasi_snapshot_preview1` replaces the one that `--wasi-adapter` chooses, and of two with \
                one name the later one counts.",
        } => Custom(adapt),
        ComponentType {
            forms: &[two("component-type", EqualsOrNext)],
            value: "wit",
            group: OWN_COMPONENTS, extension: true, counts: Each, path: Read,
            help: "Add the world of this WIT file or directory to those of the objects; may be repeated",
            note: "A directory is a package, with those it depends on in `deps`. It has one world.",
        } => Path(|config, path| config.own.component.worlds.push(path)),
        StringEncoding {
            forms: &[two("string-encoding", EqualsOrNext)],
            value: "encoding", choices: &["utf8", "utf16", "compact-utf16"],
            group: OWN_COMPONENTS, extension: true,
            help: "How strings of the worlds of --component-type are encoded: utf8, utf16 or compact-utf16",
            default: "utf8",
        } => Choice(string_encoding),
        ValidateComponent {
            forms: &[two("validate-component", OptionalEquals)],
            value: "bool", choices: &["true", "false"],
            group: OWN_COMPONENTS, extension: true,
            help: "Validate the component: true (when no value is given) or false",
            default: "false",
        } => Custom(validate_component),
        MergeImportsBasedOnSemver {
            forms: &[two("merge-imports-based-on-semver", OptionalEquals)],
            value: "bool", choices: &["true", "false"],
            group: OWN_COMPONENTS, extension: true,
            help: "Import one version of an interface for all compatible ones: true or false",
            default: "true",
        } => Custom(merge_imports),
        RejectLegacyNames {
            forms: &[two("reject-legacy-names", Nothing)],
            group: OWN_COMPONENTS, extension: true,
            help: "Take only the standard names for the module's imports and exports",
            note: "Those of [component-model#378](https://github.com/WebAssembly/component-model/pull/378). \
                Compilers and bindings generators write the earlier ones.",
        } => Flag(|config| config.own.component.reject_legacy_names = true),
        ReallocViaMemoryGrow {
            forms: &[two("realloc-via-memory-grow", Nothing)],
            group: OWN_COMPONENTS, extension: true,
            help: "Let adapters allocate with memory.grow instead of the module's cabi_realloc",
        } => Flag(|config| config.own.component.realloc_via_memory_grow = true),
        ReturnCallRef {
            forms: &[two("return-call-ref", Nothing)],
            group: OWN_COMPONENTS, extension: true,
            help: "Let shims of the component use return_call_ref instead of call_indirect",
        } => Flag(|config| config.own.component.return_call_ref = true),
        SkipWitComponent {
            forms: &[two("skip-wit-component", Nothing)],
            group: OWN_COMPONENTS, extension: true,
            help: "The same as --no-component, wherever it stands",
        } => Flag(|config| config.own.component.skip = true),
        AppendLldFlag {
            forms: &[two("append-lld-flag", EqualsOrNext)],
            value: "argument",
            group: OWN_COMPONENTS, extension: true,
            help: "An argument to add at the end of the command line; may be repeated",
            note: "`--append-lld-flag=-z --append-lld-flag=stack-size=65536` is `-z stack-size=65536`.",
        } => Set::Nothing,
        WasmLdPath {
            forms: &[two("wasm-ld-path", EqualsOrNext)],
            value: "program",
            group: OWN_COMPONENTS, extension: true,
            help: "The wasm-ld that is run where LLD links, unless --lld-path names one",
            note: "`wasm-component-ld` needs it for every link; a native link needs none.",
        } => Path(wasm_ld_path),
        Install {
            forms: &[two("install", EqualsOrNext)],
            value: "dir",
            group: Group::OWN,
            before: "cref", extension: true,
            help: "Make the names wasm-ld and wasm-component-ld in <dir>, links to this wasm-link, and exit",
            note: "For compilers that take a linker by its name. `<dir>` is made if it is missing. Each name is \
                a symbolic link; where the system makes none, a hard link or a copy. A name that is \
                another `wasm-link`, or a link to one, is updated: a program counts as one by a text \
                that every `wasm-link` contains, and a link that leads nowhere by the name `wasm-link` \
                of its target. Any other file is an error, and nothing is made. Takes no other argument.",
        } => Custom(|config, arg, _| config.own.install = Some(arg.path())),
        PrintCompletions {
            forms: &[two("print-completions", EqualsOrNext)],
            value: "shell", choices: &["bash", "zsh", "fish"],
            group: OWN_GENERATORS, hidden: true,
            extension: true,
            help: "Print shell completions: bash, zsh or fish",
        } => Choice(print_completions),
        PrintMan {
            forms: &[two("print-man", Nothing)],
            group: OWN_GENERATORS, hidden: true,
            extension: true,
            help: "Print the manual page",
        } => Flag(|config| config.request(Request::Man)),
        PrintOptionsMd {
            forms: &[two("print-options-md", Nothing)],
            group: OWN_GENERATORS, hidden: true,
            extension: true,
            help: "Print docs/options.md",
        } => Flag(|config| config.request(Request::OptionsMd)),
    }
}

/// The style was chosen before the options were read; here it is only checked.
fn rsp_quoting(_: &mut Config, arg: &Arg, problems: &mut Problems) {
    if let Some(style) = arg.text(problems)
        && Quoting::named(style).is_none()
    {
        problems.error_expecting(
            format!("invalid response file quoting: {style}"),
            &arg.spec.choices_listed(),
        );
    }
}

fn color_diagnostics(config: &mut Config, arg: &Arg, problems: &mut Problems) {
    config.color = match arg.text(problems) {
        _ if arg.value.is_none() => Color::Always,
        Some("always") => Color::Always,
        Some("auto") | None => Color::Auto,
        Some("never") => Color::Never,
        Some(other) => {
            return problems.error_expecting(
                format!("unknown option: --color-diagnostics={other}"),
                &arg.spec.choices_listed(),
            );
        }
    };
}

fn no_color_diagnostics(config: &mut Config, _: &Arg, problems: &mut Problems) {
    problems.forget(Opt::ColorDiagnostics.spec());
    config.color = Color::Never;
}

fn lto_level(what: &str, arg: &Arg, problems: &mut Problems) {
    if let Some(level) = arg.number(problems)
        && level > 3
    {
        let text = format!("invalid {what} for LTO: {level}");
        problems.error_expecting(text, &arg.spec.choices_listed());
    }
}

fn lto_partitions(_: &mut Config, arg: &Arg, problems: &mut Problems) {
    if arg.number(problems) == Some(0) {
        problems.error("--lto-partitions: number of threads must be > 0");
    }
}

fn thinlto_jobs(_: &mut Config, arg: &Arg, problems: &mut Problems) {
    let Some(jobs) = arg.text(problems) else {
        return;
    };
    let is_number = jobs.bytes().all(|byte| byte.is_ascii_digit()) && jobs.parse::<u64>().is_ok();
    if !jobs.is_empty() && jobs != "all" && !is_number {
        let text = format!("--thinlto-jobs: invalid job count: {jobs}");
        problems.error_expecting(text, "a number or all");
    }
}

fn old_and_new(_: &mut Config, arg: &Arg, problems: &mut Problems) {
    if let Some(text) = arg.text(problems)
        && !text.contains(';')
    {
        let name = arg.name();
        problems.error(format!("{name}= expects 'old;new' format, but got {text}"));
    }
}

fn backend(config: &mut Config, which: &str) {
    config.own.backend = match which {
        "native" => Backend::Native,
        "lld" => Backend::Lld,
        _ => Backend::Auto,
    };
}

fn size_report(config: &mut Config, arg: &Arg, problems: &mut Problems) {
    match SizeDestination::of(arg.path()) {
        Some(destination) => config.reports.sizes.push(destination),
        None => problems.error_expecting(
            format!("{}: the ending says no form of report", arg.shown()),
            "a name that ends in .json or .txt, or - for text",
        ),
    }
}

fn exec_model(config: &mut Config, model: &str) {
    config.own.wasi.exec_model = model.parse().ok();
}

fn link_libcxx(config: &mut Config) {
    config.own.wasi.libc = true;
    config.own.wasi.libcxx = true;
}

fn wasi_emulated(config: &mut Config, arg: &Arg, problems: &mut Problems) {
    let Some(list) = arg.text(problems) else {
        return;
    };
    let emulated = &mut config.own.wasi.emulated;
    for name in list.split(',').filter(|name| !name.is_empty()) {
        if let Some(name) = arg.choice(name, problems)
            && !emulated.iter().any(|known| known == name)
        {
            emulated.push(name.to_owned());
        }
    }
}

/// `--lld-path` wins, wherever it stands.
fn wasm_ld_path(config: &mut Config, path: std::path::PathBuf) {
    config.own.lld_path.get_or_insert(path);
}

fn wasi_adapter(config: &mut Config, which: &str) {
    config.own.component.wasi_adapter = Some(match which {
        "command" => WasiAdapterArg::Command,
        "reactor" => WasiAdapterArg::Reactor,
        "proxy" => WasiAdapterArg::Proxy,
        _ => WasiAdapterArg::None,
    });
}

fn string_encoding(config: &mut Config, encoding: &str) {
    config.own.component.string_encoding = match encoding {
        "utf16" => StringEncodingArg::Utf16,
        "compact-utf16" => StringEncodingArg::CompactUtf16,
        _ => StringEncodingArg::Utf8,
    };
}

fn validate_component(config: &mut Config, arg: &Arg, problems: &mut Problems) {
    if let Some(validate) = truth(arg, problems) {
        config.own.component.validate = validate;
    }
}

fn merge_imports(config: &mut Config, arg: &Arg, problems: &mut Problems) {
    if let Some(merge) = truth(arg, problems) {
        config.own.component.keep_import_versions = !merge;
    }
}

/// `true` or `false`; the option alone is `true`.
fn truth(arg: &Arg, problems: &mut Problems) -> Option<bool> {
    if arg.value.is_none() {
        return Some(true);
    }
    let text = arg.text(problems)?;
    Some(arg.choice(text, problems)? == "true")
}

fn adapt(config: &mut Config, arg: &Arg, problems: &mut Problems) {
    match split_adapter(arg.value.as_deref().unwrap_or_default()) {
        Some((name, path)) => config.own.component.adapters.push((name, path)),
        None => problems.error_expecting(
            format!("{}: no name or no file", arg.shown()),
            "--adapt=<file> or --adapt=<name>=<file>",
        ),
    }
}

fn print_completions(config: &mut Config, shell: &str) {
    config.request(Request::Completions(match shell {
        "zsh" => Shell::Zsh,
        "fish" => Shell::Fish,
        _ => Shell::Bash,
    }));
}
