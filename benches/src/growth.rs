//! How cost grows: with subscribers, payload, subscriptions, and connections that are idle beside the active ones.

use std::path::Path;

use anyhow::Context as _;

use crate::chart::{Lines, Scale};
use crate::fanout::{self, Pattern};
use crate::figures;
use crate::idle;
use crate::payload::Payload;
use crate::process;
use crate::report::{self, Row};
use crate::sample::{Figure, Sample};
use crate::server::{Kind, Programs, Server};
use crate::spread;
use crate::transport::Transport;

/// What is counted along one axis.
#[derive(Clone, Copy)]
enum Curve {
    Subscribers,
    Payload,
    Subscriptions,
    Idle,
}

impl Curve {
    const ALL: [Curve; 4] = [Curve::Subscribers, Curve::Payload, Curve::Subscriptions, Curve::Idle];

    fn name(self) -> &'static str {
        match self {
            Curve::Subscribers => "subscribers",
            Curve::Payload => "payload",
            Curve::Subscriptions => "subscriptions",
            Curve::Idle => "idle",
        }
    }

    /// The title of its table and chart: all that stays the same.
    fn title(self) -> &'static str {
        match self {
            Curve::Subscribers => "Subscribers: bursts of 20 messages of 128 B, WebSocket",
            Curve::Payload => "Payload: bursts of 4 messages to 20 subscribers, WebSocket",
            Curve::Subscriptions => {
                "Subscriptions: one for each subject, messages of 128 B to all in turn, TCP"
            }
            Curve::Idle => {
                "Idle connections beside 100 subscribers: messages of 128 B, one by one, WebSocket"
            }
        }
    }

    fn x_axis(self) -> &'static str {
        match self {
            Curve::Subscribers => "subscribers",
            Curve::Payload => "bytes of payload",
            Curve::Subscriptions => "subscriptions",
            Curve::Idle => "idle connections",
        }
    }

    fn scales(self) -> (Scale, Scale) {
        match self {
            Curve::Subscribers | Curve::Subscriptions => (Scale::Log, Scale::Linear),
            Curve::Payload => (Scale::Log, Scale::Log),
            Curve::Idle => (Scale::Linear, Scale::Linear),
        }
    }

    /// Both ends need a file for each connection: there are at most `connections`.
    fn points(self, connections: u64, quick: bool) -> Vec<u64> {
        let mut points: Vec<u64> = match self {
            Curve::Subscribers => {
                [10, 100, 1000, 5000, 10_000, 20_000].map(|at| at.min(connections)).to_vec()
            }
            Curve::Payload => vec![16, 128, 1 << 10, 16 << 10, 128 << 10, 1 << 20],
            Curve::Subscriptions => vec![1, 100, 10_000, 100_000, 1_000_000],
            // Its subscribers and publisher are connections too.
            Curve::Idle => {
                [0, 1000, 5000, 10_000, 19_000].map(|at| at.min(connections.saturating_sub(200))).to_vec()
            }
        };
        points.dedup();
        points.truncate(if quick { 2 } else { points.len() });
        points
    }

    /// The figure that is drawn.
    fn figure(self) -> Figure {
        Figure::Cpu(if matches!(self, Curve::Subscriptions) { "message" } else { "delivery" })
    }

    /// Measures one point on a fresh server.
    fn run(self, server: &Server, at: u64, quick: bool) -> anyhow::Result<Sample> {
        let count = |count: u64| if quick { count / 50 + 1 } else { count };
        let fan_out = |subscribers, payload, pattern| {
            let transport = Transport::WEBSOCKET;
            let scenario = fanout::Scenario { subscribers, payload, transport, different_sids: false };
            fanout::run(server, scenario, pattern)
        };
        let text = Payload::Text(128);
        match self {
            Curve::Subscribers => {
                let bursts = Pattern::Bursts { messages: 20, count: count(20_000 / at + 2) };
                fan_out(usize::try_from(at)?, text, bursts)
            }
            Curve::Payload => {
                // Some seconds' worth, of messages or of bytes.
                let bursts = Pattern::Bursts { messages: 4, count: count((8 << 20) / (at + 4096) + 4) };
                fan_out(20, Payload::Text(usize::try_from(at)?), bursts)
            }
            Curve::Subscriptions => {
                spread::run(server, spread::Scenario::Distinct { subjects: at }, count(100_000))
            }
            Curve::Idle => {
                let mut links = Vec::new();
                idle::open(server, Transport::WEBSOCKET, usize::try_from(at)?, &mut links)?;
                // Servers ping each new client once, a moment after it came: none of that is to fall into the measurement.
                process::resident_when_quiet(server.pid(), if quick { 1 } else { 12 })?;
                fan_out(100, text, Pattern::OneByOne { count: count(300) })
            }
        }
    }
}

