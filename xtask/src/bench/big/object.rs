//! A relocatable object as clang writes it, out of functions, data and custom sections.

use wasm_format::leb128::{len_u32, put_bytes, put_u32};
use wasm_format::linking::{
    ComdatEntry, ComdatKind, DataRef, InitFunc, LINKING_SECTION, LinkingSection, SegmentFlags,
    SegmentInfo, SymbolEntry, SymbolFlags, SymbolTarget,
};
use wasm_format::producers::{self, ProducerValue};
use wasm_format::reloc::{RelocEntry, RelocSection};
use wasm_format::target_features::{
    FeaturePrefix, TARGET_FEATURES_SECTION, TargetFeature, put_target_features,
};
use wasm_format::{
    ConstExpr, DataMode, DataSegment, EntityType, FuncType, GlobalType, Import, Limits,
    MODULE_HEADER, Mutability, RefType, SectionId, TableType, ValType, put_custom_section,
    put_data_count_section, put_section, put_vector_section,
};

use super::code::{Body, Common};
use super::plan::Signature;

/// A function that is defined.
struct Function {
    signature: Signature,
    body: Option<Body>,
}

/// A data segment, which is one variable.
struct Segment {
    name: String,
    align_log2: u32,
    flags: SegmentFlags,
    bytes: Vec<u8>,
    relocs: Vec<RelocEntry>,
}

/// A symbol, with a name of its own.
struct Symbol {
    name: String,
    flags: SymbolFlags,
    target: SymbolTarget,
}

/// A custom section that may be patched.
pub(super) struct Custom {
    pub(super) name: &'static str,
    pub(super) bytes: Vec<u8>,
    /// Offsets count from the start of `bytes`.
    pub(super) relocs: Vec<RelocEntry>,
}

/// Where a function's body lies in the code section.
pub(super) struct Extent {
    /// From the start of the section's contents to the body, behind its size.
    pub(super) offset: u32,
    /// Without its size.
    pub(super) len: u32,
}

/// An object while it grows. Functions are announced first, imports before the others: so the
/// code can refer to all.
#[derive(Default)]
pub(super) struct Object {
    imports: Vec<(String, Signature)>,
    functions: Vec<Function>,
    segments: Vec<Segment>,
    symbols: Vec<Symbol>,
    comdats: Vec<(String, ComdatEntry)>,
    init_funcs: Vec<InitFunc>,
}

/// A function of an object.
#[derive(Debug, Clone, Copy)]
pub(super) struct FunctionRef {
    /// Its symbol.
    pub(super) symbol: u32,
    /// Its index among the object's functions, imports first.
    pub(super) index: u32,
    pub(super) signature: Signature,
}

impl Object {
    fn symbol(&mut self, name: String, flags: SymbolFlags, target: SymbolTarget) -> u32 {
        self.symbols.push(Symbol {
            name,
            flags,
            target,
        });
        self.symbols.len() as u32 - 1
    }

    /// The symbols that any code needs.
    pub(super) fn common(&mut self) -> Common {
        Common {
            stack_pointer: self.symbol(
                String::new(),
                SymbolFlags::UNDEFINED,
                SymbolTarget::Global(0),
            ),
            table: self.symbol(
                String::new(),
                SymbolFlags::UNDEFINED | SymbolFlags::NO_STRIP,
                SymbolTarget::Table(0),
            ),
        }
    }

    /// A function of another object; none is defined yet.
    pub(super) fn import(&mut self, name: String, signature: Signature) -> FunctionRef {
        let index = self.imports.len() as u32;
        let symbol = self.symbol(
            String::new(),
            SymbolFlags::UNDEFINED,
            SymbolTarget::Function(index),
        );
        self.imports.push((name, signature));
        FunctionRef {
            symbol,
            index,
            signature,
        }
    }

    /// A function that gets its body later.
    pub(super) fn function(
        &mut self,
        name: String,
        flags: SymbolFlags,
        signature: Signature,
        comdat: bool,
    ) -> FunctionRef {
        let index = (self.imports.len() + self.functions.len()) as u32;
        if comdat {
            let kind = ComdatKind::Function;
            self.comdats
                .push((name.clone(), ComdatEntry { kind, index }));
        }
        self.functions.push(Function {
            signature,
            body: None,
        });
        FunctionRef {
            symbol: self.symbol(name, flags, SymbolTarget::Function(index)),
            index,
            signature,
        }
    }

    /// Gives a function its body.
    pub(super) fn define(&mut self, function: FunctionRef, body: Body) {
        let defined = function.index as usize - self.imports.len();
        self.functions[defined].body = Some(body);
    }

    /// Runs a function before the program.
    pub(super) fn init_func(&mut self, function: FunctionRef) {
        self.init_funcs.push(InitFunc {
            priority: 65_535,
            symbol: function.symbol,
        });
    }

