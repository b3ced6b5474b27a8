//! The `nats` command line, which is built from its Go module.

use std::process::Command;

use super::{Outcome, Stamp};
use crate::{shell, workspace};

pub(super) fn install() -> Vec<Outcome> {
    let program = workspace::peers_dir().join("bin/nats");
    let result = shell::find("go").and_then(|go| {
        Stamp::new("nats-cli").file("tests/go/go.mod")?.file("tests/go/go.sum")?.install(&program, |log| {
            let mut command = Command::new(&go);
            command.current_dir(workspace::root().join("tests/go"));
            command.env("GOBIN", workspace::peers_dir().join("bin")).env("GOFLAGS", "-buildvcs=false");
            // The version is that of go.mod. Without symbols it links in less time.
            command.args(["install", "-ldflags=-s -w", "github.com/nats-io/natscli/nats"]);
            shell::run_logged(&mut command, log)
        })
    });
    vec![("nats-cli", result)]
}
