//! Debug sections as clang makes them with `-g` (DWARF 4): valid, so that debuggers and
//! `llvm-dwarfdump` read them, and with as many relocations and strings as in a real program.

use std::collections::HashMap;

use wasm_format::leb128::{put_i32, put_u32};
use wasm_format::reloc::{RelocEntry, RelocType};

use super::names::{self, Class};
use super::object::{Custom, Extent};
use super::plan::{DECLARED, METHODS, Signature};
use super::random::Random;

/// The order of the debug sections in an object, and so of their symbols.
const ABBREV: u32 = 0;
const RANGES: u32 = 2;
const STR: u32 = 3;
const LINE: u32 = 4;

/// A function that debug info describes.
pub(super) struct Described {
    /// Its symbol.
    pub(super) symbol: u32,
    pub(super) extent: Extent,
    /// The local that holds its stack frame.
    pub(super) frame: Option<u32>,
    pub(super) kind: Kind,
}

/// What a function is in the source.
pub(super) enum Kind {
    /// A function of the unit: its name and its linkage name.
    Own(String, String),
    /// A method of a family.
    Method { family: u32, method: u32 },
}

/// What is described besides functions.
pub(super) struct Unit<'a> {
    pub(super) number: u32,
    pub(super) families: &'a [u32],
    /// Linkage names and symbols of variables.
    pub(super) variables: &'a [(String, u32)],
    /// All functions, in the order of the code.
    pub(super) functions: &'a [Described],
    /// The symbol of `__stack_pointer`.
    pub(super) stack_pointer: u32,
    /// The symbol of the first debug section.
    pub(super) sections: u32,
}

/// The sections `.debug_abbrev`, `.debug_info`, `.debug_ranges`, `.debug_str` and `.debug_line`.
pub(super) fn sections(unit: &Unit<'_>) -> Vec<Custom> {
    let mut info = Info {
        unit,
        bytes: Vec::new(),
        relocs: Vec::new(),
        strings: Strings::default(),
        types: Vec::new(),
    };
    info.write();
    let (ranges, ranges_relocs) = ranges(unit.functions);
    let (line, line_relocs) = line_table(unit);
    let section = |name, bytes, relocs| Custom {
        name,
        bytes,
        relocs,
    };
    vec![
        section(".debug_abbrev", abbreviations(), Vec::new()),
        section(".debug_info", info.bytes, info.relocs),
        section(".debug_ranges", ranges, ranges_relocs),
        section(".debug_str", info.strings.bytes, Vec::new()),
        section(".debug_line", line, line_relocs),
    ]
}

/// Declares the abbreviations: a constant for the code of each, and a table of the tag, whether
/// it has children, and attributes with their forms (DWARF 4, 7.5.3).
macro_rules! abbreviations {
    ($($code:ident = $number:literal, $tag:literal, $children:literal, [$($at:literal $form:literal),*];)*) => {
        $(const $code: u32 = $number;)*
        const ABBREVIATIONS: &[(u32, u32, u8, &[(u32, u32)])] =
            &[$(($code, $tag, $children, &[$(($at, $form)),*])),*];
    };
}

