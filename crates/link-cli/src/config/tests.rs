//! What this command's own options come to. Those of a link are tested with `link_core::args`.

use super::*;
use crate::options::spellings;
use crate::report::Severity;

fn config_of(line: &str) -> (Config, Vec<Message>) {
    let line = Line::parse(line.split_whitespace(), &spellings());
    assert_eq!(line.unknown, []);
    Config::of(&line)
}

/// The configuration of a line without errors and warnings.
#[track_caller]
fn config(line: &str) -> Config {
    let (config, messages) = config_of(&format!("a.o -o x {line}"));
    assert_eq!(messages, [], "{line}");
    config
}

#[test]
fn without_options_the_defaults_are_those_of_lld() {
    let config = config("");
    assert_eq!(config.options, Options::default());
    assert_eq!(config.files.output.as_deref(), Some("x".as_ref()));
    assert_eq!(config.messages(), report::Settings::default());
    assert_eq!(config.lto, LtoArgs::default());
    assert_eq!(config.reports, ReportArgs::default());
    assert_eq!(config.own, OwnArgs::default());
}

#[test]
fn link_time_optimisation() {
    let config = config(
        "--lto-O3 --lto-CGO1 --lto-partitions=4 -mllvm -a --mllvm=-b --save-temps --disable-verify \
         --lto-obj-path=o --thinlto-jobs=all --thinlto-prefix-replace=a;b --thinlto-index-only=i \
         --thinlto-cache-policy p --thinlto-cache-dir=d --thinlto-emit-index-files",
    );
    let expected = LtoArgs {
        debug_pass_manager: false,
        mllvm: true,
        obj_path: Some("o".into()),
        index_only_list: Some("i".into()),
    };
    assert_eq!(config.lto, expected);
}

#[test]
fn reports_go_to_files_or_to_standard_output() {
    let map = |line: &str| config(line).reports.map;
    let file = |name: &str| Some(Destination::File(name.into()));
    assert_eq!(map("--Map=m"), file("m"));
    assert_eq!(map("--Map="), None);
    assert_eq!(map("--Map=m --Map="), None);
    assert_eq!(map("-M --Map=m"), Some(Destination::Stdout));
    let why_extract = config("--why-extract=-").reports.why_extract;
    assert_eq!(why_extract, Some(Destination::Stdout));
    for printing in [
        "-t",
        "-y f",
        "--print-gc-sections",
        "-M",
        "--Map=-",
        "--why-extract=-",
    ] {
        assert!(config(printing).prints_report(), "{printing}");
    }
    let quiet = "--Map=m --why-extract=w --reproduce=r --verbose --print-gc-sections --no-print-gc-sections";
    assert!(!config(quiet).prints_report());
}

#[test]
fn own_options() {
    let own = config(
        "--backend=native --lld-path=l --cache-dir c --verbose-link --time --dependency-file=d \
         --wasi-sysroot=s --link-libcxx --exec-model=reactor --wasi-emulated=mman,signal,mman",
    )
    .own;
    let expected = OwnArgs {
        backend: Backend::Native,
        lld_path: Some("l".into()),
        cache_dir: Some("c".into()),
        verbose_link: true,
        time: true,
        dependency_file: Some("d".into()),
        install: None,
        component: ComponentArgs::default(),
        wasi: WasiArgs {
            sysroot: Some("s".into()),
            exec_model: Some(ExecModel::Reactor),
            libc: true,
            libcxx: true,
            emulated: vec!["mman".into(), "signal".into()],
        },
    };
    assert_eq!(own, expected);
    assert!(own.wasi.is_used());
    assert!(!config("--wasi-sysroot=s").own.wasi.is_used());
}

#[test]
fn colours_and_limits_are_for_all_messages() {
    let messages = config("--color-diagnostics --error-limit=3 --fatal-warnings").messages();
    let expected = report::Settings {
        color: Color::Always,
        fatal_warnings: true,
        error_limit: 3,
    };
    assert_eq!(messages, expected);
    let color = |line: &str| config(line).color;
    assert_eq!(color("--color-diagnostics=auto"), Color::Auto);
    // Only the last one of both is looked at.
    let invalid = "--color-diagnostics=sometimes --no-color-diagnostics";
    assert_eq!(color(invalid), Color::Never);
    assert_eq!(
        color("--color-diagnostics --no-color-diagnostics"),
        Color::Never
    );
    assert_eq!(
        color("--no-color-diagnostics --color-diagnostics"),
        Color::Always
    );
}

#[test]
fn help_needs_no_inputs_and_a_link_needs_an_output() {
    for line in ["--help", "-v", "-v -r --gc-sections", "a.o --version"] {
        assert_eq!(config_of(line).1, [], "{line}");
    }
    assert_eq!(config_of("").1, [Message::error("no input files")]);
    assert_eq!(
        config_of("a.o").1,
        [Message::error("no output file specified")]
    );
    let request = |line: &str| config_of(line).0.request;
    assert_eq!(request("--version --help"), Some(Request::Help));
    assert_eq!(request("--print-man --version"), Some(Request::Version));
    let shell = Some(Request::Completions(Shell::Fish));
    assert_eq!(request("--print-man --print-completions=fish"), shell);
}

#[test]
fn warnings_are_no_errors() {
    for line in ["--Bsymbolic", "--Bsymbolic-functions", "-z relro"] {
        let (_, messages) = config_of(&format!("a.o -o x {line}"));
        assert_eq!(messages.len(), 1, "{line}");
        assert_eq!(messages[0].severity, Severity::Warning, "{line}");
    }
}
