//! Doing a [`LinkJob`]: running the linker, or copying the only object.

use std::io;
use std::path::{Path, PathBuf};

use crate::job::{JobError, LinkJob, Plan};
use crate::locate::Lld;
use crate::run::{Mode, RunError, RunOptions, RunReport};
use crate::sys;

/// Why a [`LinkJob`] was not done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LinkError {
    /// There is no command for it.
    #[error(transparent)]
    Job(#[from] JobError),
    /// The linker did not succeed.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The only object could not be copied.
    #[error(transparent)]
    Copy(#[from] CopyError),
}

/// An object could not be copied to the output.
#[derive(Debug, thiserror::Error)]
#[error("cannot copy '{}' to '{}': {source}", from.display(), to.display())]
pub struct CopyError {
    /// The object.
    pub from: PathBuf,
    /// The output.
    pub to: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

impl Lld {
    /// Does a job: runs the linker with the job's arguments, or copies.
    pub fn link(
        &self,
        job: &LinkJob,
        mode: Mode,
        options: &RunOptions<'_>,
    ) -> Result<RunReport, LinkError> {
        match job.plan()? {
            Plan::Link(args) => Ok(self.run(&args, mode, options)?),
            Plan::Copy { from, to } => {
                // What the linker would do in its directory.
                let dir = options.current_dir.unwrap_or(Path::new(""));
                copy_object(&dir.join(from), &dir.join(to))?;
                Ok(RunReport::default())
            }
        }
    }
}

/// Copies an object. The output appears under its name when it is complete. Copying
/// a file onto itself, by whatever name, leaves it alone.
pub fn copy_object(from: &Path, to: &Path) -> Result<(), CopyError> {
    if sys::same_file(from, to) {
        return Ok(());
    }
    let copy = || -> io::Result<()> {
        let mut object = std::fs::File::open(from)?;
        // Something that is no file, /dev/stdout for instance, is written to and
        // not replaced.
        if std::fs::metadata(to).is_ok_and(|metadata| !metadata.is_file()) {
            let mut target = std::fs::OpenOptions::new().write(true).open(to)?;
            io::copy(&mut object, &mut target)?;
            return Ok(());
        }
        crate::replace::replace_file(to, None, |file| io::copy(&mut object, file).map(drop))
    };
    copy().map_err(|source| CopyError {
        from: from.to_owned(),
        to: to.to_owned(),
        source,
    })
}
