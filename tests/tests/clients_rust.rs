//! `async-nats`, over TCP and with its feature `websockets`, plain and under TLS.
#![allow(clippy::large_futures, reason = "the client's are, and each is alive once")]

use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;

use async_nats::{Client, ConnectOptions, Event, HeaderMap, RequestErrorKind, Subscriber};
use bytes::Bytes;
use dunlin_tests::{Authority, ServerProcess};
use futures_util::StreamExt as _;
use tokio::sync::mpsc;

use crate::support::{USER, secure, start};

const DEADLINE: Duration = Duration::from_secs(15);

async fn before_deadline<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, future).await.expect("within the deadline")
}

/// Where a server is, and the authority that it is trusted for if it is [`secure`].
struct Door {
    url: String,
    ca: Option<PathBuf>,
}

impl Door {
    fn options(&self) -> ConnectOptions {
        match &self.ca {
            Some(file) => ConnectOptions::with_user_and_password(USER[0].to_owned(), USER[1].to_owned())
                .add_root_certificates(file.clone()),
            None => ConnectOptions::new(),
        }
    }
}

async fn connect(door: &Door) -> Client {
    before_deadline(door.options().connect(&door.url)).await.unwrap()
}

/// Waits until the server has seen all that the client has sent: `flush` waits only for the socket.
async fn settle(client: &Client) {
    let inbox = client.new_inbox();
    let mut subscriber = client.subscribe(inbox.clone()).await.unwrap();
    client.publish(inbox, Bytes::new()).await.unwrap();
    take(&mut subscriber, 1).await;
}

async fn take(subscriber: &mut Subscriber, count: usize) -> Vec<async_nats::Message> {
    let mut all = Vec::new();
    while all.len() < count {
        all.push(before_deadline(subscriber.next()).await.unwrap());
    }
    all
}

fn payloads(all: &[async_nats::Message]) -> Vec<String> {
    all.iter().map(|message| String::from_utf8_lossy(&message.payload).into_owned()).collect()
}

async fn publish_and_subscribe(door: &Door) {
    let (from, to) = (connect(door).await, connect(door).await);
    assert_eq!(from.server_info().max_payload, 1 << 20);
    let mut plain = to.subscribe("rust.a").await.unwrap();
    let mut star = to.subscribe("rust.*").await.unwrap();
    let mut rest = to.subscribe("rust.>").await.unwrap();
    settle(&to).await;
    for (subject, payload) in
        [("rust.a", "1"), ("rust.b", "2"), ("rust.a.b", "3"), ("other", "4"), ("rust.a", "5")]
    {
        from.publish(subject, payload.into()).await.unwrap();
    }
    assert_eq!(payloads(&take(&mut plain, 2).await), ["1", "5"]);
    assert_eq!(payloads(&take(&mut star, 3).await), ["1", "2", "5"]);
    assert_eq!(payloads(&take(&mut rest, 4).await), ["1", "2", "3", "5"]);

    let large = Bytes::from((0..1 << 20).map(|i| (i % 251) as u8).collect::<Vec<_>>());
    from.publish("rust.a", large.clone()).await.unwrap();
    assert_eq!(take(&mut plain, 1).await[0].payload, large);

    let mut headers = HeaderMap::new();
    headers.append("Color", "red");
    headers.append("Color", "blue");
    from.publish_with_headers("rust.a", headers.clone(), "body".into()).await.unwrap();
    let message = take(&mut plain, 1).await.remove(0);
    assert_eq!((message.headers, message.payload), (Some(headers), "body".into()));
}

async fn queue_group(door: &Door) {
    let (from, to) = (connect(door).await, connect(door).await);
    let (sender, mut receiver) = mpsc::unbounded_channel();
    for member in 0..3 {
        let mut subscriber = to.queue_subscribe("rust.queue", "workers".into()).await.unwrap();
        let sender = sender.clone();
        tokio::spawn(async move {
            while let Some(message) = subscriber.next().await {
                sender.send((member, message.payload)).unwrap();
            }
        });
    }
    settle(&to).await;
    let mut shares = [0; 3];
    for i in 0..300 {
        from.publish("rust.queue", i.to_string().into()).await.unwrap();
    }
    let mut seen = Vec::new();
    for _ in 0..300 {
        let (member, payload) = before_deadline(receiver.recv()).await.unwrap();
        shares[member] += 1;
        seen.push(payload);
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 300, "every message reaches one member");
    assert!(shares.iter().all(|&share| share > 0), "{shares:?}");
}

