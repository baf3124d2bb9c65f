//! `--cache-dir` for the link in this process: how the cache is asked and updated.
//! (A link through LLD goes through the cache as a whole.)

use std::any::Any;
use std::ffi::OsString;
use std::path::Path;

use link_core::args::{Item, Line};
use lld_driver::{
    Cache, CacheError, Diagnostic, Linked, Lookup, PendingLink, RunReport, Severity as SaidSeverity,
};

use crate::config::Config;
use crate::options::Opt;
use crate::output::Target;
use crate::report::{Message, Reporter, Severity};
use crate::sys::RemovedAtEnd;

/// The answer of the cache to a lookup.
pub(super) enum Answer {
    /// The output is up to date, and its messages were repeated.
    UpToDate,
    /// The link has to be made. Without a cache there is nothing to be told afterwards.
    Needed(Option<Box<PendingLink>>),
    /// The same, without a cache, and with a warning that says why.
    Unusable(Message),
}

/// Asks whether the link that `line` says is needed; `warnings` are about the command line, and
/// `more_files` are read, which `line` need not name.
pub(super) fn look_up(
    config: &Config,
    line: &Line,
    more_files: &[OsString],
    warnings: &[Message],
    target: &Target,
    reporter: &mut Reporter,
) -> Result<Answer, Message> {
    // An output for a stream is made anew each time.
    let (Some(dir), Target::Path(_)) = (&config.own.cache_dir, target) else {
        return Ok(Answer::Needed(None));
    };
    let program = std::env::current_exe()
        .map_err(|error| Message::error(format!("cannot tell this command's file: {error}")))?;
    let mut args = args(line);
    args.extend_from_slice(more_files);
    match ask(dir, &program, &args) {
        Err(error) => Ok(Answer::Unusable(unusable(&error))),
        Ok(Lookup::Needed(pending)) => Ok(Answer::Needed(Some(pending))),
        Ok(Lookup::UpToDate(linked)) => {
            reporter.all(warnings.iter().cloned());
            for said in &linked.report.diagnostics {
                reporter.one(&repeated(said.clone()));
            }
            reporter.all(remarks(&linked, config.own.verbose_link));
            Ok(Answer::UpToDate)
        }
    }
}

fn ask(dir: &Path, program: &Path, args: &[OsString]) -> Result<Lookup, CacheError> {
    open(dir)?.look_up(program, args, None)
}

/// The cache in `dir`. Its temporary files are removed however the command ends.
pub(super) fn open(dir: &Path) -> Result<Cache, CacheError> {
    let guard =
        |path: &Path| -> std::io::Result<Box<dyn Any>> { Ok(Box::new(RemovedAtEnd::new(path)?)) };
    Ok(Cache::open(dir)?.guard_temporary_files(guard))
}

/// The warning about a cache that cannot be used. The link is made without it.
pub(super) fn unusable(error: &CacheError) -> Message {
    Message::warning(error.to_string()).never_fatal()
}

/// The command line without options that do not influence the output.
fn args(line: &Line) -> Vec<OsString> {
    let mut args = Vec::new();
    for item in &line.items {
        match item {
            Item::Input(path) => args.push(path.clone()),
            Item::Option(arg) => {
                let without = [Opt::CacheDir, Opt::VerboseLink, Opt::Backend];
                if !Opt::of(arg).is_some_and(|opt| without.contains(&opt)) {
                    args.extend(arg.raw().map(OsString::from));
                }
            }
        }
    }
    args
}

/// The messages about a link that succeeded, as the cache keeps them.
pub(super) fn report(messages: &[Message]) -> RunReport {
    let text: Vec<_> = messages
        .iter()
        .map(|message| {
            let mut said = Diagnostic::new(SaidSeverity::Warning, message.text.as_str());
            said.notes.clone_from(&message.notes);
            format!("wasm-ld: {said}\n")
        })
        .collect();
    RunReport::of_success(text.concat())
}

/// A message of the link that made the output, to be repeated.
fn repeated(said: Diagnostic) -> Message {
    Message {
        severity: match said.severity {
            SaidSeverity::Note => Severity::Note,
            _ => Severity::Warning,
        },
        text: said.message,
        notes: said.notes,
        // The link that gave it succeeded with the same options.
        never_fatal: true,
    }
}

/// The messages about the cache after a link.
pub(super) fn remarks(linked: &Linked, verbose: bool) -> Vec<Message> {
    let warnings = linked.warnings.iter();
    let mut remarks: Vec<_> = warnings.map(unusable).collect();
    if verbose {
        remarks.push(Message::note(linked.outcome.to_string()));
    }
    remarks
}
