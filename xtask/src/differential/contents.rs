//! What is in a random object: functions and what they do, data, globals, custom sections.

use wasm_format::linking::SegmentFlags;
use wasm_format::{Mutability, RefType, ValType};

use super::generate::{EXPORTED, LOCAL, NO_STRIP, Name, NameKind, Style, TLS, WEAK, World};
use super::object::{
    Alias, Comdat, Custom, Function, Global, Init, Item, Kind, Place, Reference, Referred,
    SIGNATURES, Segment, Statement, Table, Tag, Undefined,
};

/// Host functions: undefined with a module of their own.
pub(super) const HOST: &[(&str, usize)] = &[("host0", 0), ("host1", 2), ("host2", 3)];

pub(super) const LINKER_DATA: &[&str] = &[
    "__heap_base",
    "__heap_end",
    "__data_end",
    "__global_base",
    "__stack_low",
    "__stack_high",
    "__dso_handle",
    "__wasm_first_page_end",
    "__start_my_set",
    "__stop_my_set",
    "__start_other",
    "__stop_other",
    "__rodata_start",
    "__rodata_end",
];

const SEGMENTS: &[&str] = &[
    ".data.",
    ".rodata.",
    ".bss.",
    ".data.rel.ro.",
    ".mine.",
    ".data",
    ".rodata",
    ".bss",
    "my_set",
    "other",
    "odd name",
];

const WORDS: &[&str] = &["a", "bc", "abc", "hello", "lo", "", "xabc", "hello world"];

impl World {
    pub(super) fn function(
        &mut self,
        items: &mut Vec<Item>,
        name: &str,
        flags: u32,
        signature: usize,
        names: &[Name],
    ) {
        let signature = if self.mismatches && self.random.chance(5) {
            self.random.below(SIGNATURES.len())
        } else {
            signature
        };
        let mut count = self.random.below(6);
        if name == "_start" {
            count += 6;
        }
        let body = (0..count).map(|_| self.statement(names)).collect();
        let export = (self.style != Style::Relocatable
            && self.random.chance(5)
            && flags & LOCAL == 0)
            .then(|| {
                let own = format!("exported_{name}");
                (*self.random.pick(&[&own[..], name])).to_owned()
            });
        let exported = export.is_some();
        let flags = flags | if exported { EXPORTED } else { 0 };
        items.push(Item::Function(Function {
            name: name.into(),
            flags,
            signature,
            export,
            body,
        }));
        if !exported && self.random.chance(6) {
            items.push(Item::Alias(Alias {
                name: format!("alias_{name}"),
                flags: self.flags(40),
                of: name.into(),
            }));
        }
        if signature == 0 && name != "_start" && self.random.chance(8) {
            items.push(Item::Init(Init {
                priority: *self.random.pick(&[65535, 100, 101, 0]),
                function: name.into(),
            }));
        }
    }

    fn pick_function(&mut self, names: &[Name]) -> (String, usize) {
        let functions: Vec<_> = (names.iter())
            .filter_map(|name| match name.kind {
                NameKind::Function(signature) => Some((name.word, signature)),
                _ => None,
            })
            .collect();
        let (name, signature) = match self.random.below(20) {
            0 => *self.random.pick(HOST),
            1 => ("local0", 0),
            2 => *self.random.pick(&[
                ("__wasm_call_ctors", 0),
                ("__wasm_call_dtors", 0),
                ("k0_f", 0),
                ("k1_f", 2),
                ("alias_f0", 0),
            ]),
            _ => *self.random.pick(&functions),
        };
        let signature = if self.mismatches && self.random.chance(10) {
            self.random.below(SIGNATURES.len())
        } else {
            signature
        };
        (name.into(), signature)
    }

    fn pick_data(&mut self, names: &[Name]) -> String {
        if self.random.chance(10) {
            return (*self.random.pick(LINKER_DATA)).into();
        }
        if self.random.chance(5) {
            return (*self.random.pick(&["k0_d", "k1_d", "d0_end"])).into();
        }
        let data: Vec<_> = (names.iter())
            .filter(|name| matches!(name.kind, NameKind::Data | NameKind::String))
            .map(|name| name.word)
            .collect();
        if data.is_empty() {
            return "__heap_base".into();
        }
        (*self.random.pick(&data)).into()
    }

