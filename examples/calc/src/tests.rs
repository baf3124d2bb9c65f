//! Tests of the compiler, from source to output.

use std::path::{Path, PathBuf};
use std::process::Command;

use wasi_runner::{Output, Program};

use super::compiler::parser::parse_program;
use super::compiler::session::{CalcError, Session};
use super::compiler::source::Source;
use super::repl::Repl;

fn session(text: &str) -> Result<Session, CalcError> {
    let source = Source::new("test.calc", text);
    let mut session = Session::new()?;
    session.define(parse_program(&source)?)?;
    Ok(session)
}

/// Compiles to a finished module, which is validated, and runs it.
fn run(text: &str) -> Output {
    let wasm = session(text).unwrap().flush().unwrap().bytes;
    wasmparser::validate(&wasm).unwrap();
    Program::new(&wasm).run().unwrap()
}

/// What is printed by `fn main() { BODY }`.
fn printed(body: &str) -> String {
    run(&format!("fn main() {{ {body} }}")).stdout
}

fn error(text: &str) -> String {
    match session(text) {
        Err(error) => error.to_string(),
        Ok(_) => panic!("compiled: {text}"),
    }
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[test]
fn arithmetic_follows_precedence_and_types() {
    assert_eq!(
        printed("print(1 + 2 * 3 - 8 / 3 % 2, \" \", -(4 - 6));"),
        "7 2\n"
    );
    assert_eq!(printed("print((1 + 2) * 3, \" \", 7 - 2 - 1);"), "9 4\n");
    assert_eq!(
        printed("print(i64(2000000000) * 4, \" \", i32(i64(4294967297)));"),
        "8000000000 1\n"
    );
    assert_eq!(printed("print(2147483647 + 1);"), "-2147483648\n");
    assert_eq!(printed("print(i64(3000000000 - 1));"), "2999999999\n");
    assert_eq!(
        printed("print(1 < 2, 2 <= 1, 3 == 3, 3 != 3, 2 > 1, 1 >= 2);"),
        "101010\n"
    );
}

#[test]
fn numbers_are_printed_whole() {
    let least = "i64(-9223372036854775808)";
    assert_eq!(
        printed(&format!(
            "print({least}, \" \", 9223372036854775807 + {least});"
        )),
        "-9223372036854775808 -1\n"
    );
    assert_eq!(printed("print(0, \" \", -1, \" \", 1000);"), "0 -1 1000\n");
}

#[test]
fn strings_are_printed_as_they_are() {
    assert_eq!(
        printed(r#"print("a\t\"b\"\\ → ∀", ""); print();"#),
        "a\t\"b\"\\ → ∀\n\n"
    );
    let long = "x".repeat(100_000);
    assert_eq!(printed(&format!("print(\"{long}\");")), format!("{long}\n"));
}

#[test]
fn functions_call_each_other_in_any_order() {
    let output = run("
        fn main() -> i32 {
            print(even(10), even(7));
            let text = choose(0, \"yes\", \"no\");
            let text = choose(1, text, \"never\");
            print(text);
            even(7) + 41
        }
        fn even(n: i32) -> i32 { if n == 0 { 1 } else { odd(n - 1) } }
        fn odd(n: i32) -> i32 { if n == 0 { 0 } else { even(n - 1) } }
        fn choose(which: i32, a: str, b: str) -> str {
            if which { a } else if which == 5 { a } else { b }
        }
    ");
    assert_eq!(output.stdout, "10\nno\n");
    assert_eq!(output.exit_code, 41);
}

#[test]
fn a_module_of_the_tutorial() {
    let mut session =
        session("fn fib(n: i64) -> i64 { if n < 2 { n } else { fib(n - 1) + fib(n - 2) } }")
            .unwrap();
    let wasm = session.flush().unwrap().bytes;
    wasmparser::validate(&wasm).unwrap();
    insta::assert_snapshot!(wasmprinter::print_bytes(&wasm).unwrap());
}

#[test]
fn errors_say_where_and_what() {
    let sources = [
        "fn main() { print(x); }",
        "fn main() {\n\tlet y = squar(2);\n}\nfn square(x: i32) -> i32 { x * x }",
        "fn f() -> i64 { i32(1) }",
        "fn f() -> i64 { }",
        "fn f() { 1 }",
        "fn f(x: str) -> i32 { x + 1 }",
        "fn f(x: i64) -> i32 { x < 5000000000 }\nfn g() -> i32 { 5000000000 }",
        "fn f(x: i64, x: i32) { }",
        "fn f() { let x = print(); }",
        "fn f() { f(1); }",
        "fn f() { if 1 { 2 } }",
        "fn f() -> i32 { if 1 { 2 } else { \"2\" } }",
        "fn f() -> i32 { f }",
        "fn f() { 1 2 }",
        "fn f() { \"\\x\" }",
        "fn f() { \"abc\n\" }",
        "fn f() { 12ab; }",
        "fn f() { 1 § 2 }",
        "fn f() { (1; }",
        "fn f( { }",
        "let x = 1;",
        "fn print() { }",
        "fn main(x: i32) { }",
        "fn __f() { }",
        "fn f() { }\nfn f() { }",
        "fn f() -> int { }",
        "fn f()",
        "fn f() {",
    ];
    let messages: Vec<String> = sources.iter().map(|source| error(source)).collect();
    insta::assert_snapshot!(messages.join("\n\n"));
}

#[test]
fn deep_nesting_is_an_error() {
    let deep = |open: &str, close: &str| {
        error(&format!(
            "fn f() {{ {}1{}; }}",
            open.repeat(100_000),
            close.repeat(100_000)
        ))
    };
    assert!(deep("(", ")").contains("nested too deep"));
    assert!(deep("-", "").contains("nested too deep"));
    assert!(deep("if 1 {", "}").contains("nested too deep"));
    assert!(deep("1 + ", "").contains("too deep; split it"));
    assert!(deep("f(", ")").contains("nested too deep"));
}

#[test]
fn what_is_not_there_is_found_at_the_flush() {
    let mut session = session("fn f() { g(); }\nfn g();\nfn h();").unwrap();
    assert_eq!(
        session.flush().unwrap_err().to_string(),
        "function `g`: announced, but never defined\n\
         >>> referenced by function `f`\n\
         function `h`: announced, but never defined"
    );
}

#[test]
fn the_prompt_changes_one_function_at_a_time() {
    let lines = [
        "fn square(x: i32) -> i32 {",
        "    x * x",
        "}",
        "fn twice(x: i32) -> i32 { square(x) + square(x) }",
        "twice(4)",
        "fn square(x: i32) -> i32 { x * x * 10 }",
        "twice(4)",
        "# another type: the caller does not fit any more",
        "fn square(x: i64) -> i64 { x * x }",
        ":list",
        "twice(4)",
        "fn twice(x: i64) -> i64 { 2 * square(x) }",
        "twice(100000)",
        ":free square",
        "twice(4)",
        "fn square(x: i64) -> i64 { x + 1 }",
        "twice(4)",
        "let x = twice(4); print(\"x = \", x); \"done\"",
        ":flush",
        "1 / 0",
        ":free nothing",
        ":nonsense",
    ];
    let mut repl = Repl::new().unwrap();
    let mut transcript = Vec::new();
    for line in lines {
        let prompt = if repl.is_waiting() { "... " } else { "> " };
        transcript.extend_from_slice(format!("{prompt}{line}\n").as_bytes());
        assert!(repl.line(&format!("{line}\n"), &mut transcript).unwrap());
    }
    assert!(!repl.line(":quit\n", &mut transcript).unwrap());
    insta::assert_snapshot!(String::from_utf8(transcript).unwrap());
}

#[test]
fn a_redefinition_leaves_nothing_behind() {
    let mut session = Session::new().unwrap();
    let mut size_after = |definition: &str| {
        let source = Source::new("test.calc", definition);
        session.define(parse_program(&source).unwrap()).unwrap();
        session.flush().unwrap().bytes.len()
    };
    let first = size_after("fn f() { print(\"one\"); }");
    let larger = size_after("fn f() { print(\"one\", \"two\", 3); print(\"four\"); }");
    assert_ne!(first, larger);
    assert_eq!(first, size_after("fn f() { print(\"two\"); }"));
}

#[test]
fn the_prompt_writes_what_changed_to_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("out.wasm");
    let flush = format!(":flush {}", path.display());
    let mut repl = Repl::new().unwrap();
    let mut transcript = Vec::new();
    let lines = [
        "fn one() -> i32 { 1 }",
        "fn main() { print(one(), \" is a number\"); }",
        &*flush,
        &*flush,
        "fn one() -> i32 { 2 }",
        &*flush,
        "fn two(x: i32) -> i32 { one() * (x + 1) * (x + 2) * (x + 3) * (x + 4) }",
        "fn main() { print(two(one()), \" is a larger number, and this a longer text\"); }",
        "one() + 1",
        &*flush,
        ":free main",
        &*flush,
        "fn main() { print(one(), \".\"); }",
        &*flush,
    ];
    for line in lines {
        transcript.extend_from_slice(format!("> {line}\n").as_bytes());
        assert!(repl.line(&format!("{line}\n"), &mut transcript).unwrap());
        if line == flush {
            let wasm = std::fs::read(&path).unwrap();
            wasmparser::validate(&wasm).unwrap();
            let output = Program::new(&wasm).run();
            let printed = output.map_or_else(|error| error.to_string(), |output| output.stdout);
            transcript.extend_from_slice(format!("it prints: {printed}\n").as_bytes());
        }
    }
    let transcript = String::from_utf8(transcript).unwrap();
    insta::assert_snapshot!(transcript.replace(&flush, ":flush out.wasm"));
}

fn demo() -> Session {
    let text = std::fs::read_to_string(repository().join("examples/demo.calc")).unwrap();
    session(&text).unwrap()
}

fn c_objects() -> Vec<PathBuf> {
    ["roman.o", "sums.o"]
        .map(|name| repository().join("examples").join(name))
        .into()
}

/// Runs the linked demo; every linker must make a program of the same output of it.
fn expect_demo(wasm: &[u8]) {
    wasmparser::validate(wasm).unwrap();
    let output = Program::new(wasm).run().unwrap();
    insta::assert_snapshot!("demo_output", output.stdout);
    assert_eq!(output.exit_code, 0);
}

#[test]
fn an_object_links_with_c_objects_through_lld() {
    let dir = tempfile::tempdir().unwrap();
    let object = dir.path().join("demo.o");
    std::fs::write(&object, demo().object().unwrap()).unwrap();
    let program = dir.path().join("demo.wasm");
    let output = Command::new(rust_lld())
        .args(["-flavor", "wasm", "--fatal-warnings"])
        .arg(&object)
        .args(c_objects())
        .arg("-o")
        .arg(&program)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    expect_demo(&std::fs::read(program).unwrap());
}

#[test]
fn a_session_links_with_c_objects_in_this_process() {
    let mut session = demo();
    for _ in 0..2 {
        let linked = session.link(c_objects()).unwrap();
        assert!(linked.warnings.is_empty());
        expect_demo(&linked.wasm);
    }
    // The session goes on: a function that C calls is replaced and linked again.
    let source = Source::new("again.calc", "fn triangle(n: i32) -> i64 { 1 }");
    session.define(parse_program(&source).unwrap()).unwrap();
    let linked = session.link(c_objects()).unwrap();
    let output = Program::new(&linked.wasm).run().unwrap();
    assert!(
        output
            .stdout
            .contains("triangle(1) + … + triangle(1000) = 1000\n")
    );
}

#[test]
fn what_no_input_defines_is_an_error_of_the_link() {
    let error = demo()
        .link(vec![c_objects().remove(0)])
        .err()
        .unwrap()
        .to_string();
    assert!(error.contains("undefined symbol: sum"), "{error}");
}

/// LLD of the active toolchain.
fn rust_lld() -> PathBuf {
    let output = Command::new("rustc")
        .args(["--print", "target-libdir"])
        .output()
        .unwrap();
    let libraries = PathBuf::from(String::from_utf8(output.stdout).unwrap().trim());
    let program = format!("bin/rust-lld{}", std::env::consts::EXE_SUFFIX);
    libraries.parent().unwrap().join(program)
}
