//! The link as a `wasm-ld` child process.

mod redirected;

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use link_core::args::{FileOption, Item, Line};
use lld_driver::{
    Diagnostic, Lld, LocateOptions, Lookup, Mode, RunError, RunOptions, RunReport,
    Severity as LldSeverity, Stdin, Stdout, parse_diagnostics,
};

use super::cached;
use crate::component::ComponentStep;
use crate::config::Config;
use crate::options::Opt;
use crate::output::{Stream, Target, Written, named_inputs};
use crate::report::{self, Message, Reporter, Severity};
use crate::sys::{self, FileIdentity, InputFiles, InputStamps, TempDir};
use redirected::Redirected;

/// The module that `wasm-ld` gives imports that name none.
const HOST_MODULE: &str = "env";

/// Runs LLD with the user's arguments and those that this command's own options stand for.
pub(super) fn link(
    config: &Config,
    line: &Line,
    target: &Target,
    written: &Written,
    reporter: &mut Reporter,
) -> Result<(), Message> {
    let inputs = named_inputs(config)?;
    written.check_named(&inputs)?;
    let module = &config.options.default_import_module;
    if module != HOST_MODULE {
        return Err(Message::error(format!(
            "--host-module={module}: wasm-ld has no such option and always imports from \
             {HOST_MODULE}; this needs --backend=native"
        )));
    }
    only_native(line)?;
    let lld = locate(config)?;
    let streamed = match target {
        Target::Path(_) => None,
        Target::Stream(to) => Some(Streamed::new(to, target)?),
    };
    let files = InputFiles::default();
    let step = ComponentStep::read(config, &files)?;
    written.check_read(&files)?;
    let shown = user_args(line, streamed.as_ref());
    let mut remarks = Vec::new();
    // An output for a stream is made anew each time, under a new name.
    // So is a component, of which LLD's arguments say nothing.
    let is_cached = streamed.is_none() && step.is_none();
    let cache_dir = config.own.cache_dir.as_ref().filter(|_| is_cached);
    let mut pending = None;
    if let Some(dir) = cache_dir {
        match cached::open(dir).and_then(|cache| cache.look_up_lld(&lld, &shown, None)) {
            Ok(Lookup::Needed(needed)) => pending = Some(needed),
            Ok(Lookup::UpToDate(linked)) => {
                say(&linked.report.stderr, &lld, reporter);
                reporter.all(cached::remarks(&linked, config.own.verbose_link));
                return Ok(());
            }
            Err(error) => remarks.push(cached::unusable(&error)),
        }
    }
    let redirected = Redirected::new(written)?;
    let args = [shown.clone(), redirected.args()].concat();
    let mut options = RunOptions {
        // An input may be `/dev/stdin`.
        stdin: Stdin::Inherit,
        ..RunOptions::default()
    };
    if prints(config) {
        options.stdout = Stdout::Inherit;
    }
    // A response file is made where an interrupt removes it.
    let temporary = if bytes_of(&args) > LONG {
        Some(TempDir::new()?)
    } else {
        None
    };
    if let Some(dir) = &temporary {
        options.temp_dir = Some(dir.path());
        options.argument_limit = Some(LONG);
    }
    if config.own.verbose_link {
        let line = lld.command_line(&shown);
        reporter.one(&Message::note(format!("linking with LLD:\n{line}")));
    }
    let stamps = InputStamps::of(&inputs);
    let result = lld.run(&args, Mode::Captured, &options);
    // The errors may be about a state of the file that no longer exists.
    stamps.changed()?;
    let stderr = match result {
        Ok(report) => redirected.restored(&report.stderr),
        Err(error) => {
            let is_explained = is_explained(&error);
            let failed = failure(error, &lld, &redirected, reporter);
            if is_explained {
                redirected.commit(false, &inputs)?;
            }
            return failed;
        }
    };
    say(&stderr, &lld, reporter);
    if !reporter.failed() {
        if let Some(Err(error)) = pending.as_ref().map(|pending| pending.begin()) {
            // The old record contains the hash of the earlier output, so it cannot match the new one.
            remarks.push(cached::unusable(&error));
            pending = None;
        }
        if let Some(mut step) = step {
            let output = streamed.as_ref().map(|streamed| streamed.made.as_path());
            if let Some(output) = output.or(redirected.output()) {
                componentize(output, &mut step, &target.name())?;
            }
            files.changed()?;
        }
        redirected.commit(true, &inputs)?;
        if let Some(streamed) = streamed {
            streamed.copy()?;
        }
        if let Some(pending) = pending {
            let linked = pending.finish(RunReport::of_success(stderr));
            remarks.extend(cached::remarks(&linked, config.own.verbose_link));
        }
    }
    reporter.all(remarks);
    Ok(())
}

