//! A program that grows and changes one function at a time, and the module it lives in.
//!
//! The life of a function here is the life of a declaration there:
//!
//! - its head is read: it is *announced*, and others can call it;
//! - its body is compiled: the declaration is *updated*, again whenever the body changes;
//! - its body has an error: the declaration *fails*, and everything else stays as it is;
//! - it is taken away: the declaration is *freed*. What still calls it is found at the flush.

use std::path::PathBuf;
use std::sync::Arc;

use indexmap::IndexMap;
use link_core::diag;
use link_core::module::{
    Binding, DataDef, DataId, FlushError, FlushMap, Flushed, FuncId, FunctionBody, ImportName,
    MemoryDef, MemoryId, Module, ModuleError, ModuleOptions, OpenOutput, SymbolAttributes,
};
use link_core::{Env, LinkError, Options as LinkOptions, link};
use link_core::{Input, Inputs};
use thiserror::Error;
use wasm_format::linking::SegmentFlags;
use wasm_format::{FuncType, Opcode, ValType};

use super::ast::{Block, Function, FunctionKind, Type};
use super::check::{Checked, Known, Signature, check, check_input};
use super::codegen::{EMPTY_BLOCK, Emit, Handles, compile, func_type};
use super::runtime::{LOCAL, Runtime, wasi_function};
use super::source::{Diagnostic, Pos, Source};

/// Bytes of stack in linear memory, of which printing needs a few dozen.
const STACK_SIZE: u64 = 65_536;

/// What WASI calls to run a program.
const START: &str = "_start";

/// What wasi-libc's `_start` calls, where that is linked instead of ours.
const LIBC_MAIN: &str = "__main_void";

/// What is typed at the prompt becomes a function of this name, which no program can call.
const INPUT: &str = "(input)";

