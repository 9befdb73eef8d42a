// A relay on ws. Each message begins with the number of a channel and goes as it is to all who subscribe to that; one with
// nothing behind the number subscribes, and comes back.
//   node ws.mjs PORT
import { WebSocketServer } from 'ws';

const channels = new Map();

function subscribe(socket, channel) {
  const subscribers = channels.get(channel) ?? new Set();
  channels.set(channel, subscribers.add(socket));
  socket.on('close', () => {
    subscribers.delete(socket);
    if (subscribers.size === 0) channels.delete(channel);
  });
}

const server = new WebSocketServer({ host: '127.0.0.1', port: Number(process.argv[2]), backlog: 16384, perMessageDeflate: false });
server.on('connection', (socket) => {
  socket.on('error', () => socket.terminate());
  socket.on('message', (message) => {
    const channel = message.readUInt32BE(0);
    if (message.length === 4) {
      subscribe(socket, channel);
      socket.send(message);
      return;
    }
    const subscribers = channels.get(channel);
    if (subscribers) for (const subscriber of subscribers) subscriber.send(message);
  });
});
