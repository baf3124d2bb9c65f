//! What a file is, told by its contents: names and extensions say nothing.

use std::fmt;

use wasm_format::MODULE_HEADER;
use wasm_format::dylink::DYLINK_SECTION;
use wasm_format::linking::LINKING_SECTION;

use super::section_headers::sections;
use crate::diag::{Code, Diagnostic};

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileKind {
    /// A module with a linking section; or one too damaged to tell, which parsing will
    /// say more of.
    Object,
    /// A module with a `dylink.0` section (tool-conventions DynamicLinking.md).
    SharedLibrary,
    /// An archive, thin or not.
    Archive,
    /// LLVM bitcode.
    Bitcode,
    /// A stub library: a text that lists a library's symbols.
    Stub,
    /// Something that cannot be linked.
    Foreign(Foreign),
}

/// What a file that cannot be linked looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Foreign {
    /// Nothing at all.
    Empty,
    /// A module without linking section.
    FinishedModule,
    /// A component.
    Component,
    /// A module of a version other than 1.
    WasmVersion(u32),
    /// Metadata of a Rust library, as it is or wrapped in a module.
    RustMetadata,
    /// An archive, where there can be none.
    Archive,
    Elf,
    MachO,
    Coff,
    /// A module's text format.
    Wat,
    /// Any other text.
    Text,
    Unknown,
}

/// First bytes of an archive whose members are in it.
pub const ARCHIVE_MAGIC: &[u8] = b"!<arch>\n";
/// First bytes of an archive whose members are files of their own.
pub const THIN_MAGIC: &[u8] = b"!<thin>\n";

/// Of bitcode as it is, and in a wrapper.
const BITCODE_MAGICS: [&[u8]; 2] = [b"BC\xc0\xde", b"\xde\xc0\x17\x0b"];
const WASM_MAGIC: &[u8] = b"\0asm";
/// What follows the magic in a component: version 13, layer 1.
const COMPONENT_VERSION: &[u8] = &[0x0d, 0, 1, 0];
const RUST_METADATA: &[u8] = b"rust\0\0\0";
/// The section that newer versions of rustc put a Rust library's metadata into.
pub(super) const RUST_METADATA_SECTION: &str = ".rmeta";

impl FileKind {
    /// What `bytes` are.
    pub(super) fn of(bytes: &[u8]) -> Self {
        let starts_with_any = |magics: &[&[u8]]| magics.iter().any(|m| bytes.starts_with(m));
        if bytes.starts_with(&MODULE_HEADER) {
            module(bytes)
        } else if starts_with_any(&[ARCHIVE_MAGIC, THIN_MAGIC]) {
            FileKind::Archive
        } else if starts_with_any(&BITCODE_MAGICS) {
            FileKind::Bitcode
        } else if bytes.starts_with(b"#STUB") {
            FileKind::Stub
        } else {
            FileKind::Foreign(Foreign::of(bytes))
        }
    }
}

impl FileKind {
    /// Whether the first bytes are those of a module or of bitcode, without a look at the
    /// rest.
    pub(super) fn may_be_linked(bytes: &[u8]) -> bool {
        bytes.starts_with(WASM_MAGIC) || BITCODE_MAGICS.iter().any(|magic| bytes.starts_with(magic))
    }
}

/// What a module of version 1 is.
fn module(bytes: &[u8]) -> FileKind {
    let mut metadata = false;
    let mut linking = false;
    for section in sections(bytes) {
        match section {
            Ok(section) => match section.name {
                DYLINK_SECTION => return FileKind::SharedLibrary,
                LINKING_SECTION => linking = true,
                RUST_METADATA_SECTION => metadata = true,
                _ => {}
            },
            Err(_) => return FileKind::Object,
        }
    }
    if metadata {
        FileKind::Foreign(Foreign::RustMetadata)
    } else if linking {
        FileKind::Object
    } else {
        FileKind::Foreign(Foreign::FinishedModule)
    }
}

impl Foreign {
    fn of(bytes: &[u8]) -> Self {
        if bytes.is_empty() {
            return Foreign::Empty;
        }
        if let Some(version) = bytes.strip_prefix(WASM_MAGIC) {
            return match version.first_chunk() {
                Some(version) if version == COMPONENT_VERSION => Foreign::Component,
                Some(version) => Foreign::WasmVersion(u32::from_le_bytes(*version)),
                None => Foreign::Unknown,
            };
        }
        if bytes.starts_with(RUST_METADATA) {
            return Foreign::RustMetadata;
        }
        if bytes.starts_with(b"\x7fELF") {
            return Foreign::Elf;
        }
        match bytes.first_chunk() {
            Some(
                b"\xfe\xed\xfa\xce" | b"\xfe\xed\xfa\xcf" | b"\xce\xfa\xed\xfe"
                | b"\xcf\xfa\xed\xfe" | b"\xca\xfe\xba\xbe",
            ) => return Foreign::MachO,
            // An object of x86, x86-64 or Arm64 without flags, or an import library's.
            Some([0x4c, 0x01, _, _] | [0x64, 0x86 | 0xaa, _, _] | [0, 0, 0xff, 0xff]) => {
                return Foreign::Coff;
            }
            _ => {}
        }
        if bytes.starts_with(b"MZ") {
            return Foreign::Coff;
        }
        let start = &bytes[..bytes.len().min(1024)];
        let text = start.utf8_chunks().next().map_or("", |chunk| chunk.valid());
        // The end of what was looked at may cut a character of up to four bytes.
        let is_text = text.len() + 4 > start.len()
            && !text
                .chars()
                .any(|c| c.is_control() && !c.is_whitespace() && c != '\u{1b}');
        match is_text {
            true if text.trim_start().starts_with("(module") => Foreign::Wat,
            true => Foreign::Text,
            false => Foreign::Unknown,
        }
    }

    /// The error about the file called `name`.
    pub(super) fn into_diagnostic(self, name: &str) -> Diagnostic {
        let message = match self {
            Foreign::WasmVersion(version) => {
                return Diagnostic::error(
                    Code::BadInput,
                    format!("invalid version number: {version}"),
                )
                .in_file(name)
                .note("only version 1 of the binary format is known");
            }
            _ => "not a WebAssembly object, archive or bitcode file",
        };
        Diagnostic::error(Code::BadInput, message)
            .in_file(name)
            .note(self.to_string())
    }
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Foreign::Empty => "the file is empty",
            Foreign::FinishedModule => {
                "it looks like a finished WebAssembly module: it has no linking section"
            }
            Foreign::Component => "it looks like a WebAssembly component",
            Foreign::WasmVersion(version) => {
                return write!(f, "it looks like a WebAssembly module of version {version}");
            }
            Foreign::RustMetadata => "it looks like the metadata of a Rust library",
            Foreign::Archive => "it is an archive within an archive",
            Foreign::Elf => "it looks like an ELF file: was it compiled for another target?",
            Foreign::MachO => "it looks like a Mach-O file: was it compiled for another target?",
            Foreign::Coff => {
                "it looks like a COFF or Windows file: was it compiled for another target?"
            }
            Foreign::Wat => {
                "it looks like WebAssembly text, which has to be assembled to an object first"
            }
            Foreign::Text => "it looks like text",
            Foreign::Unknown => "it looks like nothing that is known here",
        })
    }
}
