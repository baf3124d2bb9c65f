//! The link in this process, by `link_core`.

mod options;

use link_core::diag::{self, Diagnostic};
use link_core::link::{self, Env, LinkError};

use crate::config::Config;
use crate::output::{Output, Target};
use crate::report::{Message, Reporter, Severity};
use crate::sys;

/// How a link ended.
pub(super) enum Outcome {
    /// The output is there, or errors were reported.
    Done,
    /// A file that is needed is bitcode, says this error, which nobody has seen yet. Nothing was
    /// reported and nothing written.
    Bitcode(Message),
}

/// Links into `target`. `warnings` are about the command line.
pub(super) fn link(
    config: &Config,
    warnings: Vec<Message>,
    target: &Target,
    reporter: &mut Reporter,
) -> Result<Outcome, Message> {
    if config.messages.fatal_warnings && !warnings.is_empty() {
        reporter.all(warnings);
        return Ok(Outcome::Done);
    }
    let options = options::options(config, &target.name())?;
    let mut output = Output::open(target)?;
    let env = Env {
        files: &sys::InputFiles,
        ..Env::default()
    };
    let result = link::link(options::inputs(&config.link), &options, &env, &mut output);
    if let Err(error) = &result
        && let Some(bitcode) = bitcode(error)
    {
        return Ok(Outcome::Bitcode(bitcode));
    }
    if config.own.verbose_link {
        reporter.one(&Message::note("linking natively"));
    }
    reporter.all(warnings);
    match result {
        Ok(linked) => {
            reporter.all(linked.diagnostics.into_iter().map(message));
            if !reporter.failed() {
                output.commit()?;
            }
        }
        Err(error) => reporter.all(error.diagnostics.into_iter().map(message)),
    }
    Ok(Outcome::Done)
}

/// The error about bitcode, if only LLD can make this link.
fn bitcode(error: &LinkError) -> Option<Message> {
    let mut diagnostics = error.diagnostics.iter();
    diagnostics
        .find(|diagnostic| diagnostic.code == diag::Code::Bitcode)
        .map(|diagnostic| message(diagnostic.clone()))
}

fn message(diagnostic: Diagnostic) -> Message {
    Message {
        severity: match diagnostic.severity {
            diag::Severity::Warning => Severity::Warning,
            diag::Severity::Error => Severity::Error,
        },
        text: match diagnostic.file {
            Some(file) => format!("{file}: {}", diagnostic.message),
            None => diagnostic.message,
        },
        notes: diagnostic.notes,
    }
}