/// Something could not be done to a program.
#[derive(Debug, Error)]
pub(crate) enum CalcError {
    /// The program has errors.
    #[error("{}", lines(.0))]
    Program(Vec<Diagnostic>),
    /// There is no function of this name.
    #[error("there is no function `{0}`")]
    NoFunction(String),
    /// The compiler made a mistake in using the module.
    #[error(transparent)]
    Module(#[from] ModuleError),
    /// The program is not complete.
    #[error(transparent)]
    Flush(#[from] FlushError),
    /// The program cannot be linked.
    #[error("{}", lines(&.0.diagnostics))]
    Link(#[from] LinkError),
}

fn lines(messages: &[impl ToString]) -> String {
    let lines: Vec<String> = messages.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

impl From<Diagnostic> for CalcError {
    fn from(diagnostic: Diagnostic) -> Self {
        CalcError::Program(vec![diagnostic])
    }
}

type Result<T = ()> = std::result::Result<T, CalcError>;

/// A linked program.
pub(crate) struct Linked {
    pub(crate) wasm: Vec<u8>,
    pub(crate) warnings: Vec<diag::Diagnostic>,
}

/// A function of the program.
pub(crate) struct Entry {
    pub(crate) function: Function,
    pub(crate) handle: FuncId,
    /// Its string constants.
    texts: Vec<DataId>,
    /// What it calls.
    calls: Vec<String>,
    /// Whether its body is in the module.
    compiled: bool,
}

pub(crate) struct Session {
    module: Module,
    memory: MemoryId,
    functions: IndexMap<String, Entry>,
    /// There once something prints.
    runtime: Option<Runtime>,
    /// [`START`] and [`LIBC_MAIN`], while there is a `main`.
    main: Option<[FuncId; 2]>,
}

impl Session {
    pub(crate) fn new() -> Result<Self> {
        let mut options = ModuleOptions::default();
        options.stack_size = Some(STACK_SIZE);
        let mut module = Module::new(options);
        // WASI wants to see the memory under this name, whether there is data in it or not.
        let memory = module.announce_memory("memory")?;
        module.update(memory, MemoryDef::default())?;
        Ok(Self {
            module,
            memory,
            functions: IndexMap::new(),
            runtime: None,
            main: None,
        })
    }

    /// The functions, in the order they were first named.
    pub(crate) fn functions(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.functions
            .iter()
            .map(|(name, entry)| (name.as_str(), entry))
    }

    /// Whether the program has something to begin with.
    pub(crate) fn has_main(&self) -> bool {
        self.main.is_some()
    }

    /// Adds functions, or replaces those that have their names, and compiles again whatever
    /// depends on a change. A function with an error keeps its name and its signature; the
    /// others are not affected.
    pub(crate) fn define(&mut self, functions: Vec<Function>) -> Result {
        let mut errors = Vec::new();
        let mut names: Vec<String> = Vec::new();
        for function in functions {
            if let Err(error) = check_head(&function) {
                errors.push(error);
                continue;
            }
            let name = function.name.clone();
            if names.contains(&name) && self.is_definition(&name) {
                errors.push(Diagnostic::new(
                    &function.source,
                    function.at,
                    format!("`{name}` is defined twice"),
                ));
                continue;
            }
            let dependents = self.announce(function)?;
            for name in std::iter::once(name).chain(dependents) {
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        // All heads are known by now, so functions can call each other whatever their order.
        for name in &names {
            match self.compile(name) {
                Err(CalcError::Program(found)) => errors.extend(found),
                other => other?,
            }
        }
        self.make_entry()?;
        if errors.is_empty() {
            Ok(())
        } else {
            Err(CalcError::Program(errors))
        }
    }

    fn is_definition(&self, name: &str) -> bool {
        let entry = self.functions.get(name);
        entry.is_some_and(|entry| !matches!(entry.function.kind, FunctionKind::Promised))
    }

    /// Announces a function, and returns what has to be compiled again because of it.
    fn announce(&mut self, function: Function) -> Result<Vec<String>> {
        let name = function.name.clone();
        let is_extern = matches!(function.kind, FunctionKind::Extern { .. });
        let mut dependents = Vec::new();
        let (mut texts, mut calls) = (Vec::new(), Vec::new());
        if let Some(entry) = self.functions.get(&name) {
            let was_extern = matches!(entry.function.kind, FunctionKind::Extern { .. });
            let same_type = Signature::of(&entry.function) == Signature::of(&function);
            let is_promise = matches!(function.kind, FunctionKind::Promised);
            if is_promise && same_type && !was_extern {
                return Ok(dependents);
            }
            if !same_type || was_extern != is_extern || is_promise {
                dependents = self.callers(&name);
            }
            if was_extern != is_extern || is_promise {
                // Another kind of declaration, or one that loses its body: a new one.
                self.drop_entry(&name)?;
            } else if let Some(entry) = self.functions.get_mut(&name) {
                texts = std::mem::take(&mut entry.texts);
                calls = std::mem::take(&mut entry.calls);
            }
        } else {
            // Who calls it has the handle of one that was freed.
            dependents = self.callers(&name);
        }
        let handle = if is_extern {
            self.module.announce_imported_function(name.as_str())?
        } else {
            self.module.announce_function(name.as_str())?
        };
        let entry = Entry {
            function,
            handle,
            texts,
            calls,
            compiled: false,
        };
        self.functions.insert(name, entry);
        Ok(dependents)
    }

    fn callers(&self, name: &str) -> Vec<String> {
        let calls = |entry: &Entry| entry.calls.iter().any(|callee| callee == name);
        self.functions
            .iter()
            .filter(|(_, entry)| calls(entry))
            .map(|(name, _)| name.clone())
            .collect()
    }

    /// Brings what the function is defined as into the module.
    fn compile(&mut self, name: &str) -> Result {
        let Some(entry) = self.functions.get(name) else {
            return Err(CalcError::NoFunction(name.to_owned()));
        };
        let (function, handle) = (entry.function.clone(), entry.handle);
        match &function.kind {
            FunctionKind::Promised => return Ok(()),
            FunctionKind::Extern { module } => {
                let import = ImportName {
                    module: module.as_deref().map(Into::into),
                    name: None,
                };
                self.module.set_import(handle, import)?;
                let ty = func_type(&Signature::of(&function));
                self.module.update(handle, FunctionBody::new(ty))?;
            }
            FunctionKind::Defined(block) => {
                let checked = self.with_known(|known| check(&function, block, known));
                let checked = match checked {
                    Ok(checked) => checked,
                    Err(error) => {
                        let Pos { line, column } = error.at;
                        let file = &error.source.name;
                        let reason = format!("{file}:{line}:{column}: {}", error.message);
                        self.module.fail(handle, reason)?;
                        self.set_compiled(name, false);
                        return Err(error.into());
                    }
                };
                let old = self.functions.get_mut(name);
                let texts = old.map(|entry| std::mem::take(&mut entry.texts));
                let texts = self.commit_texts(name, &checked, texts.unwrap_or_default())?;
                self.commit(handle, &checked, &texts)?;
                if name == "main" {
                    // C has a `main` of its own kind, so ours is not for others to see.
                    self.module.set_symbol(handle, LOCAL)?;
                }
                if let Some(entry) = self.functions.get_mut(name) {
                    entry.texts = texts;
                    entry.calls = checked.calls;
                }
            }
        }
        self.set_compiled(name, true);
        Ok(())
    }

    fn set_compiled(&mut self, name: &str, compiled: bool) {
        if let Some(entry) = self.functions.get_mut(name) {
            entry.compiled = compiled;
        }
    }

    /// Runs `check` with what a function can refer to.
    fn with_known<T>(&self, check: impl FnOnce(&Known<'_>) -> T) -> T {
        check(&Known {
            signature: &|name| Some(Signature::of(&self.functions.get(name)?.function)),
            near: &|name| {
                let names = self.functions.keys().map(String::as_str).chain(["print"]);
                let near = names.map(|known| (strsim::damerau_levenshtein(known, name), known));
                let (distance, known) = near.min()?;
                (distance <= 1 + name.len() / 4).then(|| known.to_owned())
            },
        })
    }

    /// Makes the function's string constants its data: as many as it has now.
    fn commit_texts(
        &mut self,
        name: &str,
        checked: &Checked,
        old: Vec<DataId>,
    ) -> Result<Vec<DataId>> {
        for surplus in old.into_iter().skip(checked.texts.len()) {
            self.module.free(surplus)?;
        }
        let mut texts = Vec::new();
        for (index, text) in checked.texts.iter().enumerate() {
            let symbol = format!("{name}.str.{index}");
            let segment = format!(".rodata.{symbol}");
            let handle = self.module.announce_data(symbol)?;
            let bytes = [text.as_bytes(), b"\0"].concat();
            // A linker keeps one of those that are the same.
            let data = DataDef::copied(bytes)
                .segment(segment)
                .flags(SegmentFlags::STRINGS);
            self.module.update(handle, data)?;
            self.module.set_symbol(handle, LOCAL)?;
            texts.push(handle);
        }
        Ok(texts)
    }

    /// Compiles a checked function and commits the result.
    fn commit(&mut self, handle: FuncId, checked: &Checked, texts: &[DataId]) -> Result {
        if checked.prints && self.runtime.is_none() {
            self.runtime = Some(Runtime::new(&mut self.module)?);
        }
        let body = compile(
            checked,
            &Handles {
                function: &|name| Some(self.functions.get(name)?.handle),
                texts,
                runtime: self.runtime.as_ref(),
            },
        );
        match body {
            Some(body) => self.module.update(handle, body)?,
            None => self.module.fail(handle, "it refers to what is not there")?,
        }
        Ok(())
    }

    /// Takes a function away.
    pub(crate) fn free(&mut self, name: &str) -> Result {
        if !self.functions.contains_key(name) {
            return Err(CalcError::NoFunction(name.to_owned()));
        }
        self.drop_entry(name)?;
        self.make_entry()
    }

    fn drop_entry(&mut self, name: &str) -> Result {
        if let Some(entry) = self.functions.shift_remove(name) {
            for text in entry.texts {
                self.module.free(text)?;
            }
            self.module.free(entry.handle)?;
        }
        Ok(())
    }

    /// Makes the functions through which the system calls `main`, while there is one.
    fn make_entry(&mut self) -> Result {
        let main = self.functions.get("main");
        let main = main.filter(|entry| matches!(entry.function.kind, FunctionKind::Defined(_)));
        let Some(main) = main else {
            for handle in self.main.take().into_iter().flatten() {
                self.module.free(handle)?;
            }
            return Ok(());
        };
        let (main, result) = (main.handle, main.function.result);

        let libc_main = self.module.announce_function(LIBC_MAIN)?;
        let mut body = FunctionBody::new(FuncType::new([], [ValType::I32]));
        body.call(main);
        if result.is_none() {
            body.i32_const(0);
        }
        body.end();
        self.module.update(libc_main, body)?;

        let exit_type = FuncType::new([ValType::I32], []);
        let exit = wasi_function(&mut self.module, "proc_exit", exit_type)?;
        let start = self.module.announce_function(START)?;
        let mut body = FunctionBody::new(FuncType::new([], []));
        body.locals(1, ValType::I32).name_local(0, "code");
        body.call(libc_main).tee(0);
        body.op(Opcode::If).code(&[EMPTY_BLOCK]);
        body.get(0).call(exit).end().end();
        self.module.update(start, body)?;
        // That of libc, which prepares more, is taken instead where there is one.
        let weak = SymbolAttributes {
            binding: Binding::Weak,
            ..SymbolAttributes::default()
        };
        self.module.set_symbol(start, weak)?;
        self.main = Some([start, libc_main]);
        Ok(())
    }

    /// The program as a finished module: it exports its functions and begins with `main`.
    pub(crate) fn flush(&mut self) -> Result<Flushed> {
        self.set_exports()?;
        Ok(self.module.flush()?)
    }

    /// The same in an output that stays open: what changed since the last time is written.
    pub(crate) fn flush_open<'o>(&mut self, output: &'o mut OpenOutput) -> Result<&'o FlushMap> {
        self.set_exports()?;
        Ok(self.module.flush_open(output)?)
    }

    fn set_exports(&mut self) -> Result {
        self.clear_exports()?;
        self.module.set_exports(self.memory, ["memory"])?;
        if let Some([start, _]) = self.main {
            self.module.set_exports(start, [START])?;
        }
        for (name, entry) in &self.functions {
            if matches!(entry.function.kind, FunctionKind::Defined(_)) && name != "main" {
                self.module.set_exports(entry.handle, [name.as_str()])?;
            }
        }
        Ok(())
    }

    /// The program as a relocatable object, to be linked with others.
    pub(crate) fn object(&mut self) -> Result<Vec<u8>> {
        // What a program exports is decided where it is linked.
        self.clear_exports()?;
        Ok(self.module.write_object()?.bytes)
    }

    /// The program linked in this process with objects and archives. The objects are taken as
    /// they are in memory: nothing is written to be parsed again.
    pub(crate) fn link(&mut self, files: Vec<PathBuf>) -> Result<Linked> {
        self.clear_exports()?;
        let program = self.module.link_input()?;
        let files = files.into_iter().map(Input::path);
        let inputs = Inputs {
            inputs: [Input::object(program.object("calc"))]
                .into_iter()
                .chain(files)
                .collect(),
            ..Inputs::default()
        };
        let mut wasm = Vec::new();
        let linked = link(inputs, &LinkOptions::default(), &Env::default(), &mut wasm)?;
        Ok(Linked {
            wasm,
            warnings: linked.diagnostics,
        })
    }

    /// A module that evaluates `block`, prints its value if it has one, and ends.
    pub(crate) fn evaluate(&mut self, source: &Arc<Source>, block: &Block) -> Result<Vec<u8>> {
        let function = Function {
            source: Arc::clone(source),
            at: Pos { line: 1, column: 1 },
            name: INPUT.to_owned(),
            params: Vec::new(),
            result: None,
            kind: FunctionKind::Promised,
        };
        let checked = self.with_known(|known| check_input(&function, block, known))?;
        let texts = self.commit_texts(INPUT, &checked, Vec::new())?;
        let handle = self.module.announce_function(INPUT)?;
        self.commit(handle, &checked, &texts)?;
        self.clear_exports()?;
        self.module.set_exports(self.memory, ["memory"])?;
        self.module.set_exports(handle, [START])?;
        let flushed = self.module.flush();
        self.module.free(handle)?;
        for text in texts {
            self.module.free(text)?;
        }
        Ok(flushed?.bytes)
    }

    fn clear_exports(&mut self) -> Result {
        const NONE: [&str; 0] = [];
        self.module.set_exports(self.memory, NONE)?;
        let main = self.main.into_iter().flatten();
        for handle in self
            .functions
            .values()
            .map(|entry| entry.handle)
            .chain(main)
        {
            self.module.set_exports(handle, NONE)?;
        }
        Ok(())
    }
}

impl Entry {
    /// What became of it, in a word or two.
    pub(crate) fn state(&self) -> &'static str {
        match self.function.kind {
            FunctionKind::Promised => "promised",
            FunctionKind::Extern { .. } => "extern",
            FunctionKind::Defined(_) if self.compiled => "defined",
            FunctionKind::Defined(_) => "has an error",
        }
    }

    /// Its head as the source has it.
    pub(crate) fn head(&self) -> String {
        let params = self.function.params.iter();
        let params: Vec<_> = params
            .map(|param| format!("{}: {}", param.name, param.ty))
            .collect();
        let result = self
            .function
            .result
            .map_or(String::new(), |ty| format!(" -> {ty}"));
        format!("fn {}({}){result}", self.function.name, params.join(", "))
    }
}

/// What cannot be known from the body.
fn check_head(function: &Function) -> std::result::Result<(), Diagnostic> {
    let error = |message: String| Err(Diagnostic::new(&function.source, function.at, message));
    let name = function.name.as_str();
    if name == "print" || Type::named(name).is_some() {
        return error(format!("`{name}` is built in and cannot be defined"));
    }
    if name == START || name.starts_with("__") {
        return error(format!(
            "`{name}` is a name of the system's; choose another one"
        ));
    }
    if name == "main" {
        let fits = function.params.is_empty() && matches!(function.result, None | Some(Type::I32));
        if !fits || matches!(function.kind, FunctionKind::Extern { .. }) {
            return error(
                "the program begins with `fn main()`, or with `fn main() -> i32`, which returns \
                 the exit code"
                    .to_owned(),
            );
        }
    }
    Ok(())
}
