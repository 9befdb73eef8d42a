import { NORMAL, PROTOCOL_ERROR, codeName, type Code } from "./codes.ts";

/** What every error of the hub, or about it, has. */
export class HubError extends Error {
    /** The protocol's code by name; undefined where only the socket failed. */
    declare readonly code: Code | undefined;

    /** The hub's words, possibly empty, or what happened. */
    declare readonly text: string;

    /** The code as it is on the wire. */
    declare readonly number: number | undefined;

    constructor(number: number | undefined, text: string, cause?: unknown) {
        const code = number === undefined ? undefined : codeName(number);
        super(code && text ? `${code}: ${text}` : (code ?? text), { cause });
        Object.assign(this, { code, text, number });
    }
}

/**
 * The connection could not be made, or has ended for good. Every call that was pending ends with the same one; whether the hub has
 * carried it out is not known.
 */
export class HubConnectionError extends HubError {
    /** Whether it would come again though it has no code, as a certificate that is not accepted. */
    declare readonly isFinal?: boolean;
}

/**
 * The session could not be resumed: the hub was restarted, the time for it has passed, or too much had come meanwhile. The client goes on
 * as a new user, and does not send as that one what was meant to be sent as another.
 */
export class HubSessionLostError extends HubConnectionError {
    /** True: whether the hub has carried out the call is not known. False: it was never sent. */
    declare readonly mayBeCarriedOut: boolean;
}

/** The hub answered a call with an error. The connection goes on. */
export class HubRequestError extends HubError {}

// Names that survive minification.
for (const [name, type] of Object.entries({ HubError, HubConnectionError, HubSessionLostError, HubRequestError })) {
    type.prototype.name = name;
}

export const sessionLost = (lost: HubConnectionError | undefined, mayBeCarriedOut: boolean) =>
    Object.assign(
        new HubSessionLostError(
            lost?.number,
            `the session was lost: this ${mayBeCarriedOut ? "may have been" : "was not"} carried out`,
            lost,
        ),
        { mayBeCarriedOut },
    );

export const closedHere = () => new HubConnectionError(NORMAL, "the client was closed");

/** The hub does not keep to the protocol. */
export const violation = (type: number) =>
    new HubConnectionError(PROTOCOL_ERROR, `the hub sent a frame of type 0x${type.toString(16)} that is not due`);
