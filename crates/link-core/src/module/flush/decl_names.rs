//! The name section (core spec, 7.4.1), and what else says where a module comes from.

use wasm_format::leb128::{self, put_u32};
use wasm_format::names::{
    NAME_SECTION, NameSubsectionId, Naming, put_module_name, put_name_map, put_name_map_header,
};
use wasm_format::producers::{PRODUCERS_SECTION, ProducerValue};
use wasm_format::target_features::{TARGET_FEATURES_SECTION, TargetFeature, put_target_features};

use super::number::Space;
use super::write::ModuleWriter;
use crate::emit::producers;
use crate::module::Module;
use crate::module::announce::FUNCTION_TABLE;
use crate::module::decl::Decl;
use crate::module::slab::Slab;

/// What a finished module's function that calls the init functions is called.
const INITIALIZER: &str = "__wasm_call_ctors";

impl ModuleWriter<'_> {
    pub(in crate::module) fn names(&mut self) {
        let (module, numbers) = (self.module, self.numbers);
        if !module.options.names {
            return;
        }
        let decls = &module.decls;
        self.custom_section(NAME_SECTION, |w| {
            if let Some(name) = &module.name {
                put_module_name(w.out.bytes, name);
            }
            w.function_names();
            w.local_names();

            let undeclared = numbers
                .function_table
                .filter(|table| table.declared.is_none());
            let function_table = undeclared.map(|table| Naming {
                index: table.number,
                name: FUNCTION_TABLE,
            });
            let mut tables: Vec<_> = namings(&decls.tables, &numbers.tables).collect();
            tables.extend(function_table);
            tables.sort_unstable_by_key(|naming| naming.index);
            w.name_map(NameSubsectionId::Table, tables.iter().copied());
            w.name_map(
                NameSubsectionId::Memory,
                namings(&decls.memories, &numbers.memories),
            );
            let data = numbers.exported_data.iter().filter_map(|&slot| {
                let name: &str = &decls.data.at(slot as usize)?.head.name;
                let index = numbers.data_global(slot)?;
                Some(Naming { index, name })
            });
            let globals = namings(&decls.globals, &numbers.globals).chain(data);
            w.name_map(NameSubsectionId::Global, globals);
            w.data_names();
            w.name_map(NameSubsectionId::Tag, namings(&decls.tags, &numbers.tags));
        });
    }

    /// Names of functions. There is one for each, so their size was found when they were
    /// numbered instead of by another look at all of them.
    fn function_names(&mut self) {
        let (decls, numbers) = (&self.module.decls, self.numbers);
        let initializer = self.initializer_type().map(|_| INITIALIZER);
        let count = numbers.functions.imports.len()
            + numbers.defined_funcs.len()
            + usize::from(initializer.is_some());
        if count == 0 {
            return;
        }
        let count = count as u32;
        let own_name = initializer.map_or(0, |name| 1 + name.len());
        let size = indices_len(count) + numbers.name_bytes + own_name;
        let out = &mut *self.out.bytes;
        put_name_map_header(out, NameSubsectionId::Function, count, size);
        let imported = numbers.functions.imports.iter();
        let imported = imported.filter_map(|&slot| decls.funcs.at(slot as usize));
        for (index, decl) in (0..).zip(imported) {
            let name = &decl.head.name;
            Naming { index, name }.encode(out);
        }
        let first = numbers.functions.imports.len() as u32;
        for (index, function) in (first..).zip(&numbers.defined_funcs) {
            let name = function.name;
            Naming { index, name }.encode(out);
        }
        if let Some(name) = initializer {
            let index = count - 1;
            Naming { index, name }.encode(out);
        }
    }

    fn name_map<'n>(
        &mut self,
        id: NameSubsectionId,
        names: impl Iterator<Item = Naming<'n>> + Clone,
    ) {
        if names.clone().next().is_some() {
            put_name_map(self.out.bytes, id, names);
        }
    }

    /// Names of locals, encoded when the bodies were committed.
    fn local_names(&mut self) {
        let arena = &self.module.arena;
        let first = self.numbers.functions.imports.len() as u32;
        let groups = || {
            let names = self
                .numbers
                .defined_funcs
                .iter()
                .map(|function| function.local_names);
            let groups = (first..).zip(names.map(|span| arena.bytes(span)));
            groups.filter(|(_, names)| !names.is_empty())
        };
        let (mut count, mut size) = (0, 0);
        for (index, names) in groups() {
            count += 1;
            size += leb128::len_u32(index) + names.len();
        }
        if count == 0 {
            return;
        }
        put_name_map_header(self.out.bytes, NameSubsectionId::Local, count, size);
        for (index, names) in groups() {
            put_u32(self.out.bytes, index);
            self.out.bytes.extend_from_slice(names);
        }
    }

    /// A segment is named if all that it holds agrees on the name.
    fn data_names(&mut self) {
        let decls = &self.module.decls;
        let named = self
            .layout
            .segments
            .iter()
            .enumerate()
            .filter_map(|(index, segment)| {
                let mut names = self.layout.items[segment.items.clone()]
                    .iter()
                    .map(|(_, item)| {
                        let super::layout::PlacedItem::Datum(slot) = item else {
                            return None;
                        };
                        let decl = decls.data.at(*slot as usize)?;
                        decl.body.segment.as_deref()
                    });
                let name = names.next()??;
                let index = index as u32;
                names
                    .all(|other| other == Some(name))
                    .then_some(Naming { index, name })
            });
        let named: Vec<_> = named.collect();
        self.name_map(NameSubsectionId::Data, named.iter().copied());
    }

    /// The `producers` section, if anything is to be said there.
    pub(in crate::module) fn producers(&mut self) {
        let module = self.module;
        self.custom_section(PRODUCERS_SECTION, |w| module.encode_producers(w.out.bytes));
    }

    /// The `target_features` section, if anything is to be said there.
    pub(in crate::module) fn target_features(&mut self) {
        let features = &self.module.features;
        if features.is_empty() {
            return;
        }
        let features = (features.iter()).map(|(name, &prefix)| TargetFeature { prefix, name });
        self.custom_section(TARGET_FEATURES_SECTION, |w| {
            put_target_features(w.out.bytes, features);
        });
    }
}

impl Module {
    /// Appends the contents of the `producers` section; nothing if there are none.
    pub(in crate::module) fn encode_producers(&self, out: &mut Vec<u8>) {
        let fields = self.producers.iter().map(|(field, values)| {
            let values = values.iter();
            let values = values.map(|(name, version)| ProducerValue { name, version });
            (&**field, values)
        });
        producers::encode(out, fields);
    }
}

/// Bytes of the LEB128 numbers below `count`.
fn indices_len(count: u32) -> usize {
    let longer = |bits: u32| count.saturating_sub(1 << bits) as usize;
    count as usize + longer(7) + longer(14) + longer(21) + longer(28)
}

fn namings<'a, B>(
    slab: &'a Slab<Decl<B>>,
    space: &'a Space,
) -> impl Iterator<Item = Naming<'a>> + Clone {
    space
        .imports
        .iter()
        .chain(&space.defined)
        .filter_map(|&slot| {
            let name: &str = &slab.at(slot as usize)?.head.name;
            let index = space.number[slot as usize];
            Some(Naming { index, name })
        })
}
