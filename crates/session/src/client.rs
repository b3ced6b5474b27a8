//! The session of a NATS client.

use core::time::Duration;
use std::net::IpAddr;
use std::sync::Arc;

use dunlin_auth::{Certificate, ConnectionType, Credentials, Identity, Rules};
use dunlin_broker::Message;
use dunlin_nats_protocol::{
    ClientOp, Connect, Info, Limits, Parser, Publish, ServerOp, Subscribe, encode_err,
};
use dunlin_subject::{Filter, Subject};
use serde::de::DeserializeSeed as _;

use crate::client_auth::Admission;
use crate::client_trace;
use crate::keep_alive::{KeepAlive, Tick};
use crate::{Capabilities, CloseReason, Commands, Description, Dialect, Instant, Session};

/// What holds for every NATS client of a listener.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// Limits of the protocol's grammar.
    pub limits: Limits,
    /// The most subscriptions of one client; 0: any number.
    pub subscriptions_max: usize,
    /// The most tokens of a subscription's subject; `None`: any number.
    pub subscription_tokens_max: Option<usize>,
    /// How long a client may be silent before it is sent a PING.
    pub ping_interval: Duration,
    /// How many PINGs may go unanswered.
    pub pings_out_max: u32,
    /// Who may connect.
    pub auth: Rules,
    /// How long a client has for saying who it is, where it has to (nats: `authorization { timeout }`).
    pub auth_timeout: Duration,
    /// How clients of the listener are connected: users may be restricted to some of these types.
    pub connection: ConnectionType,
    /// What INFO says, but for the fields that are the client's own.
    pub info: Info,
}

/// What the server knows of a client before it says anything.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    /// The connection's number (nats: INFO `client_id`).
    pub client_id: u64,
    /// Where it comes from (nats: INFO `client_ip`).
    pub ip: IpAddr,
    /// A random number, which spreads the first pings of clients that came together.
    pub jitter: u64,
}

/// A NATS client: greets it with INFO, reads its ops, keeps its options, and pings it.
pub struct Client {
    pub(crate) config: Arc<ClientConfig>,
    parser: Parser,
    client_id: u64,
    ip: IpAddr,
    pub(crate) admission: Admission,
    options: Options,
    /// What the client said about itself. Apart, because most of a server's connections are idle, and small.
    about: Option<Box<About>>,
    /// There was a CONNECT.
    pub(crate) is_connected: bool,
    /// INFO goes out once more behind the first PONG after CONNECT (nats: INFO `connect_info`).
    connect_info_due: bool,
    /// INFO may come at any time: the client has said so, and has had its first PONG.
    takes_info: bool,
    keep_alive: KeepAlive,
}

/// What the client asked for in CONNECT (nats: the defaults hold until then).
#[derive(Clone, Copy)]
struct Options {
    verbose: bool,
    pedantic: bool,
    headers: bool,
    echo: bool,
    no_responders: bool,
    protocol: i8,
}

impl Options {
    fn of(connect: &Connect) -> Options {
        let &Connect { verbose, pedantic, headers, echo, no_responders, protocol, .. } = connect;
        // Those that do not fit have been refused.
        let protocol = i8::try_from(protocol).unwrap_or_default();
        Options { verbose, pedantic, headers, echo, no_responders, protocol }
    }
}

/// Why INFO is sent.
#[derive(Clone, Copy)]
enum Occasion {
    Open,
    Connected,
    LameDuck,
}

struct About {
    name: String,
    lang: String,
    version: String,
}

impl Client {
    /// A client that has just connected.
    pub fn new(config: Arc<ClientConfig>, peer: Peer, now: Instant) -> Client {
        Client::with_credentials(config, peer, now, Credentials::default())
    }

