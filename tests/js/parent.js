// How a script talks to the Rust test that runs it: a line on stdout per check, wishes answered on stdin.

import { createInterface } from "node:readline";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

/** A check has passed. */
export function report(name) {
  console.log(`ok ${name}`);
}

/** Has something done, and returns the line that answers. */
export async function ask(wish) {
  console.log(`do ${wish}`);
  return (await lines.next()).value;
}

/** Has the server killed and started again on its ports. */
export async function restart() {
  await ask("restart");
}

/** Who the clients are, where the server asks for that. */
export const credentials = process.env.NATS_USER && { user: process.env.NATS_USER, pass: process.env.NATS_PASSWORD };

/** Runs the script, and ends the process: with a failure if it throws. */
export function main(script) {
  script().then(
    () => process.exit(0),
    (error) => {
      console.error(error);
      process.exit(1);
    },
  );
}
