//! A naive model of NATS: a list of subscriptions, and for each what it still has to get.
//!
//! The model follows what the workers *read*. Turns are atomic in the simulation, so the order of reads is the order in
//! which the ops of all clients take effect, and the model knows exactly which subscriptions live when a message is
//! published. What it does not know exactly is when a message arrives that has to cross to another worker: such a message
//! may be lost on a subscription that ends meanwhile. See [`End`].
//!
//! This file holds what clients did; `check.rs` compares with what they get.

use std::collections::{BTreeMap, VecDeque};

use dunlin_subject::{Filter, Subject};

use crate::op::{Message, Offence, Op, Options};

/// What the server has still to say to a client, besides messages.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Reply {
    Info {
        connect_info: bool,
    },
    Ok,
    Pong,
    Err(String),
    /// The answer to the request with this number that nobody got.
    NoResponders {
        message: u64,
    },
}

#[derive(Clone, Debug)]
pub(crate) struct Expected {
    pub seq: u64,
    pub reply: Reply,
    /// It is as right if it does not come.
    pub optional: bool,
}

/// The moment from which on a subscription, or its connection, may be gone.
#[derive(Clone, Debug)]
pub(crate) struct End {
    pub seq: u64,
    /// For each other worker: messages that were published there in earlier turns have arrived before.
    pub settled: Vec<u64>,
}

/// A subscription.
#[derive(Debug)]
pub(crate) struct Sub {
    pub client: usize,
    pub sid: Vec<u8>,
    pub filter: Vec<u8>,
    pub queue: Option<Vec<u8>>,
    pub headers: bool,
    /// Since then, because the first CONNECT came after it.
    pub headers_since: u64,
    /// From here on it need not get anything.
    pub fading: Option<End>,
    /// From here on it cannot get anything that is published.
    pub gone: bool,
    /// It was ended by an op, and the reply to a later op proves that it has ended.
    pub ended: Option<u64>,
    /// UNSUB with max: since when, and how many.
    pub max: Option<(u64, u64)>,
    /// The least of its maxes. If it got as many before the next came, it had ended by then.
    pub max_least: u64,
    /// How many it had when the client knew that the server knew the max.
    pub at_acknowledgement: Option<u64>,
    pub received: u64,
    /// What it is to get, in order, by publisher. Not for queue members.
    pub due: BTreeMap<usize, VecDeque<u64>>,
    /// What a queue member got last, by publisher.
    pub last: BTreeMap<usize, u64>,
}

impl Sub {
    pub(crate) fn matches(&self, subject: &[u8]) -> bool {
        match (Filter::parse(&self.filter), Subject::parse(subject)) {
            (Ok(filter), Ok(subject)) => filter.matches(subject),
            _ => false,
        }
    }

    /// It may have come to its max already, or its connection may be gone.
    fn is_doubtful(&self) -> bool {
        self.max.is_some() || self.fading.is_some()
    }
}

/// How a connection ends, as far as its client can tell.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Ending {
    pub text: Option<&'static str>,
    /// The code of the WebSocket close frame; `None`: a frame without one.
    pub close_code: Option<u16>,
}

/// One connection, and what the server owes it.
#[derive(Debug)]
pub(crate) struct Conn {
    pub worker: usize,
    pub options: Options,
    connect_info_due: bool,
    is_connected: bool,
    /// What it has sent: start, end, op.
    script: VecDeque<(u64, u64, Op)>,
    pub replies: VecDeque<Expected>,
    /// The number of the last op that was replied to.
    pub acknowledged: u64,
    pub subs: Vec<usize>,
    /// The server has ended it, or will without reading on.
    pub ending: Option<Ending>,
    /// It may end like this at any time.
    pub may_end: Option<Ending>,
    /// The server has read a part of an op that ends the connection.
    offending: Option<Ending>,
    /// The last words have come.
    pub has_ended: bool,
    /// What it was sent may be lost: cut, or too slow.
    pub is_lossy: bool,
    /// The server has let go of it.
    pub is_closed: bool,
}