    /// A client of whom the transport knows who it is: from cookies, say. What CONNECT names itself counts more.
    pub fn with_credentials(
        config: Arc<ClientConfig>,
        peer: Peer,
        now: Instant,
        presented: Credentials,
    ) -> Client {
        let admission = if config.auth.is_required() {
            Admission::awaited(now + config.auth_timeout, presented)
        } else {
            Admission::Open
        };
        Client {
            parser: Parser::new(config.limits),
            client_id: peer.client_id,
            ip: peer.ip,
            admission,
            options: Options::of(&Connect::default()),
            about: None,
            is_connected: false,
            connect_info_due: false,
            takes_info: false,
            keep_alive: KeepAlive::new(now, config.ping_interval, peer.jitter),
            config,
        }
    }

    fn send_info(&self, occasion: Occasion, commands: &mut dyn Commands) {
        let mut info = self.config.info.clone();
        info.client_id = self.client_id;
        info.client_ip = self.ip.to_string();
        match occasion {
            Occasion::Open => {}
            Occasion::Connected => {
                info.connect_info = true;
                info.remote_account = "$G".into();
            }
            Occasion::LameDuck => info.ldm = true,
        }
        // A struct of strings and numbers always has a JSON form.
        let json = serde_json::to_vec(&info).unwrap_or_default();
        let mut text = Vec::with_capacity(json.len() + 8);
        ServerOp::Info(&json).encode(&mut text);
        commands.reply(&text);
    }

    fn handle_op(
        &mut self,
        op: ClientOp<'_>,
        now: Instant,
        commands: &mut dyn Commands,
    ) -> Result<(), CloseReason> {
        if client_trace::is_on() {
            commands.trace(&client_trace::text(&op));
        }
        match op {
            ClientOp::Publish(publish) => self.handle_publish(publish, commands)?,
            ClientOp::Subscribe(subscribe) => self.handle_subscribe(subscribe, commands),
            ClientOp::Unsubscribe(unsubscribe) => {
                commands.unsubscribe(unsubscribe.sid, unsubscribe.max);
                self.acknowledge(commands);
            }
            ClientOp::Connect(json) => self.handle_connect(json, now, commands)?,
            ClientOp::Ping => {
                commands.reply(b"PONG\r\n");
                if core::mem::take(&mut self.connect_info_due) {
                    self.send_info(Occasion::Connected, commands);
                    self.takes_info = true;
                    if self.keep_alive.hasten(now, self.config.ping_interval) {
                        commands.reschedule();
                    }
                }
            }
            ClientOp::Pong => self.keep_alive.pong(now),
            ClientOp::Ok => {}
            ClientOp::Info(json) => {
                serde_json::from_slice::<Info>(json).map_err(|_| CloseReason::InfoSyntax)?;
            }
            ClientOp::Err(_) => return Err(CloseReason::ClientError),
        }
        Ok(())
    }

    fn acknowledge(&self, commands: &mut dyn Commands) {
        if self.options.verbose {
            commands.reply(b"+OK\r\n");
        }
    }

    /// Reads CONNECT. In a further one, what is not named stays as it was (nats 2.15).
    fn read_connect(&self, json: &[u8]) -> serde_json::Result<Connect> {
        let Options { verbose, pedantic, headers, echo, no_responders, protocol } = self.options;
        let so_far = Connect {
            verbose,
            pedantic,
            headers,
            echo,
            no_responders,
            protocol: protocol.into(),
            ..Connect::default()
        };
        let mut reader = serde_json::Deserializer::from_slice(json);
        let connect = so_far.deserialize(&mut reader)?;
        reader.end()?;
        Ok(connect)
    }

    fn handle_connect(
        &mut self,
        json: &[u8],
        now: Instant,
        commands: &mut dyn Commands,
    ) -> Result<(), CloseReason> {
        if self.keep_alive.begin(now, self.config.ping_interval) {
            commands.reschedule();
        }
        let connect = self.read_connect(json).ok().filter(|_| !has_control_in_string(json));
        self.admit(connect.ok_or(CloseReason::ConnectSyntax)?, now, commands)
    }

