// What every JavaScript client must be able to do, the same in a browser and in Node.
//
// `library` adapts a client: connect(options), headers(), isNoResponders(error). `report(name)` notes a check that has
// passed; the first that fails throws. `restart()` has the server restarted.

export async function runChecks(library, report, restart) {
  for (const [name, check] of Object.entries(checks)) {
    const opened = [];
    const connect = async (options = {}) => {
      const connection = await library.connect(options);
      opened.push(connection);
      return connection;
    };
    try {
      await before(`check ${name}`, 30000, check({ library, connect, restart }));
    } catch (error) {
      throw new Error(`${name}: ${error?.stack ?? error}`);
    }
    report(name);
    for (const connection of opened) {
      await connection.close();
    }
  }
}

const checks = {
  connect: async ({ connect }) => {
    const nc = await connect({ name: "checks" });
    equal(nc.info.headers, true);
    equal(nc.info.max_payload, 1048576);
    equal(nc.info.proto, 1);
    await nc.flush();
    assert((await nc.rtt()) >= 0, "round trip time");
  },

  "subscribe and publish": async ({ connect }) => {
    const nc = await connect();
    const sub = nc.subscribe("checks.plain");
    nc.publish("checks.plain", "one");
    nc.publish("checks.plain", "two", { reply: "checks.reply" });
    nc.publish("checks.plain");
    const [one, two, empty] = await take(sub, 3);
    equal(one.string(), "one");
    equal(one.subject, "checks.plain");
    equal(two.string(), "two");
    equal(two.reply, "checks.reply");
    equal(empty.data.length, 0);
  },

  "between connections": async ({ connect }) => {
    const [from, to] = [await connect(), await connect()];
    const sub = to.subscribe("checks.between");
    await to.flush();
    for (let i = 0; i < 1000; i++) {
      from.publish("checks.between", `${i}`);
    }
    const all = await take(sub, 1000);
    all.forEach((msg, i) => equal(msg.string(), `${i}`));
  },

  wildcard: async ({ connect }) => {
    const nc = await connect();
    const star = nc.subscribe("checks.wild.*.end");
    const rest = nc.subscribe("checks.wild.>");
    for (const subject of ["checks.wild.a.end", "checks.wild.a.b.end", "checks.wild", "checks.wild.b.end"]) {
      nc.publish(subject);
    }
    await nc.flush();
    equal(subjects(await take(star, 2)), "checks.wild.a.end checks.wild.b.end");
    equal(subjects(await take(rest, 3)), "checks.wild.a.end checks.wild.a.b.end checks.wild.b.end");
    equal(star.getReceived(), 2);
    equal(rest.getReceived(), 3);
  },

  "queue group": async ({ connect }) => {
    const members = [await connect(), await connect(), await connect()];
    const subs = members.map((nc) => nc.subscribe("checks.queue", { queue: "workers" }));
    await Promise.all(members.map((nc) => nc.flush()));
    const from = await connect();
    for (let i = 0; i < 300; i++) {
      from.publish("checks.queue", `${i}`);
    }
    await from.flush();
    await Promise.all(members.map((nc) => nc.flush()));
    const counts = subs.map((sub) => sub.getReceived());
    equal(counts.reduce((sum, count) => sum + count), 300);
    assert(counts.every((count) => count > 0), `every member has a share: ${counts}`);
  },

  "request and reply": async ({ connect }) => {
    const [service, client] = [await connect(), await connect()];
    service.subscribe("checks.service", { callback: (_, msg) => msg.respond(`answer to ${msg.string()}`) });
    await service.flush();
    const answers = await Promise.all(
      [1, 2, 3].map((i) => client.request("checks.service", `${i}`, { timeout: 10000 })),
    );
    equal(answers.map((msg) => msg.string()).join(), "answer to 1,answer to 2,answer to 3");
  },

  "request to nobody": async ({ connect, library }) => {
    const nc = await connect();
    try {
      await nc.request("checks.nobody", "", { timeout: 10000 });
    } catch (error) {
      return assert(library.isNoResponders(error), `no responders, not ${error}`);
    }
    throw new Error("the request was answered");
  },

  "request to many": async ({ connect }) => {
    const [service, client] = [await connect(), await connect()];
    for (const name of ["a", "b"]) {
      service.subscribe("checks.many", { callback: (_, msg) => msg.respond(name) });
    }
    await service.flush();
    const answers = [];
    const options = { strategy: "count", maxMessages: 2, maxWait: 10000 };
    for await (const msg of await client.requestMany("checks.many", "", options)) {
      answers.push(msg.string());
    }
    equal(answers.sort().join(), "a,b");
  },

  headers: async ({ connect, library }) => {
    const nc = await connect();
    const sub = nc.subscribe("checks.headers");
    const headers = library.headers();
    headers.append("Color", "red");
    headers.append("Color", "blue");
    headers.set("Empty", "");
    nc.publish("checks.headers", "body", { headers });
    const [msg] = await take(sub, 1);
    equal(msg.string(), "body");
    equal(msg.headers.values("Color").join(), "red,blue");
    equal(msg.headers.get("Empty"), "");
  },

  "payload of 1 MB": async ({ connect }) => {
    const [from, to] = [await connect(), await connect()];
    const sub = to.subscribe("checks.large");
    await to.flush();
    const payload = new Uint8Array(1048576);
    payload.forEach((_, i) => (payload[i] = (i * 31 + (i >> 8)) & 0xff));
    from.publish("checks.large", payload);
    const [msg] = await take(sub, 1);
    equal(msg.data.length, payload.length);
    assert(msg.data.every((byte, i) => byte === payload[i]), "every byte is the same");
  },

  "no echo": async ({ connect }) => {
    const [quiet, other] = [await connect({ noEcho: true }), await connect()];
    const [own, others] = [quiet.subscribe("checks.echo"), other.subscribe("checks.echo")];
    await other.flush();
    quiet.publish("checks.echo", "x");
    await quiet.flush();
    await take(others, 1);
    equal(own.getReceived(), 0);
  },

  "unsubscribe after two": async ({ connect }) => {
    const nc = await connect();
    const sub = nc.subscribe("checks.max", { max: 2 });
    for (let i = 0; i < 5; i++) {
      nc.publish("checks.max", `${i}`);
    }
    await nc.flush();
    const all = [];
    for await (const msg of sub) {
      all.push(msg.string());
    }
    equal(all.join(), "0,1");
  },

  drain: async ({ connect }) => {
    const [from, to] = [await connect(), await connect()];
    const seen = [];
    const sub = to.subscribe("checks.drain", { callback: (_, msg) => seen.push(msg.string()) });
    await to.flush();
    for (let i = 0; i < 100; i++) {
      from.publish("checks.drain", `${i}`);
    }
    await from.flush();
    await to.drain();
    equal(seen.length, 100);
    equal(sub.isClosed(), true);
    equal(to.isClosed(), true);
  },

  "reconnect after a restart": async ({ connect, restart }) => {
    const nc = await connect({ reconnectTimeWait: 50, reconnectJitter: 10, maxReconnectAttempts: -1 });
    const sub = nc.subscribe("checks.again.*", { queue: "again" });
    await nc.flush();
    const reconnected = (async () => {
      for await (const status of nc.status()) {
        if (status.type === "reconnect") {
          return;
        }
      }
    })();
    await restart();
    await reconnected;
    nc.publish("checks.again.a", "still here");
    const [msg] = await take(sub, 1);
    equal(msg.string(), "still here");
  },
};

/** The names of all checks, in order. */
export const checkNames = Object.keys(checks);

async function take(sub, count) {
  const all = [];
  const collect = (async () => {
    for await (const msg of sub) {
      if (all.push(msg) === count) {
        return;
      }
    }
  })();
  await before(`${count} messages on ${sub.getSubject()}`, 15000, collect);
  equal(all.length, count);
  return all;
}

/** Rejects when `promise` does not settle in time. */
function before(what, ms, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited too long for ${what}`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

function subjects(all) {
  return all.map((msg) => msg.subject).join(" ");
}

function assert(truth, what) {
  if (!truth) {
    throw new Error(`not true: ${what}`);
  }
}

function equal(got, wanted) {
  if (got !== wanted) {
    throw new Error(`got ${got}, wanted ${wanted}`);
  }
}
