//! Debug information, as `llvm-dwarfdump` reads it.

use std::path::Path;
use std::process::Command;

use super::tools::{DWARFDUMP, output, succeed};
use crate::Result;

/// The errors that `--verify` finds; the addresses in them are left out, since every linker
/// places functions where it likes.
pub(super) fn errors(module: &Path) -> Result<Vec<String>> {
    let dump = output(Command::new(DWARFDUMP).arg("--verify").arg(module))?;
    let text =
        String::from_utf8_lossy(&dump.stdout).into_owned() + &String::from_utf8_lossy(&dump.stderr);
    let mut errors: Vec<String> = text
        .lines()
        .filter(|line| line.contains("error:") || line.contains("warning:"))
        .map(without_numbers)
        .collect();
    if errors.is_empty() && !dump.status.success() {
        errors.push(format!("--verify failed ({})", dump.status));
    }
    errors.sort();
    Ok(errors)
}

fn without_numbers(line: &str) -> String {
    line.split_whitespace()
        .filter(|word| !word.trim_start_matches(['(', '[']).starts_with("0x"))
        .collect::<Vec<_>>()
        .join(" ")
}

/// The rows of the line table that belong to the function `name`: the offset in the function,
/// then what is said of it.
pub(super) fn lines(module: &Path, name: &str) -> Result<Vec<String>> {
    let entry = succeed(
        Command::new(DWARFDUMP)
            .arg("--debug-info")
            .arg(format!("--name={name}"))
            .arg(module),
    )?;
    let bound = |attribute: &str| {
        entry
            .lines()
            .find_map(|line| line.trim_start().strip_prefix(attribute))
            .and_then(|value| number(value.trim().trim_matches(['(', ')'])))
            .ok_or_else(|| format!("`{}` says nothing of the function {name}", module.display()))
    };
    let (low, high) = (bound("DW_AT_low_pc")?, bound("DW_AT_high_pc")?);
    let table = succeed(Command::new(DWARFDUMP).arg("--debug-line").arg(module))?;
    let rows: Vec<String> = table
        .lines()
        .filter_map(|line| {
            let (address, rest) = line.split_once(' ')?;
            let address = number(address)?;
            (low..high)
                .contains(&address)
                .then(|| format!("+{:#x}{rest}", address - low))
        })
        .collect();
    if rows.is_empty() {
        return Err(format!(
            "`{}` has no lines for the function {name}",
            module.display()
        )
        .into());
    }
    Ok(rows)
}

fn number(text: &str) -> Option<u64> {
    u64::from_str_radix(text.strip_prefix("0x")?, 16).ok()
}
