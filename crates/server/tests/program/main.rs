//! The program from outside: command line, configuration files, log, signals and files.

#![expect(clippy::unwrap_used, reason = "a test")]

mod command_line;
mod configuration;
mod demonstration;
mod listeners;
mod process;
mod support;