/// Repeats the messages of LLD about a link that succeeded.
fn say(stderr: &str, lld: &Lld, reporter: &mut Reporter) {
    // Read from the text: the report counts the notes of `--verbose` as warnings.
    for diagnostic in parse_diagnostics(stderr) {
        let mut message = message(diagnostic, lld, reporter.program());
        if message.severity == Severity::Error {
            message.severity = Severity::Warning;
        }
        reporter.one(&message);
    }
}

/// An output that LLD cannot make itself: it is made elsewhere and then copied.
struct Streamed<'t> {
    to: &'t Stream,
    made: PathBuf,
    /// Where `made` is; removed with this value.
    _dir: TempDir,
}

impl<'t> Streamed<'t> {
    /// The temporary module has the output's file name, since that is the name of the module.
    fn new(to: &'t Stream, target: &Target) -> Result<Self, Message> {
        let dir = TempDir::new()?;
        let name = target.path().file_name();
        Ok(Self {
            to,
            made: dir.path().join(name.unwrap_or("a.wasm".as_ref())),
            _dir: dir,
        })
    }

    fn copy(&self) -> Result<(), Message> {
        let module = File::open(&self.made).map_err(|error| {
            let (made, reason) = (self.made.display(), report::reason(&error));
            Message::error(format!("cannot open {made}: {reason}"))
        })?;
        self.to.copy(module)
    }
}

/// Replaces the module that LLD has made at `path` by the component. `name` is the output's.
fn componentize(path: &Path, step: &mut ComponentStep, name: &str) -> Result<(), Message> {
    let failed = |error: &io::Error| {
        Message::error(format!(
            "failed to write output '{name}': {}",
            report::reason(error)
        ))
    };
    let module = fs::read(path).map_err(|error| failed(&error))?;
    // Which objects describe worlds is known to LLD alone.
    let component = step.make(&module, Vec::new(), name)?;
    fs::write(path, component).map_err(|error| failed(&error))
}

/// Fails for an option that LLD does not have and that its output cannot be without.
fn only_native(line: &Line) -> Result<(), Message> {
    let mut items = line.items.iter();
    let option = items.find_map(|item| match item {
        Item::Option(arg) if arg.spec.native_only => Some(arg.name()),
        Item::Option(_) | Item::Input(_) => None,
    });
    option.map_or(Ok(()), |option| {
        Err(Message::error(format!(
            "{option}: wasm-ld has no such option; this needs --backend=native"
        )))
    })
}

/// How many bytes of arguments go through a response file. Every system takes fewer than these.
const LONG: usize = 30_000;

fn bytes_of(args: &[OsString]) -> usize {
    args.iter().map(|arg| arg.len()).sum()
}

/// The linker to run. A `wasm-ld` on `PATH` can be this command itself, which is an error.
fn locate(config: &Config) -> Result<Lld, Message> {
    let mut options = LocateOptions::from_env();
    if let Some(program) = &config.own.lld_path {
        options = options.with_program(program);
    }
    let lld = Lld::locate(&options).map_err(|error| {
        let text = error.to_string();
        let mut lines = text.lines();
        let first = Message::error(lines.next().unwrap_or("no wasm-ld was found"));
        lines.fold(first, |message, line| message.with_note(line.trim()))
    })?;
    let exe = std::env::current_exe().ok();
    let this = exe.and_then(|exe| FileIdentity::of(&exe));
    if this.is_some() && this == FileIdentity::of(lld.program()) {
        return Err(Message::error(format!(
            "{} is this command itself; name another wasm-ld with --lld-path or WASM_LD",
            lld.program().display()
        )));
    }
    Ok(lld)
}

