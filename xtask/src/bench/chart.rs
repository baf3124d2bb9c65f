//! A chart of the results, for a document: SVG that can be read on a light and on a dark page.

use std::fmt::Write;

use super::linkers::{OURS, REFERENCE};
use super::results::Measurement;

const WIDTH: f64 = 720.0;
/// Where the bars begin, and how long that of `rust-lld` is.
const LEFT: f64 = 130.0;
const FULL: f64 = 270.0;
const BAR: f64 = 16.0;
const GAP: f64 = 14.0;

/// Every input is a group of bars, one for each linker; a bar's length is the time in that of
/// `rust-lld`, by the ratios within the rounds, and beside it is the median of the times.
pub(super) fn svg(measurements: &[Measurement]) -> String {
    let mut body = String::new();
    let mut y = 34.0;
    for measurement in measurements {
        let Some(reference) = measurement.linker(REFERENCE) else {
            continue;
        };
        let middle = y + BAR * measurement.linkers.len() as f64 / 2.0 + 4.0;
        text(&mut body, "input", LEFT - 10.0, middle, measurement.input);
        for measured in &measurement.linkers {
            let part = measurement.ratio(measured) / measurement.ratio(reference);
            // What is much slower than `rust-lld` ends at the border.
            let length = (FULL * part).clamp(1.0, WIDTH - LEFT - 140.0);
            let class = if measured.linker == OURS {
                "ours"
            } else {
                "other"
            };
            // Writing to a string succeeds.
            let _ = writeln!(
                body,
                r#"<rect class="{class}" x="{LEFT}" y="{y}" width="{length:.1}" height="{}"/>"#,
                BAR - 2.0
            );
            let mut label = format!("{}  {}", time(measured.median()), measured.linker);
            if measured.linker == OURS {
                let _ = write!(label, "  {:.1}×", measurement.ratio(reference));
            }
            text(&mut body, class, LEFT + length + 6.0, y + BAR - 4.5, &label);
            y += BAR;
        }
        y += GAP;
    }
    format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" role="img" aria-label="Times of linkers">
<style>
text {{ font: 12px system-ui, sans-serif; fill: #1f2328; }}
text.input {{ text-anchor: end; font-weight: 600; }}
text.ours {{ font-weight: 600; }}
rect.ours {{ fill: #0a7d5a; }}
rect.other {{ fill: #a9b4c0; }}
@media (prefers-color-scheme: dark) {{
  text {{ fill: #e6edf3; }}
  rect.ours {{ fill: #2fbf8f; }}
  rect.other {{ fill: #5b6673; }}
}}
</style>
<text x="{LEFT}" y="20">time of a link, drawn in that of rust-lld</text>
{body}</svg>
"#
    )
}

fn text(out: &mut String, class: &str, x: f64, y: f64, content: &str) {
    // Writing to a string succeeds. Names and numbers hold nothing to escape.
    let _ = writeln!(
        out,
        r#"<text class="{class}" x="{x:.1}" y="{y:.1}">{content}</text>"#
    );
}

fn time(milliseconds: f64) -> String {
    if milliseconds < 1000.0 {
        format!("{milliseconds:.0} ms")
    } else {
        format!("{:.2} s", milliseconds / 1000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::super::results::tests::measurement;
    use super::*;

    #[test]
    fn every_linker_has_a_bar() {
        let chart = svg(&[measurement("hello")]);
        assert!(
            chart.contains(r#"<rect class="ours" x="130" y="34" width="45.0""#),
            "{chart}"
        );
        assert!(chart.contains(r#"<rect class="other" x="130" y="50" width="270.0""#));
        assert!(chart.contains(">2 ms  wasm-link  6.0×</text>"));
        assert!(chart.ends_with("</svg>\n"));
    }
}
