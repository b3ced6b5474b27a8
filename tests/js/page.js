// The browser page: runs the checks when asked, and chats with other tabs.
//
// `report` and `restart` are functions of the script that drives the browser (browser.js).

import { runChecks } from "./checks.js";

export function start(library) {
  const list = document.querySelector("ul");
  const show = (text) => {
    const item = document.createElement("li");
    item.textContent = text;
    list.append(item);
  };

  window.runChecks = () =>
    runChecks(
      library,
      (name) => {
        show(`✓ ${name}`);
        window.report(name);
      },
      () => window.restart(),
    );

  const heard = [];
  let wake = () => {};
  let chat;

  window.joinChat = async () => {
    chat = await library.connect({ noEcho: true });
    chat.subscribe("chat.>", {
      callback: (_, msg) => {
        heard.push(`${msg.subject}: ${msg.string()}`);
        show(heard.at(-1));
        wake();
      },
    });
    await chat.flush();
  };
  window.say = async (subject, text) => {
    chat.publish(subject, text);
    await chat.flush();
  };
  window.hear = async (count) => {
    while (heard.length < count) {
      await new Promise((resolve) => (wake = resolve));
    }
    return heard;
  };
}
