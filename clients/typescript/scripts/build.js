// Builds dist: one file for each source, with types, and the browser's bundle.
import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { minify } from "terser";

const root = fileURLToPath(new URL("..", import.meta.url));
const words = (text) => text.replace(/\/\*[^]*?\*\/|\/\/.*/g, "").match(/[A-Za-z_$][\w$]*/g) ?? [];

/** Names of properties that only the client itself uses: the platform's types do not have them, nor do those that programs see. */
function internalNames() {
    const taken = new Set();
    const lib = readdirSync(libraryFolder()).filter((name) => /^lib\..*\.d\.ts$/.test(name));
    lib.forEach((name) => words(readFileSync(`${libraryFolder()}/${name}`, "utf8")).forEach((word) => taken.add(word)));
    for (const name of publicFiles) {
        words(readFileSync(`${root}/dist/${name}.d.ts`, "utf8")).forEach((word) => taken.add(word));
    }
    const files = readdirSync(`${root}/dist`, { recursive: true }).filter((name) => name.endsWith(".js") && !name.endsWith("tcp.js"));
    const used = files.flatMap((name) => words(readFileSync(`${root}/dist/${name}`, "utf8")));
    return [...new Set(used)].filter((word) => !taken.has(word) && word.length > 2);
}

/** What programs see is declared here. */
const publicFiles = ["backoff", "body", "codes", "delivery", "errors", "events", "hub", "index", "presence_update", "receipt"];

function libraryFolder() {
    const require = createRequire(import.meta.url);
    const names = [`@typescript/typescript-${process.platform}-${process.arch}`, "typescript"];
    for (const name of names) {
        try {
            const folder = `${dirname(require.resolve(`${name}/package.json`, { paths: [dirname(require.resolve("typescript/package.json"))] }))}/lib`;
            if (readdirSync(folder).includes("lib.dom.d.ts")) {
                return folder;
            }
        } catch {
            // The next one.
        }
    }
    throw new Error("the compiler's declarations of the platform are not where they are expected");
}

rmSync(`${root}/dist`, { recursive: true, force: true });
execFileSync(`${root}/node_modules/.bin/tsc`, ["-p", "tsconfig.build.json"], { cwd: root, stdio: "inherit" });
const bundle = await build({
    entryPoints: [`${root}/dist/index.js`],
    bundle: true,
    minify: true,
    external: ["#tcp"],
    mangleProps: new RegExp(`^(${internalNames().join("|")})$`),
    format: "esm",
    platform: "browser",
    target: "es2022",
    logLevel: "warning",
    write: false,
});
// Another twentieth smaller: functions that are called once are where they are called.
const { code } = await minify(bundle.outputFiles[0].text, {
    module: true,
    ecma: 2020,
    compress: { passes: 4, unsafe_arrows: true, unsafe_methods: true, keep_fargs: false },
});
writeFileSync(`${root}/dist/browser.min.js`, code);