abbreviations! {
    // producer, language, name, stmt_list, comp_dir, low_pc, ranges
    COMPILE_UNIT = 1, 0x11, 1,
        [0x25 0x0e, 0x13 0x05, 0x03 0x0e, 0x10 0x17, 0x1b 0x0e, 0x11 0x01, 0x55 0x17];
    // name
    NAMESPACE = 2, 0x39, 1, [0x03 0x0e];
    // calling_convention, name, byte_size, decl_file, decl_line
    CLASS = 3, 0x02, 1, [0x36 0x0b, 0x03 0x0e, 0x0b 0x0b, 0x3a 0x0b, 0x3b 0x05];
    // name, type, decl_file, decl_line, data_member_location
    MEMBER = 4, 0x0d, 0, [0x03 0x0e, 0x49 0x13, 0x3a 0x0b, 0x3b 0x05, 0x38 0x0b];
    // linkage_name, name, decl_file, decl_line, type, declaration, external
    METHOD = 5, 0x2e, 1,
        [0x6e 0x0e, 0x03 0x0e, 0x3a 0x0b, 0x3b 0x05, 0x49 0x13, 0x3c 0x19, 0x3f 0x19];
    // type, artificial
    THIS_TYPE = 6, 0x05, 0, [0x49 0x13, 0x34 0x19];
    // type
    PARAMETER_TYPE = 7, 0x05, 0, [0x49 0x13];
    // low_pc, high_pc, frame_base, object_pointer, decl_line, linkage_name, specification
    METHOD_BODY = 8, 0x2e, 1,
        [0x11 0x01, 0x12 0x06, 0x40 0x18, 0x64 0x13, 0x3b 0x05, 0x6e 0x0e, 0x47 0x13];
    // location, name, type, artificial
    THIS = 9, 0x05, 0, [0x02 0x18, 0x03 0x0e, 0x49 0x13, 0x34 0x19];
    // location, name, decl_file, decl_line, type
    PARAMETER = 10, 0x05, 0, [0x02 0x18, 0x03 0x0e, 0x3a 0x0b, 0x3b 0x05, 0x49 0x13];
    VARIABLE = 11, 0x34, 0, [0x02 0x18, 0x03 0x0e, 0x3a 0x0b, 0x3b 0x05, 0x49 0x13];
    // name, encoding, byte_size
    BASE_TYPE = 12, 0x24, 0, [0x03 0x0e, 0x3e 0x0b, 0x0b 0x0b];
    // type
    POINTER = 13, 0x0f, 0, [0x49 0x13];
    // type, name
    TEMPLATE_TYPE = 14, 0x2f, 0, [0x49 0x13, 0x03 0x0e];
    // low_pc, high_pc, frame_base, linkage_name, name, decl_file, decl_line, external
    FUNCTION = 15, 0x2e, 1,
        [0x11 0x01, 0x12 0x06, 0x40 0x18, 0x6e 0x0e, 0x03 0x0e, 0x3a 0x0b, 0x3b 0x05, 0x3f 0x19];
    // name, type, external, decl_file, decl_line, location, linkage_name
    GLOBAL = 16, 0x34, 0,
        [0x03 0x0e, 0x49 0x13, 0x3f 0x19, 0x3a 0x0b, 0x3b 0x05, 0x02 0x18, 0x6e 0x0e];
    // type, name, decl_file, decl_line
    TYPEDEF = 17, 0x16, 0, [0x49 0x13, 0x03 0x0e, 0x3a 0x0b, 0x3b 0x05];
}

fn abbreviations() -> Vec<u8> {
    let mut out = Vec::new();
    for (code, tag, children, attributes) in ABBREVIATIONS {
        put_u32(&mut out, *code);
        put_u32(&mut out, *tag);
        out.push(*children);
        for (attribute, form) in *attributes {
            put_u32(&mut out, *attribute);
            put_u32(&mut out, *form);
        }
        out.extend([0, 0]);
    }
    out.push(0);
    out
}

/// `.debug_str` while it grows: every text once.
#[derive(Default)]
struct Strings {
    bytes: Vec<u8>,
    offsets: HashMap<String, u32>,
}

impl Strings {
    fn offset(&mut self, text: &str) -> u32 {
        if let Some(offset) = self.offsets.get(text) {
            return *offset;
        }
        let offset = self.bytes.len() as u32;
        self.bytes.extend_from_slice(text.as_bytes());
        self.bytes.push(0);
        self.offsets.insert(text.to_owned(), offset);
        offset
    }
}

/// `.debug_info` while it grows.
struct Info<'a> {
    unit: &'a Unit<'a>,
    bytes: Vec<u8>,
    relocs: Vec<RelocEntry>,
    strings: Strings,
    /// Where base types and pointers to them are described.
    types: Vec<u32>,
}

