import assert from "node:assert/strict";
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import * as net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { soon } from "./scripted_hub.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const program = process.env["TEST_PROGRAM"] ?? join(root, "artifacts/bin/MessageDelivery.Cli/release/mds");

/** The built hub as a process. */
export class RealHub {
    readonly #process: ChildProcess;
    readonly port: number;
    readonly #output: string[];

    private constructor(process: ChildProcess, port: number, output: string[]) {
        this.#process = process;
        this.port = port;
        this.#output = output;
    }

    static async start(...options: string[]): Promise<RealHub> {
        const port = options.includes("--port") ? [] : ["--port", "0"];
        const child = spawn(program, ["serve", ...port, "--log-level", "warning", ...options], { stdio: ["ignore", "pipe", "pipe"] });
        const output: string[] = [];
        child.stderr!.on("data", (chunk) => output.push(`${chunk}`));
        const lines = createInterface(child.stdout!);
        const first = once(lines, "line").then(([line]) => line as string);
        const died = once(child, "exit").then(([code]) => assert.fail(`the hub ended with ${code}: ${output.join("")}`));
        const line = await soon(Promise.race([first, died]), "the hub's start");
        died.catch(() => {});
        const match = /^listening on .*:(\d+)$/.exec(line);
        assert.ok(match, line);
        return new RealHub(child, Number(match[1]), output);
    }

    get tcp(): string {
        return `tcp://127.0.0.1:${this.port}`;
    }

    get ws(): string {
        return `ws://127.0.0.1:${this.port}`;
    }

    /** Ends it as an operator does. */
    async stop(): Promise<void> {
        this.#process.kill("SIGTERM");
        await this.#ended();
    }

    /** Ends it as a machine that fails does. */
    async kill(): Promise<void> {
        this.#process.kill("SIGKILL");
        await this.#ended();
    }

    /** Reads its settings again, and whatever else a signal does. */
    signal(name: NodeJS.Signals): void {
        this.#process.kill(name);
    }

    async [Symbol.asyncDispose](): Promise<void> {
        await this.kill();
        assert.doesNotMatch(this.#output.join(""), /\b(error|critical)\b/);
    }

    async #ended(): Promise<void> {
        if (this.#process.exitCode === null && this.#process.signalCode === null) {
            await soon(once(this.#process, "exit"), "the hub's end");
        }
    }
}

/** A proxy that cuts each connection after some bytes. */
export class CuttingProxy {
    readonly #server: net.Server;
    readonly #sockets = new Set<net.Socket>();
    cuts = 0;
    isCutting = true;
    isRefusing = false;
    port = 0;

    private constructor(port: number, maxBytes: number, random: () => number) {
        this.#server = net.createServer((client) => {
            if (this.isRefusing) {
                client.destroy();
                return;
            }
            const hub = net.connect({ host: "127.0.0.1", port });
            let left = Math.floor(random() * maxBytes);
            for (const [from, to] of [
                [client, hub],
                [hub, client],
            ] as const) {
                this.#sockets.add(from);
                from.setNoDelay(true);
                from.on("error", () => {});
                from.on("close", () => {
                    this.#sockets.delete(from);
                    to.destroy();
                });
                from.on("end", () => to.end());
                from.on("data", (chunk) => {
                    const isCut = this.isCutting && chunk.length >= left;
                    const passed = isCut ? chunk.subarray(0, left) : chunk;
                    left -= passed.length;
                    if (!to.write(passed)) {
                        from.pause();
                        to.once("drain", () => from.resume());
                    }
                    if (isCut) {
                        this.cuts++;
                        if (random() < 0.5) {
                            to.end();
                            from.destroy();
                        } else {
                            to.resetAndDestroy();
                            from.resetAndDestroy();
                        }
                    }
                });
            }
        });
    }

    static async start(port: number, maxBytes: number, random: () => number): Promise<CuttingProxy> {
        const proxy = new CuttingProxy(port, maxBytes, random);
        proxy.#server.listen(0, "127.0.0.1");
        await once(proxy.#server, "listening");
        proxy.port = (proxy.#server.address() as net.AddressInfo).port;
        return proxy;
    }

    /** Cuts all connections now. */
    cutAll(): void {
        for (const socket of this.#sockets) {
            socket.resetAndDestroy();
        }
    }

    async [Symbol.asyncDispose](): Promise<void> {
        this.#server.close();
        this.cutAll();
    }
}

/** A certificate for localhost, signed by itself, in files that are gone afterwards. */
export class TestCertificate {
    readonly #folder = mkdtempSync(join(tmpdir(), "mds-ts-"));
    readonly file = join(this.#folder, "hub.pem");
    readonly key = join(this.#folder, "hub.key");
    readonly pem: string;

    constructor() {
        execFileSync(
            "openssl",
            [
                ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"],
                ...["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
                ...["-keyout", this.key, "-out", this.file],
            ],
            { stdio: "ignore" },
        );
        this.pem = readFileSync(this.file, "utf8");
    }

    [Symbol.dispose](): void {
        rmSync(this.#folder, { recursive: true, force: true });
    }
}

/** Random numbers that a seed decides. */
export function seeded(seed: number): () => number {
    let state = seed >>> 0;
    return () => {
        state = (state + 0x6d2b79f5) >>> 0;
        let value = Math.imul(state ^ (state >>> 15), 1 | state);
        value ^= value + Math.imul(value ^ (value >>> 7), 61 | value);
        return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
    };
}
