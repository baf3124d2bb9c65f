//! What arguments come to.

use std::fmt::Write;

use super::*;
use crate::input::InputSource;
use crate::options::{
    BuildId, Entry, FeatureOptions, MemoryImport, MemoryOptions, OutputKind, PicOptions, Strip,
    TableOptions, Unresolved,
};

/// The options of a line without errors and warnings.
#[track_caller]
fn options(line: &str) -> Options {
    let line = CommandLine::parse(line.split_whitespace()).expect("the line is right");
    assert_eq!(line.warnings, []);
    line.options
}

/// What is wrong with a line.
fn wrong(line: &str) -> String {
    let error = CommandLine::parse(line.split_whitespace()).expect_err("the line is wrong");
    error.to_string()
}

/// The options that differ from their defaults as `change` says.
fn changed(change: impl FnOnce(&mut Options)) -> Options {
    let mut options = Options::default();
    change(&mut options);
    options
}

/// Every row that sets a field sets it: options that say what holds without them do so after their
/// opposite.
#[test]
fn every_option_has_an_effect() {
    for spec in LinkOption::ALL.iter().map(|option| option.spec()) {
        let form = &spec.forms[0];
        let value = match (spec.value, spec.choices) {
            ("", _) => String::new(),
            ("method", _) => "import-dynamic".to_owned(),
            ("keyword", _) => "muldefs".to_owned(),
            ("symbol=value", _) => "a=7".to_owned(),
            _ if form.name == "max-function-body-size" => "70".to_owned(),
            (_, [first, ..]) => (*first).to_owned(),
            _ => "7".to_owned(),
        };
        let sign = match form.takes {
            Takes::Nothing | Takes::Joined | Takes::JoinedOrNext => "",
            Takes::Equals | Takes::EqualsOrNext | Takes::OptionalEquals => "=",
        };
        let arg = format!("{}{sign}{value}", form.shown());
        let before: &[&str] = match form.name {
            "no-pie" => &["-pie"],
            "stack-first" => &["--no-stack-first"],
            "gc-sections" => &["--no-gc-sections"],
            "demangle" => &["--no-demangle"],
            "check-features" => &["--no-check-features"],
            "no-allow-multiple-definition" => &["--allow-multiple-definition"],
            "error-unresolved-symbols" => &["--warn-unresolved-symbols"],
            "no-fatal-warnings" => &["--fatal-warnings"],
            "no-print-gc-sections" => &["--print-gc-sections"],
            // They are accepted without effect.
            "no-undefined" | "experimental-pic" | "stats" => continue,
            _ => &[],
        };
        let of = |args: &[&str]| {
            let line = Line::parse(args, &Spellings::of_links());
            let mut problems = Problems::default();
            let options = line.options(&mut problems);
            assert_eq!(line.invalid(problems), [], "{args:?}");
            options
        };
        let with = [before, &[arg.as_str()]].concat();
        assert_ne!(of(before), of(&with), "{arg}");
    }
}

#[test]
fn the_last_of_an_option_and_its_opposite_counts() {
    for (line, same) in [
        ("-e f --no-entry", "--no-entry"),
        ("--no-entry --entry=f", "--entry=f"),
        ("--entry=", "--no-entry"),
        ("--gc-sections --no-gc-sections", "--no-gc-sections"),
        ("--no-gc-sections --gc-sections", ""),
        ("--no-demangle --demangle", ""),
        ("--no-check-features --check-features", ""),
        ("-pie --no-pie", ""),
        ("-m wasm64 -mwasm32", "-mwasm32"),
        ("--threads=x --threads=3", "--threads=3"),
        ("--initial-memory=x --initial-memory=0", ""),
        ("-S -s -S", "-s"),
        ("--soname=a --soname=", ""),
        ("--max-memory=65536 --max-memory=0", ""),
        ("--build-id=zz --build-id", "--build-id=fast"),
        ("--build-id --build-id=none", ""),
        ("--import-memory=, --import-memory=m", "--import-memory=m"),
        ("--export-memory=m --export-memory", "--export-memory=m"),
        ("-z stack-size=0x10000 -z stack-size=65536", ""),
    ] {
        assert_eq!(options(line), options(same), "{line}");
    }
}

