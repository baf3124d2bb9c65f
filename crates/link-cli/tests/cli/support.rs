//! A directory with small objects in it, and the command run there.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;
use test_objects::lld;
use wasm_encoder::{
    CodeSection, CustomSection, EntityType, Function, FunctionSection, ImportSection,
    LinkingSection, Module, SymbolTable, TypeSection, ValType,
};

/// The command's name in messages.
pub(crate) const WASM_LINK: &str = "wasm-link";

/// A directory in which things are linked.
pub(crate) struct Room {
    dir: TempDir,
}

/// What a run left.
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl Run {
    /// Standard output as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.stdout.clone()).expect("text on standard output")
    }

    /// Asserts success in silence.
    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        assert_eq!((self.code, self.stderr.as_str()), (Some(0), ""));
        self
    }

    /// Asserts failure; what was said.
    #[track_caller]
    pub(crate) fn failed(self) -> String {
        assert_eq!(self.code, Some(1), "{}", self.stderr);
        self.stderr
    }
}

impl Room {
    /// A directory with `main.o` (defines `_start`), `other.o` (defines it too), `calls.o`
    /// (defines `_start`, which calls `f`), `f.o` (defines `f`), `helper.o`, and the stub
    /// library `host.so`, whose `f` needs `helper`.
    pub(crate) fn new() -> Self {
        let room = Self {
            dir: tempfile::tempdir().expect("a temporary directory"),
        };
        room.write("main.o", object("_start", None));
        room.write("other.o", object("_start", None));
        room.write("calls.o", object("_start", Some("f")));
        room.write("f.o", object("f", None));
        room.write("helper.o", object("helper", None));
        room.write("host.so", "#STUB\nf: helper\n");
        room
    }

    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a directory")).expect("directories are made");
        fs::write(path, content).expect("a file is written");
    }

    /// Writes a script that can be run. Another process writes it: a process that another test starts
    /// meanwhile would have the file open, and the script would be busy.
    #[cfg(all(unix, feature = "platform"))]
    pub(crate) fn script(&self, name: &str, text: &str) {
        let mut shell = Command::new("sh");
        shell
            .args([
                "-c",
                "printf %s \"$1\" > \"$0\" && chmod 755 \"$0\"",
                name,
                text,
            ])
            .current_dir(self.dir.path());
        let status = shell.status().expect("a shell runs");
        assert!(status.success(), "{name} is written");
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).expect("the file is there")
    }

    /// Makes a named pipe.
    #[cfg(unix)]
    pub(crate) fn fifo(&self, name: &str) {
        let made = Command::new("mkfifo").arg(self.path(name)).status();
        assert!(made.expect("mkfifo runs").success());
    }

    /// The names of the files in a directory, in order.
    pub(crate) fn names_in(&self, dir: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(dir)).expect("a directory");
        let name = |entry: std::io::Result<fs::DirEntry>| entry.expect("an entry").file_name();
        let mut names: Vec<_> = entries
            .map(|entry| name(entry).into_string().expect("text"))
            .collect();
        names.sort();
        names
    }

    /// The command as it is called `name`, in this directory.
    pub(crate) fn command(&self, name: &str) -> Command {
        let mut command = if name == WASM_LINK {
            Command::new(env!("CARGO_BIN_EXE_wasm-link"))
        } else {
            let path = self.path(format!("bin/{name}{}", std::env::consts::EXE_SUFFIX));
            if !path.exists() {
                fs::create_dir_all(path.parent().expect("a directory")).expect("bin is made");
                link_file(Path::new(env!("CARGO_BIN_EXE_wasm-link")), &path);
            }
            Command::new(path)
        };
        command
            .current_dir(self.dir.path())
            .stdin(Stdio::null())
            .env("WASM_LD", lld::any())
            .env_remove("NO_COLOR");
        command
    }

    /// Runs `wasm-link`.
    pub(crate) fn run<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Run {
        self.run_as(WASM_LINK, args)
    }

    /// Runs the command as it is called `name`.
    pub(crate) fn run_as<S: AsRef<OsStr>>(
        &self,
        name: &str,
        args: impl IntoIterator<Item = S>,
    ) -> Run {
        self.result(&mut *self.command(name).args(args))
    }

    /// Runs `rust-lld` itself, of any release.
    pub(crate) fn run_lld<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Run {
        self.run_lld_at(lld::any(), args)
    }

    /// Runs the `rust-lld` to compare with, if it is installed.
    pub(crate) fn run_reference<S: AsRef<OsStr>>(
        &self,
        args: impl IntoIterator<Item = S>,
    ) -> Option<Run> {
        Some(self.run_lld_at(lld::reference()?, args))
    }

    fn run_lld_at<S: AsRef<OsStr>>(&self, lld: &Path, args: impl IntoIterator<Item = S>) -> Run {
        let mut command = Command::new(lld);
        command
            .args(["-flavor", "wasm"])
            .args(args)
            .current_dir(self.dir.path());
        self.result(command.stdin(Stdio::null()))
    }

    /// Runs `command` to its end, with `stdout` for its standard output.
    #[cfg(all(unix, feature = "platform"))]
    pub(crate) fn result_to(&self, command: &mut Command, stdout: fs::File) -> Run {
        let child = command.stdout(stdout).stderr(Stdio::piped()).spawn();
        let output = child.and_then(std::process::Child::wait_with_output);
        let output = output.expect("the command runs");
        Run {
            code: output.status.code(),
            stdout: output.stdout,
            stderr: self.tidy(&String::from_utf8(output.stderr).expect("messages are text")),
        }
    }

    /// Runs `command` to its end.
    pub(crate) fn result(&self, command: &mut Command) -> Run {
        let Output {
            status,
            stdout,
            stderr,
        } = output(command);
        let stderr = String::from_utf8(stderr).expect("messages are text");
        Run {
            code: status.code(),
            stdout,
            stderr: self.tidy(&stderr),
        }
    }

    /// `text` without what differs from machine to machine.
    pub(crate) fn tidy(&self, text: &str) -> String {
        text.replace(&*lld::any().to_string_lossy(), "[rust-lld]")
            .replace(&*self.dir.path().to_string_lossy(), "[dir]")
            .replace("C:\\", "C:/")
    }
}