/// Measures all curves. Returns the report, and writes the charts beside `out`.
pub(crate) fn run(
    programs: &Programs,
    rounds: usize,
    quick: bool,
    out: Option<&Path>,
) -> anyhow::Result<String> {
    // Some files are not connections.
    let connections = process::raise_open_files()?.saturating_sub(100);
    let mut text = String::new();
    for curve in Curve::ALL {
        let points = curve.points(connections, quick);
        let rows = rows(programs, curve, &points, rounds, quick)?;
        text += &report::markdown(&rows);
        if let Some(out) = out {
            text +=
                &figures::write_svg(out, curve.name(), curve.title(), &lines(curve, &points, &rows).svg())?;
        }
    }
    Ok(text)
}

fn rows(
    programs: &Programs,
    curve: Curve,
    points: &[u64],
    rounds: usize,
    quick: bool,
) -> anyhow::Result<Vec<Row>> {
    let mut all = Vec::new();
    for &at in points {
        let name = format!("{} {}", label(at), curve.x_axis());
        let mut samples = Vec::new();
        for _ in 0..rounds {
            for kind in [Kind::Dunlin, Kind::Official].into_iter().filter(|&kind| programs.has(kind, false)) {
                let server = programs.start(kind, false)?;
                let mut sample =
                    curve.run(&server, at, quick).with_context(|| format!("{name}: {}", kind.name()))?;
                sample.retain(|&(figure, _)| figure == curve.figure());
                samples.push((kind, sample));
            }
        }
        let rows = report::rows(curve.title(), &name, &samples);
        rows.iter().for_each(|row| eprintln!("{}", report::line(row)));
        all.extend(rows);
    }
    Ok(all)
}

fn lines(curve: Curve, points: &[u64], rows: &[Row]) -> Lines {
    let values = |at: usize| rows.iter().filter_map(|row| Some(row.cells[at]?.median)).collect::<Vec<_>>();
    let series = Kind::ALL.into_iter().enumerate().map(|(at, kind)| (kind, values(at)));
    let (x_scale, y_scale) = curve.scales();
    Lines {
        title: curve.title().to_owned(),
        x_axis: curve.x_axis().to_owned(),
        y_axis: format!("server's {}", curve.figure().name()),
        points: points.iter().map(|&at| (at as f64, label(at))).collect(),
        series: series.filter(|(_, values)| !values.is_empty()).collect(),
        x_scale,
        y_scale,
    }
}

/// 1000000 as `1,000,000`.
fn label(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_parted() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_048_576, "1,048,576")] {
            assert_eq!(label(number), text);
        }
    }

    #[test]
    fn points_fit_into_the_files_that_there_are() {
        for connections in [1000, 8000, 19_900, 100_000] {
            for curve in [Curve::Subscribers, Curve::Idle] {
                let points = curve.points(connections, false);
                assert!(points.is_sorted_by(|a, b| a < b), "{points:?}");
                assert!(points.iter().all(|&at| at <= connections), "{points:?}");
            }
        }
    }
}
