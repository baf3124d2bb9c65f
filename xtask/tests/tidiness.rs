//! The repository keeps its own rules: sizes of files, links of documents, lists of
//! dependencies, and commands that documents name.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The files of the repository whose names end in one of `extensions`.
fn files(extensions: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    collect(&root(), extensions, &mut found);
    assert!(!found.is_empty());
    found.sort();
    found
}

fn collect(dir: &Path, extensions: &[&str], found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            let made_by_tools = ["target", "corpus", "artifacts"].contains(&name.as_str());
            if !made_by_tools && name != ".git" {
                collect(&path, extensions, found);
            }
        } else if path
            .extension()
            .is_some_and(|extension| extensions.iter().any(|wanted| extension == *wanted))
        {
            found.push(path);
        }
    }
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Fails with everything that was found.
fn expect_none(found: &[String]) {
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

/// The source files of each published crate, its tests and benchmarks aside.
fn sources() -> BTreeMap<String, Vec<PathBuf>> {
    let mut crates: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    let root = root();
    for path in files(&["rs"]) {
        let relative = path.strip_prefix(&root).unwrap();
        let parts: Vec<_> = (relative.components())
            .map(|part| part.as_os_str().to_string_lossy())
            .collect();
        let Some(src) = parts.iter().position(|part| part == "src") else {
            continue;
        };
        if parts[0] != "crates" || path.file_stem().is_some_and(|stem| stem == "tests") {
            continue;
        }
        crates
            .entry(parts[..src].join("/"))
            .or_default()
            .push(path.clone());
    }
    crates
}

/// The names of the types that a line declares.
fn declared_type(line: &str) -> Option<&str> {
    let line = line.strip_prefix("pub").map_or(line, |rest| {
        let rest = rest.strip_prefix('(').and_then(|rest| rest.split_once(')'));
        rest.map_or(&line[3..], |(_, rest)| rest).trim_start()
    });
    let rest = ["struct ", "enum ", "trait ", "type ", "union "]
        .iter()
        .find_map(|keyword| line.strip_prefix(keyword))?;
    rest.split(|c: char| !c.is_alphanumeric() && c != '_')
        .next()
}

/// One platform's variant of a type stands in for another's, and both have one name.
fn is_fallback(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str() == "sys")
}

#[test]
fn a_type_name_is_used_once_in_a_crate() {
    let mut found = Vec::new();
    for (name, paths) in sources() {
        let mut declared: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for path in paths.iter().filter(|path| !is_fallback(path)) {
            let text = read(path);
            // Unit tests stand at the end of a file.
            let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
            for ty in code.lines().filter_map(declared_type) {
                let place = path.display().to_string();
                declared.entry(ty.to_owned()).or_default().push(place);
            }
        }
        for (ty, places) in declared.into_iter().filter(|(_, places)| places.len() > 1) {
            found.push(format!(
                "{name}: `{ty}` is declared in {}",
                places.join(", ")
            ));
        }
    }
    expect_none(&found);
}

#[test]
fn a_file_name_is_used_once_in_a_crate() {
    let mut found = Vec::new();
    for (name, paths) in sources() {
        let mut named: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for path in paths.iter().filter(|path| !is_fallback(path)) {
            let file = path.file_name().unwrap().to_string_lossy().into_owned();
            if !["mod.rs", "lib.rs", "main.rs"].contains(&file.as_str()) {
                named
                    .entry(file)
                    .or_default()
                    .push(path.display().to_string());
            }
        }
        for (_, places) in named.into_iter().filter(|(_, places)| places.len() > 1) {
            found.push(format!("{name}: {}", places.join(", ")));
        }
    }
    expect_none(&found);
}

#[test]
fn nothing_is_left_to_be_done() {
    // Escaped, so that this file does not find itself.
    let marks = [
        "TO\x44O",
        "FIX\x4dE",
        "todo\x21(",
        "unimplemented\x21(",
        "dbg\x21(",
    ];
    let mut found = Vec::new();
    for path in files(&["rs", "toml", "md", "c"]) {
        for (number, line) in read(&path).lines().enumerate() {
            if let Some(mark) = marks.iter().find(|mark| line.contains(**mark)) {
                found.push(format!("{}:{}: {mark}", path.display(), number + 1));
            }
        }
    }
    expect_none(&found);
}

#[test]
fn text_has_no_trailing_blanks() {
    let mut found = Vec::new();
    for path in files(&["rs", "toml", "md", "c", "calc"]) {
        let text = read(&path);
        for (number, line) in text.lines().enumerate() {
            if line.trim_end() != line {
                found.push(format!(
                    "{}:{}: trailing blanks",
                    path.display(),
                    number + 1
                ));
            }
        }
        if !text.is_empty() && (!text.ends_with('\n') || text.ends_with("\n\n")) {
            found.push(format!("{}: must end with one line break", path.display()));
        }
    }
    expect_none(&found);
}

