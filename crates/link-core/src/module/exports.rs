//! What a declaration is called outside: exports, imports, and symbols.

use std::sync::Arc;

use super::Module;
use super::decl::{Binding, ImportName, SymbolAttributes};
use super::distinct::DistinctList;
use super::error::{ModuleErrorKind, Result};
use super::handle::{Handle, Target, TargetKind};

/// An export, by its name.
pub(super) struct ExportDecl {
    pub(super) target: Target,
    /// Later ones have higher numbers, whatever was removed in between.
    pub(super) order: u64,
}

impl Module {
    /// Sets the names under which a declaration is exported; the set is replaced as a
    /// whole, and an empty one ends it. A datum is exported as an immutable global that
    /// holds its address. Exports are listed in the order they were first set.
    ///
    /// A memory that is declared and given no export is exported as `memory` if it is not
    /// imported and there is data.
    ///
    /// # Errors
    /// If the handle is stale, a custom section's, or a name is another export's.
    pub fn set_exports<S: Into<Arc<str>>>(
        &mut self,
        handle: impl Handle,
        names: impl IntoIterator<Item = S>,
    ) -> Result<()> {
        let target = handle.target();
        self.decls.live(target)?;
        if target.kind() == TargetKind::Custom {
            let what = "an export";
            return Err(self
                .decls
                .error(target, ModuleErrorKind::NotPossible { what }));
        }
        let mut exports = DistinctList::new();
        for name in names {
            let name = name.into();
            let owner = self.exports.get(&name).map(|export| export.target);
            let owner = owner.filter(|owner| *owner != target);
            if owner.is_some() || exports.place(&name).is_some() {
                let by = self.decls.name(owner.unwrap_or(target));
                let kind = ModuleErrorKind::ExportTaken { export: name, by };
                return Err(self.decls.error(target, kind));
            }
            exports.push(name);
        }
        let old = self
            .decls
            .head(target)
            .map_or(&[][..], |head| head.exports());
        for name in old.iter().filter(|name| exports.place(name).is_none()) {
            self.exports.swap_remove(&**name);
        }
        let exports = exports.into_list();
        for name in &exports {
            if !self.exports.contains_key(name) {
                let order = self.export_count;
                self.export_count += 1;
                self.exports
                    .insert(Arc::clone(name), ExportDecl { target, order });
            }
        }
        if let Some(head) = self.decls.head_mut(target)
            && (!exports.is_empty() || head.rare.is_some())
        {
            head.rare().exports = exports;
        }
        self.note_exports(target);
        Ok(())
    }

    pub(super) fn drop_exports(&mut self, target: Target) {
        let exports = match self.decls.head_mut(target) {
            Some(head) if !head.exports().is_empty() => std::mem::take(&mut head.rare().exports),
            _ => return,
        };
        for name in &exports {
            self.exports.swap_remove(&**name);
        }
        self.note_exports(target);
    }

    /// Sets what an import is called, apart from its symbol, and that it is the host's
    /// unless a linker finds a definition of the symbol.
    ///
    /// # Errors
    /// If the handle is stale, or names nothing that is imported.
    pub fn set_import(&mut self, handle: impl Handle, import: ImportName) -> Result<()> {
        let target = handle.target();
        let head = self.decls.live(target)?;
        if !head.imported || target.kind() == TargetKind::Data {
            return Err(self.decls.error(target, ModuleErrorKind::NotImported));
        }
        if let Some(head) = self.decls.head_mut(target) {
            let known = std::mem::replace(&mut head.rare().import, import);
            if head.rare().import != known {
                self.note(target);
            }
        }
        Ok(())
    }

    /// What a declaration is to a linker.
    ///
    /// # Errors
    /// If the handle is stale.
    pub fn symbol(&self, handle: impl Handle) -> Result<SymbolAttributes> {
        let head = self.decls.live(handle.target())?;
        Ok(SymbolAttributes {
            binding: head.binding,
            visibility: head.visibility,
            no_strip: head.no_strip,
            comdat: head.comdat(),
        })
    }

    /// Sets what a declaration is to a linker.
    ///
    /// # Errors
    /// If the handle is stale, the comdat another module's, an import is to be local or in a
    /// comdat, or the kind has no symbol.
    pub fn set_symbol(&mut self, handle: impl Handle, symbol: SymbolAttributes) -> Result<()> {
        let target = handle.target();
        let head = self.decls.live(target)?;
        let kind = match target.kind() {
            TargetKind::Memory => Some(ModuleErrorKind::NotPossible { what: "a symbol" }),
            _ if head.imported && symbol.binding == Binding::Local => {
                Some(ModuleErrorKind::SymbolOfImport { what: "local" })
            }
            _ if head.imported && symbol.comdat.is_some() => {
                Some(ModuleErrorKind::SymbolOfImport {
                    what: "in a comdat",
                })
            }
            _ => match symbol.comdat {
                Some(comdat) if comdat.0 as usize >= self.comdats.len() => {
                    Some(ModuleErrorKind::UnknownComdat)
                }
                _ => None,
            },
        };
        if let Some(kind) = kind {
            return Err(self.decls.error(target, kind));
        }
        if let Some(head) = self.decls.head_mut(target) {
            head.binding = symbol.binding;
            head.visibility = symbol.visibility;
            head.no_strip = symbol.no_strip;
            if symbol.comdat.is_some() || head.rare.is_some() {
                head.rare().comdat = symbol.comdat;
            }
        }
        Ok(())
    }
}

impl Module {
    /// The exports in the order they were set.
    pub(super) fn exports_in_order(&self) -> Vec<(&Arc<str>, Target)> {
        let mut exports: Vec<_> = self.exports.iter().collect();
        exports.sort_unstable_by_key(|(_, export)| export.order);
        let export = |(name, export): (_, &ExportDecl)| (name, export.target);
        exports.into_iter().map(export).collect()
    }
}
