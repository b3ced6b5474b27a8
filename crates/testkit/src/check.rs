//! Compares what clients get with what the model says.

use dunlin_nats_protocol::{Message as Delivered, ServerOp};

use crate::Violation;
use crate::failure::{ensure, show, violated};
use crate::model::{Ending, Expected, Model, Reply, Sub};
use crate::op::{Message, find_tag};

/// What a client has to do about something that it got.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Reaction {
    None,
    /// It was sent a PING.
    Pong,
    /// It was sent the message with this number, which asks for an answer.
    Answer(u64),
}

impl Model {
    /// A client has got something.
    pub(crate) fn receive(&mut self, client: usize, op: &ServerOp<'_>) -> Result<Reaction, Violation> {
        ensure!(!self.conns[client].has_ended, "client {client}: {op:?} after its last words");
        match op {
            ServerOp::Msg(message) if is_no_responders(message) => {
                self.receive_no_responders(client, message).map(|()| Reaction::None)
            }
            ServerOp::Msg(message) => self.receive_message(client, message),
            ServerOp::Ping => Ok(Reaction::Pong),
            ServerOp::Pong => self.receive_reply(client, &Reply::Pong),
            ServerOp::Ok => self.receive_reply(client, &Reply::Ok),
            ServerOp::Info(json) => {
                let json = String::from_utf8_lossy(json);
                if json.contains("\"ldm\":true") {
                    return Ok(Reaction::None);
                }
                let connect_info = json.contains("\"connect_info\":true");
                self.receive_reply(client, &Reply::Info { connect_info })
            }
            ServerOp::Err(text) => {
                let text = String::from_utf8_lossy(text).into_owned();
                self.receive_err(client, text)
            }
        }
    }

    fn receive_err(&mut self, client: usize, text: String) -> Result<Reaction, Violation> {
        let is_expected =
            |expected: &Expected| matches!(&expected.reply, Reply::Err(other) if *other == text);
        if !self.conns[client].replies.iter().any(is_expected) {
            self.find_offence(client);
        }
        let conn = &mut self.conns[client];
        if let Some(ending) = conn.may_end
            && ending.text == Some(&text)
        {
            conn.ending = Some(ending);
            conn.replies.clear();
            conn.has_ended = true;
            return Ok(Reaction::None);
        }
        self.receive_reply(client, &Reply::Err(text))
    }

    fn receive_reply(&mut self, client: usize, got: &Reply) -> Result<Reaction, Violation> {
        let expected = self.next_reply(client, got)?;
        ensure!(
            expected.reply == *got,
            "client {client}: got {got:?} where {:?} is the next reply",
            expected.reply
        );
        self.handle_acknowledgement(client, expected.seq)?;
        Ok(Reaction::None)
    }

    /// Takes the next reply off the list, and those before it that need not come.
    fn next_reply(&mut self, client: usize, got: &Reply) -> Result<Expected, Violation> {
        let replies = &mut self.conns[client].replies;
        while let Some(expected) = replies.pop_front() {
            if expected.reply == *got || !expected.optional {
                return Ok(expected);
            }
        }
        violated!("client {client}: got {got:?} out of nothing");
    }

    /// A reply has come: whatever was delivered before its op took effect must have come before.
    fn handle_acknowledgement(&mut self, client: usize, seq: u64) -> Result<(), Violation> {
        self.conns[client].acknowledged = seq;
        for sub in self.subs.iter_mut().filter(|sub| sub.client == client) {
            if sub.max.is_some_and(|(since, _)| since <= seq) {
                sub.at_acknowledgement.get_or_insert(sub.received);
            }
        }
        for sub in self.subs.iter().filter(|sub| sub.client == client) {
            if let Some(id) = self.overtaken(sub, seq) {
                let sid = show(&sub.sid);
                violated!(
                    "client {client}: a reply came before message m{id}, which sid {sid} had to get first"
                );
            }
        }
        Ok(())
    }

