// A relay on Socket.IO, over WebSocket alone: who says "join" is let into a room, and "to" hands its text on to the room that it names.
//   node socket.io.mjs PORT
import { createServer } from 'node:http';
import { Server } from 'socket.io';

const http = createServer();
// No pings within a run, which is no longer than a minute.
const io = new Server(http, { transports: ['websocket'], serveClient: false, perMessageDeflate: false, pingInterval: 300_000 });
io.on('connection', (socket) => {
  socket.on('join', (room, joined) => {
    socket.join(room);
    joined();
  });
  socket.on('to', (room, text) => io.to(room).emit('m', text));
});
http.listen({ host: '127.0.0.1', port: Number(process.argv[2]), backlog: 16384 });
