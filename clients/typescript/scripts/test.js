// Compiles the tests and runs them: node scripts/test.js [FILE-NAME-PART …]. Node itself does not know `await using` yet.
import { spawnSync } from "node:child_process";
import { readdirSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

// What programs get is tested, too.
await import("./build.js");

const root = fileURLToPath(new URL("..", import.meta.url));
const wanted = process.argv.slice(2);
const names = readdirSync(`${root}/test`)
    .filter((name) => name.endsWith(".test.ts"))
    .filter((name) => wanted.length === 0 || wanted.some((part) => name.includes(part)));
rmSync(`${root}/build`, { recursive: true, force: true });
await build({
    entryPoints: names.map((name) => `${root}/test/${name}`),
    outdir: `${root}/build`,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node18",
    packages: "external",
    conditions: ["source"],
    sourcemap: "inline",
    sourcesContent: false,
    logLevel: "warning",
});
const { status } = spawnSync(
    process.execPath,
    [
        "--enable-source-maps",
        "--no-warnings",
        "--test",
        "--test-timeout=120000",
        "--test-force-exit",
        "--test-reporter=spec",
        ...names.map((name) => `build/${name.replace(/ts$/, "js")}`),
    ],
    { cwd: root, stdio: "inherit" },
);
process.exitCode = status ?? 1;
