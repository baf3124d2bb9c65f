//! The name the command was called by, and what follows from it.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use crate::report::Message;

/// The version of LLD whose options and messages these are.
const LLD_VERSION: &str = "23.1.1";

/// Which command it is taken for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Persona {
    /// Itself.
    WasmLink,
    /// `wasm-ld`: it was called by a name that ends so.
    WasmLd,
    /// `wasm-component-ld`: it was called by a name that ends so, and makes components.
    ComponentLd,
}

impl Persona {
    /// Who is meant by `argv0`, the command as it was called.
    pub(crate) fn of(argv0: Option<&OsStr>) -> Self {
        let name = argv0
            .map(Path::new)
            .and_then(Path::file_name)
            .unwrap_or_default();
        let name = name.to_string_lossy();
        let name = name.strip_suffix(".exe").unwrap_or(&name);
        if name.ends_with("wasm-component-ld") {
            Self::ComponentLd
        } else if name.ends_with("wasm-ld") {
            Self::WasmLd
        } else {
            Self::WasmLink
        }
    }

    pub(crate) fn is_wasm_ld(self) -> bool {
        self == Self::WasmLd
    }

    /// The name that messages begin with.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::WasmLink => "wasm-link",
            Self::WasmLd => "wasm-ld",
            Self::ComponentLd => "wasm-component-ld",
        }
    }

    /// The line that `--version` prints. Build systems look for `LLD` in it, and take the first
    /// number for the version (Meson) or the one behind `LLD` (CMake).
    pub(crate) fn version(self) -> String {
        let own = env!("CARGO_PKG_VERSION");
        match self {
            Self::WasmLink => {
                format!("wasm-link (compatible with LLD {LLD_VERSION}; wasm-link {own})\n")
            }
            Self::WasmLd => format!("LLD {LLD_VERSION} (compatible; wasm-link {own})\n"),
            Self::ComponentLd => {
                format!("wasm-component-ld (compatible with LLD {LLD_VERSION}; wasm-link {own})\n")
            }
        }
    }
}

/// Removes a leading `-flavor wasm`, which is how `rustc` calls its linker. Whether there was
/// one. Another flavor is an error.
pub(crate) fn take_flavor(args: &mut Vec<OsString>) -> Result<bool, Message> {
    if args.first().is_none_or(|arg| arg != "-flavor") {
        return Ok(false);
    }
    match args.get(1) {
        Some(flavor) if flavor == "wasm" || flavor == "wasm-ld" => {
            args.drain(..2);
            Ok(true)
        }
        Some(flavor) => Err(Message::error(format!(
            "-flavor {}: only WebAssembly is linked here; the flavor is wasm",
            flavor.to_string_lossy()
        ))),
        None => Err(Message::error("-flavor: missing argument")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_decides() {
        let of = |name: &str| Persona::of(Some(OsStr::new(name)));
        assert_eq!(of("/usr/bin/wasm-ld"), Persona::WasmLd);
        assert_eq!(of("x86_64-wasm-ld.exe"), Persona::WasmLd);
        assert_eq!(of("bin/wasm-component-ld"), Persona::ComponentLd);
        assert_eq!(of("target/debug/wasm-link"), Persona::WasmLink);
        assert_eq!(of("rust-lld"), Persona::WasmLink);
        assert_eq!(Persona::of(None), Persona::WasmLink);
    }

    #[test]
    fn a_flavor_is_taken_off_the_front() {
        let take = |args: &[&str]| {
            let mut args: Vec<_> = args.iter().map(OsString::from).collect();
            take_flavor(&mut args).map(|taken| (taken, args))
        };
        let taken = |taken, args: &[&str]| (taken, args.iter().map(OsString::from).collect());
        let (first, later) = (["-flavor", "wasm", "a.o"], ["a.o", "-flavor"]);
        assert_eq!(take(&first).unwrap(), taken(true, &["a.o"]));
        assert_eq!(take(&later).unwrap(), taken(false, &later));
        take(&["-flavor", "gnu"]).unwrap_err();
        take(&["-flavor"]).unwrap_err();
    }
}
