//! Chromium, as the system packages it, and `certutil`, which tells it whom to trust.

use super::{Outcome, debian};

/// The names that each program has, and the packages of Debian that it comes in.
const PROGRAMS: [(&str, &[&str], &[&str]); 2] = [
    ("chromium", &["chromium", "chromium-browser"], &["chromium", "fonts-liberation"]),
    ("certutil", &["certutil"], &["libnss3-tools"]),
];

pub(super) fn install() -> Vec<Outcome> {
    PROGRAMS.map(|(name, names, packages)| (name, debian::find_or_install(name, names, packages))).into()
}