    fn addend(&mut self) -> i64 {
        *self.random.pick(&[0, 0, 0, 1, 4, 16, -4, 100])
    }

    fn statement(&mut self, names: &[Name]) -> Statement {
        let pointer = if self.is_64 {
            ValType::I64
        } else {
            ValType::I32
        };
        let pic = self.style.is_pic();
        match self.random.below(100) {
            0..25 => {
                let (name, signature) = self.pick_function(names);
                Statement::Call(name, signature)
            }
            25..30 => Statement::CallIndirect(self.random.below(SIGNATURES.len())),
            30..40 => {
                let (name, signature) = self.pick_function(names);
                if pic && self.random.chance(if self.clean { 100 } else { 95 }) {
                    Statement::RelativePointer(name, signature)
                } else {
                    Statement::Pointer(name, signature)
                }
            }
            40..58 => {
                let (name, addend) = (self.pick_data(names), self.addend());
                if pic && self.random.chance(if self.clean { 100 } else { 95 }) {
                    Statement::RelativeAddress(name, addend)
                } else {
                    Statement::Address(name, addend)
                }
            }
            58..66 if !pic || !self.clean && self.random.chance(5) => {
                Statement::Load(self.pick_data(names), self.addend())
            }
            66..72 => {
                let global = self.random.below(5);
                match global {
                    0 => Statement::Get("g0".into(), ValType::I32, Mutability::Var),
                    1 => Statement::Get("g1".into(), ValType::I64, Mutability::Const),
                    2 => Statement::Set("g0".into(), ValType::I32),
                    3 => Statement::Set("__stack_pointer".into(), pointer),
                    _ => Statement::Get("__stack_pointer".into(), pointer, Mutability::Var),
                }
            }
            72..75 if !pic => Statement::TableSize("table0".into(), RefType::EXTERNREF),
            75..78 => Statement::Throw("e0".into(), 3),
            78..84 => {
                let thread = names
                    .iter()
                    .filter(|name| name.kind == NameKind::ThreadData);
                let thread: Vec<_> = thread.collect();
                if thread.is_empty() {
                    Statement::Constant(7)
                } else {
                    let name = self.random.pick(&thread).word;
                    Statement::ThreadAddress(name.into(), self.addend())
                }
            }
            84..92 if pic || self.style != Style::Threads && self.random.chance(25) => {
                if self.random.chance(50) {
                    Statement::Got(self.pick_data(names), Kind::Data)
                } else {
                    let (name, signature) = self.pick_function(names);
                    Statement::Got(name, Kind::Function(signature))
                }
            }
            92..94 => Statement::Get(
                (*self.random.pick(&["__tls_size", "__tls_align"])).into(),
                pointer,
                Mutability::Const,
            ),
            _ => Statement::Constant(self.random.below(1000) as i32),
        }
    }

    pub(super) fn data(
        &mut self,
        items: &mut Vec<Item>,
        name: &str,
        mut flags: u32,
        kind: NameKind,
        names: &[Name],
    ) {
        if kind == NameKind::String {
            return self.strings(items, name, flags);
        }
        let thread = kind == NameKind::ThreadData;
        if thread {
            flags |= TLS;
        }
        // Into the segment before, sometimes.
        if self.random.chance(20)
            && let Some(Item::Segment(segment)) = items.last_mut()
            && segment.flags & SegmentFlags::STRINGS.0 == 0
            && (segment.flags & SegmentFlags::TLS.0 != 0) == thread
        {
            let offset = self.random.below(segment.bytes.len() + 1) as u64;
            segment.places.push(Place {
                name: name.into(),
                flags,
                offset,
                size: segment.bytes.len() as u64 - offset,
            });
            return;
        }
        let mut segment = if thread {
            (*self.random.pick(&[".tdata.", ".tbss.", ".tdata"])).to_owned()
        } else {
            (*self.random.pick(SEGMENTS)).to_owned()
        };
        if segment.ends_with('.') {
            segment += name;
        }
        let zero = segment.contains("bss") || self.random.chance(8);
        let mut len = 4 * (1 + self.random.below(6));
        if self.random.chance(10) {
            len = self.random.below(11);
        }
        if name == "buffer" {
            len = *self.random.pick(&[100, 5000, 66000, 140_000]);
        }
        let mut bytes = vec![0; len];
        let mut relocs = Vec::new();
        if !zero {
            for byte in bytes.iter_mut().take(64) {
                *byte = self.random.next() as u8;
            }
            let width = if self.is_64 { 8 } else { 4 };
            for place in 0..(len / width).min(6) {
                if self.random.chance(30) {
                    relocs.push(self.reference((place * width) as u32, names, thread));
                }
            }
        }
        let mut segment_flags = 0;
        if thread {
            segment_flags |= SegmentFlags::TLS.0;
        }
        if self.style != Style::Relocatable && self.random.chance(5) {
            segment_flags |= SegmentFlags::RETAIN.0;
        }
        let mut places = vec![Place {
            name: name.into(),
            flags,
            offset: 0,
            size: len as u64,
        }];
        if self.random.chance(10) {
            places.push(Place {
                name: format!("{name}_end"),
                flags: flags | self.flags(if flags & LOCAL == 0 { 30 } else { 0 }),
                offset: len as u64,
                size: 0,
            });
        }
        items.push(Item::Segment(Segment {
            name: segment,
            align_log2: *self.random.pick(&[0, 0, 1, 2, 2, 3, 4, 6]),
            flags: segment_flags,
            bytes,
            relocs,
            places,
        }));
    }

