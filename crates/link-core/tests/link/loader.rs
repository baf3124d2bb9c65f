//! A loader for position-independent modules, and a host of threads that take turns: enough of
//! both to run what these tests link.

use wasmi::{Extern, ExternType, Func, Global, Instance, Linker, Memory, Ref, Store, Table, Val};

/// Where the loader puts data.
pub(crate) const MEMORY_BASE: i32 = 0x2_0000;
/// Where the loader puts functions.
pub(crate) const TABLE_BASE: i32 = 8;
/// What the loader knows of other modules.
pub(crate) const ELSEWHERE: i32 = 0x777;

/// What the host knows of the thread that runs.
#[derive(Default)]
pub(crate) struct Host {
    pub(crate) tls_base: i64,
}

/// A module that is instantiated; its start function has run.
pub(crate) struct Loaded {
    pub(crate) store: Store<Host>,
    pub(crate) instance: Instance,
    memory: Memory,
}

impl Loaded {
    /// Instantiates a module. Memory that it imports is not zero where it could be.
    pub(crate) fn new(module: &[u8]) -> Self {
        let engine = wasmi::Engine::default();
        let module = wasmi::Module::new(&engine, module).expect("a valid module");
        let mut store = Store::new(&engine, Host::default());
        let mut linker = Linker::new(&engine);
        let mut imported = None;
        for import in module.imports() {
            let item: Extern = match import.ty() {
                ExternType::Global(ty) => {
                    let value = match import.name() {
                        "__memory_base" => MEMORY_BASE,
                        "__table_base" => TABLE_BASE,
                        "__stack_pointer" | "__init_stack_pointer" => 0x1_0000,
                        _ => ELSEWHERE,
                    };
                    let value = match ty.content() {
                        wasmi::ValType::I64 => Val::I64(value.into()),
                        _ => Val::I32(value),
                    };
                    Global::new(&mut store, value, ty.mutability()).into()
                }
                ExternType::Memory(ty) => {
                    let memory = Memory::new(&mut store, *ty).expect("a memory");
                    let grown = memory.grow(&mut store, 64);
                    if grown.is_ok() {
                        memory.data_mut(&mut store).fill(0xee);
                    }
                    imported = Some(memory);
                    memory.into()
                }
                ExternType::Table(ty) => {
                    let ty = wasmi::TableType::new(ty.element(), 32, None);
                    let null = Ref::null(ty.element());
                    Table::new(&mut store, ty, null).expect("a table").into()
                }
                ExternType::Func(ty) => {
                    let name = import.name().to_owned();
                    Func::new(
                        &mut store,
                        ty.clone(),
                        move |mut caller, params, results| {
                            let base = &mut caller.data_mut().tls_base;
                            match (&*name, params, results) {
                                ("__wasm_set_tls_base", [Val::I32(to)], []) => *base = (*to).into(),
                                ("__wasm_set_tls_base", [Val::I64(to)], []) => *base = *to,
                                ("__wasm_get_tls_base", [], [Val::I64(it)]) => *it = *base,
                                ("__wasm_get_tls_base", [], [Val::I32(it)]) => *it = *base as i32,
                                _ => {}
                            }
                            Ok(())
                        },
                    )
                    .into()
                }
            };
            (linker.define(import.module(), import.name(), item)).expect("a new name");
        }
        let instance = (linker.instantiate_and_start(&mut store, &module))
            .expect("the module can be instantiated");
        let exported = instance.get_memory(&store, "memory");
        let memory = imported.or(exported).expect("a memory");
        Self {
            store,
            instance,
            memory,
        }
    }

    /// Calls a function without parameters and results, if it is exported.
    pub(crate) fn call_if_exported(&mut self, name: &str) {
        if let Ok(function) = self.instance.get_typed_func::<(), ()>(&self.store, name) {
            function.call(&mut self.store, ()).expect("no trap");
        }
    }

    /// What a function without parameters returns.
    pub(crate) fn get(&mut self, name: &str) -> i32 {
        let function = (self.instance.get_typed_func::<(), i32>(&self.store, name))
            .expect("an exported function");
        function.call(&mut self.store, ()).expect("no trap")
    }

    /// The value of an exported global.
    pub(crate) fn global(&self, name: &str) -> i64 {
        let global = self.instance.get_global(&self.store, name);
        match global.expect("an exported global").get(&self.store) {
            Val::I64(value) => value,
            Val::I32(value) => value.into(),
            other => panic!("{other:?}"),
        }
    }

    /// All of the memory.
    pub(crate) fn memory(&self) -> &[u8] {
        self.memory.data(&self.store)
    }

    /// Four bytes of the memory.
    pub(crate) fn word(&self, address: i64) -> i32 {
        let at = usize::try_from(address).expect("an address");
        let bytes = self.memory()[at..at + 4].try_into();
        i32::from_le_bytes(bytes.expect("four bytes"))
    }
}
