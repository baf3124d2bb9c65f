//! The code of an object to be: statements as instructions, names as relocations.

use test_objects::FunctionDef;
use wasm_format::leb128::put_i32;
use wasm_format::reloc::{RelocEntry, RelocType};
use wasm_format::{Mutability, RefType, ValType};

use super::encode::TABLE;
use super::object::{Item, Kind, Object, RETURNS_POINTER, SIGNATURES, Statement};
use super::symbols::{Symbols, What};

/// The functions that the object defines.
pub(super) fn functions(object: &Object, symbols: &mut Symbols) -> Vec<FunctionDef> {
    let functions = object.items.iter().filter_map(|item| match item {
        Item::Function(function) => Some(function),
        _ => None,
    });
    functions
        .map(|function| {
            let mut body = Body {
                symbols,
                legacy_table: object.legacy_table,
                cooperative: object.cooperative,
                code: Vec::new(),
                relocs: Vec::new(),
            };
            for statement in &function.body {
                body.statement(statement);
            }
            body.constants(SIGNATURES[function.signature].1);
            body.code.push(0x0b);
            FunctionDef {
                ty: function.signature as u32,
                locals: Vec::new(),
                code: body.code,
                relocs: body.relocs,
            }
        })
        .collect()
}

struct Body<'a> {
    symbols: &'a mut Symbols,
    legacy_table: bool,
    cooperative: bool,
    code: Vec<u8>,
    relocs: Vec<RelocEntry>,
}

