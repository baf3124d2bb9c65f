//! What these tests share: a link written down in a few lines, done by this library with
//! several numbers of threads and by the reference `rust-lld` (where that is installed), its module
//! validated and printed, its messages below one another.

use std::fmt::Write;
use std::path::Path;

use link_core::{CommandLine, Env, FileData, LinkError, Linked, Options, link};
use link_core::{Input, Inputs};

use test_objects::{kept, lld};
use wasm_format::{EntityType, Import, Limits, RefType, TableType};

use crate::common::source::{Source, sig};
use crate::common::{ArchiveForm, MemoryFiles, ObjectFile, archive};
use crate::identical::without_own_relocs;

/// One link: files, and a command line of the objects' names and options.
#[derive(Default)]
pub(crate) struct Job {
    files: Vec<(String, Vec<u8>)>,
    line: Vec<String>,
    /// Why the output is not the one of `rust-lld`.
    differs: Option<&'static str>,
}

/// What a link made.
pub(crate) struct Done {
    pub(crate) outcome: Result<Linked, LinkError>,
    pub(crate) module: Vec<u8>,
}

impl Job {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// An object, linked where it stands.
    pub(crate) fn object(self, name: &str, source: &Source) -> Self {
        self.file(name, source.build()).args(name)
    }

    /// A file that is there.
    pub(crate) fn file(mut self, name: &str, bytes: impl Into<Vec<u8>>) -> Self {
        self.files.push((name.to_owned(), bytes.into()));
        self
    }

    /// An archive without an index, linked where it stands.
    pub(crate) fn archive(self, name: &str, members: &[(&str, &Source)]) -> Self {
        let built: Vec<_> = members.iter().map(|(_, source)| source.build()).collect();
        let members: Vec<(&str, &[u8])> = members
            .iter()
            .zip(&built)
            .map(|((name, _), bytes)| (*name, &bytes[..]))
            .collect();
        self.file(name, archive(ArchiveForm::Gnu, &members, &[]))
            .args(name)
    }

    /// More of the command line: names of files and options.
    pub(crate) fn args(mut self, args: &str) -> Self {
        self.line
            .extend(args.split_whitespace().map(ToOwned::to_owned));
        self
    }

    /// The output is not the one of `rust-lld`, and that is why.
    pub(crate) fn differs(mut self, reason: &'static str) -> Self {
        self.differs = Some(reason);
        self
    }

    pub(crate) fn line(&self) -> &[String] {
        &self.line
    }

    fn command_line(&self) -> CommandLine {
        CommandLine::parse(&self.line).unwrap_or_else(|error| panic!("{error}"))
    }

    pub(crate) fn options(&self) -> Options {
        let mut options = self.command_line().options;
        options.output_name = "out.wasm".into();
        options
    }

    /// The command line's inputs, all of them named: the files are served from memory.
    pub(crate) fn inputs(&self) -> Inputs<'static> {
        self.command_line().inputs
    }

    pub(crate) fn memory_files(&self) -> MemoryFiles {
        self.files
            .iter()
            .fold(MemoryFiles::default(), |files, (name, bytes)| {
                files.with(name, bytes.clone())
            })
    }

    /// Links with these options.
    pub(crate) fn link_with(&self, options: &Options) -> Done {
        let files = self.memory_files();
        let env = Env {
            files: &files,
            ..Env::default()
        };
        let mut module = Vec::new();
        let outcome = link(self.inputs(), options, &env, &mut module);
        if outcome.is_ok() {
            validate(&module);
        } else {
            assert!(module.is_empty(), "a failed link wrote something");
        }
        Done { outcome, module }
    }

    /// Links, and compares with `rust-lld`: it links too, and makes the same module.
    pub(crate) fn link(&self) -> Done {
        let mut options = self.options();
        options.threads = Some(1);
        let done = self.link_with(&options);
        options.threads = Some(3);
        let threads = self.link_with(&options);
        assert!(done.module == threads.module, "threads show in the output");
        assert_eq!(done.messages(), threads.messages());
        if options.emit_relocs && done.outcome.is_ok() {
            let checked = kept::check_fields(&done.module);
            checked.unwrap_or_else(|error| panic!("{error}"));
        }

        let Some(theirs) = self.by_rust_lld() else {
            return done;
        };
        if self.differs.is_some() {
            assert!(
                theirs.as_ref().ok() != done.module().ok().as_ref(),
                "this is no different from rust-lld"
            );
        } else {
            let ours = match (&theirs, done.module()) {
                (Ok(theirs), Ok(ours)) => Ok(without_own_relocs(&ours, theirs, &self.line)),
                (_, ours) => ours,
            };
            match (&theirs, ours) {
                (Ok(theirs), Ok(ours)) => assert!(
                    theirs[..] == ours[..],
                    "rust-lld made\n{}\nand not\n{}",
                    print(theirs),
                    print(&ours)
                ),
                (Err(_), Err(_)) => {}
                (Ok(_), Err(ours)) => panic!("rust-lld links this; here:\n{ours}"),
                (Err(theirs), Ok(_)) => panic!("rust-lld does not link this:\n{theirs}"),
            }
        }
        done
    }

    /// What the reference makes of it, if it is installed: a module, or messages.
    pub(crate) fn by_rust_lld(&self) -> Option<Result<Vec<u8>, String>> {
        let reference = lld::reference()?;
        let directory = tempfile::tempdir().expect("a temporary directory");
        for (name, bytes) in &self.files {
            let path = directory.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap_or(Path::new(""))).expect("a directory");
            std::fs::write(path, bytes).expect("the file is written");
        }
        let output = std::process::Command::new(reference)
            .args(["-flavor", "wasm", "-o", "out.wasm"])
            .args(&self.line)
            .current_dir(directory.path())
            .output()
            .expect("rust-lld runs");
        if output.status.success() {
            let module = std::fs::read(directory.path().join("out.wasm"));
            return Some(Ok(module.expect("an output")));
        }
        Some(Err(String::from_utf8_lossy(&output.stderr).into_owned()))
    }

    /// Messages and module as text: what snapshots hold.
    pub(crate) fn text(&self) -> String {
        let done = self.link();
        let mut text = done.messages();
        if done.outcome.is_ok() {
            text += &print(&done.module);
        }
        text
    }

    /// The messages of a link that fails.
    pub(crate) fn fails(&self) -> String {
        let done = self.link();
        assert!(done.outcome.is_err(), "{}", print(&done.module));
        done.messages()
    }

    /// The module of a link that succeeds without a message.
    pub(crate) fn module(&self) -> Vec<u8> {
        let done = self.link();
        assert_eq!(done.messages(), "");
        done.module
    }

    /// Links and calls an export without parameters.
    pub(crate) fn run(&self, export: &str) -> i32 {
        run(&self.module(), export)
    }
}

