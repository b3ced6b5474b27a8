//! Bar and line charts as SVG that reads on light and on dark pages.

use std::fmt::Write as _;

use crate::report::number;
use crate::server::Kind;

/// Horizontal bars from zero, a group of them for each scenario.
pub(crate) struct Bars {
    pub(crate) title: String,
    /// What the values are, with their unit.
    pub(crate) axis: String,
    pub(crate) groups: Vec<Group>,
}

/// The bars of one scenario.
pub(crate) struct Group {
    pub(crate) name: String,
    pub(crate) bars: Vec<(Kind, f64)>,
}

/// A line for each server.
pub(crate) struct Lines {
    pub(crate) title: String,
    pub(crate) x_axis: String,
    pub(crate) y_axis: String,
    /// Where something was measured, and how that is called. In ascending order; above zero with a logarithmic axis.
    pub(crate) points: Vec<(f64, String)>,
    /// Values at these points.
    pub(crate) series: Vec<(Kind, Vec<f64>)>,
    pub(crate) x_scale: Scale,
    pub(crate) y_scale: Scale,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scale {
    Linear,
    Log,
}

const WIDTH: f64 = 760.0;
const STYLE: &str = "<style>
text { font: 13px system-ui, sans-serif; fill: #1f2937 }
.title { font-size: 15px; font-weight: 600 } .end { text-anchor: end } .middle { text-anchor: middle }
.page { fill: #ffffff } .grid { stroke: #d1d5db; stroke-width: 1 } .line { fill: none; stroke-width: 2 }
.dunlin { fill: #2563eb } .official { fill: #d97706 } .floor { fill: #6b7280 }
.line.dunlin { stroke: #2563eb; fill: none } .line.official { stroke: #d97706; fill: none } .line.floor { stroke: #6b7280; fill: none }
@media (prefers-color-scheme: dark) {
text { fill: #e5e7eb } .page { fill: #0d1117 } .grid { stroke: #374151 }
.dunlin { fill: #60a5fa } .official { fill: #fbbf24 } .floor { fill: #9ca3af }
.line.dunlin { stroke: #60a5fa } .line.official { stroke: #fbbf24 } .line.floor { stroke: #9ca3af }
}
</style>
";

/// Writes a line to a `String`, which does not fail.
macro_rules! put {
    ($out:expr, $($what:tt)*) => { let _ = writeln!($out, $($what)*); };
}

fn open(height: f64, title: &str) -> String {
    let title = escaped(title);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" role=\"img\">\n\
         <title>{title}</title>\n{STYLE}<rect class=\"page\" width=\"{WIDTH}\" height=\"{height}\" rx=\"6\"/>\n\
         <text class=\"title\" x=\"16\" y=\"26\">{title}</text>\n"
    )
}

/// The servers' colours, in one line below the title.
fn legend(out: &mut String, kinds: &[Kind]) {
    for (at, kind) in kinds.iter().enumerate() {
        let (name, x) = (kind.name(), 16 + 90 * at);
        put!(out, "<rect class=\"{name}\" x=\"{x}\" y=\"38\" width=\"12\" height=\"12\" rx=\"2\"/>");
        put!(out, "<text x=\"{}\" y=\"49\">{name}</text>", x + 18);
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

impl Bars {
    pub(crate) fn svg(&self) -> String {
        const LEFT: f64 = 330.0;
        const BAR: f64 = 15.0;
        const GAP: f64 = 14.0;
        let bars = || self.groups.iter().flat_map(|group| &group.bars);
        let height = 100.0 + bars().count() as f64 * BAR + self.groups.len() as f64 * GAP;
        // Behind the longest bar stands its value.
        let unit = (WIDTH - LEFT - 70.0) / bars().map(|&(_, value)| value).fold(f64::MIN_POSITIVE, f64::max);
        let mut out = open(height, &self.title);
        let has = |&kind: &Kind| bars().any(|&(of, _)| of == kind);
        legend(&mut out, &Kind::ALL.into_iter().filter(has).collect::<Vec<_>>());
        let mut y = 66.0;
        for Group { name, bars } in &self.groups {
            let middle = y + bars.len() as f64 * BAR / 2.0 + 4.0;
            put!(out, "<text class=\"end\" x=\"{}\" y=\"{middle:.1}\">{}</text>", LEFT - 10.0, escaped(name));
            for &(kind, value) in bars {
                let (kind, len, text_y) = (kind.name(), (value * unit).max(1.0), y + BAR - 3.5);
                put!(
                    out,
                    "<rect class=\"{kind}\" x=\"{LEFT}\" y=\"{y:.1}\" width=\"{len:.1}\" height=\"{:.1}\"/>",
                    BAR - 2.0
                );
                put!(out, "<text x=\"{:.1}\" y=\"{text_y:.1}\">{}</text>", LEFT + len + 6.0, number(value));
                y += BAR;
            }
            y += GAP;
        }
        put!(out, "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{LEFT}\" y1=\"60\" y2=\"{:.1}\"/>", y - 6.0);
        put!(out, "<text x=\"16\" y=\"{:.1}\">{}</text>", height - 14.0, escaped(&self.axis));
        out + "</svg>\n"
    }
}

const LEFT: f64 = 70.0;
const RIGHT: f64 = WIDTH - 30.0;
const TOP: f64 = 90.0;
const BOTTOM: f64 = 350.0;

impl Lines {
    pub(crate) fn svg(&self) -> String {
        let mut out = open(400.0, &self.title);
        legend(&mut out, &self.series.iter().map(|&(kind, _)| kind).collect::<Vec<_>>());
        put!(out, "<text x=\"16\" y=\"76\">{}</text>", escaped(&self.y_axis));
        let middle = f64::midpoint(LEFT, RIGHT);
        put!(out, "<text class=\"middle\" x=\"{middle}\" y=\"390\">{}</text>", escaped(&self.x_axis));
        let values = || self.series.iter().flat_map(|(_, values)| values).copied();
        let ticks = ticks(self.y_scale, values().fold(f64::MAX, f64::min), values().fold(0.0, f64::max));
        let (low, high) = (ticks[0], ticks[ticks.len() - 1]);
        let y = |value| BOTTOM - (BOTTOM - TOP) * share(self.y_scale, low, high, value);
        for tick in ticks {
            let at = y(tick);
            put!(out, "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{RIGHT}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>");
            put!(out, "<text class=\"end\" x=\"{}\" y=\"{:.1}\">{tick}</text>", LEFT - 8.0, at + 4.0);
        }
        let edge = |at: Option<&(f64, String)>| at.map_or(1.0, |&(x, _)| x);
        let (first, last) = (edge(self.points.first()), edge(self.points.last()));
        let x = |value| LEFT + 10.0 + (RIGHT - LEFT - 40.0) * share(self.x_scale, first, last, value);
        for (value, name) in &self.points {
            let at = x(*value);
            put!(
                out,
                "<text class=\"middle\" x=\"{at:.1}\" y=\"{}\">{}</text>",
                BOTTOM + 18.0,
                escaped(name)
            );
        }
        for (kind, values) in &self.series {
            let places: Vec<(f64, f64)> =
                self.points.iter().zip(values).map(|(&(at, _), &value)| (x(at), y(value))).collect();
            let path: Vec<String> = places.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
            put!(out, "<polyline class=\"line {}\" points=\"{}\"/>", kind.name(), path.join(" "));
            for (x, y) in places {
                put!(out, "<circle class=\"{}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.5\"/>", kind.name());
            }
        }
        out + "</svg>\n"
    }
}

/// Where a value lies between two others.
fn share(scale: Scale, low: f64, high: f64, value: f64) -> f64 {
    let place = |value: f64| if scale == Scale::Log { value.ln() } else { value };
    let width = place(high) - place(low);
    if width > 0.0 { (place(value) - place(low)) / width } else { 0.0 }
}

/// Round values from below the lowest (or from zero) to above the highest.
fn ticks(scale: Scale, low: f64, high: f64) -> Vec<f64> {
    let high = high.max(1e-6);
    match scale {
        Scale::Log => {
            let (first, last) = (low.clamp(1e-6, high).log10().floor(), high.log10().ceil());
            let count = (last - first).max(1.0) as i32;
            (0..=count).map(|at| power(first as i32 + at)).collect()
        }
        Scale::Linear => {
            let power = power((high / 5.0).log10().floor() as i32);
            let step = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power);
            let step = step.into_iter().find(|step| step * 5.0 >= high).unwrap_or(high);
            let count = (high / step).ceil() as i32;
            // Rounded, so that 3 times 0.1 reads 0.3.
            (0..=count).map(|at| (f64::from(at) * step * 1e6).round() / 1e6).collect()
        }
    }
}

fn power(exponent: i32) -> f64 {
    // Exact for what is printed, unlike `powi` with a negative exponent.
    format!("1e{exponent}").parse().unwrap_or(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_hold_all_values() {
        assert_eq!(ticks(Scale::Linear, 0.1, 0.93), [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]);
        assert_eq!(ticks(Scale::Linear, 3.0, 12.0), [0.0, 5.0, 10.0, 15.0]);
        assert_eq!(ticks(Scale::Log, 0.03, 4.0), [0.01, 0.1, 1.0, 10.0]);
        assert_eq!(ticks(Scale::Log, 1.0, 1.0), [1.0, 10.0]);
    }

    #[test]
    fn a_place_is_a_share_of_the_axis() {
        assert!((share(Scale::Log, 1.0, 100.0, 10.0) - 0.5).abs() < 1e-9);
        assert!((share(Scale::Linear, 0.0, 100.0, 10.0) - 0.1).abs() < 1e-9);
        assert!(share(Scale::Linear, 5.0, 5.0, 5.0).abs() < 1e-9, "a single point");
    }

    #[test]
    fn a_bar_is_as_long_as_its_value() {
        let group =
            Group { name: "a < b".to_owned(), bars: vec![(Kind::Dunlin, 1.0), (Kind::Official, 4.0)] };
        let svg = Bars { title: "T".to_owned(), axis: "µs".to_owned(), groups: vec![group] }.svg();
        assert!(svg.contains("a &lt; b"));
        assert!(svg.contains("width=\"90.0\"") && svg.contains("width=\"360.0\""), "{svg}");
    }
}
