// Serves samples/chat: node scripts/chat.js [PORT]. The hub must allow the page: ./mds serve --allow-origin http://localhost:8080
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const files = {
    "/": [`${root}/../../samples/chat/index.html`, "text/html; charset=utf-8"],
    "/browser.min.js": [`${root}/dist/browser.min.js`, "text/javascript; charset=utf-8"],
};

createServer((request, response) => {
    const file = files[new URL(request.url, "http://localhost").pathname];
    response.writeHead(file ? 200 : 404, { "content-type": file?.[1] ?? "text/plain" });
    response.end(file ? readFileSync(file[0]) : "not found");
}).listen(Number(process.argv[2] ?? 8080), "127.0.0.1", function () {
    const { port } = this.address();
    console.log(`http://localhost:${port}/?hub=ws://localhost:8888`);
});
