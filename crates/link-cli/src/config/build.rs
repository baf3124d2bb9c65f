//! From parsed items to a [`Config`]: what each option does, and what each value may be.
//!
//! Of an option that is given more than once the last one counts, and only its value is looked
//! at, as in `wasm-ld`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use super::values::{Values, any_base, decimal, hex, with_meant};
use super::{
    Arch, Backend, BuildId, Config, ContentArgs, Destination, DynamicArgs, Entry, ExecModel, Input,
    InputKind, LinkArgs, LtoArgs, MemoryArgs, MemoryImport, OutputKind, OwnArgs, ReportArgs,
    Request, Shell, Strip, SymbolArgs, ThinLtoArgs, Unresolved, WasiArgs, check,
};
use crate::options::{OPTIONS, Opt};
use crate::parse::Item;
use crate::report::{Color, Message, Settings};
use crate::rsp::Quoting;

/// Reads the options and, if nothing is wrong with any of them, checks how they go together.
/// `unknown` are the errors about arguments that are no options.
///
/// The messages come in the order of `wasm-ld`'s; if there is an error among them, the
/// configuration is good for printing them and nothing else.
pub(crate) fn build(items: &[Item], unknown: Vec<Message>) -> (Config, Vec<Message>) {
    let mut values = Values::new(items);
    let settings = messages(&mut values);
    rsp_quoting(&mut values);
    let all_known = unknown.is_empty();
    values.messages.extend(unknown);
    let stack_size = z_options(&mut values);
    let of_arguments = values.messages.len();
    let config = Config {
        request: request(&mut values),
        print_version: values.has(Opt::PrintVersion),
        messages: settings,
        own: own(&mut values),
        link: link(items, stack_size, &mut values),
    };
    if !all_known {
        // What an unknown argument was meant to say is missing from all that was read.
        values.messages.truncate(of_arguments);
    } else if !config.messages.is_fatal(&values.messages) {
        check::check(&config, &mut values);
    }
    (config, values.messages)
}

/// The style was chosen before the options were read; here it is only checked.
fn rsp_quoting(values: &mut Values<'_>) {
    if let Some(style) = values.text(Opt::RspQuoting)
        && Quoting::named(&style).is_none()
    {
        values.error_expecting(
            format!("invalid response file quoting: {style}"),
            &choices(Opt::RspQuoting),
        );
    }
}

/// What is asked for instead of a link; help before all others, as in `wasm-ld`.
fn request(values: &mut Values<'_>) -> Option<Request> {
    if values.has(Opt::Help) {
        Some(Request::Help)
    } else if values.has(Opt::Version) {
        Some(Request::Version)
    } else if values.has(Opt::PrintCompletions) {
        let shell = match values.choice(Opt::PrintCompletions)? {
            "zsh" => Shell::Zsh,
            "fish" => Shell::Fish,
            _ => Shell::Bash,
        };
        Some(Request::Completions(shell))
    } else if values.has(Opt::PrintMan) {
        Some(Request::Man)
    } else if values.has(Opt::PrintOptionsMd) {
        Some(Request::OptionsMd)
    } else {
        None
    }
}

fn messages(values: &mut Values<'_>) -> Settings {
    let mut settings = Settings {
        fatal_warnings: values.flag(Opt::FatalWarnings, Opt::NoFatalWarnings, false),
        ..Settings::default()
    };
    if let Some(arg) = values.last_of(&[Opt::ColorDiagnostics, Opt::NoColorDiagnostics]) {
        settings.color = match arg
            .value
            .as_ref()
            .map(|value| value.to_string_lossy())
            .as_deref()
        {
            _ if arg.opt == Opt::NoColorDiagnostics => Color::Never,
            None | Some("always") => Color::Always,
            Some("auto") => Color::Auto,
            Some("never") => Color::Never,
            Some(other) => {
                values.error_expecting(
                    format!("unknown option: --color-diagnostics={other}"),
                    &choices(Opt::ColorDiagnostics),
                );
                Color::Auto
            }
        };
    }
    if let Some(limit) = values.number(Opt::ErrorLimit) {
        settings.error_limit = limit;
    }
    settings
}

