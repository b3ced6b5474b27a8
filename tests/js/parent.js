// How a script talks to the Rust test that runs it: a line on stdout per check, wishes answered on stdin.

import { createInterface } from "node:readline";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

/** A check has passed. */
export function report(name) {
  console.log(`ok ${name}`);
}

/** Has the server killed and started again on its ports. */
export async function restart() {
  console.log("do restart");
  await lines.next();
}

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