    /// No strings to be merged where data is joined: `wasm-ld` then adds the offset of all
    /// but the first part of it twice. An object file of `wasm-ld` forgets that they are
    /// strings.
    fn strings(&mut self, items: &mut Vec<Item>, name: &str, flags: u32) {
        let mut bytes = Vec::new();
        let mut places = Vec::new();
        for number in 0..=self.random.below(4) {
            let word = *self.random.pick(WORDS);
            places.push(Place {
                name: if number == 0 {
                    name.into()
                } else {
                    format!(".L.{name}.{number}")
                },
                flags: if number == 0 { flags } else { LOCAL },
                offset: bytes.len() as u64,
                size: word.len() as u64 + 1,
            });
            bytes.extend(word.bytes());
            bytes.push(0);
        }
        // Where data is joined, `wasm-ld` counts the offset of strings that are not in its
        // first part twice.
        let names = if self.style.is_pic() {
            [".rodata.str1.1"; 4]
        } else {
            [
                ".rodata.str1.1",
                ".rodata..L.str",
                ".rodata.str",
                ".data.str",
            ]
        };
        items.push(Item::Segment(Segment {
            name: (*self.random.pick(&names)).into(),
            align_log2: *self.random.pick(&[0, 0, 0, 1, 2]),
            flags: if self.style == Style::Relocatable || self.style.is_pic() {
                0
            } else {
                SegmentFlags::STRINGS.0
            },
            bytes,
            relocs: Vec::new(),
            places,
        }));
    }

    fn reference(&mut self, offset: u32, names: &[Name], thread: bool) -> Reference {
        let pic = self.style.is_pic();
        match self.random.below(10) {
            0..5 => Reference {
                offset,
                what: Referred::Address,
                name: self.pick_data(names),
                addend: self.addend(),
            },
            5 if !pic && !thread => Reference {
                offset,
                what: Referred::Distance,
                name: self.pick_data(names),
                addend: self.addend(),
            },
            _ => {
                let (name, signature) = self.pick_function(names);
                Reference {
                    offset,
                    what: Referred::Pointer(signature),
                    name,
                    addend: 0,
                }
            }
        }
    }

    /// Globals, tables, tags and host functions.
    pub(super) fn others(&mut self, items: &mut Vec<Item>, at: usize) {
        let weak = self.style != Style::Shared;
        if at == 0 || weak && self.random.chance(10) {
            let again = if at == 0 { 0 } else { WEAK };
            let flags = again | self.flags(if weak { 5 } else { 0 });
            items.push(Item::Global(Global {
                name: "g0".into(),
                flags,
                ty: ValType::I32,
                mutability: Mutability::Var,
                value: self.random.below(100) as i32,
            }));
            items.push(Item::Global(Global {
                name: "g1".into(),
                flags: again | self.flags(if weak { 5 } else { 0 }),
                ty: ValType::I64,
                mutability: Mutability::Const,
                value: 5,
            }));
            if !self.style.is_pic() {
                items.push(Item::Table(Table {
                    name: "table0".into(),
                    flags: again | self.flags(0),
                    element: RefType::EXTERNREF,
                    min: self.random.below(4) as u64,
                }));
            }
            items.push(Item::Tag(Tag {
                name: "e0".into(),
                flags: again | self.flags(if weak { 10 } else { 0 }),
                signature: 3,
            }));
        }
        for &(name, signature) in HOST {
            if self.random.chance(if self.clean { 95 } else { 50 }) {
                let same = self.clean || self.random.chance(90);
                let module = if same { "host" } else { "env" };
                items.push(Item::Undefined(Undefined {
                    name: name.into(),
                    kind: Kind::Function(signature),
                    flags: 0,
                    import: Some((module.into(), name.into())),
                }));
            }
        }
        if self.random.chance(50) {
            let pointer = if self.is_64 {
                ValType::I64
            } else {
                ValType::I32
            };
            items.push(Item::Undefined(Undefined {
                name: "__stack_pointer".into(),
                kind: Kind::Global(pointer, Mutability::Var),
                flags: 0,
                import: None,
            }));
        }
    }