fn own(values: &mut Values<'_>) -> OwnArgs {
    OwnArgs {
        backend: match values.choice(Opt::Backend) {
            Some("native") => Backend::Native,
            Some("lld") => Backend::Lld,
            _ => Backend::Auto,
        },
        lld_path: values.path(Opt::LldPath),
        cache_dir: values.path(Opt::CacheDir),
        verbose_link: values.has(Opt::VerboseLink),
        time: values.has(Opt::Time),
        cref: values.has(Opt::Cref),
        dependency_file: values.path(Opt::DependencyFile),
        error_signature_mismatch: values.has(Opt::ErrorSignatureMismatch),
        host_module: host_module(values),
        wasi: WasiArgs {
            sysroot: values.path(Opt::WasiSysroot),
            exec_model: values.choice(Opt::ExecModel).map(|model| match model {
                "reactor" => ExecModel::Reactor,
                _ => ExecModel::Command,
            }),
            libc: values.has(Opt::LinkLibc) || values.has(Opt::LinkLibcxx),
            libcxx: values.has(Opt::LinkLibcxx),
            emulated: emulated(values),
        },
    }
}

fn host_module(values: &mut Values<'_>) -> Option<String> {
    let name = values.text(Opt::HostModule)?;
    if name.is_empty() {
        values.error_expecting("--host-module=: the name is empty", "--host-module=<name>");
    }
    Some(name)
}

fn emulated(values: &mut Values<'_>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for arg in values.all(Opt::WasiEmulated) {
        for name in values
            .text_of(arg)
            .split(',')
            .filter(|name| !name.is_empty())
        {
            if let Some(name) = values.chosen(arg, name)
                && !names.iter().any(|known| known == name)
            {
                names.push(name.to_owned());
            }
        }
    }
    names
}

fn link(items: &[Item], stack_size: Option<u64>, values: &mut Values<'_>) -> LinkArgs {
    let kind = output_kind(values);
    let relocatable = kind == OutputKind::Relocatable;
    LinkArgs {
        output: values.path(Opt::Output),
        kind,
        arch: arch(values),
        threads: threads(values),
        optimize: values
            .number(Opt::Optimize)
            .map_or(1, |level| level.try_into().unwrap_or(u32::MAX)),
        inputs: inputs(items, values),
        library_paths: values.paths(Opt::LibraryPath),
        symbols: symbols(values),
        memory: memory(stack_size, values),
        content: ContentArgs {
            gc_sections: values.flag(Opt::GcSections, Opt::NoGcSections, !relocatable),
            merge_data_segments: values.flag(
                Opt::MergeDataSegments,
                Opt::NoMergeDataSegments,
                !relocatable,
            ),
            strip: if values.has(Opt::StripAll) {
                Strip::All
            } else if values.has(Opt::StripDebug) {
                Strip::Debug
            } else {
                Strip::Nothing
            },
            keep_sections: values.texts(Opt::KeepSection),
            build_id: build_id(values),
            compress_relocations: values.has(Opt::CompressRelocations),
            emit_relocs: values.has(Opt::EmitRelocs),
        },
        dynamic: DynamicArgs {
            bsymbolic: values.has(Opt::Bsymbolic),
            soname: values.text(Opt::Soname).filter(|name| !name.is_empty()),
            rpath: values.texts(Opt::Rpath),
            check_signatures: !values.has(Opt::NoShlibSigcheck),
            experimental_pic: values.has(Opt::ExperimentalPic),
        },
        lto: lto(values),
        reports: ReportArgs {
            verbose: values.has(Opt::Verbose),
            demangle: values.flag(Opt::Demangle, Opt::NoDemangle, true),
            trace: values.has(Opt::Trace),
            trace_symbols: values.texts(Opt::TraceSymbol),
            print_gc_sections: values.flag(Opt::PrintGcSections, Opt::NoPrintGcSections, false),
            map: if values.has(Opt::PrintMap) {
                Some(Destination::Stdout)
            } else {
                destination(values, Opt::Map)
            },
            why_extract: destination(values, Opt::WhyExtract),
            reproduce: values.path(Opt::Reproduce),
        },
    }
}

/// `--relocatable` wins over `--shared` and `--pie`; that `--pie` cannot stand beside either is
/// for [`check`] to say.
fn output_kind(values: &Values<'_>) -> OutputKind {
    if values.has(Opt::Relocatable) {
        OutputKind::Relocatable
    } else if values.has(Opt::Shared) {
        OutputKind::SharedLibrary
    } else if values.flag(Opt::Pie, Opt::NoPie, false) {
        OutputKind::PieExecutable
    } else {
        OutputKind::Executable
    }
}

