// Messages a second from one Node to another, and from one page to another, 128 bytes each, sent without waiting for each other; beside nats-core
// and socket.io.
//   node bench/run.js [MESSAGES [RUNS]]
// Needs the built hub, dist (npm run build), Debian's nats-server and chromium, and bench/node_modules (npm ci in bench).
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { measureInBrowser, startBrowser } from "./browser.js";

const folder = fileURLToPath(new URL(".", import.meta.url));
const count = Number(process.argv[2] ?? 300_000);
const runs = Number(process.argv[3] ?? 3);
const children = new Set();
const browser = await startBrowser();

/** A process and the lines that it prints, one after another. */
function start(command, ...args) {
    const child = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"] });
    children.add(child);
    child.stderr.on("data", () => {});
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    return { child, next: async () => (await lines.next()).value ?? Promise.reject(new Error(`${command} ${args.join(" ")} has ended`)) };
}

async function measure(kind, url, count, warmup) {
    const receiver = start(process.execPath, join(folder, "client.js"), kind, "receive", url, count, warmup);
    const id = (await receiver.next()).split(" ")[1];
    const sender = start(process.execPath, join(folder, "client.js"), kind, "send", url, count, warmup, id);
    await sender.next();
    await receiver.next();
    sender.child.stdin.write("go\n");
    const received = JSON.parse(await receiver.next());
    sender.child.stdin.write("end\n");
    const sent = JSON.parse(await sender.next());
    return { rate: count / received.seconds, sending: sent.microseconds, receiving: received.microseconds };
}

async function hub() {
    const origin = browser ? ["--allow-origin", browser.origin] : [];
    const program = join(folder, "../../../artifacts/bin/MessageDelivery.Cli/release/mds");
    const server = start(program, "serve", "--port", "0", "--log-level", "none", ...origin);
    const port = (await server.next()).split(":").at(-1);
    return { child: server.child, port };
}

async function nats() {
    const port = 20_000 + (process.pid % 20_000);
    const file = join(mkdtempSync(join(tmpdir(), "bench-")), "nats.conf");
    writeFileSync(file, `listen: "127.0.0.1:${port + 1}"\nwebsocket { listen: "127.0.0.1:${port}", no_tls: true }\n`);
    const { child } = start("nats-server", "-c", file);
    await new Promise((resolve) => setTimeout(resolve, 500));
    return { child, port };
}

async function socketio() {
    const server = start(process.execPath, join(folder, "socketio-server.js"));
    return { child: server.child, port: (await server.next()).split(" ")[1] };
}

const rows = [
    ["Node: this client, WebSocket", "hub", hub, "ws", measure],
    ["Node: this client, TCP", "hub", hub, "tcp", measure],
    ["Node: nats-core, WebSocket", "nats", nats, "ws", measure],
    ["Node: socket.io-client, WebSocket", "socketio", socketio, "http", measure],
];
if (browser) {
    const inBrowser = (kind, url, all, warmup) => measureInBrowser(browser, kind, url, all, warmup);
    rows.push(
        ["Chromium: this client", "hub", hub, "ws", inBrowser],
        ["Chromium: nats-core", "nats", nats, "ws", inBrowser],
        ["Chromium: socket.io-client", "socketio", socketio, "http", inBrowser],
    );
}

process.on("exit", () => children.forEach((child) => child.kill("SIGKILL")));
console.log(
    `Node ${process.version}, ${cpus()[0].model}, ${cpus().length} processors, ${count} messages of 128 bytes, the best of ${runs}\n`,
);
console.log("| client | messages a second | µs of processor to send one | to receive one |\n|---|---|---|---|");
for (const [name, kind, serve, scheme, measureOnce] of rows) {
    // The slow one would take too long, which changes nothing.
    const messages = kind === "socketio" ? Math.ceil(count / 10) : count;
    const results = [];
    for (let run = 0; run < runs; run++) {
        const { child, port } = await serve();
        results.push(await measureOnce(kind, `${scheme}://127.0.0.1:${port}`, messages, Math.round(messages / 5)));
        const ended = once(child, "exit");
        child.kill("SIGKILL");
        await ended;
    }
    const best = results.reduce((a, b) => (a.rate > b.rate ? a : b));
    const time = (microseconds) => microseconds?.toFixed(2) ?? "";
    console.log(`| ${name} | ${Math.round(best.rate).toLocaleString("en")} | ${time(best.sending)} | ${time(best.receiving)} |`);
}
await browser?.close();
process.exit(0);
