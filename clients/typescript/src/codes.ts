/** What a GOODBYE or an ERROR says, by the number that stands for it on the wire. */
const names = [
    "normal",
    "shutting_down",
    "protocol_error",
    "frame_too_large",
    "unsupported",
    "invalid_receivers",
    "auth_required",
    "auth_failed",
    "handshake_timeout",
    "heartbeat_timeout",
    "slow_consumer",
    "taken_over",
    "too_many_connections",
    "rate_limited",
    "removed",
    "overloaded",
    "not_allowed",
    "invalid_name",
    "name_taken",
] as const;

/** A code of the protocol by name; `code_N` is one that this version does not know. */
export type Code = (typeof names)[number] | `code_${number}`;

/** Whether to connect again after a connection has ended. */
export type Advice = "no" | "yes" | "pause" | "token";

export const codeName = (code: number): Code => names[code] ?? `code_${code}`;

/** What the protocol advises after a GOODBYE with this code; a connection that was merely lost has none. */
export function adviceFor(code: Code | undefined): Advice {
    switch (code) {
        case undefined:
        case "handshake_timeout":
        case "heartbeat_timeout":
        case "slow_consumer":
            return "yes";
        case "shutting_down":
        case "too_many_connections":
        case "rate_limited":
        case "overloaded":
            return "pause";
        case "auth_required":
        case "auth_failed":
            return "token";
        default:
            return "no";
    }
}