fn arch(values: &mut Values<'_>) -> Option<Arch> {
    match values.text(Opt::Emulation)?.as_str() {
        "wasm32" => Some(Arch::Wasm32),
        "wasm64" => Some(Arch::Wasm64),
        other => {
            values.error_expecting(
                format!("invalid target architecture: {other}"),
                &choices(Opt::Emulation),
            );
            None
        }
    }
}

fn threads(values: &mut Values<'_>) -> Option<NonZeroUsize> {
    let text = values.text(Opt::Threads)?;
    let number = decimal(&text);
    let threads = number
        .and_then(|threads| u32::try_from(threads).ok())
        .and_then(|threads| NonZeroUsize::new(threads as usize));
    if threads.is_none() {
        let message = format!("--threads: expected a positive integer, but got '{text}'");
        if number.is_some_and(|number| number > 0) {
            values.error_expecting(message, &format!("at most {}", u32::MAX));
        } else {
            values.error(message);
        }
    }
    threads
}

/// The inputs with what the options before each say about it.
fn inputs(items: &[Item], values: &mut Values<'_>) -> Vec<Input> {
    let mut inputs = Vec::new();
    let (mut whole_archive, mut lazy) = (false, false);
    // What a loader places may find its libraries through the loader, too.
    let mut allow_shared = matches!(
        output_kind(values),
        OutputKind::SharedLibrary | OutputKind::PieExecutable
    );
    for item in items {
        let what = match item {
            Item::Input(path) => InputKind::File(PathBuf::from(path)),
            Item::Option(arg) => {
                match arg.opt {
                    Opt::Library => {
                        let name = values.text_of(arg);
                        inputs.push(Input {
                            what: InputKind::Library(name),
                            whole_archive,
                            allow_shared,
                            lazy,
                        });
                    }
                    Opt::WholeArchive => whole_archive = true,
                    Opt::NoWholeArchive => whole_archive = false,
                    Opt::Bdynamic => allow_shared = true,
                    Opt::Bstatic => allow_shared = false,
                    Opt::StartLib if lazy => values.error("nested --start-lib"),
                    Opt::StartLib => lazy = true,
                    Opt::EndLib if !lazy => values.error("stray --end-lib"),
                    Opt::EndLib => lazy = false,
                    _ => {}
                }
                continue;
            }
        };
        inputs.push(Input {
            what,
            whole_archive,
            allow_shared,
            lazy,
        });
    }
    inputs
}

fn symbols(values: &mut Values<'_>) -> SymbolArgs {
    SymbolArgs {
        entry: match values.last_of(&[Opt::Entry, Opt::NoEntry]) {
            None => Entry::Default,
            Some(arg) if arg.opt == Opt::NoEntry => Entry::None,
            Some(arg) => match values.text_of(arg) {
                name if name.is_empty() => Entry::None,
                name => Entry::Symbol(name),
            },
        },
        undefined: values.texts(Opt::Undefined),
        wrap: values.texts(Opt::Wrap),
        allow_multiple_definition: values.flag(
            Opt::AllowMultipleDefinition,
            Opt::NoAllowMultipleDefinition,
            false,
        ) || values
            .texts(Opt::ZOption)
            .iter()
            .any(|keyword| keyword == "muldefs"),
        no_inhibit_exec: values.has(Opt::NoInhibitExec),
        unresolved: unresolved(values),
        import_undefined: values.has(Opt::ImportUndefined) || values.has(Opt::AllowUndefined),
        allow_undefined_files: values.paths(Opt::AllowUndefinedFile),
        export: values.texts(Opt::Export),
        export_if_defined: values.texts(Opt::ExportIfDefined),
        export_all: values.has(Opt::ExportAll),
        export_dynamic: values.given_flag(Opt::ExportDynamic, Opt::NoExportDynamic),
        check_features: values.flag(Opt::CheckFeatures, Opt::NoCheckFeatures, true),
        features: values.list(Opt::Features),
        extra_features: values.list(Opt::ExtraFeatures).unwrap_or_default(),
    }
}