#[test]
fn some_options_win_wherever_they_stand() {
    let ignore = "--import-undefined --unresolved-symbols=ignore-all";
    for (line, same) in [
        ("-r -shared", "-r"),
        ("-shared -r --no-pie", "-r"),
        ("-zmuldefs --no-allow-multiple-definition", "-zmuldefs"),
        ("--no-allow-multiple-definition -z muldefs", "-zmuldefs"),
        ("--allow-undefined --unresolved-symbols=report-all", ignore),
        ("--unresolved-symbols=report-all --allow-undefined", ignore),
        (
            "--allow-undefined --unresolved-symbols=import-dynamic",
            ignore,
        ),
        ("--allow-undefined --warn-unresolved-symbols", ignore),
        ("--warn-unresolved-symbols --allow-undefined", ignore),
        (
            "--unresolved-symbols=report-all --warn-unresolved-symbols",
            "--warn-unresolved-symbols",
        ),
        (
            "--warn-unresolved-symbols --unresolved-symbols=ignore-all",
            "--unresolved-symbols=ignore-all",
        ),
        ("--warn-unresolved-symbols --error-unresolved-symbols", ""),
    ] {
        assert_eq!(options(line), options(same), "{line}");
    }
    let unresolved = |line| options(line).unresolved;
    assert_eq!(unresolved("--warn-unresolved-symbols"), Unresolved::Warn);
    assert_eq!(unresolved("--allow-undefined"), Unresolved::Ignore);
}

#[test]
fn lists_keep_their_order() {
    let expected = changed(|options| {
        options.exports = vec!["b".into(), "a".into()];
        options.exports_if_defined = vec!["c".into()];
        options.undefined = vec!["d".into(), "e".into(), "e".into()];
        options.wrap = vec!["f".into()];
        options.allow_undefined_files = vec!["l".into(), "k".into()];
        options.keep_sections = ["m".into(), "n".into()].into();
        options.trace_symbols = ["o".into()].into();
        options.features = FeatureOptions {
            only: Some(vec!["x".into(), "y".into()]),
            extra: vec!["z".into()],
            check: true,
        };
    });
    let line = "--export=b --export a --export-if-defined=c -u d --undefined=e -ue --wrap=f \
        --features=x,,y --extra-features=w --extra-features=z -allow-undefined-file l \
        --allow-undefined-file=k --keep-section=n --keep-section m -yo";
    assert_eq!(options(line), expected);
}

#[test]
fn memory_table_and_dynamic_linking() {
    let import = |module: Option<&str>, name: &str| {
        let module = module.map(str::to_owned);
        let name = name.to_owned();
        Some(MemoryImport { module, name })
    };
    let expected = changed(|options| {
        options.memory = MemoryOptions {
            stack_size: 0x20000,
            stack_first: false,
            global_base: Some(1024),
            initial: Some(131_072),
            initial_heap: Some(0),
            max: Some(262_144),
            growable: true,
            page_size: 1,
            import: import(Some("h"), "m,n"),
            export: Some("memory".into()),
            shared: true,
            cooperative: false,
        };
        options.table = TableOptions {
            base: Some(2),
            import: true,
            export: false,
            growable: true,
        };
        options.pic = PicOptions {
            bsymbolic: false,
            bsymbolic_functions: false,
            check_shared_signatures: false,
            soname: Some("s".into()),
            rpath: vec!["p".into(), "q".into()],
        };
    });
    let line = "-z stack-size=0x20000 --global-base=1024 --table-base=2 --initial-memory=131072 \
        --initial-heap=0 --max-memory=262144 --page-size=1 --shared-memory --import-table \
        --growable-table --no-stack-first --import-memory=h,m,n --import-memory --export-memory \
        --no-shlib-sigcheck --soname=s --rpath=p --rpath q";
    assert_eq!(options(line), expected);
    assert_eq!(
        options("--import-memory").memory.import,
        import(None, "memory")
    );
    assert_eq!(
        options("--import-memory=m").memory.import,
        import(None, "m")
    );
    let host = options("--import-memory=m --host-module=h");
    assert_eq!(host.memory_import(), Some(("h", "m")));
    let bsymbolic = options("-shared --Bsymbolic");
    assert!(bsymbolic.pic.bsymbolic && bsymbolic.exports_dynamic());
    assert!(!options("-shared --no-export-dynamic").exports_dynamic());
}

