//! Stub libraries, whose functions need the linker's own symbols.

use crate::common::source::{Source, sig};
use crate::support::{Job, print};

/// A program that calls a function of a host, which needs `needs` of it.
fn job(needs: &str, args: &str) -> Job {
    let mut source = Source::new();
    source.function("get", sig(0, 0), |body| {
        body.call("host", sig(0, 0));
    });
    source.callee("host", sig(0, 0));
    source.data("constant", ".rodata.constant", [1, 2, 3, 4]);
    source.features(&["+mutable-globals", "+bulk-memory", "+atomics"]);
    Job::new()
        .object("a.o", &source)
        .file("host.so", format!("#STUB\nhost: {needs}\nother: nothing\n"))
        .args("host.so --no-entry --export=get --no-gc-sections")
        .args(args)
}

const ADDRESSES: &str = "__heap_base, __heap_end, __data_end, __rodata_start, __rodata_end, \
    __stack_low, __stack_high, __global_base, __dso_handle, __wasm_first_page_end";

/// What rust-lld says of symbols that it defines when it has read the libraries.
const UNDEFINED: &str = "rust-lld defines these symbols later than it looks for them";

#[test]
fn a_host_can_need_addresses_of_the_memory() {
    let module = job(ADDRESSES, "").differs(UNDEFINED).module();
    insta::assert_snapshot!(print(&module));
}

#[test]
fn a_host_can_need_bases_and_functions_of_the_linker() {
    let needs = "__stack_pointer, __wasm_call_ctors, __memory_base, __table_base, __tls_base";
    let module = job(needs, "").differs(UNDEFINED).module();
    insta::assert_snapshot!(print(&module));
    let threads = "--shared-memory --max-memory=131072";
    let needs = "__tls_base, __tls_size, __tls_align, __wasm_init_tls, __heap_base";
    let module = job(needs, threads).differs(UNDEFINED).module();
    insta::assert_snapshot!(print(&module));
}

/// A loader lays out the memory of position-independent output.
#[test]
fn what_only_a_loader_knows_is_an_error() {
    let mut text = String::new();
    for args in ["-pie", "-shared"] {
        for needs in [
            "__heap_base",
            "__data_end",
            "__dso_handle",
            "__wasm_call_ctors",
            "nothing",
        ] {
            let job = job(needs, args);
            let said = job.link_with(&job.options());
            text += &format_args!("{args}: {needs}\n{}", said.messages()).to_string();
        }
    }
    insta::assert_snapshot!(text);
}

/// The table is exported by an option only, as with `--export`.
#[test]
fn a_host_can_need_the_table_that_is_exported() {
    let table = "__indirect_function_table";
    let message = "error: host.so: undefined symbol: __indirect_function_table. Required by host\n";
    assert_eq!(job(table, "").fails(), message);
    let module = job(table, "--export-table").differs(UNDEFINED).module();
    assert!(print(&module).contains("(export \"__indirect_function_table\" (table 0))"));
}

/// A function of the library that is not imported needs nothing.
#[test]
fn a_definition_of_the_program_is_taken_first() {
    let mut own = Source::new();
    own.data("__heap_base", ".data.own", [9, 0, 0, 0]);
    let module = job("__heap_base", "").object("b.o", &own).module();
    insta::assert_snapshot!(print(&module));
}
