// The same in a browser: two pages, one of which sends to the other.
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { chromium } from "playwright-core";

const folder = fileURLToPath(new URL(".", import.meta.url));

/** A browser with pages in which `globalThis.kinds` is what kinds.js has; undefined if there is none. */
export async function startBrowser() {
    const executablePath = [process.env.CHROMIUM, "/usr/bin/chromium"].find((path) => path && existsSync(path));
    if (!executablePath) {
        return undefined;
    }
    const { outputFiles } = await build({
        stdin: { contents: 'import { kinds } from "./kinds.js"; globalThis.kinds = kinds;', resolveDir: folder },
        // As those get it who need no build.
        alias: { "@message-delivery/client": `${folder}/../dist/browser.min.js` },
        bundle: true,
        format: "esm",
        platform: "browser",
        external: ["#tcp"],
        logLevel: "error",
        write: false,
    });
    const script = outputFiles[0].text;
    const server = createServer((request, response) => {
        const isScript = request.url === "/kinds.js";
        response.writeHead(200, { "content-type": isScript ? "text/javascript" : "text/html" });
        response.end(isScript ? script : '<!doctype html><script type="module" src="/kinds.js"></script>');
    });
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    const origin = `http://127.0.0.1:${server.address().port}`;
    const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
    const open = async () => {
        const page = await (await browser.newContext()).newPage();
        await page.goto(origin);
        await page.waitForFunction(() => globalThis.kinds);
        return page;
    };
    return { origin, open, close: () => (server.close(), browser.close()) };
}

/** Messages a second between two pages. */
export async function measureInBrowser(browser, kind, url, count, warmup) {
    const receiver = await browser.open();
    const sender = await browser.open();
    const id = await receiver.evaluate(
        async ([name, address, all, warm]) => {
            const client = await globalThis.kinds[name](address);
            let received = 0;
            globalThis.done = client
                .receive(() => {
                    if (++received === warm) {
                        globalThis.began = performance.now();
                    }
                    return received === warm + all;
                })
                .then(() => (performance.now() - globalThis.began) / 1000);
            return client.id;
        },
        [kind, url, count, warmup],
    );
    await sender.evaluate(
        async ([name, address, to, all]) => {
            const client = await globalThis.kinds[name](address, to);
            await client.send(all);
        },
        [kind, url, id, count + warmup],
    );
    const seconds = await receiver.evaluate(() => globalThis.done);
    await Promise.all([sender.context().close(), receiver.context().close()]);
    return { rate: count / seconds };
}