#[test]
fn build_ids() {
    let of = |line| options(line).build_id;
    assert_eq!(of("--build-id"), BuildId::Fast);
    assert_eq!(of("-build-id=tree"), BuildId::Sha1);
    assert_eq!(of("--build-id=0x123"), BuildId::Hex(vec![0x12, 3]));
    let (BuildId::Uuid(one), BuildId::Uuid(other)) = (of("--build-id=uuid"), of("--build-id=uuid"))
    else {
        panic!("a UUID");
    };
    assert_ne!(one, other);
    assert_eq!((one[6] >> 4, one[8] >> 6), (4, 2));
}

#[test]
fn inputs_have_the_state_of_their_position() {
    let described = |line: &str| {
        let line = CommandLine::parse(line.split_whitespace()).expect("the line is right");
        let mut text = format!("{:?} {:?}", line.output, line.inputs.search_paths);
        for input in line.inputs.inputs {
            let name = match input.source {
                InputSource::Path(path) => path.display().to_string(),
                InputSource::Library(name) => format!("-l{name}"),
                InputSource::Bytes { .. } | InputSource::Object(_) => unreachable!(),
            };
            let states = [
                (input.whole_archive, " whole"),
                (input.lazy, " lazy"),
                (input.dynamic, " dynamic"),
            ];
            let states = states.iter().filter(|(holds, _)| *holds);
            let states: String = states.map(|(_, word)| *word).collect();
            let _ = write!(text, "\n{name}{states}");
        }
        text
    };
    insta::assert_snapshot!(
        described(
            "a.o -lc --whole-archive b.a -Bdynamic -lm --no-whole-archive --start-lib c.o \
             --end-lib -o x -static -l:d.a -L p --library-path=q -o y -"
        ),
        @r#"
    Some("y") ["p", "q"]
    a.o
    -lc
    b.a whole
    -lm whole dynamic
    c.o lazy dynamic
    -l:d.a
    -
    "#
    );
    // What a loader places may find its libraries through the loader, too.
    let shared = described("a.o -shared -Bstatic -lb");
    assert_eq!(shared, "None []\na.o dynamic\n-lb");
}

#[test]
fn values_are_joined_or_the_next_argument() {
    let line = Line::parse(
        ["a.o", "-o", "x", "-ly", "--export=f", "-E", "", "-"],
        &Spellings::of_links(),
    );
    let items: Vec<_> = (line.items.iter())
        .map(|item| match item {
            Item::Input(path) => path.to_string_lossy().into_owned(),
            Item::Option(arg) => {
                let raw: Vec<_> = arg.raw().map(|arg| arg.to_string_lossy()).collect();
                format!("{:?} {:?}", raw, arg.value)
            }
        })
        .collect();
    assert_eq!(
        items,
        [
            "a.o",
            r#"["-o", "x"] Some("x")"#,
            r#"["-ly"] Some("y")"#,
            r#"["--export=f"] Some("f")"#,
            r#"["-E"] None"#,
            "-",
        ]
    );
}