impl Body<'_> {
    /// An opcode and an operand that is relocated.
    fn relocated(&mut self, opcode: &[u8], ty: RelocType, index: u32, addend: i64) {
        self.code.extend_from_slice(opcode);
        self.relocs.push(RelocEntry {
            ty,
            offset: self.code.len() as u32,
            index,
            addend,
        });
        let width = ty.form().width();
        self.code.resize(self.code.len() + width - 1, 0x80);
        self.code.push(0);
    }

    fn constants(&mut self, types: &[ValType]) {
        for ty in types {
            match ty {
                ValType::I32 => self.code.extend([0x41, 0]),
                ValType::I64 => self.code.extend([0x42, 0]),
                ValType::F32 => self.code.extend([0x43, 0, 0, 0, 0]),
                _ => self.code.extend([0x44, 0, 0, 0, 0, 0, 0, 0, 0]),
            }
        }
    }

    fn drop(&mut self, count: usize) {
        self.code.resize(self.code.len() + count, 0x1a);
    }

    /// The symbol's index, if it is of that kind.
    fn symbol(&mut self, name: &str, kind: Kind) -> Option<u32> {
        let index = self.symbols.mention(name, kind);
        self.symbols.fits(index, kind).then_some(index)
    }

    /// The global that position-independent code counts from.
    fn base(&mut self, name: &str) -> bool {
        let ty = if self.symbols.is_64 {
            ValType::I64
        } else {
            ValType::I32
        };
        let mutability = if name == "__tls_base" {
            Mutability::Var
        } else {
            Mutability::Const
        };
        let index = self.symbol(name, Kind::Global(ty, mutability));
        if let Some(index) = index {
            self.relocated(&[0x23], RelocType::GlobalIndexLeb, index, 0);
        }
        index.is_some()
    }

    /// Where the thread-local data of the thread is.
    fn thread_base(&mut self) -> bool {
        if !self.cooperative {
            return self.base("__tls_base");
        }
        let index = self.symbol("__wasm_get_tls_base", Kind::Function(RETURNS_POINTER));
        if let Some(index) = index {
            self.relocated(&[0x10], RelocType::FunctionIndexLeb, index, 0);
        }
        index.is_some()
    }

    /// Code that has a slot names the table.
    fn table(&mut self) {
        if !self.legacy_table {
            self.symbols.mention(TABLE, Kind::Table(RefType::FUNCREF));
        }
    }

    fn statement(&mut self, statement: &Statement) {
        self.try_statement(statement);
    }

    /// What the object says of a function.
    fn signature(&self, index: u32, otherwise: usize) -> usize {
        match self.symbols.list[index as usize].what {
            What::Function(_, signature) | What::Undefined(Kind::Function(signature)) => signature,
            _ => otherwise,
        }
    }

    /// Nothing where a symbol is not what it should be.
    fn try_statement(&mut self, statement: &Statement) -> Option<()> {
        use RelocType as R;
        let is_64 = self.symbols.is_64;
        let choose = |narrow, wide| if is_64 { wide } else { narrow };
        let constant = [choose(0x41, 0x42)];
        match statement {
            Statement::Call(name, signature) => {
                let index = self.symbol(name, Kind::Function(*signature))?;
                let (params, results) = SIGNATURES[self.signature(index, *signature)];
                self.constants(params);
                self.relocated(&[0x10], R::FunctionIndexLeb, index, 0);
                self.drop(results.len());
            }
            Statement::CallIndirect(signature) => {
                let table = if self.legacy_table {
                    None
                } else {
                    Some(self.symbol(TABLE, Kind::Table(RefType::FUNCREF))?)
                };
                let (params, results) = SIGNATURES[*signature];
                self.constants(params);
                self.code.extend([constant[0], 0]);
                self.relocated(&[0x11], R::TypeIndexLeb, *signature as u32, 0);
                match table {
                    Some(table) => self.relocated(&[], R::TableNumberLeb, table, 0),
                    None => self.code.push(0),
                }
                self.drop(results.len());
            }
            Statement::Pointer(name, signature) => {
                self.table();
                let index = self.symbol(name, Kind::Function(*signature))?;
                let ty = choose(R::TableIndexSleb as u8, R::TableIndexSleb64 as u8);
                self.relocated(&constant, R::from_u8(ty)?, index, 0);
                self.drop(1);
            }
            Statement::RelativePointer(name, signature) => {
                self.table();
                let index = self.symbol(name, Kind::Function(*signature))?;
                let ty = choose(R::TableIndexRelSleb as u8, R::TableIndexRelSleb64 as u8);
                self.relocated(&constant, R::from_u8(ty)?, index, 0);
                if self.base("__table_base") {
                    self.code.push(choose(0x6a, 0x7c));
                }
                self.drop(1);
            }
            Statement::Address(name, addend) => {
                let index = self.symbol(name, Kind::Data)?;
                let ty = choose(R::MemoryAddrSleb as u8, R::MemoryAddrSleb64 as u8);
                self.relocated(&constant, R::from_u8(ty)?, index, *addend);
                self.drop(1);
            }
            Statement::RelativeAddress(name, addend) => {
                let index = self.symbol(name, Kind::Data)?;
                let ty = choose(R::MemoryAddrRelSleb as u8, R::MemoryAddrRelSleb64 as u8);
                self.relocated(&constant, R::from_u8(ty)?, index, *addend);
                if self.base("__memory_base") {
                    self.code.push(choose(0x6a, 0x7c));
                }
                self.drop(1);
            }
            Statement::ThreadAddress(name, addend) => {
                let index = self.symbol(name, Kind::Data)?;
                let ty = choose(R::MemoryAddrTlsSleb as u8, R::MemoryAddrTlsSleb64 as u8);
                self.relocated(&constant, R::from_u8(ty)?, index, *addend);
                if self.thread_base() {
                    self.code.push(choose(0x6a, 0x7c));
                }
                self.drop(1);
            }
            Statement::Load(name, addend) => {
                let index = self.symbol(name, Kind::Data)?;
                self.code.extend([constant[0], 0]);
                let ty = choose(R::MemoryAddrLeb as u8, R::MemoryAddrLeb64 as u8);
                self.relocated(&[0x28, 2], R::from_u8(ty)?, index, *addend);
                self.drop(1);
            }
            Statement::Get(name, ty, mutability) => {
                let index = self.symbol(name, Kind::Global(*ty, *mutability))?;
                self.relocated(&[0x23], R::GlobalIndexLeb, index, 0);
                self.drop(1);
            }
            Statement::Set(name, ty) => {
                let index = self.symbol(name, Kind::Global(*ty, Mutability::Var))?;
                self.constants(&[*ty]);
                self.relocated(&[0x24], R::GlobalIndexLeb, index, 0);
            }
            Statement::Got(name, kind) => {
                let index = self.symbol(name, *kind)?;
                self.relocated(&[0x23], R::GlobalIndexLeb, index, 0);
                self.drop(1);
            }
            Statement::TableSize(name, element) => {
                let index = self.symbol(name, Kind::Table(*element))?;
                self.relocated(&[0xfc, 0x10], R::TableNumberLeb, index, 0);
                self.drop(1);
            }
            Statement::Throw(name, signature) => {
                let index = self.symbol(name, Kind::Tag(*signature))?;
                self.code.extend([0x02, 0x40]);
                self.constants(SIGNATURES[*signature].0);
                self.relocated(&[0x08], R::TagIndexLeb, index, 0);
                self.code.push(0x0b);
            }
            Statement::Constant(value) => {
                self.code.push(0x41);
                put_i32(&mut self.code, *value);
                self.drop(1);
            }
        }
        Some(())
    }
}