fn link_file(from: &Path, to: &Path) {
    #[cfg(unix)]
    std::os::unix::fs::symlink(from, to).expect("a link is made");
    #[cfg(not(unix))]
    fs::copy(from, to).map(drop).expect("a copy is made");
}

/// An object that defines a function without parameters and results, which calls `callee`.
pub(crate) fn object(name: &str, callee: Option<&str>) -> Vec<u8> {
    object_with(name, &[], callee)
}

/// An object that defines a function with `parameters` and no results, which calls `callee` with
/// the same signature.
pub(crate) fn object_with(name: &str, parameters: &[ValType], callee: Option<&str>) -> Vec<u8> {
    let mut module = Module::new();
    let mut types = TypeSection::new();
    types.ty().function(parameters.iter().copied(), []);
    module.section(&types);
    let mut symbols = SymbolTable::new();
    if let Some(callee) = callee {
        let mut imports = ImportSection::new();
        imports.import("env", callee, EntityType::Function(0));
        module.section(&imports);
        symbols.function(SymbolTable::WASM_SYM_UNDEFINED, 0, None);
    }
    let mut functions = FunctionSection::new();
    functions.function(0);
    module.section(&functions);
    symbols.function(0, u32::from(callee.is_some()), Some(name));

    let mut function = Function::new([]);
    if callee.is_some() {
        // call, its operand in five bytes, as relocations need it.
        function.raw([0x10, 0x80, 0x80, 0x80, 0x80, 0x00]);
    }
    function.raw([0x0B]);
    let mut code = CodeSection::new();
    code.function(&function);
    module.section(&code);

    let mut linking = LinkingSection::new();
    linking.symbol_table(&symbols);
    module.section(&linking);
    if callee.is_some() {
        // Section 3 (code), one relocation: R_WASM_FUNCTION_INDEX_LEB at offset 4 of the
        // section (count, body size, locals, call), symbol 0.
        module.section(&CustomSection {
            name: "reloc.CODE".into(),
            data: (&[3, 1, 0, 4, 0][..]).into(),
        });
    }
    module.finish()
}

/// The header of an archive's member of `len` bytes.
pub(crate) fn member_header(name: &str, len: usize) -> Vec<u8> {
    format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{len:<10}`\n", 0, 0, 0, 644).into_bytes()
}

/// An archive without members.
pub(crate) const EMPTY_ARCHIVE: &[u8] = b"!<arch>\n";

/// Runs `command` to its end. A copy of an executable is busy for a moment where another test starts
/// a process while the copy is written: that process has the file open until it runs its program.
fn output(command: &mut Command) -> Output {
    for _ in 0..500 {
        match command.output() {
            Err(error) if error.kind() == std::io::ErrorKind::ExecutableFileBusy => {
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
            result => return result.expect("the command runs"),
        }
    }
    panic!("{command:?} stays busy");
}