#[test]
fn errors_are_all_reported_in_the_order_of_the_line() {
    insta::assert_snapshot!(
        wrong("-m wasm --build-id=md5 --error-limit=x --start-lib --start-lib -z foo --threads=0"),
        @"
    error: --error-limit=x: number expected, but got 'x'
    >>> expected a decimal number
    error: invalid target architecture: wasm
    >>> expected wasm32 or wasm64
    error: unknown --build-id style: md5
    >>> expected fast, sha1, tree, uuid, none or 0x<hex digits>
    error: nested --start-lib
    warning: unknown -z value: foo
    >>> expected stack-size=<bytes> or muldefs
    error: --threads: expected a positive integer, but got '0'
    "
    );
    // What an unknown argument was meant to say is missing from everything else.
    insta::assert_snapshot!(
        wrong("-m wasm -z foo -Map=x --exprt=f -o"),
        @"
    error: unknown argument: -Map=x
    error: unknown argument: --exprt=f
    >>> did you mean --export=<symbol>?
    error: -o: missing argument
    warning: unknown -z value: foo
    >>> expected stack-size=<bytes> or muldefs
    "
    );
    insta::assert_snapshot!(
        wrong("-r --gc-sections --entry=f -pie"),
        @"
    error: entry point specified for relocatable output file
    error: -r and --gc-sections may not be used together
    error: -r and -pie may not be used together
    "
    );
    let code = |line: &str| {
        let line = line.split_whitespace();
        CommandLine::parse(line).unwrap_err().diagnostics[0].code
    };
    assert_eq!(code("--bogus"), Code::UnknownArgument);
    assert_eq!(code("--export"), Code::InvalidArgument);
    assert_eq!(code("--page-size=3"), Code::InvalidArgument);
    assert_eq!(code("--import-table --export-table"), Code::Options);
}

#[test]
fn warnings_are_errors_only_if_that_is_asked_for() {
    let warned =
        CommandLine::parse(["-pie", "-Bsymbolic", "-z", "relro"]).expect("these are warnings");
    assert_eq!(warned.warnings.len(), 2);
    assert_eq!(warned.options.output, OutputKind::Pie);
    CommandLine::parse(["-pie", "-Bsymbolic", "--fatal-warnings"]).unwrap_err();
    assert_eq!(options("-S").strip, Strip::Debug);
    assert_eq!(options("").entry, Entry::Default);
}

#[test]
fn what_has_no_meaning_here_changes_nothing() {
    let plain = CommandLine::parse("a.o -la -lb -o x".split(' ')).expect("the line is right");
    for kind in ["-shared", "-pie", "--unresolved-symbols=import-dynamic"] {
        let of = |line: &[&str]| CommandLine::parse(line).expect("the line is right");
        let [plain, other] = [of(&[kind]), of(&[kind, "--experimental-pic"])];
        assert_eq!(plain.warnings, []);
        assert_eq!(plain.options, other.options);
    }
    for (start, end) in [("--start-group", "--end-group"), ("-(", "-)")] {
        for needed in ["--as-needed", "-as-needed", "--no-as-needed", "--stats"] {
            let line = format!("a.o {needed} {start} -la {start} -lb {end} -o x");
            let line = CommandLine::parse(line.split(' ')).expect("the line is right");
            assert_eq!(line.warnings, []);
            assert_eq!(line.options, plain.options);
            assert_eq!(format!("{:?}", line.inputs), format!("{:?}", plain.inputs));
        }
    }
}

#[test]
fn options_alone_name_no_file() {
    insta::assert_snapshot!(
        Options::from_args(["a.o", "--no-entry", "-lc", "-o", "x", "--end-lib"]).unwrap_err(),
        @"
    error: a.o: no file is expected here, only options of the link
    error: -lc: no file is expected here, only options of the link
    error: -o: no file is expected here, only options of the link
    error: --end-lib: no file is expected here, only options of the link
    "
    );
}

/// A value that is not Unicode is an error where text is needed, and a path like any other.
#[cfg(unix)]
#[test]
fn values_may_be_any_bytes() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let path = OsStr::from_bytes(b"-L\xFF");
    let line = CommandLine::parse([path]).expect("a path");
    assert_eq!(line.inputs.search_paths[0].as_os_str().as_bytes(), b"\xFF");
    let name = OsStr::from_bytes(b"--export=\xFF");
    let error = CommandLine::parse([name]).unwrap_err();
    let text = "error: --export=\u{FFFD}: not valid UTF-8: \u{FFFD}";
    assert_eq!(error.to_string(), text);
}
