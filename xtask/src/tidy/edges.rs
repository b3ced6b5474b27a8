//! Which crate may depend on which: layers point one way.

use super::{Finding, Package, line_of};

const RULE: &str = "crate-edges";

/// One row for each crate with limits on what it may know of the others.
struct Row {
    package: &'static str,
    /// The crates of this project that it may depend on.
    allowed: &'static [&'static str],
    /// Those that its tests may use besides.
    allowed_in_tests: &'static [&'static str],
}

const fn row(package: &'static str, allowed: &'static [&'static str]) -> Row {
    Row { package, allowed, allowed_in_tests: &[] }
}

const TABLE: [Row; 14] = [
    // Layer 0: each stands on its own.
    row("dunlin-websocket", &[]),
    row("dunlin-permessage-deflate", &[]),
    row("dunlin-nats-protocol", &[]),
    row("dunlin-subject", &[]),
    row("dunlin-conf", &[]),
    row("dunlin-proxy-protocol", &[]),
    row("dunlin-forwarded", &[]),
    // Layer 1: no socket, file, thread or clock.
    row("dunlin-broker", &["dunlin-subject"]),
    row("dunlin-auth", &[]),
    row("dunlin-session", &["dunlin-auth", "dunlin-broker", "dunlin-nats-protocol", "dunlin-subject"]),
    row(
        "dunlin-worker",
        &[
            "dunlin-auth",
            "dunlin-broker",
            "dunlin-session",
            "dunlin-nats-protocol",
            "dunlin-subject",
            "dunlin-websocket",
            "dunlin-permessage-deflate",
            "dunlin-proxy-protocol",
            "dunlin-forwarded",
        ],
    ),
    row("dunlin-monitor", &[]),
    // Layer 2: the edge.
    Row {
        package: "dunlin-server",
        allowed: &[
            "dunlin-auth",
            "dunlin-conf",
            "dunlin-monitor",
            "dunlin-nats-protocol",
            "dunlin-session",
            "dunlin-worker",
            "dunlin-broker",
            "dunlin-websocket",
            "dunlin-forwarded",
        ],
        allowed_in_tests: &["dunlin-testkit"],
    },
    row(
        "dunlin-testkit",
        &[
            "dunlin-auth",
            "dunlin-worker",
            "dunlin-session",
            "dunlin-broker",
            "dunlin-nats-protocol",
            "dunlin-subject",
            "dunlin-websocket",
            "dunlin-permessage-deflate",
        ],
    ),
];

/// Packages that nothing depends on: they may use whatever they need.
const FREE: [&str; 8] = [
    "dunlin-tests",
    "dunlin-examples",
    "dunlin-fuzz",
    "dunlin-bench",
    "dunlin-compare",
    "dunlin-cost",
    "dunlin-no-std",
    "xtask",
];

/// What only the edge may see: sockets, signals and system calls.
const EDGE_ONLY: [&str; 3] = ["mio", "signal-hook", "socket2"];
const EDGE: &str = "dunlin-server";

pub(super) fn check(packages: &[Package]) -> Vec<Finding> {
    packages.iter().flat_map(check_package).collect()
}

fn check_package(package: &Package) -> Vec<Finding> {
    if FREE.contains(&package.name.as_str()) {
        return Vec::new();
    }
    let find = |needle: &str, advice: String| Finding {
        file: package.manifest.clone(),
        line: line_of(&package.manifest_text, needle),
        rule: RULE,
        advice,
    };
    let ours = |name: &str| name.starts_with("dunlin-");
    let Some(row) = TABLE.iter().find(|row| row.package == package.name) else {
        if !ours(&package.name) {
            return Vec::new();
        }
        let advice = format!(
            "{} has no row in xtask/src/tidy/edges.rs: say there what it may depend on",
            package.name
        );
        return vec![find("name", advice)];
    };
    let mut findings = Vec::new();
    for dependency in &package.dependencies {
        let name = dependency.name.as_str();
        if EDGE_ONLY.contains(&name) && package.name != EDGE {
            let advice = format!(
                "only {EDGE} may depend on {name}: pass what it learns from there into {}",
                package.name
            );
            findings.push(find(name, advice));
        }
        let allowed = row.allowed.contains(&name) || dependency.dev && row.allowed_in_tests.contains(&name);
        if ours(name) && !allowed {
            let kind = if dependency.dev { "in its tests " } else { "" };
            let advice = format!(
                "{} may not depend {kind}on {name}: move the code to the layer it belongs to",
                package.name
            );
            findings.push(find(name, advice));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::Dependency;
    use super::*;

    fn findings(name: &str, dependencies: &[(&str, bool)]) -> Vec<Finding> {
        let manifest_text = dependencies.iter().map(|(name, _)| format!("{name} = \"1\"\n")).collect();
        let dependencies =
            dependencies.iter().map(|&(name, dev)| Dependency { name: name.to_owned(), dev }).collect();
        check(&[Package {
            name: name.to_owned(),
            manifest: "crates/x/Cargo.toml".to_owned(),
            manifest_text,
            dependencies,
            crate_roots: Vec::new(),
        }])
    }

    #[test]
    fn edges_of_the_table_pass() {
        assert_eq!(findings("dunlin-broker", &[("dunlin-subject", false), ("hashbrown", false)]), []);
        assert_eq!(findings("dunlin-server", &[("mio", false), ("dunlin-testkit", true)]), []);
        assert_eq!(findings("dunlin-tests", &[("dunlin-websocket", false), ("mio", false)]), []);
    }

    #[test]
    fn an_edge_that_is_not_in_the_table_is_found_at_its_line() {
        let found = findings("dunlin-subject", &[("memchr", false), ("dunlin-broker", false)]);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].line, found[0].rule), (2, RULE));
    }

    #[test]
    fn an_edge_of_the_tests_counts_as_one() {
        assert_eq!(findings("dunlin-websocket", &[("dunlin-testkit", true)]).len(), 1);
        assert_eq!(findings("dunlin-server", &[("dunlin-testkit", false)]).len(), 1);
    }

    #[test]
    fn sockets_belong_to_the_edge() {
        assert_eq!(findings("dunlin-worker", &[("mio", false)]).len(), 1);
    }

    #[test]
    fn a_new_crate_needs_a_row() {
        assert_eq!(findings("dunlin-new", &[]).len(), 1);
    }
}