    /// A message that a subscription has not got, and had to get before the reply to op `seq`: one that was published on
    /// its own worker, which delivers at once.
    fn overtaken(&self, sub: &Sub, seq: u64) -> Option<u64> {
        let worker = self.conns[sub.client].worker;
        let local = sub.due.iter().filter(|(publisher, _)| self.conns[**publisher].worker == worker);
        let had_to_come = |id: &u64| {
            let published = self.published[*id as usize].map_or(u64::MAX, |published| published.seq);
            // An op's own reply comes before what the op delivers.
            published < seq && sub.fading.as_ref().is_none_or(|end| published < end.seq)
        };
        local.filter_map(|(_, due)| due.front().copied()).find(had_to_come).filter(|_| sub.max.is_none())
    }

    fn receive_no_responders(&mut self, client: usize, got: &Delivered<'_>) -> Result<(), Violation> {
        let replies = &self.conns[client].replies;
        let answers = |expected: &Expected| match expected.reply {
            Reply::NoResponders { message } => {
                self.messages[message as usize].reply.as_deref() == Some(got.subject)
            }
            _ => false,
        };
        let Some(expected) = replies.iter().find(|expected| answers(expected)).cloned() else {
            violated!("client {client}: 503 for {}, which somebody got", show(got.subject));
        };
        let Reply::NoResponders { message } = expected.reply else { return Ok(()) };
        let mut want = b"NATS/1.0 503\r\nNats-Subject: ".to_vec();
        want.extend_from_slice(&self.messages[message as usize].subject);
        want.extend_from_slice(b"\r\n\r\n");
        let listens = |sub: &Sub| sub.client == client && sub.sid == got.sid && sub.matches(got.subject);
        ensure!(
            got.payload == want && got.reply.is_none() && self.subs.iter().any(listens),
            "client {client}: a 503 that is not as it should be: {got:?}"
        );
        self.receive_reply(client, &expected.reply).map(|_| ())
    }

    fn receive_message(&mut self, client: usize, got: &Delivered<'_>) -> Result<Reaction, Violation> {
        let body = got.payload.get(got.header_len..).unwrap_or_default();
        let Some(id) = find_tag(got.subject, got.reply, body) else {
            violated!(
                "client {client}: a message that nobody sent: {}, {}",
                show(got.subject),
                show(got.payload)
            );
        };
        let published = self.published.get(id as usize).copied().flatten();
        let Some(published) = published else {
            violated!("client {client}: message m{id} before the server can have read it");
        };
        let own = self.messages[id as usize].publisher == client;
        let overdue = |expected: &&Expected| {
            !expected.optional && (expected.seq < published.seq || (own && expected.seq == published.seq))
        };
        let next = self.conns[client].replies.iter().find(|expected| !expected.optional);
        if let Some(late) = next.filter(overdue) {
            violated!("client {client}: message m{id} came before the reply {:?}", late.reply);
        }
        let index = self.attribute(client, id, got)?;
        self.check_content(index, id, got)?;
        self.subs[index].received += 1;
        self.check_bounds(index, id)?;
        let asks = got.reply.is_some_and(|reply| reply.starts_with(b"_INBOX."));
        Ok(if asks && !got.subject.starts_with(b"_INBOX.") { Reaction::Answer(id) } else { Reaction::None })
    }

