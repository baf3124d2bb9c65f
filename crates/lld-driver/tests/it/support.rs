//! A directory to link in, the toolchain's linker, and a linker that misbehaves.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use lld_driver::{
    ExplicitLinker, Lld, LocateOptions, Mode, Origin, RunError, RunOptions, RunReport,
};

/// The linker that the tests expect: the toolchain's, whatever else is installed.
pub(crate) fn rust_lld() -> Lld {
    let mut options = LocateOptions::from_env();
    options.env.wasm_ld = None;
    let lld = Lld::locate(&options).expect("the toolchain that runs the tests has a rust-lld");
    assert_eq!(lld.origin(), Origin::RustToolchain);
    lld
}

/// `fake_linker.rs`, compiled once per test process.
pub(crate) fn fake_linker(behaviour: &str) -> Lld {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    let program = PROGRAM.get_or_init(|| {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fake_linker.rs");
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let suffix = std::env::consts::EXE_SUFFIX;
        let new = dir.join(format!("fake-linker-{}{suffix}", std::process::id()));
        let program = dir.join(format!("fake-linker{suffix}"));
        let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| OsString::from("rustc"));
        let status = Command::new(rustc)
            .args(["--edition=2024", "-Cdebuginfo=0", "-o"])
            .args([&new, &source])
            .status()
            .unwrap();
        assert!(status.success(), "the fake linker compiles");
        // Test processes that run at once replace it by the same.
        std::fs::rename(&new, &program).unwrap();
        program
    });
    let options = LocateOptions {
        explicit: Some(ExplicitLinker {
            program: program.clone(),
            leading_args: vec![behaviour.into()],
        }),
        ..LocateOptions::default()
    };
    Lld::locate(&options).unwrap()
}

/// A directory of its own for one test's files.
pub(crate) struct Dir {
    dir: tempfile::TempDir,
}

impl Dir {
    pub(crate) fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    /// Options to run a linker in this directory.
    pub(crate) fn options(&self) -> RunOptions<'_> {
        RunOptions {
            current_dir: Some(self.dir.path()),
            ..RunOptions::default()
        }
    }

    /// Runs a linker in this directory and captures what it says.
    pub(crate) fn run(&self, lld: &Lld, args: &[&str]) -> Result<RunReport, RunError> {
        lld.run(args, Mode::Captured, &self.options())
    }
}

/// Asserts that the bytes are a finished module.
pub(crate) fn assert_valid(module: &[u8]) {
    wasmparser::Validator::new().validate_all(module).unwrap();
}
