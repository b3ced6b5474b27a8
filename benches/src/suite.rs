//! All scenarios, and their order.

use std::cell::OnceCell;

use anyhow::Context as _;

use crate::fairness;
use crate::fanout::{self, Pattern};
use crate::flood::Flood;
use crate::handshakes;
use crate::idle;
use crate::payload::Payload;
use crate::process;
use crate::publish;
use crate::report::{self, Row};
use crate::request;
use crate::sample::{Figure, Sample};
use crate::server::{Kind, Programs, Server};
use crate::spread;
use crate::storm;
use crate::transport::Transport;
use crate::workers;

/// How much is measured.
#[derive(Clone, Copy)]
pub(crate) struct Effort {
    /// In each, every server has its turn.
    pub(crate) rounds: usize,
    pub(crate) subscribers: usize,
    /// Numbers of messages, requests and connections are divided by this.
    pub(crate) divisor: u64,
    /// Idle connections, two numbers.
    pub(crate) idle: [usize; 2],
    /// How long a server has to be quiet before its memory is read, in quarters of a second.
    pub(crate) quiet_quarters: u32,
}

impl Effort {
    /// About fifteen minutes.
    pub(crate) const FULL: Effort =
        Effort { rounds: 4, subscribers: 200, divisor: 1, idle: [5000, 20_000], quiet_quarters: 4 };
    /// Some seconds: enough to see that everything arrives, too little for figures.
    pub(crate) const QUICK: Effort =
        Effort { rounds: 1, subscribers: 20, divisor: 25, idle: [50, 100], quiet_quarters: 1 };
}

pub(crate) struct Suite {
    programs: Programs,
    effort: Effort,
    /// Only scenarios that hold this text in their group or name.
    only: String,
    /// Files that a process may open.
    open_files: u64,
    rows: Vec<Row>,
}

pub(crate) const FAN_OUT: &str = "Fan-out";
const SINGLE: &str = "One to one";
const PUBLISH: &str = "Publishing without subscribers";
const REQUESTS: &str = "Request and reply";
const FAIRNESS: &str = "A flood beside quiet clients";
const HANDSHAKES: &str = "New connections";
const SUBJECTS: &str = "Many subjects and queue groups";
const STORM: &str = "A storm of clients that come back";
const WORKERS: &str = "Workers";
pub(crate) const IDLE: &str = "Idle connections";

impl Suite {
    pub(crate) fn new(programs: Programs, effort: Effort, only: String) -> anyhow::Result<Suite> {
        let open_files = process::raise_open_files()?;
        Ok(Suite { programs, effort, only, open_files, rows: Vec::new() })
    }

    /// Runs all; what has been measured stays in [`Suite::rows`] whatever happens.
    pub(crate) fn run(&mut self) -> anyhow::Result<()> {
        let clear = Fleet::new(false);
        self.fan_out(&clear)?;
        self.one_to_one(&clear)?;
        self.publish(&clear)?;
        self.requests(&clear)?;
        self.spread(&clear)?;
        self.fairness(&clear)?;
        self.storm(&clear)?;
        self.handshakes(&clear, &[(Transport::WEBSOCKET, false), (Transport::COMPRESSED, false)])?;
        drop(clear);
        let tls = Fleet::new(true);
        self.fan_out_tls(&tls)?;
        self.handshakes(&tls, &[(Transport::TLS, false), (Transport::TLS, true)])?;
        drop(tls);
        self.workers()?;
        self.many_subscriptions()?;
        for transport in [Transport::WEBSOCKET, Transport::COMPRESSED, Transport::TLS] {
            self.idle(transport)?;
        }
        Ok(())
    }

    pub(crate) fn rows(&self) -> &[Row] {
        &self.rows
    }

    fn patterns(&self) -> [Pattern; 3] {
        let divisor = self.effort.divisor;
        [
            Pattern::Bursts { messages: 400, count: (10 / divisor).max(1) },
            Pattern::OneByOne { count: 300 / divisor },
            Pattern::Rate { per_second: 100, count: 120 / divisor },
        ]
    }