    /// The subscription that a delivery is for, which is to get it now.
    fn attribute(&mut self, client: usize, id: u64, got: &Delivered<'_>) -> Result<usize, Violation> {
        let publisher = self.messages[id as usize].publisher;
        for index in 0..self.subs.len() {
            let sub = &mut self.subs[index];
            if sub.client != client || sub.sid != got.sid {
                continue;
            }
            if let Some(queue) = &sub.queue {
                let Some(group) = self.groups.get_mut(&(id, queue.clone())) else { continue };
                if !group.members.contains(&index) {
                    continue;
                }
                if let Some(other) = group.got {
                    violated!(
                        "client {client}: message m{id} got to subscription {index} and {other} of one group"
                    );
                }
                group.got = Some(index);
                let last = sub.last.insert(publisher, id);
                ensure!(
                    last.is_none_or(|last| last < id || self.may_wander(last)) || self.may_wander(id),
                    "client {client}: message m{id} after m{} of the same publisher, queue member {}",
                    last.unwrap_or(0),
                    show(got.sid)
                );
                return Ok(index);
            }
            let Some(due) = sub.due.get_mut(&publisher) else { continue };
            if due.front() == Some(&id) {
                due.pop_front();
                return Ok(index);
            }
        }
        Err(self.explain(client, id, got))
    }

    /// Whether a message may have been passed on from a queue member that was gone when it came there. It takes another
    /// way then, so others of its publisher can overtake it, and it them: the price of choosing members without asking
    /// their workers.
    fn may_wander(&self, id: u64) -> bool {
        let groups = self.groups.range((id, Vec::new())..(id + 1, Vec::new()));
        let doubtful = |&sub: &usize| self.subs[sub].fading.is_some() || self.subs[sub].max.is_some();
        groups.flat_map(|(_, group)| &group.members).any(doubtful)
    }

    /// Why a delivery fits no subscription.
    fn explain(&self, client: usize, id: u64, got: &Delivered<'_>) -> Violation {
        let publisher = self.messages[id as usize].publisher;
        let mut why =
            format!("client {client}: message m{id} of client {publisher} to sid {}: ", show(got.sid));
        let subs = self.subs.iter().filter(|sub| sub.client == client && sub.sid == got.sid);
        for sub in subs.clone() {
            let due = sub.due.get(&publisher);
            if due.is_some_and(|due| due.contains(&id)) {
                why += &format!("m{} must come before; ", due.and_then(|due| due.front()).unwrap_or(&0));
            } else {
                let state = if sub.gone { "ended" } else { "alive" };
                why += &format!("{} ({state}) does not get it, or has it; ", show(&sub.filter));
            }
        }
        if subs.count() == 0 {
            why += "there is no such subscription";
        }
        Violation(why)
    }

    fn check_content(&self, index: usize, id: u64, got: &Delivered<'_>) -> Result<(), Violation> {
        let (sub, sent) = (&self.subs[index], &self.messages[id as usize]);
        let published = self.published[id as usize].map_or(0, |published| published.seq);
        // A message from another worker, or on its way from one queue member to the next, may have come before or after the
        // CONNECT that asked for headers.
        let is_local =
            self.conns[sent.publisher].worker == self.conns[sub.client].worker && sub.queue.is_none();
        let headers =
            if published >= sub.headers_since { [sub.headers; 2] } else { [false, sub.headers && !is_local] };
        ensure!(
            headers.iter().any(|&headers| is_delivery_of(sent, headers, got)),
            "client {}: message m{id} was altered: {} {:?} {} headers {} payload {}",
            sub.client,
            show(got.subject),
            got.reply.map(show),
            got.with_headers,
            got.header_len,
            show(got.payload)
        );
        Ok(())
    }

    fn check_bounds(&self, index: usize, id: u64) -> Result<(), Violation> {
        let sub = &self.subs[index];
        let client = sub.client;
        let acknowledged = self.conns[client].acknowledged;
        ensure!(
            sub.ended.is_none_or(|seq| acknowledged < seq),
            "client {client}: message m{id} to sid {} after its end was acknowledged",
            show(&sub.sid)
        );
        if let (Some((_, max)), Some(had)) = (sub.max, sub.at_acknowledgement) {
            ensure!(
                sub.received <= max.max(had),
                "client {client}: message m{id} is number {} of sid {}, whose max is {max}",
                sub.received,
                show(&sub.sid)
            );
        }
        Ok(())
    }

