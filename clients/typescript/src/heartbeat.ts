import type { Clock } from "./clock.ts";
import { HubConnectionError } from "./errors.ts";

/** What a heartbeat watches over. */
export interface Pulse {
    /** Writes a HEARTBEAT; false if that is impossible now. */
    sendHeartbeat(): boolean;

    /** Whether the hub's silence means nothing now: the client does not read, or the hub may be holding it back. */
    readonly isExcused: boolean;

    close(reason: HubConnectionError): void;
}

/**
 * Finds a dead connection in both directions: sends a HEARTBEAT once half of the interval has passed in which nothing was sent or received, and
 * ends the connection when nothing comes for two intervals with a heartbeat unanswered. Timers of hidden pages come late, so that every
 * wake-up checks, and one that comes late itself proves nothing about the hub.
 */
export class Heartbeat {
    readonly #pulse: Pulse;
    readonly #clock: Clock;
    readonly #interval: number;
    #timer: unknown;
    #lastSent: number;
    #lastReceived: number;
    #lastCheck: number;
    #silentSince: number;
    #isProbing = false;

    constructor(pulse: Pulse, clock: Clock, seconds: number) {
        this.#pulse = pulse;
        this.#clock = clock;
        this.#interval = 1000 * seconds;
        this.#lastSent = this.#lastReceived = this.#lastCheck = this.#silentSince = clock.now();
        this.#arm();
    }

    noteSent(): void {
        this.#lastSent = this.#clock.now();
    }

    noteReceived(): void {
        this.#lastReceived = this.#silentSince = this.#clock.now();
        this.#isProbing = false;
        if (this.#lastReceived - this.#lastSent >= this.#interval / 2) {
            this.check();
        }
    }

    /** Sends a heartbeat if it is due, and ends a connection that is dead. */
    check(): void {
        const now = this.#clock.now();
        if (this.#pulse.isExcused || now - this.#lastCheck >= 1.5 * this.#interval) {
            // Also after the machine has slept: what came meanwhile has not been handed out yet.
            this.#silentSince = now;
        }
        this.#lastCheck = now;
        if (this.#isProbing && now - this.#silentSince >= 2 * this.#interval) {
            const seconds = Math.round((now - this.#lastReceived) / 1000);
            this.#pulse.close(new HubConnectionError("heartbeat_timeout", `nothing came from the hub for ${seconds} s`));
            return;
        }
        const half = this.#interval / 2;
        const isSilent = now - this.#lastReceived >= this.#interval && !this.#isProbing;
        if ((now - this.#lastSent >= half || isSilent) && this.#pulse.sendHeartbeat()) {
            this.#lastSent = now;
            if (!this.#isProbing) {
                this.#isProbing = true;
                this.#silentSince = now;
            }
        }
    }

    stop(): void {
        this.#clock.clearTimeout(this.#timer);
    }

    #arm(): void {
        this.#timer = this.#clock.setTimeout(() => {
            this.#arm();
            this.check();
        }, this.#interval / 2);
    }
}
