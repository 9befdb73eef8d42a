// A server of socket.io that hands messages on: node socketio-server.js. Prints its port.
import { createServer } from "node:http";
import { Server } from "socket.io";

const http = createServer();
const server = new Server(http, { transports: ["websocket"], cors: { origin: true }, perMessageDeflate: false });
server.on("connection", (socket) => {
    socket.on("relay", (to, text, done) => {
        server.to(to).emit("message", text);
        done?.();
    });
});
http.listen(0, "127.0.0.1", () => console.log(`listening ${http.address().port}`));
