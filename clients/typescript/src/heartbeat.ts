import type { Clock } from "./clock.ts";
import { HEARTBEAT_TIMEOUT } from "./codes.ts";
import { HubConnectionError } from "./errors.ts";

/** What a heartbeat watches over. */
export interface Pulse {
    /** Writes a HEARTBEAT, if that is possible now. */
    beat(): void;

    /** Whether the hub's silence means nothing now: the client does not read, or the hub may be holding it back. */
    isExcused(): boolean;

    endWith(reason: HubConnectionError): void;
}

export type Heartbeat = ReturnType<typeof startHeartbeat>;

/**
 * Finds a dead connection in both directions: sends a HEARTBEAT once half of the interval has passed in which nothing was sent or received, and
 * ends the connection when nothing comes for two intervals. Timers of hidden pages come late, so that every wake-up checks, and one that
 * comes late itself proves nothing about the hub.
 */
export function startHeartbeat(pulse: Pulse, clock: Clock, seconds: number) {
    const half = 500 * seconds;
    let lastSent = clock.now();
    let lastReceived = lastSent;
    let lastCheck = lastSent;
    let timer: unknown;

    /** Sends a heartbeat if it is due, and ends a connection that is dead. */
    function check(): void {
        const now = clock.now();
        if (pulse.isExcused() || now - lastCheck >= 3 * half) {
            // Also after the machine has slept: what came meanwhile has not been handed out yet.
            lastReceived = now;
        }
        lastCheck = now;
        if (now - lastReceived >= 5 * half) {
            pulse.endWith(new HubConnectionError(HEARTBEAT_TIMEOUT, "the hub is silent"));
        } else if (now - Math.min(lastSent, lastReceived) >= half) {
            pulse.beat();
        }
    }

    function arm(): void {
        timer = clock.setTimeout(() => {
            arm();
            check();
        }, half);
    }
    arm();

    return {
        check,
        noteSent: () => void (lastSent = clock.now()),
        noteReceived(): void {
            lastReceived = clock.now();
            if (lastReceived - lastSent >= half) {
                check();
            }
        },
        stop: () => clock.clearTimeout(timer),
    };
}
