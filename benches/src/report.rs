//! The table of a run.

use std::fmt::Write as _;

use crate::sample::{Figure, Sample};
use crate::server::Kind;

/// The figures of one scenario, and one figure's worth of it for each server.
pub(crate) struct Row {
    pub(crate) group: &'static str,
    pub(crate) scenario: String,
    pub(crate) figure: Figure,
    /// In the order of [`Kind::ALL`].
    pub(crate) cells: [Option<Cell>; 3],
}

/// One figure of several rounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Cell {
    pub(crate) median: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Cell {
    fn new(mut values: Vec<f64>) -> Option<Cell> {
        values.sort_by(f64::total_cmp);
        let (low, high) = (*values.first()?, *values.last()?);
        let middle = values.len() / 2;
        let median =
            if values.len() % 2 == 1 { values[middle] } else { (values[middle - 1] + values[middle]) / 2.0 };
        Some(Cell { median, low, high })
    }

    fn text(self) -> String {
        let Cell { median, low, high } = self;
        let [median, low, high] = [median, low, high].map(number);
        if low == high { median } else { format!("{median} ({low} – {high})") }
    }
}

/// The rows of a scenario from all rounds of all servers.
pub(crate) fn rows(group: &'static str, scenario: &str, samples: &[(Kind, Sample)]) -> Vec<Row> {
    let mut figures: Vec<Figure> = Vec::new();
    for &(figure, _) in samples.iter().flat_map(|(_, sample)| sample) {
        if !figures.contains(&figure) {
            figures.push(figure);
        }
    }
    let cell = |figure: Figure, kind: Kind| {
        let of_kind = samples.iter().filter(|(of, _)| *of == kind).flat_map(|(_, sample)| sample);
        Cell::new(of_kind.filter(|(name, _)| *name == figure).map(|&(_, value)| value).collect())
    };
    let row = |figure| Row {
        group,
        scenario: scenario.to_owned(),
        figure,
        cells: Kind::ALL.map(|kind| cell(figure, kind)),
    };
    figures.into_iter().map(row).collect()
}

const HEADS: [&str; 7] =
    ["scenario", "figure", "dunlin", "official", "floor", "dunlin ÷ official", "dunlin ÷ floor"];

/// All rows as Markdown: a table for each group, with tables of their own for what is not the main figure.
pub(crate) fn markdown(rows: &[Row]) -> String {
    let mut titles: Vec<String> = Vec::new();
    for row in rows {
        if !titles.contains(&row.table()) {
            titles.push(row.table());
        }
    }
    titles.sort_by_key(|title| rows.iter().position(|row| title.starts_with(row.group)));
    let mut out = String::new();
    for title in titles {
        // Writing to a `String` does not fail.
        let _ = write!(out, "\n## {title}\n\n| {} |\n| --- | --- |", HEADS.join(" | "));
        out.push_str(&" ---: |".repeat(HEADS.len() - 2));
        out.push('\n');
        for row in rows.iter().filter(|row| row.table() == title) {
            let _ = writeln!(out, "{}", line(row));
        }
    }
    out
}

impl Row {
    /// The title of the table that it belongs to.
    fn table(&self) -> String {
        match self.figure.table() {
            None => self.group.to_owned(),
            Some(table) => format!("{}: {table}", self.group),
        }
    }
}

/// One row as a line of the table.
pub(crate) fn line(row: &Row) -> String {
    let text = |cell: Option<Cell>| cell.map_or_else(|| "–".to_owned(), Cell::text);
    let [dunlin, official, floor] = row.cells;
    let ratio = |other: Option<Cell>| match (dunlin, other) {
        (Some(ours), Some(other)) if other.median > 0.0 => format!("{:.2}", ours.median / other.median),
        _ => "–".to_owned(),
    };
    let columns = [
        row.scenario.clone(),
        row.figure.name(),
        text(dunlin),
        text(official),
        text(floor),
        ratio(official),
        ratio(floor),
    ];
    format!("| {} |", columns.join(" | "))
}

/// Three digits that matter.
pub(crate) fn number(value: f64) -> String {
    match value {
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value if value >= 1.0 => format!("{value:.2}"),
        value => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_become_a_row_with_median_range_and_ratios() {
        let run = |kind, cpu| (kind, vec![(Figure::Cpu("op"), cpu), (Figure::WireBytes, 150.0)]);
        let samples = [
            run(Kind::Dunlin, 1.0),
            run(Kind::Official, 9.0),
            run(Kind::Dunlin, 3.0),
            run(Kind::Official, 11.0),
            run(Kind::Dunlin, 1.5),
            run(Kind::Official, 10.0),
        ];
        let rows = rows("Group", "thing", &samples);
        assert_eq!(rows.len(), 2);
        assert_eq!(
            line(&rows[0]),
            "| thing | CPU µs per op | 1.50 (1.00 – 3.00) | 10.0 (9.00 – 11.0) | – | 0.15 | – |"
        );
    }

    #[test]
    fn what_is_not_the_main_figure_has_its_own_table() {
        let sample = vec![(Figure::Cpu("op"), 1.0), (Figure::WireBytes, 150.0)];
        let mut all = Vec::new();
        for (group, scenario) in [("First", "a"), ("Second", "b"), ("First", "c")] {
            all.extend(rows(group, scenario, &[(Kind::Dunlin, sample.clone())]));
        }
        let text = markdown(&all);
        let heads: Vec<&str> = text.lines().filter(|line| line.starts_with("##")).collect();
        let expected =
            ["## First", "## First: bytes on the wire", "## Second", "## Second: bytes on the wire"];
        assert_eq!(heads, expected);
        assert_eq!(text.lines().filter(|line| line.starts_with("| a |")).count(), 2);
    }

    #[test]
    fn the_median_of_an_even_number_lies_between_the_two_in_the_middle() {
        let cell = Cell::new(vec![4.0, 1.0, 3.0, 2.0]);
        assert_eq!(cell, Some(Cell { median: 2.5, low: 1.0, high: 4.0 }));
        assert_eq!(Cell::new(Vec::new()), None);
    }
}