    /// What follows when a client is let in.
    pub(crate) fn finish_connect(
        &mut self,
        connect: Connect,
        commands: &mut dyn Commands,
    ) -> Result<(), CloseReason> {
        if !connect.account.is_empty() || connect.new_account {
            return Err(self.refuse_account(commands));
        }
        if !(0..=1).contains(&connect.protocol) {
            return Err(CloseReason::BadProtocolVersion);
        }
        let headers = connect.headers && self.config.info.headers;
        if connect.no_responders && !headers {
            return Err(CloseReason::NoRespondersNeedHeaders);
        }
        // nats 2.15: a second CONNECT starts over. What came before the first stays.
        if core::mem::replace(&mut self.is_connected, true) {
            commands.unsubscribe_all();
        }
        self.options = Options { headers, ..Options::of(&connect) };
        let Connect { echo, no_responders, protocol, name, lang, version, .. } = connect;
        commands.set_capabilities(Capabilities { headers, echo, no_responders });
        self.connect_info_due = protocol >= 1;
        self.takes_info = false;
        let is_silent = name.is_empty() && lang.is_empty() && version.is_empty();
        self.about = (!is_silent).then(|| Box::new(About { name, lang, version }));
        self.acknowledge(commands);
        Ok(())
    }

    fn handle_publish(
        &mut self,
        publish: Publish<'_>,
        commands: &mut dyn Commands,
    ) -> Result<(), CloseReason> {
        if publish.with_headers && !self.options.headers {
            return Err(CloseReason::HeadersNotSupported);
        }
        if is_reserved(publish.subject) {
            refuse(&[b"Permissions Violation for Publish to \"", publish.subject, b"\""], commands);
            return Ok(());
        }
        if let Some(reply) = publish.reply.filter(|reply| is_reserved_reply(reply)) {
            refuse(&[b"Permissions Violation for Publish with Reply of \"", reply, b"\""], commands);
            return Ok(());
        }
        let pedantic = self.options.pedantic;
        if pedantic && !Subject::parse(publish.subject).is_ok_and(Subject::is_literal) {
            // nats: the message is routed all the same.
            refuse(&[b"Invalid Publish Subject"], commands);
        }
        self.acknowledge(commands);
        commands.publish(Message {
            subject: publish.subject,
            reply: publish.reply,
            header_len: publish.with_headers.then_some(publish.header_len),
            payload: publish.payload,
        });
        Ok(())
    }

    fn handle_subscribe(&mut self, subscribe: Subscribe<'_>, commands: &mut dyn Commands) {
        let Subscribe { subject, queue, sid } = subscribe;
        // The checks in nats-server's order: it shows in which -ERR comes.
        let max = self.config.subscriptions_max;
        if max > 0 && commands.subscriptions() >= max {
            return refuse(&[b"maximum subscriptions exceeded"], commands);
        }
        let denied: &[u8] = b"Permissions Violation for Subscription to \"";
        let tokens = subject.split(|&byte| byte == b'.').count();
        if self.config.subscription_tokens_max.is_some_and(|max| tokens > max) {
            return refuse(&[denied, subject, b"\", too many tokens"], commands);
        }
        let Ok(filter) = Filter::parse(subject) else {
            return refuse(&[b"Invalid Subject"], commands);
        };
        if queue == Some(b"_sys_") {
            return refuse(&[denied, subject, b"\" using queue \"_sys_\""], commands);
        }
        commands.subscribe(filter, queue, sid);
        self.acknowledge(commands);
    }
}

/// Sends an `-ERR` that the connection survives.
fn refuse(text: &[&[u8]], commands: &mut dyn Commands) {
    let mut out = Vec::new();
    encode_err(&String::from_utf8_lossy(&text.concat()), &mut out);
    commands.reply(&out);
}