    /// A variable in a segment of its own. Returns its symbol.
    pub(super) fn data(
        &mut self,
        name: String,
        flags: SymbolFlags,
        section: &str,
        bytes: Vec<u8>,
        relocs: Vec<RelocEntry>,
        comdat: bool,
    ) -> u32 {
        let index = self.segments.len() as u32;
        let strings = name.starts_with(".L.str");
        self.segments.push(Segment {
            name: format!("{section}.{name}"),
            align_log2: if strings { 0 } else { 2 },
            flags: if strings {
                SegmentFlags::STRINGS
            } else {
                SegmentFlags::NONE
            },
            relocs,
            bytes,
        });
        if comdat {
            let kind = ComdatKind::Data;
            self.comdats
                .push((name.clone(), ComdatEntry { kind, index }));
        }
        let place = DataRef {
            segment: index,
            offset: 0,
            size: self.segments[index as usize].bytes.len() as u64,
        };
        self.symbol(name, flags, SymbolTarget::Data(Some(place)))
    }

    /// The symbol that the next one will be.
    pub(super) fn next_symbol(&self) -> u32 {
        self.symbols.len() as u32
    }

    /// Where the bodies will lie, of all functions that are defined.
    pub(super) fn extents(&self) -> Vec<Extent> {
        let mut at = len_u32(self.functions.len() as u32) as u32;
        let mut extents = Vec::with_capacity(self.functions.len());
        for function in &self.functions {
            let len = function
                .body
                .as_ref()
                .map_or(0, |body| body.bytes.len() as u32);
            at += len_u32(len) as u32;
            extents.push(Extent { offset: at, len });
            at += len;
        }
        extents
    }

    /// The local that holds the stack frame of the `index`th function that is defined.
    pub(super) fn frame(&self, index: usize) -> Option<u32> {
        self.functions[index]
            .body
            .as_ref()
            .and_then(|body| body.frame)
    }

    /// The names that an archive's index lists.
    pub(super) fn defined_names(&self) -> impl Iterator<Item = &str> {
        self.symbols
            .iter()
            .filter(|symbol| {
                let hidden = SymbolFlags::BINDING_LOCAL.0 | SymbolFlags::UNDEFINED.0;
                symbol.flags.0 & hidden == 0
            })
            .map(|symbol| symbol.name.as_str())
    }

    /// The object's bytes. Each of `customs` is given a symbol, in their order, the first of
    /// which is [`Object::next_symbol`].
    pub(super) fn encode(&mut self, customs: &[Custom]) -> Vec<u8> {
        let mut file = File {
            bytes: MODULE_HEADER.to_vec(),
            sections: 0,
        };
        self.encode_declarations(&mut file);

        let mut relocs = Vec::new();
        let (code, code_relocs) = self.encode_code();
        relocs.push(("CODE", file.sections, code_relocs));
        file.section(|out| put_section(out, SectionId::Code, &code));
        let (data, data_relocs) = self.encode_data();
        relocs.push(("DATA", file.sections, data_relocs));
        file.section(|out| put_section(out, SectionId::Data, &data));
        for custom in customs {
            let symbol = SymbolTarget::Section(file.sections);
            self.symbol(String::new(), SymbolFlags::BINDING_LOCAL, symbol);
            relocs.push((custom.name, file.sections, custom.relocs.clone()));
            file.section(|out| put_custom_section(out, custom.name, &custom.bytes));
        }

        let mut linking = Vec::new();
        self.encode_linking(&mut linking);
        file.section(|out| put_custom_section(out, LINKING_SECTION, &linking));
        for (name, section, relocs) in relocs {
            if !relocs.is_empty() {
                let mut body = Vec::new();
                RelocSection::encode(section, &relocs, &mut body);
                file.section(|out| put_custom_section(out, &format!("reloc.{name}"), &body));
            }
        }
        let value = |name, version| [ProducerValue { name, version }];
        let mut contents = Vec::new();
        producers::put_producers(
            &mut contents,
            &[
                (producers::FIELD_LANGUAGE, &value("C_plus_plus_14", "")),
                (producers::FIELD_PROCESSED_BY, &value("clang", "19.1.7")),
            ],
        );
        let name = producers::PRODUCERS_SECTION;
        file.section(|out| put_custom_section(out, name, &contents));
        let feature = |name| TargetFeature {
            prefix: FeaturePrefix::Used,
            name,
        };
        contents.clear();
        put_target_features(
            &mut contents,
            &[
                feature("multivalue"),
                feature("mutable-globals"),
                feature("reference-types"),
                feature("sign-ext"),
            ],
        );
        let name = TARGET_FEATURES_SECTION;
        file.section(|out| put_custom_section(out, name, &contents));
        file.bytes
    }

