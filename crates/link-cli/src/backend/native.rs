//! The link in this process, by `link_core`.

mod cref;
mod dependencies;
mod map;
mod reports;
mod reproduce;
mod times;

use link_core::args::{Line, Problems};
use link_core::diag;
use link_core::{Env, LinkError, Linked, Options, Threads, link_then};
use lld_driver::PendingLink;

use super::cached::{self, Answer};
use crate::component::ComponentStep;
use crate::config::Config;
use crate::output::{Output, Target, Written};
use crate::report::{Message, Reporter};
use crate::sys::{self, InputFiles};
use reports::Reports;
use times::Times;

/// How a link ended.
pub(super) enum Outcome {
    /// Errors were reported. (A link that succeeds ends the command.)
    Failed,
    /// The cache knows that the output is up to date.
    UpToDate,
    /// This file is needed and is bitcode. The error that says so is not reported yet. Nothing was
    /// reported or written.
    Bitcode(String, Message),
}

/// Links into `target`. `warnings` are about the command line `line`.
///
/// A link that succeeds ends the command with exit code 0: the system frees its memory, which is
/// faster.
pub(super) fn link(
    config: &Config,
    line: &Line,
    warnings: &[Message],
    target: &Target,
    written: &Written,
    reporter: &mut Reporter,
) -> Result<Outcome, Message> {
    let mut warnings = warnings.to_vec();
    let files = InputFiles::default();
    let mut step = ComponentStep::read(config, &files)?;
    let component_files = step.as_ref().map_or(&[][..], ComponentStep::files);
    let answer = cached::look_up(config, line, component_files, &warnings, target, reporter)?;
    let pending = match answer {
        Answer::UpToDate => return Ok(Outcome::UpToDate),
        Answer::Needed(pending) => pending,
        Answer::Unusable(message) => {
            warnings.push(message);
            None
        }
    };
    let options = link_options(config, target);
    let mut reports = Reports::open(config, target, &files, line)?;
    let mut output = Output::open(target)?;
    if step.is_some() {
        output = output.behind_core_module();
    }
    let times = Times::default();
    let enter = |phase| times.enter(phase);
    let apart = sys::Apart::new();
    let env = Env {
        files: &files,
        progress: config.own.time.then_some(&enter),
        threads: Threads::OwnForGood {
            started: &|thread| apart.keep(thread),
        },
        ..Env::default()
    };
    // The link consumes its inputs and `config` keeps its own, so they are made again from the line.
    let inputs = line.files(options.output, &mut Problems::default()).inputs;
    let result = link_then(inputs, &options, &env, &mut output, |output, linked| {
        begin(config, &warnings, reporter);
        let told = Told {
            files: &files,
            written,
            reports: &mut reports,
            times: &times,
            step: step.as_mut(),
            target,
            pending,
        };
        end(output, &linked, told, config, reporter)
    });
    let error = match result {
        Ok(error) => error,
        Err(error) => {
            // The errors may be about a state of the file that no longer exists.
            if let Err(message) = files.changed() {
                begin(config, &warnings, reporter);
                return Err(message);
            }
            if let Some(outcome) = bitcode(&error) {
                return Ok(outcome);
            }
            begin(config, &warnings, reporter);
            reporter.all(error.diagnostics.into_iter().map(Message::from));
            let reported = written
                .check_stdout(&files)
                .and_then(|()| reports.of_failed(&error.report, reporter))
                .and_then(|()| written.check_read(&files))
                .and_then(|()| reports.commit(false));
            reported.err()
        }
    };
    error.map_or(Ok(Outcome::Failed), Err)
}

/// The options of the link, with what this command's own ask of it.
fn link_options(config: &Config, target: &Target) -> Options {
    let mut options = config.options.clone();
    options.output_name = target.name().into_owned();
    // As in `wasm-ld`, objects do not decide it.
    options.is_64.get_or_insert(false);
    // The reporter counts errors, those about the command line included.
    options.error_limit = 0;
    options.trace |= config.reports.verbose;
    options.why_extract = config.reports.why_extract.is_some();
    options.map = config.reports.map.is_some();
    options.size_report = !config.reports.sizes.is_empty();
    options
}

/// Reports the messages about the command line.
fn begin(config: &Config, warnings: &[Message], reporter: &mut Reporter) {
    if config.own.verbose_link {
        reporter.one(&Message::note("linking natively"));
    }
    reporter.all(warnings.iter().cloned());
}

/// The recipients of the result of a link that succeeded, apart from the user.
struct Told<'a, 'c> {
    files: &'a InputFiles,
    written: &'a Written,
    reports: &'a mut Reports<'c>,
    times: &'a Times,
    /// The step that makes a component of the module, if one is wanted.
    step: Option<&'a mut ComponentStep>,
    target: &'a Target,
    /// The cache.
    pending: Option<Box<PendingLink>>,
}

/// Writes what was linked and ends the command; returns why it failed, unless that was reported.
fn end(
    output: &mut Output,
    linked: &Linked,
    told: Told<'_, '_>,
    config: &Config,
    reporter: &mut Reporter,
) -> Option<Message> {
    let mut pending = told.pending;
    let all = || -> Result<(), Message> {
        let messages: Vec<_> = linked
            .diagnostics
            .iter()
            .cloned()
            .map(Message::from)
            .collect();
        if !messages.is_empty() {
            // The warnings may be about a state of the file that no longer exists.
            told.files.changed()?;
        }
        reporter.all(messages.iter().cloned());
        told.written.check_stdout(told.files)?;
        told.reports.of_linked(linked, reporter)?;
        if reporter.failed() {
            return Ok(());
        }
        if let Some(step) = told.step {
            told.times.enter_component();
            let objects = linked
                .report
                .worlds
                .iter()
                .map(ToString::to_string)
                .collect();
            let name = told.target.name();
            let made = output.replace_core_module(|core| step.make(core, objects, &name));
            if let Err(message) = made {
                told.files.changed()?;
                told.reports.commit(false)?;
                return Err(message);
            }
        }
        told.times.enter_commit();
        told.files.changed()?;
        told.written.check_read(told.files)?;
        told.reports.commit(true)?;
        if let Some(Err(error)) = pending.as_ref().map(|pending| pending.begin()) {
            // The old record contains the hash of the earlier output, so it cannot match the new one.
            reporter.one(&cached::unusable(&error));
            pending = None;
        }
        output.commit()?;
        if let Some(pending) = pending.take() {
            let linked = pending.finish(cached::report(&messages));
            reporter.all(cached::remarks(&linked, config.own.verbose_link));
        }
        if config.own.time {
            told.times.say(reporter);
        }
        Ok(())
    };
    match all() {
        Ok(()) if !reporter.failed() => sys::exit_well(told.files),
        result => result.err(),
    }
}

/// What to do about bitcode, if only LLD can make this link.
fn bitcode(error: &LinkError) -> Option<Outcome> {
    let mut diagnostics = error.diagnostics.iter();
    let found = diagnostics.find(|diagnostic| diagnostic.code == diag::Code::Bitcode)?;
    let file = found.file.clone().unwrap_or_default();
    Some(Outcome::Bitcode(file, found.clone().into()))
}
