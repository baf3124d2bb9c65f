//! Announcing declarations, types and comdats.

use std::sync::Arc;

use wasm_format::{FuncType, GlobalType, Limits, Mutability, RefType, TableType, ValType};

use super::decl::{Decl, DeclState};
use super::defs::Builtin;
use super::error::{DeclKind, DeclName, ModuleError, ModuleErrorKind, Result};
use super::handle::{
    ComdatId, CustomId, DataId, FuncId, GlobalId, MemoryId, TableId, TagId, Target, TargetKind,
    TypeId,
};
use super::slab::Slab;
use super::types::RawType;
use super::{Module, ModuleOptions};

/// Names of what every linker knows (tool-conventions Linking.md).
pub(super) const STACK_POINTER: &str = "__stack_pointer";
const TLS_BASE: &str = "__tls_base";
pub(super) const FUNCTION_TABLE: &str = "__indirect_function_table";

macro_rules! announce {
    ($($(#[$doc:meta])* $name:ident -> $handle:ident in $slab:ident, $kind:ident, $imported:literal;)*) => { $(
        $(#[$doc])*
        ///
        /// # Errors
        /// If the name is announced as another kind, or no more declarations fit.
        pub fn $name(&mut self, name: impl AsRef<str> + Into<Arc<str>>) -> Result<$handle> {
            if let Some(known) = self.announced(name.as_ref(), TargetKind::$kind, $imported)? {
                return Ok($handle(known));
            }
            let name = name.into();
            let target = insert(&mut self.decls.$slab, TargetKind::$kind, $imported, &name)?;
            self.names.insert(name, target);
            self.note(target);
            Ok($handle(target))
        }
    )* };
}

impl Module {
    announce! {
        /// Announces a function.
        announce_function -> FuncId in funcs, Function, false;
        /// Announces a function that is imported. Its type is set by
        /// [`update`](Self::update) with a body that has no code.
        announce_imported_function -> FuncId in funcs, Function, true;
        /// Announces a datum.
        announce_data -> DataId in data, Data, false;
        /// Announces a datum that another object file defines: an undefined symbol in
        /// object output. A finished module cannot have one. It needs no update.
        announce_imported_data -> DataId in data, Data, true;
        /// Announces a global.
        announce_global -> GlobalId in globals, Global, false;
        /// Announces a global that is imported.
        announce_imported_global -> GlobalId in globals, Global, true;
        /// Announces a table.
        announce_table -> TableId in tables, Table, false;
        /// Announces a table that is imported.
        announce_imported_table -> TableId in tables, Table, true;
        /// Announces an exception tag.
        announce_tag -> TagId in tags, Tag, false;
        /// Announces an exception tag that is imported.
        announce_imported_tag -> TagId in tags, Tag, true;
    }

    /// Announces the memory, to say more about it than that it exists: without this, there
    /// is one as large as the data needs when anything needs one. In object output the
    /// memory is the linker's.
    ///
    /// # Errors
    /// If the name is announced as another kind, or there is a memory already: the linking
    /// conventions know one.
    pub fn announce_memory(&mut self, name: impl AsRef<str> + Into<Arc<str>>) -> Result<MemoryId> {
        self.memory(name, false)
    }

    /// Announces a memory that is imported.
    ///
    /// # Errors
    /// As [`announce_memory`](Self::announce_memory).
    pub fn announce_imported_memory(
        &mut self,
        name: impl AsRef<str> + Into<Arc<str>>,
    ) -> Result<MemoryId> {
        self.memory(name, true)
    }

    fn memory(
        &mut self,
        name: impl AsRef<str> + Into<Arc<str>>,
        imported: bool,
    ) -> Result<MemoryId> {
        if let Some(known) = self.announced(name.as_ref(), TargetKind::Memory, imported)? {
            return Ok(MemoryId(known));
        }
        let name = name.into();
        if let Some((_, first)) = self.decls.memories.iter().next() {
            let first = first.head.named(TargetKind::Memory);
            let kind = ModuleErrorKind::SecondMemory { first };
            return Err(refused(TargetKind::Memory, imported, &name, kind));
        }
        let target = insert(
            &mut self.decls.memories,
            TargetKind::Memory,
            imported,
            &name,
        )?;
        self.names.insert(name, target);
        self.note(target);
        Ok(MemoryId(target))
    }

    /// Announces a custom section. Sections have a namespace of their own. They are written
    /// in the order of their slots, a freed one's being used again.
    ///
    /// # Errors
    /// If no more sections fit.
    pub fn announce_custom_section(
        &mut self,
        name: impl AsRef<str> + Into<Arc<str>>,
    ) -> Result<CustomId> {
        if let Some(&known) = self.custom_names.get(name.as_ref()) {
            return Ok(known);
        }
        let name = name.into();
        let target = insert(&mut self.decls.customs, TargetKind::Custom, false, &name)?;
        self.custom_names.insert(name, CustomId(target));
        self.note(target);
        Ok(CustomId(target))
    }

    /// `__stack_pointer`: a mutable global that a finished module starts at the upper end
    /// of the stack ([`ModuleOptions::stack_size`]); in object output the linker's.
    ///
    /// # Errors
    /// If the name is announced as another kind.
    pub fn stack_pointer(&mut self) -> Result<GlobalId> {
        self.builtin_global(STACK_POINTER, Builtin::StackPointer)
    }

    /// `__tls_base`: a mutable global that holds the address of the thread-local data,
    /// which holes of the types `MEMORY_ADDR_TLS_*` are relative to. A finished module
    /// starts it at its one block of such data; in object output it is the linker's.
    ///
    /// # Errors
    /// If the name is announced as another kind.
    pub fn tls_base(&mut self) -> Result<GlobalId> {
        self.builtin_global(TLS_BASE, Builtin::TlsBase)
    }

    fn builtin_global(&mut self, name: &str, builtin: Builtin) -> Result<GlobalId> {
        let known = self.names.contains_key(name);
        let global = self.announce_global(name)?;
        let value = address_type(&self.options);
        if let (false, Some(decl)) = (known, self.decls.globals.at_mut(global.0.index())) {
            decl.head.state = DeclState::Ready;
            decl.body.builtin = Some(builtin);
            decl.body.ty = Some(GlobalType {
                value,
                mutability: Mutability::Var,
            });
        }
        Ok(global)
    }

    /// `__indirect_function_table`: the table whose slots are the addresses of functions. A
    /// finished module has it as its first table whenever a function's address is taken or
    /// this was called; in object output it is the linker's.
    ///
    /// # Errors
    /// If the name is announced as another kind.
    pub fn function_table(&mut self) -> Result<TableId> {
        let known = self.names.contains_key(FUNCTION_TABLE);
        let table = self.announce_table(FUNCTION_TABLE)?;
        let is_64 = self.options.memory64;
        if let (false, Some(decl)) = (known, self.decls.tables.at_mut(table.0.index())) {
            decl.head.state = DeclState::Ready;
            decl.body.builtin = Some(Builtin::FunctionTable);
            decl.body.ty = Some(TableType {
                element: RefType::FUNCREF,
                limits: Limits {
                    is_64,
                    ..Limits::default()
                },
            });
        }
        Ok(table)
    }

    /// Interns a function type.
    ///
    /// # Errors
    /// If the type refers to another one by its index, which is known at flush alone
    /// ([`raw_types`](Self::raw_types) can), it has more parameters or results than the 1,000
    /// that engines take, or no more types fit.
    pub fn func_type(&mut self, ty: &FuncType) -> Result<TypeId> {
        let number = self.decls.types.len();
        let id = self.decls.types.function(ty);
        id.map_err(|kind| {
            let name = match kind {
                // It would fill pages.
                ModuleErrorKind::EngineLimit(_) => number.to_string(),
                _ => ty.to_string(),
            };
            refused(TargetKind::Type, false, &name.into(), kind)
        })
    }

    /// Adds an entry of the type section that defines `N` types and that
    /// [`FuncType`] cannot say. `build` is given the types' handles, so that the entry can
    /// refer to itself.
    ///
    /// ```
    /// use link_core::module::{Module, RawType};
    ///
    /// let mut module = Module::default();
    /// // (rec (type $list (struct (field (ref null $list)))))
    /// let [list] = module
    ///     .raw_types(|[list]| RawType {
    ///         bytes: vec![0x4e, 1, 0x5f, 1, 0x63, 0, 0, 0, 0, 0, 0],
    ///         holes: vec![(5, list)],
    ///     })
    ///     .unwrap();
    /// # let _ = list;
    /// ```
    ///
    /// # Errors
    /// If a hole lies outside the bytes or refers to a later type, or no more types fit.
    pub fn raw_types<const N: usize>(
        &mut self,
        build: impl FnOnce([TypeId; N]) -> RawType,
    ) -> Result<[TypeId; N]> {
        let number = self.decls.types.len();
        let ids = self.decls.types.raw(build);
        self.note_other("a raw type");
        ids.map_err(|kind| refused(TargetKind::Type, false, &number.to_string().into(), kind))
    }

    /// The comdat of that name (tool-conventions Linking.md, "COMDAT Info Subsection"): a
    /// linker keeps one of the objects' groups of that name. What belongs to it says
    /// [`set_symbol`](Self::set_symbol).
    pub fn comdat(&mut self, name: impl Into<Arc<str>>) -> ComdatId {
        ComdatId(self.comdats.insert_full(name.into()).0 as u32)
    }

    /// The declaration that `name` is announced as, if it is.
    fn announced(&self, name: &str, kind: TargetKind, imported: bool) -> Result<Option<Target>> {
        let Some(&target) = self.names.get(name) else {
            return Ok(None);
        };
        let known = self.decls.live(target)?;
        if target.kind() == kind && known.imported == imported {
            return Ok(Some(target));
        }
        let announced = DeclKind::of(target.kind(), known.imported);
        Err(refused(
            kind,
            imported,
            &known.name,
            ModuleErrorKind::AlreadyAnnounced { announced },
        ))
    }
}

/// The type of an address.
pub(super) fn address_type(options: &ModuleOptions) -> ValType {
    if options.memory64 {
        ValType::I64
    } else {
        ValType::I32
    }
}

fn insert<B: Default>(
    slab: &mut Slab<Decl<B>>,
    kind: TargetKind,
    imported: bool,
    name: &Arc<str>,
) -> Result<Target> {
    let mut decl = Decl::new(Arc::clone(name), imported);
    if imported && kind == TargetKind::Data {
        // There is nothing to be said about a datum that lies elsewhere.
        decl.head.state = DeclState::Ready;
    }
    let (index, generation) = slab
        .insert(decl)
        .map_err(|_| refused(kind, imported, name, ModuleErrorKind::TooMany))?;
    Ok(Target::new(kind, index, generation))
}

#[cold]
fn refused(
    kind: TargetKind,
    imported: bool,
    name: &Arc<str>,
    error: ModuleErrorKind,
) -> ModuleError {
    ModuleError {
        declaration: DeclName {
            kind: DeclKind::of(kind, imported),
            name: Arc::clone(name),
        },
        kind: error,
    }
}