/// Tables of the linker are keyed by what inputs say, so that all of them need a hash with a seed.
#[test]
fn no_hash_is_without_a_seed() {
    let core = root().join("crates/link-core/src");
    let seeded = core.join("hash.rs");
    let unseeded = [
        "rustc_hash",
        "fxhash",
        "fnv::",
        "ahash::",
        "BuildHasherDefault",
        "DefaultHasher::new",
    ];
    let elsewhere = ["collections::Hash", "indexmap::"];
    let mut found = Vec::new();
    for path in files(&["rs"]) {
        if !path.starts_with(root().join("crates")) || path == seeded {
            continue;
        }
        let text = read(&path);
        let mut wrong = unseeded.iter().filter(|name| text.contains(**name));
        if let Some(name) = wrong.next() {
            found.push(format!("{}: `{name}` has no seed", path.display()));
        }
        let in_core = path.starts_with(&core);
        let mut wrong = elsewhere.iter().filter(|name| text.contains(**name));
        if let Some(name) = wrong.next().filter(|_| in_core) {
            found.push(format!("{}: `{name}` instead of `hash`", path.display()));
        }
    }
    expect_none(&found);
}

/// The parts of a document outside of code blocks and code spans.
fn prose(text: &str) -> String {
    let mut prose = String::new();
    let mut in_block = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
        } else if !in_block {
            for (index, part) in line.split('`').enumerate() {
                // A code span that names a link keeps the link's brackets around it.
                if index % 2 == 0 {
                    prose.push_str(part);
                }
            }
            prose.push('\n');
        }
    }
    prose
}

/// What the links of a document point to.
fn links(text: &str) -> Vec<String> {
    let prose = prose(text);
    let targets = prose.split("](").skip(1);
    targets
        .filter_map(|rest| Some(rest.split_once(')')?.0.to_owned()))
        .collect()
}