/// Where a family's class is described.
#[derive(Default)]
struct ClassPlaces {
    methods: Vec<u32>,
    pointer: u32,
}

impl Info<'_> {
    fn write(&mut self) {
        let unit = self.unit;
        let mut random = Random::of(&[9, unit.number.into()]);
        self.u32(0); // the length, which is known at the end
        self.bytes.extend(4u16.to_le_bytes());
        self.section_offset(ABBREV, 0);
        self.bytes.push(4);

        put_u32(&mut self.bytes, COMPILE_UNIT);
        self.string("clang version 19.1.7");
        self.bytes.extend(0x21u16.to_le_bytes()); // C++14
        self.string(&names::source_file(unit.number));
        self.section_offset(LINE, 0);
        self.string("/home/builder/project/build");
        self.u32(0);
        self.section_offset(RANGES, 0);

        for (name, encoding, size) in [
            ("int", 5, 4),
            ("unsigned int", 7, 4),
            ("char", 6, 1),
            ("double", 4, 8),
            ("long long", 5, 8),
            ("bool", 2, 1),
        ] {
            let at = self.bytes.len() as u32;
            self.types.push(at);
            put_u32(&mut self.bytes, BASE_TYPE);
            self.string(name);
            self.bytes.extend([encoding, size]);
        }
        for base in self.types.clone() {
            let at = self.bytes.len() as u32;
            self.types.push(at);
            put_u32(&mut self.bytes, POINTER);
            self.u32(base);
        }

        let mut classes = HashMap::new();
        self.namespace("core");
        for family in unit.families {
            let places = self.class(*family);
            classes.insert(*family, places);
        }
        self.bytes.push(0);
        for (variable, (linkage_name, symbol)) in unit.variables.iter().enumerate() {
            put_u32(&mut self.bytes, GLOBAL);
            self.string(&format!("s_state{variable}"));
            self.u32(self.types[0]);
            self.declared_at(1, &mut random);
            self.bytes.extend([5, 0x03]); // DW_OP_addr
            self.reloc(RelocType::MemoryAddrI32, *symbol, 0);
            self.string(linkage_name);
        }
        for function in unit.functions {
            self.function(function, &classes, &mut random);
        }
        self.bytes.push(0);
        let length = self.bytes.len() as u32 - 4;
        self.bytes[..4].copy_from_slice(&length.to_le_bytes());
    }

    /// The class of a family, in its namespace, with the methods it declares.
    fn class(&mut self, family: u32) -> ClassPlaces {
        let mut random = Random::of(&[10, family.into()]);
        let class = Class::of_family(family);
        let mut places = ClassPlaces::default();
        self.namespace(class.namespace);
        let at = self.bytes.len() as u32;
        put_u32(&mut self.bytes, CLASS);
        self.bytes.push(5); // passed by value
        self.string(&class.source);
        self.bytes.push(24);
        self.declared_at(2, &mut random);
        for member in 0..3 {
            put_u32(&mut self.bytes, MEMBER);
            let name = names::local(&mut random);
            self.string(&format!("{name}_"));
            self.some_type(&mut random);
            self.declared_at(2, &mut random);
            self.bytes.push(8 * member);
        }
        // The pointer to the class comes right behind it; its place is filled in then.
        let mut this_types = Vec::new();
        for method in 0..METHODS + DECLARED {
            places.methods.push(self.bytes.len() as u32);
            put_u32(&mut self.bytes, METHOD);
            let signature = Signature::of_method(family, method);
            self.string(&class.method(method, signature));
            self.string(Class::method_source(method));
            self.declared_at(2, &mut random);
            self.some_type(&mut random);
            put_u32(&mut self.bytes, THIS_TYPE);
            this_types.push(self.bytes.len());
            self.u32(0);
            let parameters = match signature {
                Signature::Binary | Signature::Long | Signature::Setter => 1,
                Signature::Triple => 2,
                Signature::Nothing | Signature::Pointer | Signature::Getter => 0,
            };
            for _ in 0..parameters {
                put_u32(&mut self.bytes, PARAMETER_TYPE);
                self.some_type(&mut random);
            }
            self.bytes.push(0);
        }
        for argument in &class.arguments {
            put_u32(&mut self.bytes, TEMPLATE_TYPE);
            self.some_type(&mut random);
            self.string(argument);
        }
        self.bytes.push(0);
        places.pointer = self.bytes.len() as u32;
        put_u32(&mut self.bytes, POINTER);
        self.u32(at);
        for place in this_types {
            self.bytes[place..place + 4].copy_from_slice(&places.pointer.to_le_bytes());
        }
        put_u32(&mut self.bytes, TYPEDEF);
        self.u32(at);
        self.string(&format!("{}_type", names::local(&mut random)));
        self.declared_at(2, &mut random);
        self.bytes.push(0);
        places
    }

    fn function(
        &mut self,
        function: &Described,
        classes: &HashMap<u32, ClassPlaces>,
        random: &mut Random,
    ) {
        let code = match function.kind {
            Kind::Own(..) => FUNCTION,
            Kind::Method { .. } => METHOD_BODY,
        };
        put_u32(&mut self.bytes, code);
        let Extent { offset, len } = function.extent;
        self.reloc(RelocType::FunctionOffsetI32, function.symbol, offset);
        self.u32(len);
        // DW_OP_WASM_location: a local, or the global `__stack_pointer`.
        if let Some(local) = function.frame {
            self.bytes.extend([4, 0xed, 0x00, local as u8, 0x9f]);
        } else {
            self.bytes.extend([7, 0xed, 0x03]);
            self.reloc(RelocType::GlobalIndexI32, self.unit.stack_pointer, 0);
            self.bytes.push(0x9f);
        }
        match &function.kind {
            Kind::Own(name, linkage_name) => {
                self.string(linkage_name);
                self.string(name);
                self.declared_at(1, random);
            }
            Kind::Method { family, method } => {
                let places = &classes[family];
                let class = Class::of_family(*family);
                let object_pointer = self.bytes.len() as u32 + 4 + 2 + 4 + 4;
                self.u32(object_pointer);
                self.line(random);
                self.string(&class.method(*method, Signature::of_method(*family, *method)));
                self.u32(places.methods[*method as usize]);
                put_u32(&mut self.bytes, THIS);
                self.frame_slot(60);
                self.string("this");
                self.u32(places.pointer);
            }
        }
        for (code, count) in [(PARAMETER, random.below(3)), (VARIABLE, random.below(3))] {
            for slot in 0..count {
                put_u32(&mut self.bytes, code);
                self.frame_slot(4 * slot as i32);
                self.string(&names::local(random));
                self.declared_at(1, random);
                self.some_type(random);
            }
        }
        self.bytes.push(0);
    }

    fn namespace(&mut self, name: &str) {
        put_u32(&mut self.bytes, NAMESPACE);
        self.string(name);
    }

    fn u32(&mut self, value: u32) {
        self.bytes.extend(value.to_le_bytes());
    }

    /// Four bytes that hold `value`, to be patched.
    fn reloc(&mut self, ty: RelocType, index: u32, value: u32) {
        let addend = match ty {
            RelocType::SectionOffsetI32 => i64::from(value),
            _ => 0,
        };
        self.relocs.push(RelocEntry {
            ty,
            offset: self.bytes.len() as u32,
            index,
            addend,
        });
        self.u32(value);
    }

    fn section_offset(&mut self, section: u32, offset: u32) {
        let symbol = self.unit.sections + section;
        self.reloc(RelocType::SectionOffsetI32, symbol, offset);
    }

    fn string(&mut self, text: &str) {
        let offset = self.strings.offset(text);
        self.section_offset(STR, offset);
    }

    /// DW_OP_fbreg: a place in the stack frame.
    fn frame_slot(&mut self, offset: i32) {
        let at = self.bytes.len();
        self.bytes.extend([0, 0x91]);
        put_i32(&mut self.bytes, offset);
        self.bytes[at] = (self.bytes.len() - at - 1) as u8;
    }

    fn line(&mut self, random: &mut Random) {
        self.bytes
            .extend((1 + random.below(2000) as u16).to_le_bytes());
    }

    fn declared_at(&mut self, file: u8, random: &mut Random) {
        self.bytes.push(file);
        self.line(random);
    }

    fn some_type(&mut self, random: &mut Random) {
        let ty = self.types[random.below(self.types.len() as u32) as usize];
        self.u32(ty);
    }
}

