//! A link problem: objects, how they are handed to the linker, and options.

use std::fmt::Write;
use std::path::Path;
use std::{fs, io};

use test_objects::{Archive, ArchiveForm};
use wasm_format::linking::SymbolFlags;

use super::encode::encode;
use super::object::{Item, Object};

#[derive(Clone, Debug, Default)]
pub(crate) struct Problem {
    pub(crate) inputs: Vec<Input>,
    pub(crate) options: Vec<String>,
}

#[derive(Clone, Debug)]
pub(crate) enum Input {
    Object(Object),
    Archive {
        members: Vec<Object>,
        index: bool,
        whole: bool,
    },
    /// Between `--start-lib` and `--end-lib`.
    Lazy(Vec<Object>),
    /// A shared library that the reference linker makes of it first.
    Shared(Object),
}

/// Where [`Input::Shared`] is linked: options that do that.
pub(crate) const LIBRARY_OPTIONS: &[&str] = &[
    "-shared",
    "--no-gc-sections",
    "--unresolved-symbols=import-dynamic",
    "--allow-undefined",
    "--export-dynamic",
];

impl Input {
    pub(crate) fn objects_mut(&mut self) -> &mut [Object] {
        match self {
            Input::Object(object) | Input::Shared(object) => std::slice::from_mut(object),
            Input::Archive { members, .. } | Input::Lazy(members) => members,
        }
    }

    pub(crate) fn objects(&self) -> &[Object] {
        match self {
            Input::Object(object) | Input::Shared(object) => std::slice::from_ref(object),
            Input::Archive { members, .. } | Input::Lazy(members) => members,
        }
    }
}

impl Problem {
    /// Writes the files. What names them on the command line, options first, and the
    /// objects of shared libraries with the names of those.
    pub(crate) fn write(&self, directory: &Path) -> io::Result<(Vec<String>, Vec<[String; 2]>)> {
        let mut line = self.options.clone();
        let mut libraries = Vec::new();
        for (number, input) in self.inputs.iter().enumerate() {
            match input {
                Input::Object(object) => {
                    let name = format!("o{number}.o");
                    fs::write(directory.join(&name), encode(object))?;
                    line.push(name);
                }
                Input::Shared(object) => {
                    let names = [format!("o{number}.o"), format!("lib{number}.so")];
                    fs::write(directory.join(&names[0]), encode(object))?;
                    line.extend(["-Bdynamic".into(), names[1].clone()]);
                    libraries.push(names);
                }
                Input::Archive {
                    members,
                    index,
                    whole,
                } => {
                    let name = format!("lib{number}.a");
                    fs::write(directory.join(&name), archive(members, *index))?;
                    if *whole {
                        line.extend(["--whole-archive".into(), name, "--no-whole-archive".into()]);
                    } else {
                        line.push(name);
                    }
                }
                Input::Lazy(members) => {
                    line.push("--start-lib".into());
                    for (member, object) in members.iter().enumerate() {
                        let name = format!("o{number}_{member}.o");
                        fs::write(directory.join(&name), encode(object))?;
                        line.push(name);
                    }
                    line.push("--end-lib".into());
                }
            }
        }
        Ok((line, libraries))
    }

    /// The problem in words, an item a line.
    pub(crate) fn describe(&self) -> String {
        let mut text = format!("{}\n", self.options.join(" "));
        for input in &self.inputs {
            let kind = match input {
                Input::Object(_) => "object".into(),
                Input::Shared(_) => "shared library".into(),
                Input::Lazy(_) => "start-lib".into(),
                Input::Archive { index, whole, .. } => {
                    format!("archive, index: {index}, whole: {whole}")
                }
            };
            let _ = writeln!(text, "{kind}");
            for object in input.objects() {
                let _ = writeln!(
                    text,
                    "  64 bits: {}, features: {:?}, producers: {:?}, names: {}, legacy table: {}",
                    object.is_64,
                    object.features,
                    object.producers,
                    object.names,
                    object.legacy_table
                );
                for item in &object.items {
                    let _ = writeln!(text, "    {item:?}");
                }
            }
        }
        text
    }
}

/// A GNU archive, its index made of what the members define.
fn archive(members: &[Object], index: bool) -> Vec<u8> {
    let contents: Vec<_> = members.iter().map(encode).collect();
    let names: Vec<_> = (0..members.len())
        .map(|number| format!("m{number}.o"))
        .collect();
    let mut symbols = Vec::new();
    for (number, member) in members.iter().enumerate() {
        // In the order of the symbols.
        let is_alias = |item: &&Item| matches!(item, Item::Alias(_));
        let (aliases, others): (Vec<_>, Vec<_>) = member.items.iter().partition(is_alias);
        let items = others.into_iter().chain(aliases);
        for (name, flags) in items.flat_map(Item::defines) {
            if flags & SymbolFlags::BINDING_LOCAL.0 == 0 {
                symbols.push((number, name));
            }
        }
    }
    let members: Vec<_> = (names.iter().zip(&contents))
        .map(|(name, contents)| (&name[..], &contents[..]))
        .collect();
    Archive {
        form: ArchiveForm::GnuShort,
        members: &members,
        index: index.then_some(&symbols),
    }
    .build()
}