/// A message on its way to one member of a queue group.
#[derive(Debug)]
pub(crate) struct ToGroup {
    pub members: Vec<usize>,
    pub got: Option<usize>,
}

/// Where and when a message was published.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Published {
    pub seq: u64,
    pub turn: u64,
}

/// The whole of NATS, as simply as can be.
#[derive(Default)]
pub(crate) struct Model {
    seq: u64,
    /// nats: `max_subscriptions`
    subscriptions_max: usize,
    /// All messages, by number.
    pub messages: Vec<Message>,
    pub(crate) published: Vec<Option<Published>>,
    pub(crate) conns: Vec<Conn>,
    pub(crate) subs: Vec<Sub>,
    /// Subscriptions that may be alive.
    live: Vec<usize>,
    /// By message and queue: a group is one over all filters.
    pub(crate) groups: BTreeMap<(u64, Vec<u8>), ToGroup>,
}

/// When and where a worker's turn read something.
#[derive(Clone, Debug)]
pub(crate) struct Moment {
    pub turn: u64,
    /// See [`End::settled`].
    pub settled: Vec<u64>,
}

impl Model {
    /// Nobody is there. `subscriptions_max`: nats `max_subscriptions`.
    pub(crate) fn new(subscriptions_max: usize) -> Model {
        Model { subscriptions_max, ..Model::default() }
    }

    /// A client whose connection a worker has accepted. Its session starts when INFO is due.
    pub(crate) fn connect(&mut self, worker: usize) {
        self.conns.push(Conn {
            worker,
            options: Options::BEFORE_CONNECT,
            connect_info_due: false,
            is_connected: false,
            script: VecDeque::new(),
            replies: VecDeque::new(),
            acknowledged: 0,
            subs: Vec::new(),
            ending: None,
            may_end: None,
            offending: None,
            has_ended: false,
            is_lossy: false,
            is_closed: false,
        });
        let client = self.conns.len() - 1;
        self.expect(client, Reply::Info { connect_info: false });
    }

    /// A client has put an op into its stream, from byte `start` to before byte `end`.
    pub(crate) fn plan(&mut self, client: usize, start: u64, end: u64, op: Op) {
        self.conns[client].script.push_back((start, end, op));
    }

    fn expect(&mut self, client: usize, reply: Reply) {
        let seq = self.seq;
        self.conns[client].replies.push_back(Expected { seq, reply, optional: false });
    }

    /// A worker has read `total` bytes of a client.
    pub(crate) fn handle_read(&mut self, client: usize, total: u64, at: &Moment) {
        while self.conns[client].ending.is_none() {
            let Some((start, end, op)) = self.conns[client].script.front().cloned() else { return };
            if let Op::Offend(Offence { text, close_code, .. }) = op
                && start < total
            {
                // Some of these are found before all of it is there.
                self.seq += 1;
                self.fade(client, at);
                self.conns[client].offending = Some(Ending { text, close_code: Some(close_code) });
            }
            if end > total {
                return;
            }
            self.conns[client].script.pop_front();
            self.seq += 1;
            self.handle_op(client, op, at);
        }
    }

    fn handle_op(&mut self, client: usize, op: Op, at: &Moment) {
        match op {
            Op::Connect(options) => self.handle_connect(client, options, at),
            Op::Ping => {
                self.expect(client, Reply::Pong);
                if core::mem::take(&mut self.conns[client].connect_info_due) {
                    self.expect(client, Reply::Info { connect_info: true });
                }
            }
            Op::Pong => {}
            Op::Subscribe { filter, queue, sid } => self.subscribe(client, filter, queue, sid),
            Op::Unsubscribe { sid, max } => self.unsubscribe(client, &sid, max, at),
            Op::Publish(id) => self.publish(client, id, at),
            Op::Offend(Offence { text, close_code, .. }) => {
                self.end(client, Ending { text, close_code: Some(close_code) }, at);
            }
            Op::CloseFrame(close_code) => self.end(client, Ending { text: None, close_code }, at),
        }
    }