    /// A client has got the close frame of its WebSocket connection.
    pub(crate) fn receive_close_frame(&mut self, client: usize, code: Option<u16>) -> Result<(), Violation> {
        self.find_offence(client);
        let conn = &mut self.conns[client];
        let Some(Ending { close_code, .. }) = conn.ending.or(conn.may_end) else {
            violated!("client {client}: close frame {code:?} without a reason");
        };
        ensure!(code == close_code, "client {client}: close frame {code:?} instead of {close_code:?}");
        self.check_replies(client)?;
        self.conns[client].has_ended = true;
        Ok(())
    }

    /// A client has got the end of its stream.
    pub(crate) fn receive_end(&mut self, client: usize) -> Result<(), Violation> {
        self.find_offence(client);
        let conn = &self.conns[client];
        let Some(ending) = conn.ending.or(conn.may_end) else {
            violated!("client {client}: the stream ended without a reason");
        };
        let unsaid = ending.text.filter(|_| conn.is_lossy && !conn.has_ended);
        ensure!(unsaid.is_none(), "client {client}: the stream ended without {unsaid:?}");
        self.check_replies(client)?;
        self.conns[client].has_ended = true;
        Ok(())
    }

    fn check_replies(&self, client: usize) -> Result<(), Violation> {
        let missing = self.conns[client].replies.iter().find(|expected| !expected.optional);
        match missing {
            Some(missing) if !self.conns[client].is_lossy => {
                violated!("client {client}: never got the reply {:?}", missing.reply)
            }
            _ => Ok(()),
        }
    }

    /// All is at rest: nothing is on its way any more, so what has not come is lost.
    pub(crate) fn check_complete(&self) -> Result<(), Violation> {
        for client in 0..self.conns.len() {
            self.check_replies(client)?;
        }
        for sub in &self.subs {
            self.check_sub(sub)?;
        }
        for ((id, queue), group) in &self.groups {
            let certain = |&sub: &usize| self.subs[sub].fading.is_none() && self.subs[sub].max.is_none();
            let lossy = |&sub: &usize| self.conns[self.subs[sub].client].is_lossy;
            ensure!(
                group.got.is_some() || !group.members.iter().any(certain) || group.members.iter().any(lossy),
                "message m{id} got to no member of queue group {}",
                show(queue),
            );
        }
        Ok(())
    }

    fn check_sub(&self, sub: &Sub) -> Result<(), Violation> {
        if sub.received >= sub.max_least || self.conns[sub.client].is_lossy {
            return Ok(());
        }
        let worker = self.conns[sub.client].worker;
        for (&publisher, due) in &sub.due {
            let Some(&id) = due.front() else { continue };
            let Some(published) = self.published[id as usize] else { continue };
            let from = self.conns[publisher].worker;
            let had_to_arrive = match &sub.fading {
                None => true,
                Some(end) if from == worker => published.seq < end.seq,
                Some(end) => published.turn < end.settled[from],
            };
            ensure!(
                !had_to_arrive,
                "client {}: message m{id} of client {publisher} never got to sid {} on {}",
                sub.client,
                show(&sub.sid),
                show(&sub.filter)
            );
        }
        Ok(())
    }
}

/// Whether this is what a subscriber gets of a message, with headers or without.
fn is_delivery_of(sent: &Message, headers: bool, got: &Delivered<'_>) -> bool {
    let header_len = sent.header_len.unwrap_or(0);
    let with_headers = headers && header_len > 0;
    got.subject == sent.subject
        && got.reply == sent.reply.as_deref()
        && got.with_headers == with_headers
        && got.header_len == if with_headers { header_len } else { 0 }
        && got.payload == if with_headers { &sent.payload[..] } else { &sent.payload[header_len..] }
}

fn is_no_responders(message: &Delivered<'_>) -> bool {
    message.with_headers
        && message.header_len == message.payload.len()
        && message.payload.starts_with(b"NATS/1.0 503\r\n")
}
