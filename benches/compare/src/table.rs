//! The results of this run as Markdown.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use serde_json::Value;

use crate::instructions;

struct Row {
    modified: SystemTime,
    group: String,
    engine: String,
    best: f64,
    median: f64,
    /// Of one item, where that means something.
    bytes: Option<f64>,
}

/// Prints what lies in `results` and was written after `start`, in the order of writing.
///
/// The ratio and the throughput are those of the best sample: what else the machine does makes samples worse only.
pub fn print(results: &Path, start: SystemTime) {
    let mut rows: Vec<Row> =
        below(results).iter().flat_map(|group| below(group)).filter_map(|dir| row(&dir)).collect();
    rows.retain(|row| row.modified >= start);
    rows.sort_by_key(|row| row.modified);
    println!("\n{}", machine());
    let can_count = instructions::can_count();
    if !can_count {
        println!("\nInstructions are not counted: there is no valgrind (Debian: apt install valgrind).");
    }
    let mut first: Option<&Row> = None;
    for row in &rows {
        if first.is_none_or(|first| first.group != row.group) {
            println!("\n**{}**\n", row.group);
            println!("| engine | best ns | median ns | GB/s | to the first | instructions |");
            println!("| --- | ---: | ---: | ---: | ---: | ---: |");
            first = Some(row);
        }
        let ratio = first.map_or(1.0, |first| row.best / first.best);
        let digits = if row.best < 100.0 { 1 } else { 0 };
        let Row { engine, best, median, bytes, .. } = row;
        let throughput = bytes.map_or("".into(), |bytes| format!("{:.2}", bytes / best));
        let count = can_count.then(|| instructions::count(results, &row.group, engine)).flatten();
        let count = count.map_or("".into(), |count| format!("{count:.0}"));
        println!("| {engine} | {best:.digits$} | {median:.digits$} | {throughput} | {ratio:.2} | {count} |");
    }
}

/// What was measured on.
fn machine() -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let line = cpu.lines().find(|line| line.split('\t').next() == Some(name));
        line.and_then(|line| line.split(": ").nth(1)).unwrap_or("unknown").to_owned()
    };
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let compiler = Command::new("rustc").arg("-V").output().map(|output| output.stdout).unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!(
        "{} (family {}, model {}), {cores} cores, Linux {}, {}",
        field("model name"),
        field("cpu family"),
        field("model"),
        kernel.trim(),
        String::from_utf8_lossy(&compiler).trim(),
    )
}

fn below(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten();
    entries.filter_map(|entry| Some(entry.ok()?.path())).collect()
}

fn row(dir: &Path) -> Option<Row> {
    let dir = dir.join("new");
    let (benchmark, sample) = (json(&dir.join("benchmark.json"))?, json(&dir.join("sample.json"))?);
    let numbers = |name: &str| Some(sample[name].as_array()?.iter().filter_map(Value::as_f64));
    let mut times: Vec<f64> =
        numbers("times")?.zip(numbers("iters")?).map(|(time, iters)| time / iters).collect();
    times.sort_by(f64::total_cmp);
    Some(Row {
        modified: fs::metadata(dir.join("sample.json")).ok()?.modified().ok()?,
        group: benchmark["group_id"].as_str()?.into(),
        engine: benchmark["function_id"].as_str()?.into(),
        best: *times.first()?,
        median: times[times.len() / 2],
        bytes: benchmark["throughput"]["Bytes"].as_f64(),
    })
}

fn json(path: &Path) -> Option<Value> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}
