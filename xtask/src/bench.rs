//! `bench`: how fast `wasm-link` is, side by side with other linkers on the same inputs.
//!
//! The inputs are made once and lie in `bench` of the target directory. Every linker runs in
//! every round, so that what else the machine does strikes all of them; what counts are the
//! ratios within the rounds. docs/performance.md says what comes of it.

// Sizes are far below what a float holds exactly.
#![allow(clippy::cast_precision_loss)]

mod bars;
mod big;
mod chart;
mod criterion;
mod floor;
mod inputs;
mod linkers;
mod measure;
mod memory;
mod needed;
mod options;
mod phases;
mod results;

use std::fs;
use std::path::Path;

use self::inputs::Input;
use self::linkers::Linker;
use self::measure::Subject;
use self::options::{Options, Request};
use self::results::{Measured, Measurement};
use crate::table::Table;
use crate::{Result, process, sections};

/// Runs the command; see `cargo xtask help`.
pub(crate) fn run_command(args: &[String]) -> Result {
    let work = process::target_dir()?.join("bench");
    match options::parse(args)? {
        Request::Criterion(filter) => criterion::run_all(filter.as_deref()),
        Request::Prepare(scale) => {
            let big = big::make(&work, scale)?;
            for input in [big.objects, big.archives, big.pulled] {
                println!("cd {}; wasm-link @{input} -o out.wasm", big.dir.display());
            }
            Ok(())
        }
        Request::Links(options) => measure_links(&options, &work),
    }
}

fn measure_links(options: &Options, work: &Path) -> Result {
    fs::create_dir_all(work)?;
    // Read first: a wrong name is told before minutes have passed.
    let saved = |name: &str| work.join("saved").join(name).with_extension("json");
    let before = match &options.compare {
        Some(name) => results::read(&saved(name))?,
        None => Vec::new(),
    };
    let linkers = linkers::find(options.linker.clone(), work)?;
    let inputs = inputs::make(options, work, &linkers[0])?;
    if inputs.is_empty() {
        return Err("no input has such a name".into());
    }
    let mut measurements = Vec::new();
    for input in inputs.iter().filter(|input| input.name != inputs::PULLED) {
        println!("measuring {}", input.name);
        measurements.push(measure(input, &linkers, work, options.rounds)?);
    }
    println!("\n{}", table(&measurements));
    let mut bars = bars::of_links(&measurements);
    let find = |name| inputs.iter().find(|input| input.name == name);
    if let (Some(archives), Some(pulled)) = (find("big-archive"), find(inputs::PULLED)) {
        let [archives, pulled] =
            phases::pulling(archives, pulled, &linkers[0], work, options.rounds)?;
        bars.push(bars::of_pulling(&archives, &pulled));
    }
    if let Some(big) = find("big") {
        let threads = phases::threads(big, &linkers, work, options.rounds)?;
        println!("{}", threads.table());
        bars.extend(bars::of_threads(&threads));
        let growth = phases::growth(options.scale, &linkers, work, options.rounds)?;
        println!("{}", phases::growth_table(&growth));
        bars.extend(bars::of_growth(&growth));
    }
    for bar in &bars {
        println!("  {bar}");
    }
    if options.scale < 1.0 {
        println!("  (the large inputs were smaller than those that the bars are about)");
    }

    if !before.is_empty() {
        println!("\n{}", comparison(&before, &measurements));
    }
    let json = results::json(options.scale, &measurements);
    if let Some(path) = &options.json {
        write(path, &json)?;
    }
    if let Some(name) = &options.save {
        write(&saved(name), &json)?;
    }
    if let Some(path) = &options.chart {
        write(path, &chart::svg(&measurements))?;
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> Result {
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir)?;
    }
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()).into())
}

