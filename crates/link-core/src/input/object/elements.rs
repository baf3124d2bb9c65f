//! Element segments that a link carries over as they are. The function table that all objects
//! share is none of their business: relocations ask for its slots.

use wasm_format::ConstExpr;

use crate::ids::{ObjSymbol, ObjTable};

/// Functions that an element segment lists.
#[derive(Debug, Clone)]
pub struct Elements<'a> {
    /// What the segment does with them.
    pub place: ElementPlace<'a>,
    /// The functions' symbols, in order.
    pub functions: Vec<ObjSymbol>,
}

/// What an element segment does with its functions.
#[derive(Debug, Clone, Copy)]
pub enum ElementPlace<'a> {
    /// They are put into a table that the object defines.
    Table {
        /// The table.
        table: ObjTable,
        /// The slot of the first one: an expression of constants.
        offset: ConstExpr<'a>,
    },
    /// Code takes references to them (`ref.func`), which has to be declared.
    Declared,
}
