//! Small relocatable objects, made by hand.
//!
//! Every function has the type `() -> ()` and calls what it is told to, with the
//! relocations and symbols of the linking conventions (tool-conventions,
//! Linking.md).

use wasm_encoder::{
    CodeSection, CustomSection, EntityType, Function, FunctionSection, ImportSection,
    LinkingSection, Module, SymbolTable, TypeSection, ValType,
};

/// An object file under construction.
#[derive(Default)]
pub(crate) struct Object {
    functions: Vec<(String, Vec<String>)>,
    parameter: bool,
}

/// `R_WASM_FUNCTION_INDEX_LEB`.
const FUNCTION_INDEX_LEB: u8 = 0;

impl Object {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Defines a function that calls others, which are imported if this object
    /// does not define them.
    pub(crate) fn function(mut self, name: &str, calls: &[&str]) -> Self {
        let calls = calls.iter().map(|&call| call.to_owned()).collect();
        self.functions.push((name.to_owned(), calls));
        self
    }

    /// All functions of this object take an `i32` (and can then call nothing).
    pub(crate) fn with_parameter(mut self) -> Self {
        self.parameter = true;
        self
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let defined = |name: &String| self.functions.iter().position(|(n, _)| n == name);
        let mut imports: Vec<&String> = Vec::new();
        for call in self.functions.iter().flat_map(|(_, calls)| calls) {
            if defined(call).is_none() && !imports.contains(&call) {
                imports.push(call);
            }
        }

        let mut types = TypeSection::new();
        let parameter = self.parameter.then_some(ValType::I32);
        types.ty().function(parameter, []);
        let mut import_section = ImportSection::new();
        for name in &imports {
            import_section.import("env", name, EntityType::Function(0));
        }
        let mut functions = FunctionSection::new();
        let mut code = CodeSection::new();
        let mut relocations = Vec::new();
        // Offsets are relative to the section's payload, which begins with a
        // count of one byte here.
        assert!(self.functions.len() < 128);
        let mut offset = 1;
        for (_, calls) in &self.functions {
            functions.function(0);
            let mut body = Vec::new();
            for call in calls {
                // Symbols are numbered imports first, as functions are.
                let import = imports.iter().position(|name| *name == call);
                let index = import
                    .or_else(|| Some(imports.len() + defined(call)?))
                    .unwrap();
                body.push(0x10);
                // Behind the body's size and its count of locals.
                relocations.push((offset + 1 + 1 + body.len(), index));
                body.extend(padded(index));
            }
            body.push(0x0b);
            assert!(body.len() + 1 < 128, "the body's size is one byte");
            offset += 1 + 1 + body.len();
            let mut function = Function::new([]);
            function.raw(body);
            code.function(&function);
        }

        let mut symbols = SymbolTable::new();
        for index in 0..imports.len() {
            symbols.function(SymbolTable::WASM_SYM_UNDEFINED, index as u32, None);
        }
        for (index, (name, _)) in self.functions.iter().enumerate() {
            symbols.function(0, (imports.len() + index) as u32, Some(name));
        }
        let mut linking = LinkingSection::new();
        linking.symbol_table(&symbols);

        let mut module = Module::new();
        module.section(&types);
        let mut code_section = 2;
        if !imports.is_empty() {
            module.section(&import_section);
            code_section += 1;
        }
        module.section(&functions).section(&code).section(&linking);
        if !relocations.is_empty() {
            let mut data = vec![code_section];
            data.extend(padded(relocations.len()));
            for (offset, symbol) in relocations {
                data.push(FUNCTION_INDEX_LEB);
                data.extend(padded(offset));
                data.extend(padded(symbol));
            }
            module.section(&CustomSection {
                name: "reloc.CODE".into(),
                data: data.into(),
            });
        }
        module.finish()
    }
}

/// LEB128 in five bytes, as in relocatable code.
fn padded(value: usize) -> [u8; 5] {
    let value = u32::try_from(value).unwrap();
    let low = |shift: u32| (value >> shift) as u8 & 0x7f;
    [
        low(0) | 0x80,
        low(7) | 0x80,
        low(14) | 0x80,
        low(21) | 0x80,
        low(28),
    ]
}

/// An archive without index, as `ar` makes them; names of at most 15 bytes.
pub(crate) fn archive(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = b"!<arch>\n".to_vec();
    for (name, contents) in members {
        let name = format!("{name}/");
        assert!(name.len() <= 16);
        let header = format!(
            "{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n",
            0,
            0,
            0,
            644,
            contents.len()
        );
        bytes.extend(header.as_bytes());
        bytes.extend(contents);
        if bytes.len() % 2 == 1 {
            bytes.push(b'\n');
        }
    }
    bytes
}
