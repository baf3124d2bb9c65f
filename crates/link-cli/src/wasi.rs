//! What the options about WASI stand for, whichever backend links: arguments before the user's.

use std::ffi::OsString;

use link_core::args::Line;
use lld_driver::{Arch, Emulated, ExecModel, Sysroot, Wasi};

use crate::config::Config;
use crate::options::spellings;
use crate::report::Message;

/// The command line with what its options about WASI stand for.
pub(crate) fn expand(config: Config, line: Line) -> Result<(Config, Line), Message> {
    if !config.own.wasi.is_used() {
        return Ok((config, line));
    }
    // Every one of these arguments is known, and the rest was checked without them.
    let mut all = Line::parse(args(&config)?, &spellings());
    all.items.extend(line.items);
    let (config, _) = Config::of(&all);
    Ok((config, all))
}

fn args(config: &Config) -> Result<Vec<OsString>, Message> {
    let wasi = &config.own.wasi;
    let arch = match config.options.is_64 {
        Some(true) => Arch::Wasm64,
        Some(false) | None => Arch::Wasm32,
    };
    let model = wasi.exec_model.unwrap_or(ExecModel::Command);
    let sysroot = wasi
        .sysroot
        .as_ref()
        .map(|root| Sysroot::open(root, arch))
        .transpose()
        .map_err(|error| Message::error(error.to_string()))?;
    let emulated = wasi
        .emulated
        .iter()
        .map(|name| name.parse::<Emulated>())
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| Message::error(format!("--wasi-emulated: {error}")))?;
    let parts = Wasi {
        sysroot,
        exec_model: Some(model),
        emulated,
        libc: wasi.libc,
        libcxx: wasi.libcxx,
    };
    let files = parts
        .inputs(model)
        .map_err(|error| Message::error(error.to_string()))?;
    let mut args: Vec<OsString> = Vec::new();
    args.extend(model.arguments().iter().map(Into::into));
    args.extend(files.into_iter().map(OsString::from));
    Ok(args)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::Opt;

    #[test]
    fn the_emulation_libraries_are_those_of_the_driver() {
        let names = Opt::WasiEmulated.spec().choices;
        assert_eq!(names, Emulated::ALL.map(Emulated::name));
    }
}
