// A tab that shows the newest number of each subject `tab.*`, and remembers all.

import { wsconnect } from "@nats-io/nats-core";

window.numbers = [];
window.statuses = [];

window.show = async (url) => {
  const nc = await wsconnect({ servers: url });
  (async () => {
    for await (const { type } of nc.status()) {
      window.statuses.push(type);
    }
  })();
  nc.subscribe("tab.*", {
    callback: (_, msg) => {
      const number = Number(msg.string().slice(0, 8));
      window.numbers.push(number);
      row(msg.subject).textContent = `${msg.subject}: ${number}`;
    },
  });
  await nc.flush();
};

/** The row of a subject. */
function row(subject) {
  const found = document.getElementById(subject);
  if (found) {
    return found;
  }
  const item = document.createElement("li");
  item.id = subject;
  document.querySelector("ul").append(item);
  return item;
}