/// The user's arguments as they are, without options that this command handles: its own, and those
/// about its messages and response files. The path of an output that LLD cannot write is replaced by
/// that of a temporary file, which is copied to the output afterwards.
fn user_args(line: &Line, streamed: Option<&Streamed<'_>>) -> Vec<OsString> {
    let mut args = Vec::new();
    for item in &line.items {
        match item {
            Item::Input(path) => args.push(path.clone()),
            Item::Option(arg) => {
                let here = match Opt::of(arg) {
                    Some(
                        Opt::RspQuoting
                        | Opt::ColorDiagnostics
                        | Opt::NoColorDiagnostics
                        | Opt::PrintVersion,
                    ) => true,
                    _ if FileOption::of(arg) == Some(FileOption::Output) => streamed.is_some(),
                    _ => arg.spec.extension,
                };
                if !here {
                    args.extend(arg.raw().map(OsString::from));
                }
            }
        }
    }
    if let Some(streamed) = streamed {
        args.extend(["-o".into(), streamed.made.clone().into()]);
    }
    args
}

/// Whether the linker is asked to print something on standard output.
fn prints(config: &Config) -> bool {
    config.prints_report() || config.lto.mllvm || config.lto.debug_pass_manager
}

/// Whether the linker failed with errors about the link alone. Prose says otherwise: LLVM's
/// libraries end the linker where a report cannot be written, for example.
fn is_explained(error: &RunError) -> bool {
    let severities = || error.diagnostics().iter().map(|said| said.severity);
    matches!(error, RunError::Failed { .. })
        && severities().any(|severity| severity == LldSeverity::Error)
        && severities().all(|severity| severity != LldSeverity::Prose)
}

/// Reports why the linker failed.
fn failure(
    error: RunError,
    lld: &Lld,
    redirected: &Redirected<'_>,
    reporter: &mut Reporter,
) -> Result<(), Message> {
    if let RunError::Crashed { signal, .. } = error {
        sys::end_by(signal);
    }
    for diagnostic in error.diagnostics() {
        let mut message = message(diagnostic.clone(), lld, reporter.program());
        for text in std::iter::once(&mut message.text).chain(&mut message.notes) {
            *text = redirected.restored(text);
        }
        reporter.one(&message);
    }
    let explained = matches!(error, RunError::Failed { .. }) && reporter.failed();
    if explained {
        return Ok(());
    }
    Err(match error {
        RunError::Failed { program, code, .. } => Message::error(format!(
            "the linker {} failed with exit code {code}",
            program.display()
        )),
        other => Message::error(other.to_string()),
    })
}

/// A message of LLD as one of the command that is called `program`.
fn message(diagnostic: Diagnostic, lld: &Lld, program: &str) -> Message {
    let severity = match diagnostic.severity {
        LldSeverity::Error => Severity::Error,
        LldSeverity::Warning => Severity::Warning,
        LldSeverity::Prose => Severity::Prose,
        // A severity that this version does not know is said, not counted.
        _ => Severity::Note,
    };
    let text = if severity == Severity::Prose {
        renamed(&diagnostic.message, lld, program)
    } else {
        diagnostic.message
    };
    Message {
        severity,
        text,
        notes: diagnostic.notes,
        never_fatal: false,
    }
}

/// `text` with `program` at the beginning of lines where LLD's own name was.
fn renamed(text: &str, lld: &Lld, program: &str) -> String {
    let lld_name = lld
        .program()
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy();
    let lines: Vec<_> = text
        .lines()
        .map(|line| {
            match line
                .strip_prefix(&*lld_name)
                .and_then(|rest| rest.strip_prefix(": "))
            {
                Some(rest) => format!("{program}: {rest}"),
                None => line.to_owned(),
            }
        })
        .collect();
    lines.join("\n")
}