    fn fan_out(&mut self, fleet: &Fleet) -> anyhow::Result<()> {
        let [bursts, one_by_one, rate] = self.patterns();
        let text = Payload::Text(128);
        self.fan_out_of(fleet, Transport::WEBSOCKET, text, false, &[bursts, one_by_one, rate])?;
        self.fan_out_of(fleet, Transport::BROWSER, text, false, &[bursts])?;
        self.fan_out_of(fleet, Transport::TCP, text, false, &[bursts, one_by_one])?;
        self.fan_out_of(fleet, Transport::WEBSOCKET, Payload::Json, false, &[bursts, one_by_one, rate])?;
        self.fan_out_of(fleet, Transport::COMPRESSED, Payload::Json, false, &[bursts, one_by_one, rate])?;
        self.fan_out_of(fleet, Transport::BROWSER_COMPRESSED, Payload::Json, false, &[bursts, one_by_one])?;
        self.fan_out_of(fleet, Transport::WEBSOCKET, Payload::Json, true, &[bursts, one_by_one])?;
        self.fan_out_of(fleet, Transport::COMPRESSED, Payload::Json, true, &[bursts, one_by_one])?;
        self.fan_out_to_many(fleet)
    }

    fn fan_out_to_many(&mut self, fleet: &Fleet) -> anyhow::Result<()> {
        let scenario = fanout::Scenario {
            subscribers: 10 * self.effort.subscribers,
            payload: Payload::Text(128),
            transport: Transport::WEBSOCKET,
            different_sids: false,
        };
        let divisor = self.effort.divisor;
        let bursts = Pattern::Bursts { messages: 100, count: (4 / divisor).max(1) };
        for pattern in [bursts, Pattern::OneByOne { count: 50 / divisor }] {
            self.measure(FAN_OUT, &format!("{scenario}, {pattern}"), fleet, |server| {
                fanout::run(server, scenario, pattern).map(Some)
            })?;
        }
        Ok(())
    }

    fn fan_out_tls(&mut self, fleet: &Fleet) -> anyhow::Result<()> {
        let [bursts, one_by_one, rate] = self.patterns();
        let text = Payload::Text(128);
        self.fan_out_of(fleet, Transport::TLS, text, false, &[bursts, one_by_one, rate])?;
        self.fan_out_of(fleet, Transport::TLS_COMPRESSED, Payload::Json, false, &[bursts, one_by_one])
    }

    fn fan_out_of(
        &mut self,
        fleet: &Fleet,
        transport: Transport,
        payload: Payload,
        different_sids: bool,
        patterns: &[Pattern],
    ) -> anyhow::Result<()> {
        let scenario =
            fanout::Scenario { subscribers: self.effort.subscribers, payload, transport, different_sids };
        for &pattern in patterns {
            self.measure(FAN_OUT, &format!("{scenario}, {pattern}"), fleet, |server| {
                // The floor knows only one sid.
                let can = server.kind != Kind::Floor || !different_sids;
                can.then(|| fanout::run(server, scenario, pattern)).transpose()
            })?;
        }
        Ok(())
    }

    fn one_to_one(&mut self, fleet: &Fleet) -> anyhow::Result<()> {
        let count = 1000 / self.effort.divisor;
        for len in [16, 128, 1024] {
            let scenario = fanout::Scenario {
                subscribers: 1,
                payload: Payload::Text(len),
                transport: Transport::TCP,
                different_sids: false,
            };
            let pattern = Pattern::Bursts { messages: 400, count };
            self.measure(SINGLE, &format!("{scenario}, {pattern}"), fleet, |server| {
                fanout::run(server, scenario, pattern).map(Some)
            })?;
        }
        Ok(())
    }

    fn publish(&mut self, fleet: &Fleet) -> anyhow::Result<()> {
        let (text, json) = (Payload::Text(128), Payload::Json);
        let scenarios = [
            (Transport::WEBSOCKET, text, 100),
            (Transport::WEBSOCKET, text, 1),
            (Transport::COMPRESSED, json, 1),
            (Transport::COMPRESSED, json, 100),
            (Transport::TCP, Payload::Text(16), 1),
            (Transport::TCP, text, 1),
            (Transport::TCP, Payload::Text(1024), 1),
        ];
        for (transport, payload, per_frame) in scenarios {
            let scenario = publish::Scenario { transport, payload, per_frame };
            let messages = 500_000 / self.effort.divisor;
            self.measure(PUBLISH, &scenario.to_string(), fleet, |server| {
                // The floor does not inflate.
                let can = server.kind != Kind::Floor || !transport.compressed;
                can.then(|| publish::run(server, scenario, messages)).transpose()
            })?;
        }
        Ok(())
    }

    fn requests(&mut self, fleet: &Fleet) -> anyhow::Result<()> {
        for transport in [Transport::TCP, Transport::WEBSOCKET] {
            for (requesters, requests) in [(1, 5000), (50, 400)] {
                let scenario = request::Scenario { transport, requesters };
                let requests = requests / self.effort.divisor;
                self.measure(REQUESTS, &scenario.to_string(), fleet, |server| {
                    // The floor gives every message to everybody else: with one requester that is who is to have it.
                    let can = server.kind != Kind::Floor || requesters == 1;
                    can.then(|| request::run(server, scenario, requests)).transpose()
                })?;
            }
        }
        Ok(())
    }

