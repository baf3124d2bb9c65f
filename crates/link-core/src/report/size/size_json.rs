//! The size report as JSON. docs/size.md documents the format; a change that readers notice
//! changes [`VERSION`].

use std::fmt::Write;

use super::{AlikeSymbols, SizeItem, SizeReport, SizedSymbol};
use crate::par;

/// The version of the format.
pub(super) const VERSION: u32 = 1;

/// Symbols that are written at once.
const BATCH: usize = 1 << 10;

/// Bytes that most symbols need less of.
const SYMBOL_BYTES: usize = 320;

/// A text that is written as JSON.
#[derive(Default)]
pub(super) struct JsonText {
    text: String,
}

impl JsonText {
    /// Begins a list or an object with `open`, after a comma unless it is the first.
    fn open(&mut self, open: char) {
        self.comma();
        self.text.push(open);
    }

    fn close(&mut self, close: char) {
        self.text.push(close);
    }

    fn comma(&mut self) {
        if !matches!(self.text.as_bytes().last(), None | Some(b'[' | b'{' | b':')) {
            self.text.push(',');
        }
    }

    /// The key of what follows.
    fn key(&mut self, key: &str) {
        self.comma();
        self.text.push('"');
        self.text.push_str(key);
        self.text.push_str("\":");
    }

    fn number(&mut self, number: u64) {
        self.comma();
        let mut digits = [0; 20];
        let mut start = digits.len();
        let mut rest = number;
        while rest > 0 || start == digits.len() {
            start -= 1;
            digits[start] = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        let digits = digits[start..].iter().copied().map(char::from);
        self.text.extend(digits);
    }

    fn string(&mut self, string: &str) {
        self.comma();
        self.text.push('"');
        let mut rest = string;
        let is_escaped = |byte: u8| byte < b' ' || byte == b'"' || byte == b'\\';
        while let Some(at) = rest.bytes().position(is_escaped) {
            self.text.push_str(&rest[..at]);
            let byte = rest.as_bytes()[at];
            let _ = match byte {
                b'"' | b'\\' => write!(self.text, "\\{}", char::from(byte)),
                _ => write!(self.text, "\\u{byte:04x}"),
            };
            rest = &rest[at + 1..];
        }
        self.text.push_str(rest);
        self.text.push('"');
    }

    fn field(&mut self, key: &str, number: u64) {
        self.key(key);
        self.number(number);
    }

    fn optional(&mut self, key: &str, number: Option<u32>) {
        if let Some(number) = number {
            self.field(key, number.into());
        }
    }

    fn text(&mut self, key: &str, text: &str) {
        self.key(key);
        self.string(text);
    }

    /// The same unless there is nothing to say.
    fn text_if(&mut self, key: &str, text: &str) {
        if !text.is_empty() {
            self.text(key, text);
        }
    }

    /// A list of what `each` writes, in objects.
    fn list<T>(&mut self, key: &str, items: &[T], each: impl Fn(&mut Self, &T)) {
        self.key(key);
        self.open('[');
        for item in items {
            self.open('{');
            each(self, item);
            self.close('}');
        }
        self.text.push_str("]\n");
    }
}

impl SizeReport {
    /// The report as JSON, in the format that docs/size.md describes.
    pub fn to_json(&self) -> String {
        let mut out = JsonText::default();
        out.open('{');
        out.field("version", VERSION.into());
        out.text("output", &self.output);
        out.field("total", self.total);
        out.list("sections", &self.sections, |out, section| {
            out.text("name", &section.name);
            if section.is_custom {
                out.key("custom");
                out.text.push_str("true");
            }
            out.field("offset", section.offset);
            out.field("size", section.size);
        });
        out.list("inputs", &self.inputs, |out, input| {
            out.text("name", &input.name);
            out.text_if("archive", input.archive.as_deref().unwrap_or_default());
            out.field("size", input.size);
        });
        out.list("namespaces", &self.namespaces, |out, namespace| {
            out.text("name", &namespace.name);
            out.optional("parent", namespace.parent);
            out.field("size", namespace.size);
        });
        self.symbols_to_json(&mut out);
        let without_symbol: Vec<_> = self.items.iter().filter(|it| it.symbol.is_none()).collect();
        out.list("items", &without_symbol, |out, item| {
            out.field("section", item.section.into());
            out.text("kind", item.kind.name());
            out.optional("input", item.input);
            out.field("size", item.size);
        });
        out.list("instances", &self.instances, alike);
        out.list("identical", &self.identical, alike);
        out.list("dropped", &self.dropped, |out, part| {
            out.text("name", &part.name);
            out.text_if("demangled", part.demangled.as_deref().unwrap_or_default());
            out.text("kind", part.kind.name());
            out.field("input", part.input.into());
            out.text_if("place", &part.place);
            out.field("size", part.size);
        });
        out.close('}');
        out.text.push('\n');
        out.text
    }

