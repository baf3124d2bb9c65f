//! What every declaration has, whatever its kind.

use std::sync::Arc;

use smallvec::SmallVec;

use super::error::{DeclKind, DeclName};
use super::handle::{ComdatId, TargetKind};

/// Who can see a symbol's definition, and what yields to what (tool-conventions
/// Linking.md, "Symbol Table Subsection").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Binding {
    /// Seen by every object; two definitions are an error.
    #[default]
    Global,
    /// Gives way to another definition; an undefined one need not be defined.
    Weak,
    /// Seen by this object alone. What another object has to define, an import, cannot be
    /// local, and counts as global.
    Local,
}

/// Whether a symbol is seen beyond the linked module.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Visibility {
    /// As the linker is told.
    #[default]
    Default,
    /// Not exported.
    Hidden,
}

/// What a declaration is to a linker. It matters in object output, and to the linker of
/// this crate; a finished module knows no symbols.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct SymbolAttributes {
    /// The binding.
    pub binding: Binding,
    /// The visibility.
    pub visibility: Visibility,
    /// Kept although nothing refers to it.
    pub no_strip: bool,
    /// The comdat that the definition belongs to.
    pub comdat: Option<ComdatId>,
}

/// What an import is called, if not after the module's default and its symbol.
///
/// In an object, an import for which one of both is said is one that is meant to be left
/// to the host: a linker that finds no definition of the symbol imports it. One for which
/// nothing is said has to be defined by another input, unless the linker is told to allow
/// undefined symbols.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct ImportName {
    /// The module to import from; by default
    /// [`Options::import_module`](super::ModuleOptions::import_module).
    pub module: Option<Arc<str>>,
    /// The field to import; by default the name of the declaration.
    pub name: Option<Arc<str>>,
}

/// How far a declaration has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DeclState {
    /// Its name and kind are known.
    Announced,
    /// Its definition is known, or its type if it is imported.
    Ready,
    /// It has no definition because making one failed.
    Failed,
}

/// What few declarations have.
#[derive(Debug, Default)]
pub(super) struct Rare {
    pub(super) import: ImportName,
    pub(super) exports: SmallVec<[Arc<str>; 1]>,
    pub(super) failure: Option<Box<str>>,
    pub(super) comdat: Option<ComdatId>,
}

#[derive(Debug)]
pub(super) struct Head {
    pub(super) name: Arc<str>,
    pub(super) imported: bool,
    pub(super) state: DeclState,
    pub(super) binding: Binding,
    pub(super) visibility: Visibility,
    pub(super) no_strip: bool,
    pub(super) rare: Option<Box<Rare>>,
}

impl Head {
    pub(super) fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    pub(super) fn exports(&self) -> &[Arc<str>] {
        self.rare.as_ref().map_or(&[], |rare| &rare.exports)
    }

    pub(super) fn comdat(&self) -> Option<ComdatId> {
        self.rare.as_ref()?.comdat
    }

    pub(super) fn failure(&self) -> Option<&str> {
        self.rare.as_ref()?.failure.as_deref()
    }

    /// Module and field of the import.
    pub(super) fn import<'a>(&'a self, default_module: &'a str) -> (&'a str, &'a str) {
        let import = self.rare.as_ref().map(|rare| &rare.import);
        (
            import
                .and_then(|import| import.module.as_deref())
                .unwrap_or(default_module),
            import
                .and_then(|import| import.name.as_deref())
                .unwrap_or(&self.name),
        )
    }

    /// Whether the caller said where the import comes from.
    pub(super) fn is_import_named(&self) -> bool {
        let import = self.rare.as_ref().map(|rare| &rare.import);
        import.is_some_and(|import| import.module.is_some() || import.name.is_some())
    }

    pub(super) fn named(&self, kind: TargetKind) -> DeclName {
        DeclName {
            kind: DeclKind::of(kind, self.imported),
            name: Arc::clone(&self.name),
        }
    }
}

/// A declaration: what all have, and what its kind has.
#[derive(Debug)]
pub(super) struct Decl<B> {
    pub(super) head: Head,
    pub(super) body: B,
}

impl<B: Default> Decl<B> {
    pub(super) fn new(name: Arc<str>, imported: bool) -> Self {
        Self {
            head: Head {
                name,
                imported,
                state: DeclState::Announced,
                binding: Binding::Global,
                visibility: Visibility::Default,
                no_strip: false,
                rare: None,
            },
            body: B::default(),
        }
    }
}

impl<B> Decl<B> {
    /// Whether it is in this module and has a definition.
    pub(super) fn is_defined(&self) -> bool {
        !self.head.imported && self.head.state == DeclState::Ready
    }
}