    fn spread(&mut self, fleet: &Fleet) -> anyhow::Result<()> {
        let scenarios = [
            (spread::Scenario::QueueGroup { members: 10 }, 100_000),
            (spread::Scenario::QueueGroup { members: 200 }, 100_000),
            (spread::Scenario::Wildcards { subjects: 1000 }, 20_000),
            (spread::Scenario::Churn { subjects: 1000 }, 20_000),
        ];
        for (scenario, messages) in scenarios {
            let messages = messages / self.effort.divisor;
            self.measure(SUBJECTS, &scenario.to_string(), fleet, |server| {
                // The floor knows neither subjects nor groups.
                let can = server.kind != Kind::Floor;
                can.then(|| spread::run(server, scenario, messages)).transpose()
            })?;
        }
        Ok(())
    }

    fn fairness(&mut self, fleet: &Fleet) -> anyhow::Result<()> {
        let clients = 1000 / usize::try_from(self.effort.divisor)?;
        let messages = 1200 / self.effort.divisor;
        for flood in [Flood::None, Flood::Elsewhere, Flood::Unheard, Flood::Heard] {
            let scenario = fairness::Scenario { clients, flood };
            self.measure(FAIRNESS, &scenario.to_string(), fleet, |server| {
                // The floor would give each client the messages of all.
                let can = server.kind != Kind::Floor;
                can.then(|| fairness::run(server, scenario, messages)).transpose()
            })?;
        }
        Ok(())
    }

    fn storm(&mut self, fleet: &Fleet) -> anyhow::Result<()> {
        let clients = 5000 / usize::try_from(self.effort.divisor)?;
        for transport in [Transport::WEBSOCKET, Transport::COMPRESSED] {
            let scenario = storm::Scenario { transport, clients };
            self.measure(STORM, &scenario.to_string(), fleet, |server| {
                storm::run(server, scenario).map(Some)
            })?;
        }
        Ok(())
    }

    fn workers(&mut self) -> anyhow::Result<()> {
        let divisor = self.effort.divisor;
        let fan_out = fanout::Scenario {
            subscribers: self.effort.subscribers,
            payload: Payload::Text(128),
            transport: Transport::WEBSOCKET,
            different_sids: false,
        };
        let bursts = Pattern::Bursts { messages: 400, count: 100 / divisor };
        self.workers_of(workers::Scenario::Publish { messages: 10_000_000 / divisor })?;
        self.workers_of(workers::Scenario::FanOut(fan_out, bursts))?;
        self.workers_of(workers::Scenario::Groups { bursts: 1000 / divisor })
    }

    /// One scenario with each number of workers, on servers of their own that stay for all rounds.
    fn workers_of(&mut self, scenario: workers::Scenario) -> anyhow::Result<()> {
        let names = workers::COUNTS.map(|count| {
            let plural = if count == 1 { "" } else { "s" };
            format!("{scenario}, {count} worker{plural}")
        });
        if !names.iter().any(|name| self.wants(WORKERS, name)) {
            return Ok(());
        }
        let kinds = [Kind::Dunlin, Kind::Official].into_iter();
        let start = |kind| -> anyhow::Result<[Server; 2]> {
            let [one, two] = workers::COUNTS.map(|count| self.programs.start_with_workers(kind, count));
            Ok([one?, two?])
        };
        let servers: Vec<_> =
            kinds.filter(|&kind| self.programs.has(kind, false)).map(start).collect::<Result<_, _>>()?;
        let mut samples: [Vec<(Kind, Sample)>; 2] = Default::default();
        for _ in 0..self.effort.rounds {
            for [one, two] in &servers {
                let run = |server: &Server| {
                    workers::run(server, scenario)
                        .with_context(|| format!("{WORKERS}: {scenario}: {}", server.kind.name()))
                };
                let (alone, mut both) = (run(one)?, run(two)?);
                // The official server's work moves from thread to thread: what one of them did says nothing.
                if one.kind == Kind::Dunlin {
                    both.extend(workers::speed_up(&alone, &both).map(|times| (Figure::SpeedUp, times)));
                }
                samples[0].push((one.kind, alone));
                samples[1].push((two.kind, both));
            }
        }
        for (name, samples) in names.iter().zip(&samples) {
            self.add(report::rows(WORKERS, name, samples));
        }
        Ok(())
    }