/// `--allow-undefined` wins over every `--unresolved-symbols`.
fn unresolved(values: &mut Values<'_>) -> Unresolved {
    let reported = if values.flag(
        Opt::WarnUnresolvedSymbols,
        Opt::ErrorUnresolvedSymbols,
        false,
    ) {
        Unresolved::Warn
    } else {
        Unresolved::Error
    };
    if values.has(Opt::AllowUndefined) {
        return Unresolved::Ignore;
    }
    match values.text(Opt::UnresolvedSymbols).as_deref() {
        None | Some("report-all") => reported,
        Some("ignore-all") => Unresolved::Ignore,
        Some("import-dynamic") => Unresolved::ImportDynamic,
        Some(other) => {
            values.error_expecting(
                format!("unknown --unresolved-symbols value: {other}"),
                &choices(Opt::UnresolvedSymbols),
            );
            reported
        }
    }
}

fn memory(stack_size: Option<u64>, values: &mut Values<'_>) -> MemoryArgs {
    MemoryArgs {
        stack_size,
        stack_first: values.flag(Opt::StackFirst, Opt::NoStackFirst, true),
        global_base: values.nonzero(Opt::GlobalBase),
        table_base: values.nonzero(Opt::TableBase),
        initial_memory: values.nonzero(Opt::InitialMemory),
        initial_heap: values.number(Opt::InitialHeap),
        max_memory: values.nonzero(Opt::MaxMemory),
        growable: !values.has(Opt::NoGrowableMemory),
        page_size: page_size(values),
        shared: values.has(Opt::SharedMemory),
        import: memory_import(values),
        export: memory_export(values),
        import_table: values.has(Opt::ImportTable),
        export_table: values.has(Opt::ExportTable),
        growable_table: values.has(Opt::GrowableTable),
    }
}

/// Checks every `-z`; the last stack size counts.
fn z_options(values: &mut Values<'_>) -> Option<u64> {
    const BYTES: &str = "a number of bytes, decimal or with 0x, 0b or 0 before it";
    let mut stack_size = None;
    for keyword in values.texts(Opt::ZOption) {
        match keyword.split_once('=') {
            Some(("stack-size", size)) => match any_base(size) {
                Some(size) => stack_size = Some(size),
                None => values.error_expecting(
                    format!("invalid stack-size: {size}"),
                    &with_meant(BYTES, size),
                ),
            },
            None if keyword == "stack-size" => {
                values.warning("unknown -z value: stack-size");
                values.error_expecting("invalid stack-size: ", "-z stack-size=<bytes>");
            }
            _ if keyword == "muldefs" || keyword.starts_with("muldefs=") => {}
            _ => {
                let message = Message::warning(format!("unknown -z value: {keyword}"));
                let known = "expected stack-size=<bytes> or muldefs";
                values.messages.push(message.with_note(known));
            }
        }
    }
    stack_size
}

/// The values that an option accepts, as a message lists them.
fn choices(opt: Opt) -> String {
    let choices = OPTIONS[opt as usize].choices;
    match choices.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => choices.concat(),
    }
}

fn page_size(values: &mut Values<'_>) -> u64 {
    const DEFAULT: u64 = 65536;
    match values.number(Opt::PageSize) {
        None => DEFAULT,
        Some(size @ (1 | DEFAULT)) => size,
        Some(_) => {
            values.error("--page_size=N must be either 1 or 65536");
            DEFAULT
        }
    }
}

fn memory_import(values: &mut Values<'_>) -> Option<MemoryImport> {
    let default = MemoryImport {
        module: None,
        name: "memory".to_owned(),
    };
    let Some(arg) = values.last_with_value(Opt::ImportMemory) else {
        return values.has(Opt::ImportMemory).then_some(default);
    };
    let text = values.text_of(arg);
    let import = match text.split_once(',') {
        Some((module, name)) => MemoryImport {
            module: Some(module.to_owned()),
            name: name.to_owned(),
        },
        None => MemoryImport {
            module: None,
            name: text,
        },
    };
    if import.name.is_empty() || import.module.as_deref() == Some("") {
        let part = if import.name.is_empty() {
            "name"
        } else {
            "module"
        };
        values.error_expecting(
            format!("{}: the {part} is empty", arg.shown()),
            "--import-memory, --import-memory=<name> or --import-memory=<module>,<name>",
        );
    }
    Some(import)
}

fn memory_export(values: &mut Values<'_>) -> Option<String> {
    let Some(arg) = values.last_with_value(Opt::ExportMemory) else {
        return values.has(Opt::ExportMemory).then(|| "memory".to_owned());
    };
    let name = values.text_of(arg);
    if name.is_empty() {
        values.error_expecting(
            format!("{}: the name is empty", arg.shown()),
            "--export-memory or --export-memory=<name>",
        );
    }
    Some(name)
}