    /// The first CONNECT keeps the subscriptions that came before it, those after it start over.
    fn handle_connect(&mut self, client: usize, options: Options, at: &Moment) {
        if core::mem::replace(&mut self.conns[client].is_connected, true) {
            self.end_subs(client, at);
        }
        for &sub in &self.conns[client].subs {
            self.subs[sub].headers = options.headers;
            self.subs[sub].headers_since = self.seq;
        }
        self.conns[client].options = options;
        self.conns[client].connect_info_due = options.protocol;
        self.acknowledge(client);
    }

    fn acknowledge(&mut self, client: usize) {
        if self.conns[client].options.verbose {
            self.expect(client, Reply::Ok);
        }
    }

    /// The server ends a connection now, with these last words.
    pub(crate) fn end(&mut self, client: usize, ending: Ending, at: &Moment) {
        if self.conns[client].ending.is_some() {
            return;
        }
        if let Some(text) = ending.text {
            self.expect(client, Reply::Err(text.into()));
        }
        self.conns[client].ending = Some(ending);
        self.end_subs(client, at);
    }

    /// A client has got last words: if the server has read a part of an offence, it has found it.
    pub(crate) fn find_offence(&mut self, client: usize) {
        if let Some(ending) = self.conns[client].offending.take() {
            // Its subscriptions are fading since, so it does not matter when this was.
            self.seq += 1;
            self.end(client, ending, &Moment { turn: 0, settled: Vec::new() });
        }
    }

    /// A worker has seen the end of a client's bytes.
    pub(crate) fn handle_eof(&mut self, client: usize, at: &Moment) {
        self.seq += 1;
        self.end(client, Ending { text: None, close_code: Some(1000) }, at);
    }

    /// From now on the client may lose what it is sent, and the server may let go of it.
    pub(crate) fn lose(&mut self, client: usize, at: &Moment) {
        self.seq += 1;
        self.conns[client].is_lossy = true;
        self.fade(client, at);
    }

    /// From now on the server may end the connection with these last words.
    pub(crate) fn allow_end(&mut self, client: usize, ending: Ending, at: &Moment) {
        self.lose(client, at);
        self.conns[client].may_end = Some(ending);
    }

    /// The server has let go of a connection.
    pub(crate) fn handle_close(&mut self, client: usize, at: &Moment) {
        self.seq += 1;
        self.end_subs(client, at);
        self.conns[client].is_closed = true;
        if self.conns[client].ending.is_none() {
            self.conns[client].ending = self.conns[client].may_end;
        }
    }

    fn fade(&mut self, client: usize, at: &Moment) {
        let end = End { seq: self.seq, settled: at.settled.clone() };
        for &sub in &self.conns[client].subs {
            let sub = &mut self.subs[sub];
            if !sub.gone {
                sub.fading.get_or_insert_with(|| end.clone());
            }
        }
    }

    fn end_subs(&mut self, client: usize, at: &Moment) {
        self.fade(client, at);
        for sub in core::mem::take(&mut self.conns[client].subs) {
            self.end_sub(sub, at);
        }
    }

    fn end_sub(&mut self, index: usize, at: &Moment) {
        let end = End { seq: self.seq, settled: at.settled.clone() };
        let sub = &mut self.subs[index];
        sub.fading.get_or_insert(end);
        sub.gone = true;
        sub.ended = Some(self.seq);
        self.live.retain(|&live| live != index);
    }

    fn find(&self, client: usize, sid: &[u8]) -> Option<usize> {
        self.conns[client].subs.iter().copied().find(|&sub| self.subs[sub].sid == sid)
    }