async fn request_and_reply(door: &Door) {
    let (service, client) = (connect(door).await, connect(door).await);
    let mut requests = service.subscribe("rust.service").await.unwrap();
    settle(&service).await;
    tokio::spawn(async move {
        while let Some(request) = requests.next().await {
            service.publish(request.reply.unwrap(), request.payload).await.unwrap();
        }
    });
    for text in ["one", "two"] {
        let answer = before_deadline(client.request("rust.service", text.into())).await.unwrap();
        assert_eq!(answer.payload, text);
    }
    let error = before_deadline(client.request("rust.nobody", "".into())).await.unwrap_err();
    assert_eq!(error.kind(), RequestErrorKind::NoResponders);
}

async fn drain_and_unsubscribe(door: &Door) {
    let (from, to) = (connect(door).await, connect(door).await);
    let mut two = to.subscribe("rust.max").await.unwrap();
    two.unsubscribe_after(2).await.unwrap();
    let mut drained = to.subscribe("rust.drain").await.unwrap();
    settle(&to).await;
    for i in 0..100 {
        from.publish("rust.max", i.to_string().into()).await.unwrap();
        from.publish("rust.drain", i.to_string().into()).await.unwrap();
    }
    settle(&from).await;
    to.drain().await.unwrap();
    let mut count = 0;
    while before_deadline(drained.next()).await.is_some() {
        count += 1;
    }
    assert_eq!(count, 100);
    let mut first = Vec::new();
    while let Some(message) = before_deadline(two.next()).await {
        first.push(message);
    }
    assert_eq!(payloads(&first), ["0", "1"]);
}

async fn reconnect(door: &Door, server: &mut ServerProcess) {
    let (sender, mut events) = mpsc::unbounded_channel();
    let options =
        door.options().reconnect_delay_callback(|_| Duration::from_millis(50)).event_callback(move |event| {
            let sender = sender.clone();
            async move { drop(sender.send(event)) }
        });
    let client = before_deadline(options.connect(&door.url)).await.unwrap();
    let mut subscriber = client.subscribe("rust.again").await.unwrap();
    settle(&client).await;
    server.kill();
    let mut seen = Vec::new();
    while !matches!(seen.last(), Some(Event::Disconnected)) {
        seen.push(before_deadline(events.recv()).await.unwrap());
    }
    server.start_again();
    while !matches!(seen.last(), Some(Event::Connected)) {
        seen.push(before_deadline(events.recv()).await.unwrap());
    }
    client.publish("rust.again", "still here".into()).await.unwrap();
    assert_eq!(take(&mut subscriber, 1).await[0].payload, "still here");
}

fn run(test: &str, authority: Option<&Authority>, url: fn(&ServerProcess) -> String) {
    let conf = authority.map(secure).unwrap_or_default();
    let Some(mut server) = start(test, &conf) else { return };
    let door = Door { url: url(&server), ca: authority.map(Authority::ca_file) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        publish_and_subscribe(&door).await;
        queue_group(&door).await;
        request_and_reply(&door).await;
        drain_and_unsubscribe(&door).await;
        reconnect(&door, &mut server).await;
    });
}

#[test]
fn async_nats_over_tcp() {
    run("async_nats_over_tcp", None, ServerProcess::nats_url);
}

#[test]
fn async_nats_over_websocket() {
    run("async_nats_over_websocket", None, ServerProcess::websocket_url);
}

/// It offers no compression.
#[test]
fn async_nats_over_wss() {
    run("async_nats_over_wss", Some(&Authority::new("ca")), ServerProcess::websocket_url);
}
