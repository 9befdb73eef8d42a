/** Who has come and gone since the update before. */
export interface Presence {
    /** Whether this is the first update, which names everybody who is there. */
    readonly snapshot: boolean;

    /** Ids of those who came, ascending. */
    readonly joined: readonly bigint[];

    /** Ids of those who went, ascending. */
    readonly left: readonly bigint[];
}
