//! What two linkers must agree on: a summary of a module, read by `wasmparser`.

use wasmparser::{KnownCustom, Name, Parser, Payload, TypeRef, Validator, WasmFeatures};

use crate::Result;

/// A module as its user sees it. Lists are sorted: their order is the linker's business.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Facts {
    imports: Vec<String>,
    exports: Vec<String>,
    memories: Vec<String>,
    /// What the name section calls the functions.
    pub(super) names: Vec<String>,
    /// Functions that have a body.
    pub(super) functions: u32,
    /// Bytes in data segments.
    pub(super) data: usize,
}

/// Validates the module and summarises it.
pub(super) fn read(module: &[u8]) -> Result<Facts> {
    Validator::new_with_features(WasmFeatures::all()).validate_all(module)?;
    let mut facts = Facts::default();
    let mut types = Vec::new();
    let mut functions = Vec::new();
    for payload in Parser::new(0).parse_all(module) {
        match payload? {
            Payload::TypeSection(section) => {
                for group in section.into_iter_err_on_gc_types() {
                    types.push(format!("{:?}", group?));
                }
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import?;
                    let kind = match import.ty {
                        TypeRef::Func(index) | TypeRef::FuncExact(index) => {
                            functions.push(index);
                            types[index as usize].clone()
                        }
                        other => format!("{other:?}"),
                    };
                    facts
                        .imports
                        .push(format!("{}.{}: {kind}", import.module, import.name));
                }
            }
            Payload::FunctionSection(section) => {
                facts.functions = section.count();
                for index in section {
                    functions.push(index?);
                }
            }
            Payload::MemorySection(section) => {
                for memory in section {
                    facts.memories.push(format!("{:?}", memory?));
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    let export = export?;
                    let kind = match export.kind {
                        wasmparser::ExternalKind::Func => {
                            types[functions[export.index as usize] as usize].clone()
                        }
                        other => format!("{other:?}"),
                    };
                    facts.exports.push(format!("{}: {kind}", export.name));
                }
            }
            Payload::DataSection(section) => {
                for segment in section {
                    facts.data += segment?.data.len();
                }
            }
            Payload::CustomSection(section) => {
                let KnownCustom::Name(subsections) = section.as_known() else {
                    continue;
                };
                for subsection in subsections {
                    if let Name::Function(names) = subsection? {
                        for name in names {
                            facts.names.push(name?.name.to_owned());
                        }
                    }
                }
            }
            _ => {}
        }
    }
    facts.imports.sort();
    facts.exports.sort();
    facts.names.sort();
    Ok(facts)
}

impl Facts {
    /// Every point in which `self` is not like `reference`, in words.
    pub(super) fn differences(&self, reference: &Self) -> Vec<String> {
        let mut found = Vec::new();
        for (what, ours, theirs) in [
            ("import", &self.imports, &reference.imports),
            ("export", &self.exports, &reference.exports),
            ("memory", &self.memories, &reference.memories),
            ("name of a function", &self.names, &reference.names),
        ] {
            for one in ours.iter().filter(|&one| !theirs.contains(one)) {
                found.push(format!("{what} that rust-lld does not make: {one}"));
            }
            for one in theirs.iter().filter(|&one| !ours.contains(one)) {
                found.push(format!("{what} that only rust-lld makes: {one}"));
            }
        }
        for (what, ours, theirs) in [
            (
                "functions",
                self.functions as usize,
                reference.functions as usize,
            ),
            ("bytes of data", self.data, reference.data),
        ] {
            if ours != theirs {
                found.push(format!("{ours} {what} instead of {theirs}"));
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_name_both_sides() {
        let ours = Facts {
            exports: vec!["memory: Memory".into(), "run: () -> ()".into()],
            functions: 3,
            ..Facts::default()
        };
        let theirs = Facts {
            exports: vec!["main: () -> ()".into(), "memory: Memory".into()],
            functions: 4,
            ..Facts::default()
        };
        assert_eq!(
            ours.differences(&theirs),
            [
                "export that rust-lld does not make: run: () -> ()",
                "export that only rust-lld makes: main: () -> ()",
                "3 functions instead of 4",
            ]
        );
        assert_eq!(ours.differences(&ours), [""; 0]);
    }

    #[test]
    fn an_invalid_module_has_no_facts() {
        assert!(read(b"\0asm\x01\0\0\0\x01\x01").is_err());
        assert_eq!(
            read(b"\0asm\x01\0\0\0").expect("empty module"),
            Facts::default()
        );
    }
}