/// Measures all linkers on one input.
fn measure(input: &Input, linkers: &[Linker], work: &Path, rounds: usize) -> Result<Measurement> {
    let mut subjects = Vec::new();
    let mut measured = Vec::new();
    let mut functions = None;
    let mut ours = Vec::new();
    for linker in linkers {
        // The file's name is part of the output: the linker names the module after it.
        let dir = work.join("outputs").join(linker.name);
        fs::create_dir_all(&dir)?;
        let output = dir.join("linked.wasm");
        // The first run brings the inputs into memory and shows whether the linker can do it.
        if let Some(reason) = linkers::cannot_link(linker, input, &output)? {
            println!("  {} cannot link {}: {reason}", linker.name, input.name);
            continue;
        }
        let module = fs::read(&output)?;
        let found = sections::read(&module)
            .map_err(|error| format!("{}: {error}", output.display()))?
            .functions;
        measure::remove(&output)?;
        if functions.is_some_and(|functions| functions != found) {
            println!(
                "  {}'s module of {} has {found} functions",
                linker.name, input.name
            );
        }
        functions.get_or_insert(found);
        if linker.name == linkers::OURS {
            ours.clone_from(&module);
        } else if linker.name == linkers::OTHER_BUILD && module != ours {
            println!("  the other build writes another module of {}", input.name);
        }
        let command = linker.command(input, &output);
        let mut subject = Subject { command, output };
        measured.push(Measured {
            linker: linker.name,
            times: Vec::new(),
            cpu: 0.0,
            memory: memory::peak(&mut subject)?,
            output_bytes: module.len() as u64,
        });
        subjects.push(subject);
    }
    let runs = measure::interleaved(&mut subjects, rounds)?;
    for (measured, runs) in measured.iter_mut().zip(&runs) {
        measured.times = runs.iter().map(phases::milliseconds).collect();
        let cpu: f64 = runs.iter().map(|run| run.cpu.as_secs_f64()).sum();
        measured.cpu = cpu * 1000.0 / runs.len() as f64;
    }
    let floor = if input.name == "big" {
        let mut best = f64::INFINITY;
        for _ in 0..rounds.max(3) {
            let time = floor::copy(&input.files, &work.join("copy"))?;
            best = best.min(time.as_secs_f64() * 1000.0);
        }
        Some(best)
    } else {
        None
    };
    let needed = if input.name == "big-stripped" {
        let output = measured.first().map_or(0, |ours| ours.output_bytes);
        Some(needed::without_debug(&input.files)? + output)
    } else {
        None
    };
    Ok(Measurement {
        input: input.name,
        input_bytes: input.bytes()?,
        bar: input.bar,
        linkers: measured,
        floor,
        needed,
    })
}

/// All that was measured.
fn table(measurements: &[Measurement]) -> Table {
    let mut table = Table::new(&[
        "input",
        "linker",
        "ms",
        "/ ours",
        "CPU ms",
        "anonymous MB",
        "file MB",
        "input MB",
        "output MB",
    ]);
    let megabytes = |bytes: u64| format!("{:.1}", bytes as f64 / 1e6);
    for measurement in measurements {
        for measured in &measurement.linkers {
            table.row(vec![
                measurement.input.to_owned(),
                measured.linker.to_owned(),
                format!("{:.1}", measured.median()),
                format!("{:.2}×", measurement.ratio(measured)),
                format!("{:.0}", measured.cpu),
                megabytes(measured.memory.anonymous),
                megabytes(measured.memory.file),
                megabytes(measurement.input_bytes),
                megabytes(measured.output_bytes),
            ]);
        }
        if let Some(floor) = measurement.floor {
            table.row(vec![
                measurement.input.to_owned(),
                "copying".to_owned(),
                format!("{floor:.1}"),
            ]);
        }
    }
    table
}

/// Earlier results beside these. What others took shows how alike the circumstances were.
fn comparison(before: &[results::Kept], now: &[Measurement]) -> Table {
    let mut table = Table::new(&["input", "linker", "before, ms", "now, ms", "now / before"]);
    for measurement in now {
        for measured in &measurement.linkers {
            let earlier = before
                .iter()
                .find(|kept| kept.input == measurement.input && kept.linker == measured.linker);
            if let Some(earlier) = earlier {
                table.row(vec![
                    measurement.input.to_owned(),
                    measured.linker.to_owned(),
                    format!("{:.1}", earlier.median),
                    format!("{:.1}", measured.median()),
                    format!("{:.2}×", measured.median() / earlier.median),
                ]);
            }
        }
    }
    table
}