    /// Once, on fresh servers: their memory counts.
    fn many_subscriptions(&mut self) -> anyhow::Result<()> {
        let Effort { divisor, quiet_quarters, .. } = self.effort;
        let scenario = spread::Scenario::Distinct { subjects: 1_000_000 / divisor };
        let messages = 100_000 / divisor;
        self.measure_fresh(SUBJECTS, &scenario.to_string(), &[Kind::Dunlin, Kind::Official], |server| {
            spread::run_with_memory(server, scenario, messages, quiet_quarters)
        })
    }

    fn handshakes(&mut self, fleet: &Fleet, kinds: &[(Transport, bool)]) -> anyhow::Result<()> {
        for &(transport, resume) in kinds {
            let scenario = handshakes::Scenario { transport, resume };
            let count = 2000 / self.effort.divisor;
            self.measure(HANDSHAKES, &scenario.to_string(), fleet, |server| {
                handshakes::run(server, scenario, count).map(Some)
            })?;
        }
        Ok(())
    }

    /// A fresh server for each transport, since a server that has worked has memory to spare.
    fn idle(&mut self, transport: Transport) -> anyhow::Result<()> {
        // Both ends need a file for each connection, and some besides.
        let most = usize::try_from(self.open_files)?.saturating_sub(100);
        let counts = self.effort.idle.map(|count| count.min(most));
        let names = counts.map(|count| format!("{count} {transport}"));
        let mut samples: [Vec<(Kind, Sample)>; 2] = Default::default();
        let wanted = names.iter().any(|name| self.wants(IDLE, name));
        for kind in Kind::ALL.into_iter().filter(|_| wanted) {
            if !self.programs.has(kind, transport.tls) {
                continue;
            }
            let server = self.programs.start(kind, transport.tls)?;
            let base = process::resident_when_quiet(server.pid(), self.effort.quiet_quarters)?;
            let mut links = Vec::new();
            for (count, samples) in counts.into_iter().zip(&mut samples) {
                idle::open(&server, transport, count, &mut links)
                    .with_context(|| format!("{IDLE}: {count} {transport}: {}", kind.name()))?;
                let resident = process::resident_when_quiet(server.pid(), self.effort.quiet_quarters)?;
                let each = resident.saturating_sub(base) as f64 / count as f64;
                samples.push((kind, vec![(Figure::Resident("connection"), each)]));
            }
        }
        for (name, samples) in names.iter().zip(&samples) {
            self.add(report::rows(IDLE, name, samples));
        }
        Ok(())
    }

    /// Runs a scenario on each server in each round. `run` answers `None` for a server that cannot do it.
    fn measure(
        &mut self,
        group: &'static str,
        name: &str,
        fleet: &Fleet,
        run: impl Fn(&Server) -> anyhow::Result<Option<Sample>>,
    ) -> anyhow::Result<()> {
        if !self.wants(group, name) {
            return Ok(());
        }
        let mut samples = Vec::new();
        for _ in 0..self.effort.rounds {
            for server in fleet.servers(&self.programs)? {
                let sample =
                    run(server).with_context(|| format!("{group}: {name}: {}", server.kind.name()))?;
                samples.extend(sample.map(|sample| (server.kind, sample)));
            }
        }
        self.add(report::rows(group, name, &samples));
        Ok(())
    }

    /// Runs a scenario once on a fresh server of each kind.
    fn measure_fresh(
        &mut self,
        group: &'static str,
        name: &str,
        kinds: &[Kind],
        run: impl Fn(&Server) -> anyhow::Result<Sample>,
    ) -> anyhow::Result<()> {
        if !self.wants(group, name) {
            return Ok(());
        }
        let mut samples = Vec::new();
        for &kind in kinds.iter().filter(|&&kind| self.programs.has(kind, false)) {
            let server = self.programs.start(kind, false)?;
            let sample = run(&server).with_context(|| format!("{group}: {name}: {}", kind.name()))?;
            samples.push((kind, sample));
        }
        self.add(report::rows(group, name, &samples));
        Ok(())
    }

    fn wants(&self, group: &str, name: &str) -> bool {
        format!("{group}: {name}").contains(&self.only)
    }

    fn add(&mut self, rows: Vec<Row>) {
        for row in &rows {
            eprintln!("{}", report::line(row));
        }
        self.rows.extend(rows);
    }
}

/// A server of each kind with the same configuration, started when they are needed first.
struct Fleet {
    tls: bool,
    servers: OnceCell<Vec<Server>>,
}

impl Fleet {
    fn new(tls: bool) -> Fleet {
        Fleet { tls, servers: OnceCell::new() }
    }

    fn servers(&self, programs: &Programs) -> anyhow::Result<&[Server]> {
        if let Some(servers) = self.servers.get() {
            return Ok(servers);
        }
        let servers = programs.start_all(self.tls)?;
        Ok(self.servers.get_or_init(|| servers))
    }
}
