import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { RealHub } from "./real_hub.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

/** A folder of a program that has installed the package, and what it is told. */
function inProgram(files: Record<string, string>, run: (folder: string) => void): void {
    const folder = mkdtempSync(join(tmpdir(), "mds-ts-"));
    mkdirSync(join(folder, "node_modules/@message-delivery"), { recursive: true });
    symlinkSync(root, join(folder, "node_modules/@message-delivery/client"));
    for (const [name, text] of Object.entries(files)) {
        writeFileSync(join(folder, name), text);
    }
    try {
        run(folder);
    } finally {
        rmSync(folder, { recursive: true });
    }
}

test("the browser's bundle has at most 8 KiB, compressed", () => {
    const bundle = readFileSync(join(root, "dist/browser.min.js"));
    const size = gzipSync(bundle, { level: 9 }).length;
    console.log(`browser.min.js: ${bundle.length} bytes, ${size} compressed`);
    assert.ok(size <= 8192, `${size} bytes`);
});

test("it has no dependencies, and no file above 400 lines", () => {
    const { dependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
    assert.equal(dependencies, undefined);
    for (const name of execFileSync("git", ["ls-files", "*.ts", "*.js"], { cwd: root, encoding: "utf8" }).trim().split("\n")) {
        const lines = readFileSync(join(root, name), "utf8").split("\n").length;
        assert.ok(lines <= 400, `${name} has ${lines} lines`);
    }
});

test("a bundle for browsers leaves out what only Node has", () => {
    inProgram({ "main.js": 'import { connect } from "@message-delivery/client"; console.log(connect);' }, (folder) => {
        const bundle = execFileSync(
            join(root, "node_modules/.bin/esbuild"),
            ["main.js", "--bundle", "--platform=browser", "--format=esm"],
            {
                cwd: folder,
                encoding: "utf8",
            },
        );
        assert.doesNotMatch(bundle, /node:net|node:tls/);
    });
});

test("a program in TypeScript sees its types", () => {
    const program = `
        import { connect, HubRequestError, type Receipt } from "@message-delivery/client";
        await using hub = await connect("ws://localhost:8888", { token: async () => "t", reconnect: { maxDelay: 1000 } });
        const id: bigint = hub.id;
        const receipt: Receipt = await hub.relay([id, 5], "text", { confirm: true });
        const none: void = await hub.relay(2, new Uint8Array(3));
        hub.addEventListener("lost", ({ oldId, unknownRelays }) => console.log(oldId, unknownRelays, none));
        for await (const { from, body } of hub) console.log(from + 1n, body.length, receipt.outcomes);
        for await (const { joined, snapshot } of hub.watch({ signal: AbortSignal.timeout(1) })) console.log(joined, snapshot);
        // @ts-expect-error a body is no number
        await hub.relay(2, 5);
        console.log(HubRequestError);
    `;
    const options = {
        strict: true,
        target: "es2022",
        module: "nodenext",
        lib: ["es2022", "esnext.disposable", "dom", "dom.asynciterable"],
        noEmit: true,
        types: [],
    };
    inProgram({ "main.mts": program, "tsconfig.json": JSON.stringify({ compilerOptions: options, files: ["main.mts"] }) }, (folder) => {
        execFileSync(join(root, "node_modules/.bin/tsc"), ["-p", folder], { cwd: folder, stdio: "pipe", encoding: "utf8" });
    });
});

test("the ten lines of the README run", async () => {
    await using hub = await RealHub.start();
    const readme = readFileSync(join(root, "README.md"), "utf8");
    const lines = /```js\n([^]*?)```/.exec(readme)![1]!;
    assert.ok(lines.trim().split("\n").length <= 10);
    inProgram({ "main.mjs": lines.replace("ws://localhost:8888", hub.ws) }, (folder) => {
        assert.match(execFileSync(process.execPath, ["main.mjs"], { cwd: folder, encoding: "utf8" }), /hello/);
    });
});

test("the machine's own Node connects over TCP, be it 18 or 20", async () => {
    await using hub = await RealHub.start();
    const program = `
        import { connect } from "@message-delivery/client";
        const hub = await connect("${hub.tcp}");
        const receipt = await hub.relay(hub.id, "hello", { receipt: true });
        for await (const delivery of hub) { console.log(delivery.text(), receipt.accepted); break; }
        await hub.close();
        try { await connect("${hub.ws}", { WebSocket: null }); } catch (error) { console.log(String(error)); }
    `;
    const path = (process.env["PATH"] ?? "").split(":").filter((folder) => !folder.includes("node_modules"));
    inProgram({ "main.mjs": program }, (folder) => {
        assert.match(
            execFileSync("node", ["main.mjs"], { cwd: folder, encoding: "utf8", env: { ...process.env, PATH: path.join(":") } }),
            /hello true/,
        );
    });
});