    fn subscribe(&mut self, client: usize, filter: Vec<u8>, queue: Option<Vec<u8>>, sid: Vec<u8>) {
        let max = self.subscriptions_max;
        if max > 0 && self.conns[client].subs.len() >= max {
            return self.expect(client, Reply::Err("maximum subscriptions exceeded".into()));
        }
        if Filter::parse(&filter).is_err() {
            return self.expect(client, Reply::Err("Invalid Subject".into()));
        }
        if self.find(client, &sid).is_none() {
            let index = self.subs.len();
            self.subs.push(Sub {
                client,
                sid,
                filter,
                queue,
                headers: self.conns[client].options.headers,
                headers_since: 0,
                fading: None,
                gone: false,
                ended: None,
                max: None,
                max_least: u64::MAX,
                at_acknowledgement: None,
                received: 0,
                due: BTreeMap::new(),
                last: BTreeMap::new(),
            });
            self.conns[client].subs.push(index);
            self.live.push(index);
        }
        self.acknowledge(client);
    }

    fn unsubscribe(&mut self, client: usize, sid: &[u8], max: Option<u64>, at: &Moment) {
        if let Some(index) = self.find(client, sid) {
            match max {
                Some(max) => {
                    let sub = &mut self.subs[index];
                    sub.max = Some((self.seq, max));
                    sub.max_least = sub.max_least.min(max);
                    sub.at_acknowledgement = None;
                }
                None => {
                    self.end_sub(index, at);
                    self.conns[client].subs.retain(|&sub| sub != index);
                }
            }
        }
        self.acknowledge(client);
    }

    fn publish(&mut self, client: usize, id: u64, at: &Moment) {
        let options = self.conns[client].options;
        let message = self.messages[id as usize].clone();
        if options.pedantic && !Subject::parse(&message.subject).is_ok_and(Subject::is_literal) {
            self.expect(client, Reply::Err("Invalid Publish Subject".into()));
        }
        self.acknowledge(client);
        self.published.resize(self.messages.len(), None);
        self.published[id as usize] = Some(Published { seq: self.seq, turn: at.turn });
        let (mut certain, mut possible) = (false, false);
        for index in self.live.clone() {
            let sub = &mut self.subs[index];
            if !sub.matches(&message.subject) || (sub.client == client && !options.echo) {
                continue;
            }
            possible = true;
            certain |= !sub.is_doubtful();
            if let Some(queue) = &sub.queue {
                let key = (id, queue.clone());
                let group = self.groups.entry(key).or_insert(ToGroup { members: Vec::new(), got: None });
                group.members.push(index);
            } else {
                sub.due.entry(client).or_default().push_back(id);
            }
        }
        if let Some(reply) = message.reply.filter(|_| options.no_responders && !certain) {
            self.no_responders(client, id, &reply, possible);
        }
    }

    /// Nobody got a request: its sender is told if it has a plain subscription on the reply subject.
    fn no_responders(&mut self, client: usize, message: u64, reply: &[u8], optional: bool) {
        let subs = self.conns[client].subs.iter().map(|&sub| &self.subs[sub]);
        let listening: Vec<_> = subs.filter(|sub| sub.queue.is_none() && sub.matches(reply)).collect();
        if listening.is_empty() {
            return;
        }
        let optional = optional || listening.iter().all(|sub| sub.is_doubtful());
        let reply = Reply::NoResponders { message };
        let seq = self.seq;
        self.conns[client].replies.push_back(Expected { seq, reply, optional });
    }

    /// How many subscriptions the server has, once all is at rest: at least, and at most.
    pub(crate) fn live_subs(&self) -> (usize, usize) {
        let count =
            |ended: &dyn Fn(&Sub) -> bool| self.live.iter().filter(|&&sub| !ended(&self.subs[sub])).count();
        let at_least = count(&|sub| sub.received >= sub.max_least);
        (at_least, count(&|sub| sub.max.is_some_and(|(_, max)| sub.received >= max)))
    }

    /// The connection may break without last words.
    pub(crate) fn may_be_reset(&self, client: usize) -> bool {
        self.conns[client].is_lossy
    }
}