impl Done {
    /// The diagnostics, one below the other.
    pub(crate) fn messages(&self) -> String {
        let diagnostics = match &self.outcome {
            Ok(linked) => &linked.diagnostics,
            Err(error) => &error.diagnostics,
        };
        let mut text = String::new();
        for diagnostic in diagnostics {
            writeln!(text, "{diagnostic}").expect("a string takes everything");
        }
        text
    }

    fn module(&self) -> Result<Vec<u8>, String> {
        match self.outcome {
            Ok(_) => Ok(self.module.clone()),
            Err(_) => Err(self.messages()),
        }
    }
}

pub(crate) fn validate(module: &[u8]) {
    let features = wasmparser::WasmFeatures::all();
    if let Err(error) = wasmparser::Validator::new_with_features(features).validate_all(module) {
        panic!("{error}\n{}", print(module));
    }
}

/// The module as text.
pub(crate) fn print(module: &[u8]) -> String {
    wasmprinter::print_bytes(module).unwrap_or_else(|error| format!("cannot be printed: {error}"))
}

/// Instantiates a module whose imports are all functions, which do nothing, and calls an
/// export without parameters.
pub(crate) fn run(module: &[u8], export: &str) -> i32 {
    instance(module, |mut store, instance| {
        let function = instance
            .get_typed_func::<(), i32>(&store, export)
            .expect("an exported function");
        function.call(&mut store, ()).expect("no trap")
    })
}

/// Instantiates a module and hands it over.
pub(crate) fn instance<R>(
    module: &[u8],
    then: impl FnOnce(&mut wasmi::Store<()>, wasmi::Instance) -> R,
) -> R {
    let engine = wasmi::Engine::default();
    let module = wasmi::Module::new(&engine, module).expect("a valid module");
    let mut store = wasmi::Store::new(&engine, ());
    let instance = wasmi::Linker::new(&engine)
        .instantiate_and_start(&mut store, &module)
        .expect("the module can be instantiated");
    then(&mut store, instance)
}

/// The input of these bytes.
pub(crate) fn bytes(name: &str, source: &Source) -> Input<'static> {
    Input::bytes(name, FileData::new(source.build()))
}

/// An object as compilers wrote them before tables had symbols: it imports the table of
/// functions, and its instructions say table 0. `code` follows the call.
pub(crate) fn calls_table_0(code: &[u8]) -> ObjectFile<'static> {
    let mut source = Source::new();
    source.function("_start", sig(0, 0), |body| {
        body.i32(0).call_table_0(sig(0, 0)).raw(code);
    });
    let mut object = source.object();
    object.imports.push(Import {
        module: "env",
        field: "__indirect_function_table",
        ty: EntityType::Table(TableType {
            element: RefType::FUNCREF,
            limits: Limits::default(),
        }),
    });
    object
}
