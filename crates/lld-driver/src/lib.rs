#![doc = include_str!("../README.md")]

pub mod cache;
pub mod diagnostic;
pub mod job;
pub mod link;
pub mod locate;
pub mod quote;
mod replace;
pub mod run;
mod sys;
pub mod sysroot;

pub use cache::{Bypass, Cache, CacheError, Linked, Lookup, Outcome, OutputHandle, PendingLink};
pub use diagnostic::{Diagnostic, Severity, parse as parse_diagnostics};
pub use job::{Arch, JobError, LinkJob, Optimize, Os, OutputMode, Plan};
pub use link::{CopyError, LinkError, copy_object};
pub use locate::{Environment, ExplicitLinker, Lld, LocateError, LocateOptions, Origin};
pub use run::{Mode, RunError, RunOptions, RunReport, STDERR_LIMIT, Stdin, Stdout};
pub use sysroot::{Emulated, ExecModel, Sysroot, SysrootError, Wasi, WasiError};
