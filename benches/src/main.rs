//! Measures what a fan-out costs a server, in CPU time of its process.
//!
//! One publisher, N subscribers of one subject, over WebSocket or TCP. Every message is checked at every subscriber:
//! each arrives once, in order, unaltered. The same generator drives dunlin, the official server and the [`floor`].

mod cpu;
mod floor;
mod generator;
mod server;
mod subscriber;

use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Parser, Subcommand};

use generator::{Pattern, Scenario};
use server::Server;

#[derive(Parser)]
#[command(about, version)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Fan-out: CPU per delivery of dunlin, the official server and the floor, interleaved.
    Fanout {
        /// The dunlin binary.
        #[arg(long)]
        dunlin: PathBuf,
        /// The official server's binary; left out: not measured.
        #[arg(long)]
        official: Option<PathBuf>,
        /// Subscribers.
        #[arg(long, default_value_t = 200)]
        subscribers: usize,
        /// Payload bytes.
        #[arg(long, default_value_t = 128)]
        payload: usize,
        /// NATS over TCP instead of WebSocket.
        #[arg(long)]
        tcp: bool,
        /// Rounds; in each, every server has its turn.
        #[arg(long, default_value_t = 4)]
        rounds: usize,
    },
    /// Runs the floor on this port: what the kernel alone costs.
    Floor {
        /// The port of 127.0.0.1 for NATS over TCP; WebSocket is on the next one.
        port: u16,
    },
}

fn main() -> anyhow::Result<()> {
    match Args::parse().command {
        Command::Floor { port } => floor::run(port),
        Command::Fanout { dunlin, official, subscribers, payload, tcp, rounds } => {
            let mut servers = vec![Server::dunlin(&dunlin)?];
            if let Some(official) = official {
                servers.push(Server::official(&official)?);
            }
            servers.push(Server::floor()?);
            fanout(&servers, Scenario { subscribers, payload, websocket: !tcp }, rounds)
        }
    }
}

fn fanout(servers: &[Server], scenario: Scenario, rounds: usize) -> anyhow::Result<()> {
    println!("{scenario}: server CPU per delivery in µs, median of {rounds} interleaved rounds");
    for pattern in [Pattern::Bursts { messages: 400, count: 40 }, Pattern::OneByOne { count: 1500 }] {
        let mut costs = vec![Vec::new(); servers.len()];
        for _ in 0..rounds {
            for (server, costs) in servers.iter().zip(&mut costs) {
                let cost = generator::run(server, scenario, pattern)
                    .with_context(|| format!("{} in {pattern}", server.name))?;
                costs.push(cost);
            }
        }
        for (server, mut costs) in servers.iter().zip(costs) {
            costs.sort_by(f64::total_cmp);
            let (low, high) = (costs[0], costs[costs.len() - 1]);
            println!(
                "{pattern:>12}  {:<9} {:>8.3}  ({low:.3} to {high:.3})",
                server.name,
                costs[costs.len() / 2]
            );
        }
    }
    Ok(())
}
