//! `cargo xtask full-disk`: a link whose output does not fit on the disk is an error like any
//! other: the earlier output stays, and nothing else is left behind.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::process::{build_dir, cargo, run, target_dir};
use crate::{Result, differential, unknown_argument};

/// Bytes of the disk.
const DISK: usize = 1 << 20;

pub(crate) fn run_command(args: &[String]) -> Result {
    if let [argument, ..] = args {
        return unknown_argument(argument);
    }
    run(cargo().args(["build", "--quiet", "-p", "link-cli"]))?;
    let directory = target_dir()?.join("full-disk");
    let disk = directory.join("disk");
    fs::create_dir_all(&disk)?;
    fs::write(directory.join("fits.o"), differential::object_of_size(1000))?;
    fs::write(
        directory.join("large.o"),
        differential::object_of_size(4 * DISK),
    )?;
    let linker = build_dir(false)?.join("wasm-link");
    let output = in_namespace(&directory, &disk, &linker)?;
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    print!("{text}");
    if output.status.success() {
        return Ok(());
    }
    Err("a link onto a full disk does not end as it should; see above".into())
}

/// Mounts the disk for this one process and links there: once with room, then without.
fn in_namespace(directory: &Path, disk: &Path, linker: &Path) -> Result<Output> {
    let script = format!(
        r#"set -u
mount -t tmpfs -o size={DISK} none "$DISK" || {{ echo "cannot mount a tmpfs"; exit 1; }}
"$LINKER" fits.o -o "$DISK/out.wasm" || {{ echo "what fits is not linked"; exit 1; }}
cp "$DISK/out.wasm" before.wasm
message=$("$LINKER" large.o -o "$DISK/out.wasm" 2>&1)
code=$?
echo "$message"
[ $code = 1 ] || {{ echo "exit code $code instead of 1"; exit 1; }}
case "$message" in
    *"No space left on device"*) ;;
    *) echo "the message does not say that the disk is full"; exit 1 ;;
esac
cmp before.wasm "$DISK/out.wasm" || {{ echo "the earlier output has changed"; exit 1; }}
[ "$(ls -A "$DISK")" = out.wasm ] || {{ echo "left behind:"; ls -A "$DISK"; exit 1; }}
"$LINKER" fits.o -o "$DISK/new.wasm" || {{ echo "there is less room than before"; exit 1; }}
"#
    );
    // Mounting takes a user namespace of one's own, or root.
    let mut command = Command::new("unshare");
    command
        .args(["--map-root-user", "--mount", "sh", "-c", &script])
        .current_dir(directory)
        .env("DISK", disk)
        .env("LINKER", linker);
    let output = command.output();
    output.map_err(|error| format!("cannot start `unshare` (util-linux): {error}").into())
}
