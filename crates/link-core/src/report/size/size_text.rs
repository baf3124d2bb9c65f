//! The size report as text: the largest entries of each view.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Write;

use super::{AlikeSymbols, SizeItem, SizeKind, SizeReport, SizedSymbol};

/// Rows of each view.
const ROWS: usize = 40;
/// Symbols that are shown of one input.
const SYMBOLS_OF_INPUT: usize = 3;

/// A name and its bytes, and what is in it.
struct SizeView {
    name: String,
    size: u64,
    nested: Vec<SizeView>,
}

impl SizeView {
    fn new(name: impl Into<String>, size: u64) -> Self {
        Self {
            name: name.into(),
            size,
            nested: Vec::new(),
        }
    }
}

struct TextReport {
    text: String,
    total: u64,
}

impl SizeReport {
    /// The report as text: for each view what is largest.
    pub fn to_text(&self) -> String {
        let mut out = TextReport {
            text: String::new(),
            total: self.total,
        };
        let _ = writeln!(
            out.text,
            "{}: {} bytes",
            printable(&self.output),
            self.total
        );
        out.view("Sections", &self.section_view(), usize::MAX);
        out.view("Inputs", &self.input_view(), ROWS);
        out.view("Namespaces", &self.namespace_view(), ROWS);
        out.view("Symbols", &self.symbol_view(), ROWS);
        out.retained(self);
        out.alike(
            "Instances of one template or generic function",
            &self.instances,
            self,
        );
        out.alike("Functions with identical bodies", &self.identical, self);
        out.dropped(self);
        out.text
    }

    fn section_view(&self) -> Vec<SizeView> {
        let mut kinds: BTreeMap<(u32, SizeKind), u64> = BTreeMap::new();
        for item in &self.items {
            *kinds.entry((item.section, item.kind)).or_default() += item.size;
        }
        let sections = (0..).zip(&self.sections).map(|(i, section)| {
            let of = kinds.range((i, SizeKind::Header)..=(i, SizeKind::Other));
            let nested = of.map(|(&(_, kind), &size)| SizeView::new(kind.name(), size));
            SizeView {
                nested: nested.collect(),
                ..SizeView::new(section.name.clone(), section.size)
            }
        });
        sections.collect()
    }

    /// Archives with their members, and files, each with its largest symbols. Then what the linker
    /// made.
    fn input_view(&self) -> Vec<SizeView> {
        let mut symbols: Vec<Vec<u32>> = vec![Vec::new(); self.inputs.len()];
        for (i, symbol) in (0..).zip(&self.symbols) {
            if let Some(input) = symbol.input.filter(|_| symbol.total > 0) {
                symbols[input as usize].push(i);
            }
        }
        let mut top: Vec<SizeView> = Vec::new();
        let mut archives: BTreeMap<&str, usize> = BTreeMap::new();
        for (input, mut symbols) in self.inputs.iter().zip(symbols) {
            symbols.sort_by_key(|&i| Reverse(self.symbols[i as usize].total));
            let largest = symbols.iter().take(SYMBOLS_OF_INPUT);
            let file = SizeView {
                nested: largest.map(|&i| self.symbol(i)).collect(),
                ..SizeView::new(&*input.name, input.size)
            };
            let Some(archive) = input.archive.as_deref() else {
                top.push(file);
                continue;
            };
            let place = *archives.entry(archive).or_insert_with(|| {
                top.push(SizeView::new(archive, 0));
                top.len() - 1
            });
            top[place].size += file.size;
            top[place].nested.push(file);
        }
        let none = |item: &&SizeItem| item.input.is_none();
        let made = self.items.iter().filter(none).map(|item| item.size).sum();
        top.push(SizeView::new("[linker]", made));
        for view in &mut top {
            // Members of archives; symbols are sorted already.
            view.nested.sort_by_key(|view| Reverse(view.size));
        }
        top.sort_by_key(|view| Reverse(view.size));
        top
    }

    fn namespace_view(&self) -> Vec<SizeView> {
        let mut views: Vec<SizeView> = (self.namespaces.iter())
            .map(|namespace| SizeView::new(namespace.name.clone(), namespace.size))
            .collect();
        let mut top = Vec::new();
        // Parents precede their children.
        for namespace in self.namespaces.iter().rev() {
            let Some(mut view) = views.pop() else { break };
            view.nested.sort_by_key(|view| Reverse(view.size));
            match namespace.parent {
                Some(parent) => views[parent as usize].nested.push(view),
                None => top.push(view),
            }
        }
        let outside = self.symbols.iter().filter(|it| it.namespace.is_none());
        top.push(SizeView::new(
            "[no namespace]",
            outside.map(|it| it.total).sum(),
        ));
        let none = self.items.iter().filter(|item| item.symbol.is_none());
        top.push(SizeView::new(
            "[no symbol]",
            none.map(|item| item.size).sum(),
        ));
        top.sort_by_key(|view| Reverse(view.size));
        top
    }

