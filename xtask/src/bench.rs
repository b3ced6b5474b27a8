//! `bench`: the criterion benches of the protocol crates.

use anyhow::Result;

use crate::{shell, workspace};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Bench only this package, for example dunlin-websocket
    #[arg(long, short)]
    package: Option<String>,
    /// Passed on to criterion: a filter, or for example --save-baseline NAME
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let all = workspace::NO_STD_CRATES.map(str::to_owned).to_vec();
    let packages = arguments.package.clone().map_or(all, |package| vec![package]);
    let mut command = shell::cargo();
    command.args(["bench", "--all-features", "--bench", "*"]);
    for package in &packages {
        command.args(["--package", package]);
    }
    shell::run(command.arg("--").args(&arguments.rest))
}