/// `.debug_ranges`: where the unit's functions begin and end.
fn ranges(functions: &[Described]) -> (Vec<u8>, Vec<RelocEntry>) {
    let (mut bytes, mut relocs) = (Vec::new(), Vec::new());
    for function in functions {
        for addend in [0, function.extent.len] {
            relocs.push(RelocEntry {
                ty: RelocType::FunctionOffsetI32,
                offset: bytes.len() as u32,
                index: function.symbol,
                addend: addend.into(),
            });
            bytes.extend((function.extent.offset + addend).to_le_bytes());
        }
    }
    bytes.extend([0; 8]);
    (bytes, relocs)
}

/// `.debug_line`: one sequence for each function (DWARF 4, 6.2).
fn line_table(unit: &Unit<'_>) -> (Vec<u8>, Vec<RelocEntry>) {
    const SET_FILE: u8 = 4;
    const SET_COLUMN: u8 = 5;
    const ADVANCE_LINE: u8 = 3;
    const ADVANCE_PC: u8 = 2;
    const OPCODE_BASE: u8 = 13;
    let mut random = Random::of(&[11, unit.number.into()]);
    let mut header = vec![1, 1, 1, -5i8 as u8, 14, OPCODE_BASE];
    header.extend([0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1]);
    for directory in ["src", "/usr/include/core"] {
        header.extend(directory.bytes());
        header.push(0);
    }
    header.push(0);
    for (file, directory) in [
        (names::source_file(unit.number).as_str(), 1),
        ("containers.h", 2),
        ("support.h", 2),
    ] {
        header.extend(file.bytes());
        header.extend([0, directory, 0, 0]);
    }
    header.push(0);

    let mut bytes = vec![0; 4];
    bytes.extend(4u16.to_le_bytes());
    bytes.extend((header.len() as u32).to_le_bytes());
    bytes.append(&mut header);
    let mut relocs = Vec::new();
    for function in unit.functions {
        let file = match function.kind {
            Kind::Own(..) => 1,
            Kind::Method { .. } => 2 + random.below(2),
        };
        bytes.push(SET_FILE);
        put_u32(&mut bytes, file);
        bytes.extend([0, 5, 2]); // DW_LNE_set_address
        relocs.push(RelocEntry {
            ty: RelocType::FunctionOffsetI32,
            offset: bytes.len() as u32,
            index: function.symbol,
            addend: 0,
        });
        bytes.extend(function.extent.offset.to_le_bytes());
        bytes.push(ADVANCE_LINE);
        put_i32(&mut bytes, 20 + random.below(1000) as i32);
        bytes.push(1); // copy
        let mut address = 0;
        loop {
            let step = 4 + random.below(13);
            if address + step >= function.extent.len {
                break;
            }
            address += step;
            if random.percent(70) {
                bytes.extend([SET_COLUMN, 1 + random.below(80) as u8]);
            }
            // A special opcode: the line by 0 to 3, the address by `step`.
            let line = random.below(4) as u8;
            bytes.push(OPCODE_BASE + (line + 5) + 14 * step as u8);
        }
        bytes.push(ADVANCE_PC);
        put_u32(&mut bytes, function.extent.len - address);
        bytes.extend([0, 1, 1]); // DW_LNE_end_sequence
    }
    let length = bytes.len() as u32 - 4;
    bytes[..4].copy_from_slice(&length.to_le_bytes());
    (bytes, relocs)
}