fn build_id(values: &mut Values<'_>) -> BuildId {
    const BUILD_IDS: &str = "fast, sha1, tree, uuid, none or 0x<hex digits>";
    let Some(arg) = values.last(Opt::BuildId) else {
        return BuildId::None;
    };
    if arg.value.is_none() {
        return BuildId::Fast;
    }
    let style = values.text_of(arg);
    match style.as_str() {
        "fast" => BuildId::Fast,
        "sha1" | "tree" => BuildId::Sha1,
        "uuid" => BuildId::Uuid,
        "none" => BuildId::None,
        _ => match style.strip_prefix("0x").map(|digits| (digits, hex(digits))) {
            Some((_, Some(bytes))) => BuildId::Bytes(bytes),
            Some((digits, None)) => {
                values.error_expecting(format!("not a hexadecimal value: {digits}"), BUILD_IDS);
                BuildId::None
            }
            None => {
                values.error_expecting(format!("unknown --build-id style: {style}"), BUILD_IDS);
                BuildId::None
            }
        },
    }
}

fn lto(values: &mut Values<'_>) -> LtoArgs {
    LtoArgs {
        level: lto_level(values, Opt::LtoO, "optimization level"),
        codegen_level: lto_level(values, Opt::LtoCgO, "codegen optimization level"),
        partitions: lto_partitions(values),
        debug_pass_manager: values.has(Opt::LtoDebugPassManager),
        obj_path: values.path(Opt::LtoObjPath),
        disable_verify: values.has(Opt::DisableVerify),
        save_temps: values.has(Opt::SaveTemps),
        mllvm: values.texts(Opt::Mllvm),
        thin: ThinLtoArgs {
            cache_dir: values.path(Opt::ThinltoCacheDir),
            cache_policy: values.text(Opt::ThinltoCachePolicy),
            jobs: thinlto_jobs(values),
            index_only: values.has(Opt::ThinltoIndexOnly),
            index_only_list: values.path(Opt::ThinltoIndexOnly),
            emit_imports_files: values.has(Opt::ThinltoEmitImportsFiles),
            emit_index_files: values.has(Opt::ThinltoEmitIndexFiles),
            object_suffix_replace: old_and_new(values, Opt::ThinltoObjectSuffixReplace),
            prefix_replace: old_and_new(values, Opt::ThinltoPrefixReplace),
        },
    }
}

fn lto_level(values: &mut Values<'_>, opt: Opt, what: &str) -> Option<u8> {
    let level = values.number(opt)?;
    let small = u8::try_from(level).ok().filter(|level| *level <= 3);
    if small.is_none() {
        values.error_expecting(format!("invalid {what} for LTO: {level}"), &choices(opt));
    }
    small
}

fn lto_partitions(values: &mut Values<'_>) -> Option<u32> {
    let partitions = values.number(Opt::LtoPartitions)?;
    if partitions == 0 {
        values.error("--lto-partitions: number of threads must be > 0");
    }
    Some(partitions.try_into().unwrap_or(u32::MAX))
}

fn thinlto_jobs(values: &mut Values<'_>) -> Option<String> {
    let jobs = values.text(Opt::ThinltoJobs)?;
    if !jobs.is_empty() && jobs != "all" && decimal(&jobs).is_none() {
        let message = format!("--thinlto-jobs: invalid job count: {jobs}");
        values.error_expecting(message, "a number or all");
    }
    Some(jobs)
}

fn old_and_new(values: &mut Values<'_>, opt: Opt) -> Option<(String, String)> {
    let arg = values.last(opt)?;
    let text = values.text_of(arg);
    let pair = text
        .split_once(';')
        .map(|(old, new)| (old.to_owned(), new.to_owned()));
    if pair.is_none() {
        let shown = arg.shown();
        let name = shown.split('=').next().unwrap_or(&shown);
        values.error(format!("{name}= expects 'old;new' format, but got {text}"));
    }
    pair
}

fn destination(values: &Values<'_>, opt: Opt) -> Option<Destination> {
    values.path(opt).map(|path| {
        if path.as_os_str() == "-" {
            Destination::Stdout
        } else {
            Destination::File(path)
        }
    })
}
