import type { HubConnectionError, HubRequestError } from "./errors.ts";

/** The connection was lost, and is going to be replaced. */
export interface ReconnectingEvent extends Event {
    /** What ended it. */
    readonly reason: HubConnectionError;
}

/** A lost connection was replaced, but the session could not be resumed: the id has changed, and calls that were pending have failed. */
export interface SessionLostEvent extends Event {
    readonly oldId: bigint;
    readonly id: bigint;

    /** Relays of which it is not known whether the hub has carried them out. */
    readonly unknownRelays: number;

    /** What ended the last connection of the session. */
    readonly reason: HubConnectionError;
}

/** The hub has answered a relay without a receipt with an error. */
export interface RejectedEvent extends Event {
    readonly error: HubRequestError;
}

/** There will be no further connection. */
export interface ClosedEvent extends Event {
    /** Why; its code is `normal` if the client was closed here. */
    readonly reason: HubConnectionError;
}

/** What a hub tells its listeners. */
export interface HubEventMap {
    reconnecting: ReconnectingEvent;
    /** The session goes on: same id, nothing lost, nothing twice. */
    resumed: Event;
    lost: SessionLostEvent;
    /** Behind `resumed` or `lost`. */
    connected: Event;
    rejected: RejectedEvent;
    closed: ClosedEvent;
}
