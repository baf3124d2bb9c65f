//! `cargo xtask ci`: what continuous integration runs after `cargo xtask test`.

use crate::process::{cargo, run};
use crate::{
    Result, bench, conformance, demo, differential, fixtures, full_disk, inside, miri, realworld,
    test, together, unknown_argument,
};

/// How many random link problems are solved.
const DIFFERENTIAL: u64 = 400;

pub(crate) fn run_command(args: &[String]) -> Result {
    if let [argument, ..] = args {
        return unknown_argument(argument);
    }
    test::run_fallbacks()?;
    test::check_elsewhere()?;
    test::run_with_llvm()?;
    // The fuzz targets are a workspace of their own, whose lock file nothing else reads.
    run(cargo().args(["fetch", "--locked", "--manifest-path", "fuzz/Cargo.toml"]))?;
    inside::run_command(&[])?;
    miri::run_command(&[])?;
    run(cargo()
        .args(["doc", "--workspace", "--no-deps"])
        .env("RUSTDOCFLAGS", "--deny warnings"))?;
    fixtures::run_command(&["--check".to_owned()])?;
    differential::run_some(DIFFERENTIAL)?;
    full_disk::run_command(&[])?;
    for backend in ["auto", "lld"] {
        demo::run_command(&[format!("--backend={backend}")])?;
    }
    together::run_command(&[])?;
    conformance::run_command(&[])?;
    realworld::run_command(&[])?;
    // That it works is all this says: nothing is judged by the time it takes here.
    bench::run_command(&["--scale", "1/100", "--rounds", "1"].map(str::to_owned))
}