/// How a heading is named in a link.
fn anchor(heading: &str) -> String {
    let kept = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = kept
        .chars()
        .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[test]
fn links_of_documents_lead_somewhere() {
    let mut found = Vec::new();
    for path in files(&["md"]) {
        let text = read(&path);
        for link in links(&text) {
            if link.contains("://") {
                continue;
            }
            let (file, fragment) = link.split_once('#').unwrap_or((&link, ""));
            let target = if file.is_empty() {
                path.clone()
            } else {
                path.parent().unwrap().join(file)
            };
            if !target.exists() {
                found.push(format!("{}: no such file: {link}", path.display()));
            } else if !fragment.is_empty()
                && !read(&target)
                    .lines()
                    .any(|line| line.starts_with('#') && anchor(line) == fragment)
            {
                found.push(format!("{}: no such heading: {link}", path.display()));
            }
        }
    }
    expect_none(&found);
}

/// The lines of a document's shell blocks.
fn shell_lines(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut in_shell = false;
    for line in text.lines() {
        match line.trim_start().strip_prefix("```") {
            Some(language) => in_shell = ["sh", "bash", "console"].contains(&language.trim()),
            None if in_shell => lines.push(line.trim_start_matches("$ ").to_owned()),
            None => {}
        }
    }
    lines
}

#[test]
fn commands_that_documents_name_exist() {
    let help = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .arg("help")
        .output()
        .unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let known: BTreeSet<&str> = help
        .lines()
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .chain(["help"])
        .collect();
    assert!(known.contains("test"));
    let packages: BTreeSet<String> = manifests().into_keys().collect();
    let mut found = Vec::new();
    for path in files(&["md"]) {
        for line in shell_lines(&read(&path)) {
            let line = line.split(" #").next().unwrap_or("");
            let words: Vec<&str> = line.split_whitespace().collect();
            let after = |flag: &str| {
                let position = words.iter().position(|word| *word == flag)?;
                words.get(position + 1).copied()
            };
            if words.starts_with(&["cargo", "xtask"]) {
                match words.get(2) {
                    Some(command) if known.contains(command) => {}
                    _ => found.push(format!("{}: no such command: {line}", path.display())),
                }
            } else if words.first() == Some(&"cargo") {
                let named = after("--package").or_else(|| after("-p"));
                if named.is_some_and(|package| !packages.contains(package)) {
                    found.push(format!("{}: no such package: {line}", path.display()));
                }
                if after("--path").is_some_and(|dir| !root().join(dir).join("Cargo.toml").exists())
                {
                    found.push(format!("{}: no such crate: {line}", path.display()));
                }
            }
        }
    }
    expect_none(&found);
}

/// The manifests of the workspace, by the names of their packages.
fn manifests() -> BTreeMap<String, String> {
    files(&["toml"])
        .into_iter()
        .filter(|path| path.ends_with("Cargo.toml"))
        .filter_map(|path| {
            let text = read(&path);
            let name = text
                .lines()
                .find_map(|line| line.strip_prefix("name = \""))?;
            Some((name.trim_end_matches('"').to_owned(), text.clone()))
        })
        .collect()
}

/// The keys of the tables of a manifest whose names end in `dependencies`.
fn dependencies(manifest: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut is_inside = false;
    for line in manifest.lines() {
        if let Some(table) = line.strip_prefix('[') {
            is_inside = table.trim_end_matches(']').ends_with("dependencies");
        } else if is_inside && let Some((key, _)) = line.split_once('=') {
            let key = key.trim().split('.').next().unwrap_or("");
            if !key.starts_with('#') {
                found.insert(key.to_owned());
            }
        }
    }
    found
}

#[test]
fn every_dependency_has_a_reason_and_a_user() {
    let manifests = manifests();
    let own: BTreeSet<String> = manifests.keys().cloned().collect();
    let is_foreign = |name: &String| !own.contains(name);
    let workspace = read(&root().join("Cargo.toml"));
    let declared: BTreeSet<String> = dependencies(&workspace)
        .into_iter()
        .filter(is_foreign)
        .collect();
    let used: BTreeSet<String> = manifests
        .values()
        .flat_map(|text| dependencies(text))
        .filter(is_foreign)
        .collect();
    // The fuzz targets are a workspace of their own: cargo-fuzz wants other flags.
    let inherited: BTreeSet<String> = manifests
        .values()
        .filter(|text| text.contains("version.workspace = true"))
        .flat_map(|text| dependencies(text))
        .filter(is_foreign)
        .collect();
    let table = read(&root().join("docs/dependencies.md"));
    let explained: BTreeSet<String> = table
        .lines()
        .filter_map(|line| Some(line.strip_prefix("| `")?.split_once('`')?.0.to_owned()))
        .collect();

    let difference = |a: &BTreeSet<String>, b: &BTreeSet<String>, what: &str| -> Vec<String> {
        a.difference(b)
            .map(|name| format!("{name}: {what}"))
            .collect()
    };
    let mut found = difference(&declared, &used, "no crate uses it");
    found.extend(difference(
        &inherited,
        &declared,
        "not among [workspace.dependencies]",
    ));
    found.extend(difference(
        &used,
        &explained,
        "docs/dependencies.md does not say why",
    ));
    found.extend(difference(
        &explained,
        &used,
        "docs/dependencies.md lists it, nothing uses it",
    ));
    expect_none(&found);
}

#[test]
fn versions_are_no_betas() {
    let lock = read(&root().join("Cargo.lock"));
    let versions = lock
        .lines()
        .filter_map(|line| line.strip_prefix("version = \""));
    let direct = read(&root().join("Cargo.toml"));
    let betas = ["-alpha", "-beta", "-rc", "-pre"];
    let found: Vec<String> = versions
        .chain(direct.lines())
        // What follows a `+` tells where the version comes from.
        .filter(|version| {
            let version = version.split('+').next().unwrap_or("");
            // After a number: the names of packages may have these letters, too.
            let is_beta = |at: usize| version[..at].ends_with(|c: char| c.is_ascii_digit());
            let mut found = betas.iter().flat_map(|beta| version.match_indices(beta));
            found.any(|(at, _)| is_beta(at))
        })
        .map(ToOwned::to_owned)
        .collect();
    expect_none(&found);
}

#[test]
fn every_crate_has_a_readme_and_both_licences_are_there() {
    let mut found = Vec::new();
    for dir in fs::read_dir(root().join("crates")).unwrap() {
        let readme = dir.unwrap().path().join("README.md");
        let lines = fs::read_to_string(&readme).map_or(0, |text| text.lines().count());
        if lines < 5 {
            found.push(format!("{}: says next to nothing", readme.display()));
        }
    }
    for name in [
        "LICENSE-MIT",
        "LICENSE-APACHE",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
    ] {
        if !root().join(name).exists() {
            found.push(format!("{name} is not there"));
        }
    }
    expect_none(&found);
}

/// Whether a source lies beside the object whose name the object's begins with: `a.c` makes
/// `a.o`, `a64.o` and `a.pic.o`.
fn has_source(object: &Path) -> bool {
    let name = object.file_stem().unwrap().to_string_lossy();
    let mut beside = fs::read_dir(object.parent().unwrap()).unwrap();
    beside.any(|entry| {
        let path = entry.unwrap().path();
        let is_source = path.extension().is_some_and(|extension| {
            ["c", "cpp", "s", "S", "rs", "wat", "yaml", "ll"]
                .iter()
                .any(|known| extension == *known)
        });
        is_source && name.starts_with(&*path.file_stem().unwrap().to_string_lossy())
    })
}

#[test]
fn checked_in_objects_are_small_and_have_their_sources() {
    let mut found = Vec::new();
    let mut total = 0;
    for object in files(&["o"]) {
        total += fs::metadata(&object).unwrap().len();
        if !has_source(&object) {
            found.push(format!("{}: no source beside it", object.display()));
        }
    }
    if total > 500_000 {
        found.push(format!(
            "checked-in objects have {total} bytes; a few hundred KB at most"
        ));
    }
    expect_none(&found);
}