/// Whether a string of valid JSON holds a control character as it is (RFC 8259 §7). [`Connect`] takes strings as bytes, of
/// which `serde_json` does not check this.
fn has_control_in_string(json: &[u8]) -> bool {
    let (mut in_string, mut is_escaped) = (false, false);
    json.iter().any(|&byte| {
        if !in_string || is_escaped {
            is_escaped = false;
            in_string |= byte == b'"';
            return false;
        }
        is_escaped = byte == b'\\';
        in_string = byte != b'"';
        byte < b' '
    })
}

/// Subjects that only servers publish to.
fn is_reserved(subject: &[u8]) -> bool {
    subject.starts_with(b"_GR_.") || subject.starts_with(b"$NRG.")
}

/// Reply subjects that only servers set.
fn is_reserved_reply(reply: &[u8]) -> bool {
    [&b"_R_."[..], b"_GR_.", b"$JS.ACK."].iter().any(|prefix| reply.starts_with(prefix))
}

impl Session for Client {
    fn handle_open(&mut self, commands: &mut dyn Commands) {
        self.send_info(Occasion::Open, commands);
    }

    fn handle_input(
        &mut self,
        now: Instant,
        input: &[u8],
        commands: &mut dyn Commands,
    ) -> Result<usize, CloseReason> {
        self.keep_alive.hear(now);
        self.check_first_op(input, commands)?;
        let mut used = 0;
        while let Some((op, len)) = self.parser.next(&input[used..]).map_err(CloseReason::Parse)? {
            self.handle_op(op, now, commands)?;
            used += len;
            if commands.is_full() || self.admission.is_checking() {
                break;
            }
        }
        Ok(used)
    }

    fn op_len(&self) -> Option<usize> {
        self.parser.op_len()
    }

    fn handle_timeout(&mut self, now: Instant, commands: &mut dyn Commands) -> Result<(), CloseReason> {
        let interval = self.config.ping_interval;
        if let Some(deadline) = self.admission.deadline() {
            if deadline <= now {
                // A check that is under way need not be finished.
                self.admission = Admission::awaited(Instant::NEVER, Credentials::default());
                return Err(CloseReason::AuthenticationTimeout);
            }
            self.keep_alive.postpone(now, interval);
            return Ok(());
        }
        match self.keep_alive.tick(now, interval, self.config.pings_out_max, self.connect_info_due) {
            Tick::Wait => {}
            Tick::Ping => commands.reply(b"PING\r\n"),
            Tick::Stale => return Err(CloseReason::StaleConnection),
        }
        Ok(())
    }

    fn poll_timeout(&self) -> Instant {
        self.keep_alive.next().min(self.admission.deadline().unwrap_or(Instant::NEVER))
    }

    fn handle_settled(&mut self, now: Instant) {
        self.keep_alive.restart(now, self.config.ping_interval);
        self.admission.restart(now + self.config.auth_timeout);
    }

    fn handle_certificate(&mut self, certificate: Certificate) {
        self.admission.present(certificate);
    }

    fn handle_verdict(
        &mut self,
        identity: Option<Identity>,
        commands: &mut dyn Commands,
    ) -> Result<(), CloseReason> {
        Client::handle_verdict(self, identity, commands)
    }

    fn handle_lame_duck(&mut self, commands: &mut dyn Commands) {
        if self.takes_info {
            self.send_info(Occasion::LameDuck, commands);
        }
    }

    fn set_config(
        &mut self,
        config: &Arc<ClientConfig>,
        commands: &mut dyn Commands,
    ) -> Result<(), CloseReason> {
        // nats: a new max_control_line is for new clients.
        let control_line_max = self.config.limits.control_line_max;
        self.parser.set_limits(Limits { control_line_max, ..config.limits });
        self.config = Arc::clone(config);
        self.check_again(commands)
    }

    fn dialect(&self) -> Dialect {
        Dialect::Nats
    }

    fn description(&self) -> Description<'_> {
        let about = self.about.as_deref();
        Description {
            name: about.map(|about| &*about.name),
            lang: about.map(|about| &*about.lang),
            version: about.map(|about| &*about.version),
            rtt: self.keep_alive.rtt(),
            user: self.admission.user(),
        }
    }
}