    fn symbols_to_json(&self, out: &mut JsonText) {
        let of_symbols = self.items_of_symbols();
        let batches = par::map_indices(self.symbols.len().div_ceil(BATCH), |batch| {
            let start = batch * BATCH;
            let end = (start + BATCH).min(self.symbols.len());
            let mut out = JsonText {
                text: String::with_capacity((end - start) * SYMBOL_BYTES),
            };
            for i in start..end {
                out.open('{');
                self.symbol_to_json(&mut out, &self.symbols[i], of_symbols.of(i));
                out.text.push_str("}\n");
            }
            out.text
        });
        out.key("symbols");
        out.open('[');
        let size = batches.iter().map(|batch| batch.len() + 1).sum();
        out.text.reserve(size);
        for batch in batches {
            if !out.text.ends_with('[') {
                out.text.push(',');
            }
            out.text.push_str(&batch);
        }
        out.text.push_str("]\n");
    }

    fn symbol_to_json(&self, out: &mut JsonText, symbol: &SizedSymbol, items: &[u32]) {
        out.text("name", &symbol.name);
        out.text_if("demangled", symbol.demangled.as_deref().unwrap_or_default());
        out.text("kind", symbol.kind.name());
        out.optional("input", symbol.input);
        out.text_if("place", &symbol.place);
        out.optional("namespace", symbol.namespace);
        out.field("size", symbol.size);
        out.field("total", symbol.total);
        out.field("retained", symbol.retained);
        out.text("why", symbol.how.name());
        out.optional("by", symbol.by);
        out.key("items");
        out.open('[');
        for &item in items {
            let item = &self.items[item as usize];
            out.open('[');
            out.number(item.section.into());
            out.string(item.kind.name());
            out.number(item.size);
            out.close(']');
        }
        out.close(']');
    }

    /// The items of each symbol.
    pub(super) fn items_of_symbols(&self) -> ItemsBySymbol {
        let mut starts = vec![0_u32; self.symbols.len() + 1];
        let of = |item: &SizeItem| item.symbol.map(|symbol| symbol as usize);
        for symbol in self.items.iter().filter_map(of) {
            starts[symbol + 1] += 1;
        }
        for symbol in 0..self.symbols.len() {
            starts[symbol + 1] += starts[symbol];
        }
        let mut next = starts.clone();
        let mut items = vec![0; starts[self.symbols.len()] as usize];
        for (i, item) in (0..).zip(&self.items) {
            if let Some(symbol) = of(item) {
                items[next[symbol] as usize] = i;
                next[symbol] += 1;
            }
        }
        ItemsBySymbol { starts, items }
    }
}

/// The items of each symbol, in order.
pub(super) struct ItemsBySymbol {
    starts: Vec<u32>,
    items: Vec<u32>,
}

impl ItemsBySymbol {
    fn of(&self, symbol: usize) -> &[u32] {
        &self.items[self.starts[symbol] as usize..self.starts[symbol + 1] as usize]
    }
}

fn alike(out: &mut JsonText, group: &AlikeSymbols) {
    out.text("name", &group.name);
    out.field("size", group.size);
    out.field("saving", group.saving);
    out.key("symbols");
    out.open('[');
    for &symbol in &group.symbols {
        out.number(symbol.into());
    }
    out.close(']');
}
