import assert from "node:assert/strict";
import { createHmac, randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import * as net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { chromium, type Browser, type Page } from "playwright-core";
import { CuttingProxy, RealHub } from "./real_hub.ts";
import { soon, until } from "./scripted_hub.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const pictures = join(root, "../../artifacts/chat");
const program = [process.env["CHROMIUM"], "/usr/bin/chromium", "/usr/bin/chromium-browser"].find((path) => path && existsSync(path));

let browser: Browser;
let server: Server;
let origin: string;

before(async () => {
    assert.ok(program, "there is no chromium: install Debian's, or name one in CHROMIUM");
    server = createServer((request, response) => {
        const { pathname } = new URL(request.url!, "http://localhost");
        const isScript = pathname === "/browser.min.js";
        response.writeHead(200, { "content-type": isScript ? "text/javascript" : "text/html; charset=utf-8" });
        response.end(
            isScript
                ? readFileSync(join(root, "dist/browser.min.js"))
                : pathname === "/chat"
                  ? readFileSync(join(root, "../../samples/chat/index.html"))
                  : "<!doctype html><title>test</title>",
        );
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    origin = `http://127.0.0.1:${(server.address() as net.AddressInfo).port}`;
    browser = await chromium.launch({ executablePath: program, args: ["--no-sandbox", "--disable-gpu"] });
});

after(async () => {
    await browser?.close();
    server?.close();
    server?.closeAllConnections();
});

/** A page that has a client connected as `hub`, and remembers its events. */
async function open(url: string, options = {}, prepare: (page: Page) => Promise<void> = async () => {}): Promise<Page> {
    const page = await (await browser.newContext()).newPage();
    await prepare(page);
    await page.goto(origin);
    await page.evaluate(
        async ({ address, given }) => {
            const name = "/browser.min.js";
            const { connect } = await import(name);
            const world = globalThis as any;
            world.hub = await connect(address, given);
            world.events = [];
            for (const type of ["reconnecting", "resumed", "lost", "connected", "closed"]) {
                world.hub.addEventListener(type, () => world.events.push(type));
            }
            world.bodies = [];
            (async () => {
                for await (const delivery of world.hub) {
                    world.bodies.push(delivery.text());
                }
            })().catch(() => {});
        },
        { address: url, given: options },
    );
    return page;
}

const idOf = (page: Page): Promise<number> => page.evaluate(() => Number((globalThis as any).hub.id));
const eventsOf = (page: Page): Promise<string[]> => page.evaluate(() => (globalThis as any).events);
const bodiesOf = (page: Page): Promise<string[]> => page.evaluate(() => (globalThis as any).bodies);
const relay = (page: Page, to: number, body: string, options = {}): Promise<string[]> =>
    page.evaluate(async ([receiver, text, given]) => (await (globalThis as any).hub.relay(receiver, text, given))?.outcomes, [
        to,
        body,
        options,
    ] as const);

async function untilAsync(condition: () => Promise<boolean>): Promise<void> {
    let holds = false;
    while (!holds) {
        holds = await soon(condition());
    }
}

test("two pages talk, and large messages pass", async () => {
    await using hub = await RealHub.start("--allow-origin", origin);
    const alice = await open(hub.ws);
    const bob = await open(hub.ws);
    assert.deepEqual(await relay(alice, await idOf(bob), "hallo bob", { confirm: true }), ["delivered"]);
    assert.deepEqual(await bodiesOf(bob), ["hallo bob"]);
    const length = await bob.evaluate(async () => {
        const world = globalThis as any;
        await world.hub.relay([world.hub.id], new Uint8Array(1 << 20), { receipt: true });
        return (await world.hub.echo(new Uint8Array(1 << 20))).length;
    });
    assert.equal(length, 1 << 20);
    await assert.rejects(
        (async () => {
            await using other = await RealHub.start();
            await open(other.ws);
        })(),
        /no connection to/,
    );
});

test("a page whose socket is cut goes on, and after a restart of the hub it is somebody else", async () => {
    const hub = await RealHub.start("--allow-origin", origin);
    await using proxy = await CuttingProxy.start(hub.port, 1e9, () => 1);
    proxy.isCutting = false;
    const alice = await open(`ws://127.0.0.1:${proxy.port}`, { reconnect: { minDelay: 10, maxDelay: 100 } });
    const bob = await open(hub.ws, { reconnect: { minDelay: 10, maxDelay: 100 } });
    const [aliceId, bobId] = [await idOf(alice), await idOf(bob)];
    for (let i = 0; i < 5; i++) {
        proxy.cutAll();
        assert.deepEqual(await relay(bob, aliceId, `to alice ${i}`, { confirm: true }), ["delivered"]);
        assert.deepEqual(await relay(alice, bobId, `to bob ${i}`, { confirm: true }), ["delivered"]);
    }
    assert.deepEqual(
        await bodiesOf(alice),
        [0, 1, 2, 3, 4].map((i) => `to alice ${i}`),
    );
    assert.deepEqual(
        await bodiesOf(bob),
        [0, 1, 2, 3, 4].map((i) => `to bob ${i}`),
    );
    const events = await eventsOf(alice);
    assert.ok(events.includes("resumed") && !events.includes("lost"), events.join());
    await hub.kill();
    await using second = await RealHub.start("--port", `${hub.port}`, "--allow-origin", origin);
    await untilAsync(async () => (await eventsOf(bob)).includes("lost"));
    assert.ok(second.port > 0);
});

test("a page whose timers run once a minute, or not for hours, keeps its connection", async () => {
    await using hub = await RealHub.start("--allow-origin", origin);
    const sent: number[] = [];
    const page = await open(hub.ws, {}, async (fresh) => {
        await fresh.clock.install();
        fresh.on("websocket", (socket) => socket.on("framesent", ({ payload }) => sent.push((payload as Buffer)[0]!)));
    });
    for (let minute = 0; minute < 5; minute++) {
        const before = sent.length;
        await page.clock.fastForward(60_000);
        await until(() => sent.slice(before).includes(7), "a heartbeat");
        await page.evaluate(() => (globalThis as any).hub.echo(""));
    }
    await page.clock.fastForward(8 * 3_600_000);
    await page.evaluate(() => (globalThis as any).hub.echo(""));
    assert.deepEqual(await eventsOf(page), []);
});

test("a page that has no network tries again at once when it is back", async () => {
    await using hub = await RealHub.start("--allow-origin", origin);
    await using proxy = await CuttingProxy.start(hub.port, 1e9, () => 1);
    proxy.isCutting = false;
    const page = await open(`ws://127.0.0.1:${proxy.port}`, { reconnect: { minDelay: 3_600_000, maxDelay: 3_600_000 } });
    proxy.cutAll();
    await untilAsync(async () => (await eventsOf(page)).includes("reconnecting"));
    await page.evaluate(() => dispatchEvent(new Event("online")));
    await untilAsync(async () => (await eventsOf(page)).includes("resumed"));
});

test("a token lets a page in", async () => {
    const folder = mkdtempSync(join(tmpdir(), "mds-ts-"));
    const key = randomBytes(32).toString("base64url");
    writeFileSync(join(folder, "secret"), key, { mode: 0o600 });
    await using hub = await RealHub.start(
        ...["--allow-origin", origin, "--auth", "jwt", "--jwt-secret", join(folder, "secret")],
        ...["--jwt-issuer", "test", "--jwt-audience", "hub"],
    );
    const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const claims = `${encode({ alg: "HS256", typ: "JWT" })}.${encode({ sub: "alice", iss: "test", aud: "hub", exp: Date.now() / 1000 + 600 })}`;
    const token = `${claims}.${createHmac("sha256", key).update(claims).digest("base64url")}`;
    await assert.rejects(open(hub.ws), /auth_required/);
    await assert.rejects(open(hub.ws, { token: "wrong" }), /auth_failed/);
    const page = await open(hub.ws, { token });
    assert.ok((await idOf(page)) > 0);
    rmSync(folder, { recursive: true });
});

test("the chat: two pages and a person at a terminal in one conversation, and a reload goes on", async () => {
    mkdirSync(pictures, { recursive: true });
    await using hub = await RealHub.start("--allow-origin", origin);
    const enter = async (name: string, size: { width: number; height: number }) => {
        const page = await (await browser.newContext({ viewport: size })).newPage();
        await page.goto(`${origin}/chat?hub=${hub.ws}`);
        await page.getByRole("textbox", { name: "What is your name?" }).fill(name);
        await page.getByRole("button", { name: "Enter" }).click();
        await page.locator("#state.connected").waitFor();
        return page;
    };
    const says = (page: Page, text: string) => page.locator("#log li", { hasText: text }).waitFor();
    const alice = await enter("Alice", { width: 1000, height: 640 });
    const bob = await enter("Bob", { width: 390, height: 780 });
    await says(alice, "Bob is here");
    await says(bob, "Alice is here");

    const terminal = net.connect(hub.port, "127.0.0.1");
    const shown: string[] = [];
    terminal.on("data", (chunk) => shown.push(`${chunk}`));
    terminal.write("verbose\nidentity\n");
    await until(() => shown.join("").includes("Your ID is 3"));
    await alice.locator("#who li", { hasText: "user 3" }).waitFor();
    terminal.write("relay 1,2\n* I am Carol\n.\nrelay 1,2 Good morning from a terminal\n");
    await says(alice, "Good morning from a terminal");
    await says(bob, "Good morning from a terminal");
    await alice.getByRole("textbox", { name: "Message" }).fill("Good morning, Carol and Bob. Is everything arriving?");
    await alice.getByRole("textbox", { name: "Message" }).press("Enter");
    await says(bob, "Is everything arriving?");
    await until(() => shown.join("").includes("Good morning, Carol and Bob"));
    await bob.getByRole("textbox", { name: "Message" }).fill("Yes, on the phone too 👍");
    await bob.getByRole("button", { name: "Send" }).click();
    await says(alice, "on the phone too");
    await alice.locator("#log small", { hasText: "reached 2 of 2" }).waitFor();

    // What comes while the page is being loaded again waits in the hub.
    const id = await alice.locator("#self").textContent();
    await alice.goto("about:blank");
    await bob.getByRole("textbox", { name: "Message" }).fill("Alice, you missed nothing");
    await bob.getByRole("textbox", { name: "Message" }).press("Enter");
    await bob.locator("#log small", { hasText: "reached 2 of 2" }).nth(1).waitFor();
    await alice.goBack();
    await says(alice, "Back again");
    await says(alice, "Alice, you missed nothing");
    assert.equal(await alice.locator("#self").textContent(), id);
    await says(alice, "Is everything arriving?");
    assert.equal(await bob.locator("#log li", { hasText: "has left" }).count(), 0);
    await bob
        .getByRole("textbox", { name: "Message" })
        .fill("And a very long line, to see where it breaks: " + "wordswithoutspaces".repeat(8));
    await bob.getByRole("textbox", { name: "Message" }).press("Enter");
    await says(alice, "a very long line");
    await alice.screenshot({ path: join(pictures, "alice.png") });
    await bob.screenshot({ path: join(pictures, "bob-phone.png") });
    await alice.emulateMedia({ colorScheme: "dark" });
    await alice.screenshot({ path: join(pictures, "alice-dark.png") });

    terminal.end("quit\n");
    await says(bob, "Carol has left");
    await alice.goto("about:blank");
    const dialog = await (await browser.newContext({ viewport: { width: 390, height: 780 } })).newPage();
    await dialog.goto(`${origin}/chat?hub=${hub.ws}`);
    await dialog.screenshot({ path: join(pictures, "name.png") });
});
