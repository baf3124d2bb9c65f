//! Debug sections as clang makes them with `-g` (DWARF 4): valid, so that debuggers and
//! `llvm-dwarfdump` read them, and with as many relocations and strings as in a real program.

use std::collections::HashMap;
use std::ops::Range;

use test_objects::CustomDef;
use test_objects::dwarf::{Abbreviation, DebugSection, LineTable, Strings, abbreviations};
use wasm_format::reloc::RelocType;

use super::names::{self, Class};
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
    /// Where its body lies in the code section.
    pub(super) extent: Range<u32>,
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
pub(super) fn sections(unit: &Unit<'_>) -> Vec<CustomDef<'static>> {
    let mut info = Info {
        unit,
        out: DebugSection::default(),
        strings: Strings::default(),
        types: Vec::new(),
    };
    info.write();
    vec![
        abbreviations(ABBREVIATIONS).named(".debug_abbrev"),
        info.out.named(".debug_info"),
        ranges(unit.functions).named(".debug_ranges"),
        info.strings.finish().named(".debug_str"),
        line_table(unit).named(".debug_line"),
    ]
}

/// Declares the abbreviations: a constant for the code of each, and a table of the tag, whether
/// it has children, and attributes with their forms (DWARF 4, 7.5.3).
macro_rules! abbreviations {
    ($($code:ident = $number:literal, $tag:literal, $children:literal, [$($at:literal $form:literal),*];)*) => {
        $(const $code: u32 = $number;)*
        const ABBREVIATIONS: &[Abbreviation<'_>] = &[$(Abbreviation {
            code: $code,
            tag: $tag,
            has_children: $children == 1,
            attributes: &[$(($at, $form)),*],
        }),*];
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

/// `.debug_info` while it grows.
struct Info<'a> {
    unit: &'a Unit<'a>,
    out: DebugSection,
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
        let length = self.out.later();
        self.out.u16(4);
        self.section_offset(ABBREV, 0);
        self.out.u8(4);

        self.out.uleb(COMPILE_UNIT);
        self.string("clang version 19.1.7");
        self.out.u16(0x21); // C++14
        self.string(&names::source_file(unit.number));
        self.section_offset(LINE, 0);
        self.string("/home/builder/project/build");
        self.out.u32(0);
        self.section_offset(RANGES, 0);

        for (name, encoding, size) in [
            ("int", 5, 4),
            ("unsigned int", 7, 4),
            ("char", 6, 1),
            ("double", 4, 8),
            ("long long", 5, 8),
            ("bool", 2, 1),
        ] {
            let at = self.out.at();
            self.types.push(at);
            self.out.uleb(BASE_TYPE);
            self.string(name);
            self.out.bytes([encoding, size]);
        }
        for base in self.types.clone() {
            let at = self.out.at();
            self.types.push(at);
            self.out.uleb(POINTER);
            self.out.u32(base);
        }

        let mut classes = HashMap::new();
        self.namespace("core");
        for family in unit.families {
            let places = self.class(*family);
            classes.insert(*family, places);
        }
        self.out.u8(0);
        for (variable, (linkage_name, symbol)) in unit.variables.iter().enumerate() {
            self.out.uleb(GLOBAL);
            self.string(&format!("s_state{variable}"));
            self.out.u32(self.types[0]);
            self.declared_at(1, &mut random);
            self.out.expression(|out| {
                out.u8(0x03); // DW_OP_addr
                out.reloc(RelocType::MemoryAddrI32, *symbol, 0, 0);
            });
            self.string(linkage_name);
        }
        for function in unit.functions {
            self.function(function, &classes, &mut random);
        }
        self.out.u8(0);
        self.out.set_length(length);
    }

    /// The class of a family, in its namespace, with the methods it declares.
    fn class(&mut self, family: u32) -> ClassPlaces {
        let mut random = Random::of(&[10, family.into()]);
        let class = Class::of_family(family);
        let mut places = ClassPlaces::default();
        self.namespace(class.namespace);
        let at = self.out.at();
        self.out.uleb(CLASS);
        self.out.u8(5); // passed by value
        self.string(&class.source);
        self.out.u8(24);
        self.declared_at(2, &mut random);
        for member in 0..3 {
            self.out.uleb(MEMBER);
            let name = names::local(&mut random);
            self.string(&format!("{name}_"));
            self.some_type(&mut random);
            self.declared_at(2, &mut random);
            self.out.u8(8 * member);
        }
        // The pointer to the class comes right behind it; its place is filled in then.
        let mut this_types = Vec::new();
        for method in 0..METHODS + DECLARED {
            places.methods.push(self.out.at());
            self.out.uleb(METHOD);
            let signature = Signature::of_method(family, method);
            self.string(&class.method(method, signature));
            self.string(Class::method_source(method));
            self.declared_at(2, &mut random);
            self.some_type(&mut random);
            self.out.uleb(THIS_TYPE);
            this_types.push(self.out.later());
            let parameters = match signature {
                Signature::Binary | Signature::Long | Signature::Setter => 1,
                Signature::Triple => 2,
                Signature::Nothing | Signature::Pointer | Signature::Getter => 0,
            };
            for _ in 0..parameters {
                self.out.uleb(PARAMETER_TYPE);
                self.some_type(&mut random);
            }
            self.out.u8(0);
        }
        for argument in &class.arguments {
            self.out.uleb(TEMPLATE_TYPE);
            self.some_type(&mut random);
            self.string(argument);
        }
        self.out.u8(0);
        places.pointer = self.out.at();
        self.out.uleb(POINTER);
        self.out.u32(at);
        for place in this_types {
            self.out.set(place, places.pointer);
        }
        self.out.uleb(TYPEDEF);
        self.out.u32(at);
        self.string(&format!("{}_type", names::local(&mut random)));
        self.declared_at(2, &mut random);
        self.out.u8(0);
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
        self.out.uleb(code);
        let extent = &function.extent;
        self.out.code_address(function.symbol, extent.start, 0);
        self.out.u32(extent.len() as u32);
        // DW_OP_WASM_location: a local, or the global `__stack_pointer`.
        let stack_pointer = self.unit.stack_pointer;
        self.out.expression(|out| {
            if let Some(local) = function.frame {
                out.bytes([0xed, 0x00, local as u8]);
            } else {
                out.bytes([0xed, 0x03]);
                out.reloc(RelocType::GlobalIndexI32, stack_pointer, 0, 0);
            }
            out.u8(0x9f);
        });
        match &function.kind {
            Kind::Own(name, linkage_name) => {
                self.string(linkage_name);
                self.string(name);
                self.declared_at(1, random);
            }
            Kind::Method { family, method } => {
                let places = &classes[family];
                let class = Class::of_family(*family);
                let object_pointer = self.out.at() + 4 + 2 + 4 + 4;
                self.out.u32(object_pointer);
                self.line(random);
                self.string(&class.method(*method, Signature::of_method(*family, *method)));
                self.out.u32(places.methods[*method as usize]);
                self.out.uleb(THIS);
                self.frame_slot(60);
                self.string("this");
                self.out.u32(places.pointer);
            }
        }
        for (code, count) in [(PARAMETER, random.below(3)), (VARIABLE, random.below(3))] {
            for slot in 0..count {
                self.out.uleb(code);
                self.frame_slot(4 * slot as i32);
                self.string(&names::local(random));
                self.declared_at(1, random);
                self.some_type(random);
            }
        }
        self.out.u8(0);
    }

    fn namespace(&mut self, name: &str) {
        self.out.uleb(NAMESPACE);
        self.string(name);
    }

    fn section_offset(&mut self, section: u32, offset: u32) {
        self.out
            .section_offset(self.unit.sections + section, offset);
    }

    fn string(&mut self, text: &str) {
        let offset = self.strings.offset(text);
        self.section_offset(STR, offset);
    }

    /// DW_OP_fbreg: a place in the stack frame.
    fn frame_slot(&mut self, offset: i32) {
        self.out.expression(|out| {
            out.u8(0x91);
            out.sleb(offset);
        });
    }

    fn line(&mut self, random: &mut Random) {
        self.out.u16(1 + random.below(2000) as u16);
    }

    fn declared_at(&mut self, file: u8, random: &mut Random) {
        self.out.u8(file);
        self.line(random);
    }

    fn some_type(&mut self, random: &mut Random) {
        let ty = self.types[random.below(self.types.len() as u32) as usize];
        self.out.u32(ty);
    }
}

