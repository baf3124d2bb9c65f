//! The choice of the linker that does the work.

mod lld;

use crate::config::{Backend, Config};
use crate::output::Target;
use crate::parse::Item;
use crate::report::{Message, Reporter};

/// Links what `config` says into the file that `target` names.
///
/// `items` is the command line that `config` was made from; `warnings` are what there was to say
/// about it. What goes wrong in the link is reported; `Err` is what kept it from being made.
/// After `Ok`, the output is there unless [`Reporter::failed`].
pub(crate) fn link(
    config: &Config,
    items: &[Item],
    warnings: Vec<Message>,
    target: &Target,
    reporter: &mut Reporter,
) -> Result<(), Message> {
    match config.own.backend {
        Backend::Native => {
            reporter.all(warnings);
            Err(Message::error(
                "the native backend is not there yet; use --backend=lld",
            ))
        }
        // The child has the same things to say about the options.
        Backend::Auto | Backend::Lld => lld::link(config, items, target, reporter),
    }
}