    pub(super) fn comdats(&mut self, items: &mut Vec<Item>, names: &[Name]) {
        for (group, signature) in [("k0", 0), ("k1", 2)] {
            if !self.random.chance(25) {
                continue;
            }
            let function = format!("{group}_f");
            let data = format!("{group}_d");
            let custom = format!("{group}_custom");
            let mut members = Vec::new();
            let flags = (WEAK | self.flags(0)) & !NO_STRIP;
            self.function(items, &function, flags, signature, names);
            members.push(function);
            if group == "k0" {
                let flags = (WEAK | self.flags(0)) & !NO_STRIP;
                self.data(items, &data, flags, NameKind::Data, names);
                if let Some(Item::Segment(segment)) = items.last_mut()
                    && segment.places[0].name == data
                {
                    segment.flags &= !SegmentFlags::RETAIN.0;
                    members.push(data);
                }
            } else if self.style != Style::Relocatable {
                items.push(Item::Custom(Custom {
                    name: custom.clone(),
                    bytes: b"custom".to_vec(),
                    relocs: Vec::new(),
                }));
                members.push(custom);
            }
            items.push(Item::Comdat(Comdat {
                name: group.into(),
                members,
            }));
        }
    }

    pub(super) fn customs(&mut self, items: &mut Vec<Item>, names: &[Name]) {
        const NAMES: [&str; 4] = ["mine", "metadata.x", "other_custom", "__llvm_covfun"];
        if self.random.chance(20) {
            let bytes = (0..self.random.below(12)).map(|byte| byte as u8).collect();
            items.push(Item::Custom(Custom {
                name: (*self.random.pick(&NAMES)).into(),
                bytes,
                relocs: Vec::new(),
            }));
        }
        if !self.random.chance(30) {
            return;
        }
        let mut strings = Vec::new();
        for _ in 0..=self.random.below(4) {
            strings.extend(self.random.pick(WORDS).bytes());
            strings.push(0);
        }
        let string_len = strings.len();
        let mut relocs = Vec::new();
        let width = if self.is_64 { 8 } else { 4 };
        let count = 1 + self.random.below(6);
        for place in 0..count {
            let offset = (place * width) as u32;
            let (name, signature) = self.pick_function(names);
            let what = match self.random.below(8) {
                0..3 if !name.starts_with("__wasm_call") => Referred::FunctionOffset(signature),
                3 if !self.style.is_pic() => Referred::Address,
                4 if !self.is_64 => Referred::FunctionIndex(signature),
                5 => Referred::GlobalIndex(ValType::I32, Mutability::Var),
                _ => Referred::SectionOffset,
            };
            let (name, addend) = match what {
                Referred::Address => (self.pick_data(names), self.addend()),
                Referred::GlobalIndex(..) => ("g0".into(), 0),
                Referred::SectionOffset => {
                    (".debug_str".into(), self.random.below(string_len) as i64)
                }
                _ => (name, self.random.below(3) as i64),
            };
            relocs.push(Reference {
                offset,
                what,
                name,
                addend,
            });
        }
        items.push(Item::Custom(Custom {
            name: (*self
                .random
                .pick(&[".debug_info", ".debug_loc", ".debug_ranges", "linked"]))
            .into(),
            bytes: vec![0x55; count * width],
            relocs,
        }));
        items.push(Item::Custom(Custom {
            name: ".debug_str".into(),
            bytes: strings,
            relocs: Vec::new(),
        }));
    }
}
