//! `e2e`: only the tests with real clients.

use anyhow::Result;

use crate::{peers, test};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Passed on to the test runner: a part of a test's name, or for example --nocapture
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    peers::run()?;
    test::run_tests(&["--test", "blackbox"], &arguments.rest)
}
