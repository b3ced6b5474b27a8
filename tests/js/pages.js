// A page with a script, served on a free port.

import { createServer } from "node:http";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

/** The script `entry` and all that it imports, in one. */
export async function bundle(entry) {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(entry, import.meta.url))],
    bundle: true,
    // nats.ws looks for it where the browser's own is missing.
    external: ["crypto"],
    write: false,
    logLevel: "error",
  });
  return outputFiles[0].text;
}

/** Serves a page of this title with a script, on 127.0.0.1, which is localhost too: the port. */
export async function servePage(title, script) {
  const html = `<!doctype html><meta charset="utf-8"><title>${title}</title>
    <style>body { font: 15px sans-serif; margin: 1em 2em; } ul { list-style: none; padding: 0; }</style>
    <h1>${title}</h1><ul></ul><script defer src="/page.js"></script>`;
  const server = createServer((request, response) => {
    if (request.url === "/page.js") {
      response.setHeader("Content-Type", "text/javascript; charset=utf-8");
      return response.end(script);
    }
    response.setHeader("Content-Type", "text/html");
    response.end(request.url === "/" ? html : "");
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server.address().port;
}