    /// Everything before the code.
    fn encode_declarations(&self, file: &mut File) {
        const I32: ValType = ValType::I32;
        const I64: ValType = ValType::I64;
        // In the order of `Signature`.
        let types: [(&[ValType], &[ValType]); 7] = [
            (&[], &[]),
            (&[I32], &[]),
            (&[I32], &[I32]),
            (&[I32, I32], &[I32]),
            (&[I32, I32, I32], &[]),
            (&[I32, I64], &[I64]),
            (&[I32, I32], &[]),
        ];
        let mut items = Vec::new();
        for (params, results) in types {
            FuncType::new(params.to_vec(), results.to_vec()).encode(&mut items);
        }
        file.vector(SectionId::Type, types.len(), &items);

        items.clear();
        let at_least = |min| Limits {
            min,
            ..Limits::default()
        };
        let given = [
            ("__linear_memory", EntityType::Memory(at_least(1))),
            (
                "__stack_pointer",
                EntityType::Global(GlobalType {
                    value: I32,
                    mutability: Mutability::Var,
                }),
            ),
            (
                "__indirect_function_table",
                EntityType::Table(TableType {
                    element: RefType::FUNCREF,
                    limits: at_least(0),
                }),
            ),
        ];
        let functions = self
            .imports
            .iter()
            .map(|(name, signature)| (name.as_str(), EntityType::Func(*signature as u32)));
        for (field, ty) in given.into_iter().chain(functions) {
            let module = "env";
            Import { module, field, ty }.encode(&mut items);
        }
        file.vector(SectionId::Import, given.len() + self.imports.len(), &items);

        items.clear();
        for function in &self.functions {
            put_u32(&mut items, function.signature as u32);
        }
        file.vector(SectionId::Function, self.functions.len(), &items);
        file.section(|out| put_data_count_section(out, self.segments.len() as u32));
    }

    fn encode_code(&mut self) -> (Vec<u8>, Vec<RelocEntry>) {
        let (mut code, mut relocs) = (Vec::new(), Vec::new());
        put_u32(&mut code, self.functions.len() as u32);
        for body in self.functions.iter().filter_map(|f| f.body.as_ref()) {
            let start = code.len() + len_u32(body.bytes.len() as u32);
            put_bytes(&mut code, &body.bytes);
            relocs.extend(body.relocs.iter().map(|reloc| RelocEntry {
                offset: reloc.offset + start as u32,
                ..*reloc
            }));
        }
        (code, relocs)
    }

    fn encode_data(&mut self) -> (Vec<u8>, Vec<RelocEntry>) {
        let (mut data, mut relocs) = (Vec::new(), Vec::new());
        put_u32(&mut data, self.segments.len() as u32);
        let mut address = 0usize;
        for segment in &self.segments {
            address = address.next_multiple_of(1 << segment.align_log2);
            DataSegment {
                mode: DataMode::Active {
                    memory: 0,
                    offset: ConstExpr::i32(address as i32),
                },
                bytes: &segment.bytes,
            }
            .encode(&mut data);
            let start = data.len() - segment.bytes.len();
            relocs.extend(segment.relocs.iter().map(|reloc| RelocEntry {
                offset: reloc.offset + start as u32,
                ..*reloc
            }));
            address += segment.bytes.len();
        }
        (data, relocs)
    }

    fn encode_linking(&self, out: &mut Vec<u8>) {
        let symbols: Vec<SymbolEntry<'_>> = self
            .symbols
            .iter()
            .map(|symbol| SymbolEntry {
                flags: symbol.flags,
                name: Some(&symbol.name),
                target: symbol.target,
            })
            .collect();
        let segments: Vec<SegmentInfo<'_>> = self
            .segments
            .iter()
            .map(|segment| SegmentInfo {
                name: &segment.name,
                align_log2: segment.align_log2,
                flags: segment.flags,
            })
            .collect();
        let comdats: Vec<(&str, u32, &[ComdatEntry])> = self
            .comdats
            .iter()
            .map(|(name, entry)| (name.as_str(), 0, std::slice::from_ref(entry)))
            .collect();
        LinkingSection {
            segments: &segments,
            init_funcs: &self.init_funcs,
            comdats: &comdats,
            symbols: &symbols,
        }
        .encode(out);
    }
}

/// A file that grows by sections.
struct File {
    bytes: Vec<u8>,
    /// How many sections there are.
    sections: u32,
}

impl File {
    fn section(&mut self, put: impl FnOnce(&mut Vec<u8>)) {
        put(&mut self.bytes);
        self.sections += 1;
    }

    fn vector(&mut self, id: SectionId, count: usize, items: &[u8]) {
        self.section(|out| put_vector_section(out, id, count as u32, items));
    }
}
