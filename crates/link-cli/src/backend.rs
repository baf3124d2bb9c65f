//! The choice of the linker that does the work.

mod cached;
mod lld;
mod native;

use link_core::args::Line;

use crate::config::{Backend, Config};
use crate::output::{Target, Written};
use crate::report::{Message, Reporter};

/// Makes the link that `config` describes, and writes the output to `target`. `written` lists all
/// files that the link writes.
///
/// `line` is the command line that `config` was made from, and `warnings` are the messages about it.
/// Errors of the link are reported; `Err` says why it could not be attempted.
/// After `Ok`, the output is there unless [`Reporter::failed`].
pub(crate) fn link(
    config: &Config,
    line: &Line,
    warnings: Vec<Message>,
    target: &Target,
    written: &Written,
    reporter: &mut Reporter,
) -> Result<(), Message> {
    let by_choice = match config.own.backend {
        // The child has the same things to say about the options.
        Backend::Lld => return lld::link(config, line, target, written, reporter),
        Backend::Native => true,
        Backend::Auto => false,
    };
    match native::link(config, line, &warnings, target, written, reporter)? {
        native::Outcome::Failed | native::Outcome::UpToDate => Ok(()),
        native::Outcome::Bitcode(_, error) if by_choice => {
            reporter.all(warnings);
            reporter.one(&error);
            Ok(())
        }
        native::Outcome::Bitcode(file, _) => {
            if config.reports.verbose || config.own.verbose_link {
                reporter.one(&Message::note(format!(
                    "{file} is LLVM bitcode: linking with LLD"
                )));
            }
            lld::link(config, line, target, written, reporter)
        }
    }
}
