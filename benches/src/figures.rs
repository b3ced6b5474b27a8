//! The charts of the main run.

use std::path::Path;

use anyhow::Context as _;

use crate::chart::{Bars, Group};
use crate::report::Row;
use crate::sample::Figure;
use crate::server::Kind;
use crate::suite::{FAN_OUT, IDLE};

/// Writes the charts beside `report`. Returns Markdown that shows them.
pub(crate) fn write(rows: &[Row], report: &Path) -> anyhow::Result<String> {
    let mut text = String::new();
    for (name, bars) in of(rows) {
        if !bars.groups.is_empty() {
            text += &write_svg(report, name, &bars.title, &bars.svg())?;
        }
    }
    Ok(text)
}

/// Writes one chart as `REPORT-name.svg`. Returns Markdown that shows it.
pub(crate) fn write_svg(report: &Path, name: &str, title: &str, svg: &str) -> anyhow::Result<String> {
    let stem = report.file_stem().context("a report has a name")?.to_string_lossy();
    let file = format!("{stem}-{name}.svg");
    let path = report.with_file_name(&file);
    std::fs::write(&path, svg).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(format!("\n![{title}]({file})\n"))
}

fn of(rows: &[Row]) -> [(&'static str, Bars); 3] {
    const CPU: Figure = Figure::Cpu("delivery");
    let fan_out = |pattern: &str| {
        let wanted = |row: &&Row| {
            let plain = !row.scenario.contains("browser") && !row.scenario.contains("different sids");
            row.group == FAN_OUT && row.figure == CPU && plain && row.scenario.ends_with(pattern)
        };
        let name = |row: &Row| row.scenario.trim_end_matches(pattern).trim_end_matches(", ").to_owned();
        rows.iter().filter(wanted).map(|row| group(row, name(row), 1.0)).collect()
    };
    let idle = rows.iter().filter(|row| row.group == IDLE && row.figure == Figure::Resident("connection"));
    let axis = "µs of server CPU time for each message at each subscriber (less is better)";
    [
        (
            "bursts",
            Bars {
                title: "Fan-out in bursts of 400 messages".to_owned(),
                axis: axis.to_owned(),
                groups: fan_out("bursts of 400"),
            },
        ),
        (
            "one-by-one",
            Bars {
                title: "Fan-out of single messages".to_owned(),
                axis: axis.to_owned(),
                groups: fan_out("one by one"),
            },
        ),
        (
            "idle",
            Bars {
                title: "Idle connections".to_owned(),
                axis: "KiB of resident memory for each connection (less is better)".to_owned(),
                groups: idle.map(|row| group(row, row.scenario.clone(), 1024.0)).collect(),
            },
        ),
    ]
}

fn group(row: &Row, name: String, unit: f64) -> Group {
    let bars = Kind::ALL.into_iter().zip(row.cells);
    Group { name, bars: bars.filter_map(|(kind, cell)| Some((kind, cell?.median / unit))).collect() }
}
