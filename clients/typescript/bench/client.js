// One end of a measurement, in a process of its own: node client.js KIND send|receive URL COUNT WARMUP [TO]
// Prints "ready ID", and what it has measured at its end.
import { kinds } from "./kinds.js";

const [kind, role, url, countText, warmupText, to] = process.argv.slice(2);
const count = Number(countText);
const warmup = Number(warmupText);
const client = await kinds[kind](url, to);
const told = () => new Promise((resolve) => process.stdin.once("data", resolve));
const cpu = () => {
    const { user, system } = process.cpuUsage();
    return user + system;
};
let began;
let beganCpu;
const begin = () => {
    began = performance.now();
    beganCpu = cpu();
};
const report = () => console.log(JSON.stringify({ seconds: (performance.now() - began) / 1000, microseconds: (cpu() - beganCpu) / count }));

if (role === "receive") {
    let received = 0;
    const receiving = client.receive((length) => {
        if (length !== 128) {
            throw new Error(`${length} bytes`);
        }
        if (++received === warmup) {
            begin();
            console.log("warm");
        }
        return received === warmup + count;
    });
    console.log(`ready ${client.id}`);
    await receiving;
    report();
} else {
    console.log(`ready ${client.id}`);
    await client.send(warmup);
    // The other end has to have got them: what follows is measured.
    await told();
    begin();
    await client.send(count);
    await told();
    report();
}
await client.close();
process.exit(0);