/// `.debug_ranges`: where the unit's functions begin and end.
fn ranges(functions: &[Described]) -> DebugSection {
    let mut out = DebugSection::default();
    for function in functions {
        for addend in [0, function.extent.len() as u32] {
            out.code_address(function.symbol, function.extent.start, addend);
        }
    }
    out.bytes([0; 8]);
    out
}

/// `.debug_line`: one sequence for each function.
fn line_table(unit: &Unit<'_>) -> DebugSection {
    let mut random = Random::of(&[11, unit.number.into()]);
    let mut table = LineTable::new(
        &["src", "/usr/include/core"],
        &[
            (&names::source_file(unit.number), 1),
            ("containers.h", 2),
            ("support.h", 2),
        ],
    );
    for function in unit.functions {
        let file = match function.kind {
            Kind::Own(..) => 1,
            Kind::Method { .. } => 2 + random.below(2),
        };
        let extent = &function.extent;
        let lines = 20 + random.below(1000) as i32;
        table.begin(file, function.symbol, extent.start, lines);
        let len = extent.len() as u32;
        let mut address = 0;
        loop {
            let step = 4 + random.below(13);
            if address + step >= len {
                break;
            }
            address += step;
            if random.percent(70) {
                table.column(1 + random.below(80) as u8);
            }
            table.row(random.below(4) as u8, step as u8);
        }
        table.end(len - address);
    }
    table.finish()
}