    fn symbol_view(&self) -> Vec<SizeView> {
        let mut order: Vec<u32> = (0..self.symbols.len() as u32).collect();
        order.sort_by_key(|&i| Reverse(self.symbols[i as usize].total));
        let (shown, rest) = order.split_at(order.len().min(ROWS));
        let mut views: Vec<SizeView> = shown.iter().map(|&i| self.symbol(i)).collect();
        if !rest.is_empty() {
            let size = rest.iter().map(|&i| self.symbols[i as usize].total).sum();
            views.push(SizeView::new(format!("[{} more]", rest.len()), size));
        }
        views
    }

    fn symbol(&self, i: u32) -> SizeView {
        let symbol = &self.symbols[i as usize];
        SizeView::new(symbol.shown(), symbol.total)
    }
}

impl TextReport {
    fn view(&mut self, title: &str, views: &[SizeView], rows: usize) {
        let _ = writeln!(self.text, "\n{title}\n     bytes       %");
        self.rows(views, rows, 0);
    }

    fn rows(&mut self, views: &[SizeView], rows: usize, depth: usize) {
        let (shown, rest) = views.split_at(views.len().min(rows));
        for view in shown {
            self.row(view.size, &view.name, depth);
            // What is in less than a hundredth of the output is of less interest.
            if view.size >= self.total / 100 || rows == usize::MAX {
                self.rows(&view.nested, rows, depth + 1);
            }
        }
        if !rest.is_empty() {
            let size = rest.iter().map(|view| view.size).sum();
            self.row(size, &format!("[{} more]", rest.len()), depth);
        }
    }

    fn row(&mut self, size: u64, name: &str, depth: usize) {
        let tenths = (u128::from(size) * 1000)
            .checked_div(self.total.into())
            .unwrap_or(0);
        let (percent, tenth) = (tenths / 10, tenths % 10);
        let name = printable(name);
        let indent = 2 * depth;
        let _ = writeln!(
            self.text,
            "{size:>10} {percent:>5}.{tenth}  {:indent$}{name}",
            ""
        );
    }

    /// What keeps most alive, and what keeps that.
    fn retained(&mut self, report: &SizeReport) {
        let mut order: Vec<&SizedSymbol> = report.symbols.iter().collect();
        order.sort_by_key(|symbol| Reverse(symbol.retained));
        let _ = writeln!(
            self.text,
            "\nRetained: what would go with a symbol\n     bytes       %"
        );
        for symbol in order.into_iter().take(ROWS) {
            let by = symbol.by.map(|by| report.symbols[by as usize].shown());
            let by = by.map_or(String::new(), |by| format!(" by {by}"));
            let shown = format!("{}  [{}{by}]", symbol.shown(), symbol.how.name());
            self.row(symbol.retained, &shown, 0);
        }
    }

    fn dropped(&mut self, report: &SizeReport) {
        if report.dropped.is_empty() {
            return;
        }
        let sum: u64 = report.dropped.iter().map(|part| part.size).sum();
        let _ = writeln!(
            self.text,
            "\nDropped: {sum} bytes that are not in the output\n     bytes"
        );
        for part in report.dropped.iter().take(ROWS) {
            let input = printable(&report.inputs[part.input as usize].name);
            let shown = part.shown();
            let _ = writeln!(
                self.text,
                "{:>10}  {} ({input})",
                part.size,
                printable(&shown)
            );
        }
        if let Some(rest) = report.dropped.get(ROWS..).filter(|rest| !rest.is_empty()) {
            let size: u64 = rest.iter().map(|part| part.size).sum();
            let _ = writeln!(self.text, "{size:>10}  [{} more]", rest.len());
        }
    }

    fn alike(&mut self, title: &str, groups: &[AlikeSymbols], report: &SizeReport) {
        if groups.is_empty() {
            return;
        }
        let _ = writeln!(self.text, "\n{title}\n     saves       of   count");
        for group in groups.iter().take(ROWS) {
            let (saving, size, count) = (group.saving, group.size, group.symbols.len());
            let name = printable(&group.name);
            let _ = writeln!(self.text, "{saving:>10} {size:>8} {count:>7}  {name}");
            let first = group.symbols.iter().take(SYMBOLS_OF_INPUT);
            for symbol in first.map(|&i| &report.symbols[i as usize]) {
                let input = symbol
                    .input
                    .map(|input| &*report.inputs[input as usize].name);
                let input = printable(input.unwrap_or("[linker]"));
                let shown = symbol.shown();
                let _ = writeln!(self.text, "{:29}{} ({input})", "", printable(&shown));
            }
        }
        if let Some(rest) = groups.get(ROWS..).filter(|rest| !rest.is_empty()) {
            let saving: u64 = rest.iter().map(|group| group.saving).sum();
            let size: u64 = rest.iter().map(|group| group.size).sum();
            let _ = writeln!(
                self.text,
                "{saving:>10} {size:>8}          [{} more groups]",
                rest.len()
            );
        }
    }
}

/// A name from a file, without characters that control a terminal.
pub(in crate::report) fn printable(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for c in name.chars() {
        if c.is_control() {
            text.extend(c.escape_default());
        } else {
            text.push(c);
        }
    }
    text
}
