//! Functions of the linker that would be larger than engines take are split: they call helpers,
//! which do their steps.

use std::ops::Range;

use super::made_body::{Body, BodyTarget, MadeBody};
use super::numbering::FunctionIndices;
use crate::diag::{Code, Diagnostic};
use crate::ids::FuncIndex;
use crate::limits;
use crate::options::Options;
use crate::room::{PADDING, padding_body, room_behind};

/// Functions that do a part of what another function of the linker does. They take and return
/// nothing, and only functions of the linker call them.
#[derive(Debug, Default)]
pub(crate) struct Helpers {
    /// Their names: that of the function that they belong to, and a number.
    pub(crate) names: Vec<String>,
    /// Their bodies.
    pub(crate) bodies: Vec<MadeBody>,
}

impl Helpers {
    /// Adds the padding function, which comes last: nothing calls it, and its body is the room
    /// behind the bodies of objects, which have `bytes`.
    pub(crate) fn add_padding(&mut self, bytes: u64) {
        let room = room_behind(usize::try_from(bytes).unwrap_or(usize::MAX), 32, 1024);
        self.names.push(PADDING.to_owned());
        self.bodies.push(MadeBody {
            code: padding_body(room),
            relocs: Vec::new(),
        });
    }
}

/// Splits functions.
pub(crate) struct Splitter {
    /// Bytes that a body may have.
    max: u64,
    /// The index of the next helper.
    next: FuncIndex,
    helpers: Helpers,
}

impl Splitter {
    pub(crate) fn new(functions: &FunctionIndices, options: &Options) -> Self {
        Self {
            max: options.max_function_body_size,
            next: functions.first_helper(),
            helpers: Helpers::default(),
        }
    }

    /// The helpers, in the order of their indices.
    pub(crate) fn finish(self) -> Helpers {
        self.helpers
    }

    /// The body of the function that is called `name`, as small as it has to be.
    ///
    /// # Errors
    /// Something in it is larger than the command line allows.
    pub(crate) fn split(&mut self, name: &str, mut body: Body) -> Result<MadeBody, Diagnostic> {
        let mut count = 0;
        while body.code.len() as u64 > self.max {
            // Calls of helpers are steps, too: there may be too many of them for one function.
            let smaller = self.outline(name, &mut count, &body)?;
            if smaller.code.len() >= body.code.len() {
                break;
            }
            body = smaller;
        }
        self.check(name, body.code.len())?;
        Ok(body.done())
    }

    /// Reports a body that is larger than the command line allows. One that is only larger than
    /// engines take is a matter of `engine_limits`.
    pub(crate) fn check(&self, name: &str, len: usize) -> Result<(), Diagnostic> {
        let max = self.max;
        if len as u64 <= max || max >= limits::BODY_BYTES {
            return Ok(());
        }
        let message = format!(
            "--max-function-body-size={max} is too small: a part of {name} that cannot be split \
             takes {len} bytes"
        );
        Err(Diagnostic::error(Code::Options, message).about(name))
    }

    /// The same body with calls of new helpers in the place of its steps. `count` helpers belong to
    /// the function that is called `name`.
    fn outline(&mut self, name: &str, count: &mut u32, body: &Body) -> Result<Body, Diagnostic> {
        let mut caller = Body::empty_like(body);
        let mut copied = 0;
        for run in &body.runs {
            caller.append(body, copied..run.start);
            caller.begin_steps();
            for steps in self.groups(run.start, &run.ends) {
                let mut helper = Body::helper_of(body);
                helper.append(body, steps);
                let helper = helper.finish();
                let name = format!("{name}_{count}");
                self.check(&name, helper.code.len())?;
                caller.call(
                    BodyTarget::Helper(self.helpers.bodies.len() as u32),
                    self.next,
                );
                caller.end_step();
                self.next.0 += 1;
                *count += 1;
                self.helpers.names.push(name);
                self.helpers.bodies.push(helper.done());
            }
            copied = run.ends.last().copied().unwrap_or(run.start);
        }
        caller.append(body, copied..body.code.len());
        Ok(caller)
    }

    /// Steps that begin at `start` and end at `ends`, in groups as large as a helper may be. A step
    /// that is larger is alone.
    fn groups(&self, start: usize, ends: &[usize]) -> Vec<Range<usize>> {
        // A helper has no locals, which takes a byte to say, and an end.
        let room = self.max.saturating_sub(2);
        let mut groups: Vec<Range<usize>> = Vec::new();
        let mut begin = start;
        for &end in ends {
            match groups.last_mut() {
                Some(group) if (end - group.start) as u64 <= room => group.end = end,
                _ => groups.push(begin..end),
            }
            begin = end;
        }
        groups
    }
}
