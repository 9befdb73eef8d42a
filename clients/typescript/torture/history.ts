import { createInterface } from "node:readline";

/**
 * The history as the torture reads it: a line for each event to standard output. What is told before `settle` has completed is known to the
 * checker before anything that is done afterwards. Lines of standard input tell the client what to do.
 */
export class History {
    #asked = 0;
    readonly #waiting = new Map<number, () => void>();

    /** @param obey Called with the words of each line that is told. */
    constructor(obey: (words: string[]) => void) {
        const input = createInterface(process.stdin);
        input.on("line", (line) => {
            const words = line.split(" ");
            if (words[0] === "!") {
                const question = Number(words[1]);
                this.#waiting.get(question)?.();
                this.#waiting.delete(question);
            } else {
                obey(words);
            }
        });
        // Whoever started this is gone: nobody is left to tell.
        input.on("close", () => process.exit(3));
    }

    /** Tells an event; the end mark shows that the line is whole. */
    tell(kind: string, session: bigint, ...fields: (string | number | bigint)[]): void {
        process.stdout.write(`${[kind, session, ...fields].join(" ").replaceAll("\n", " ")};\n`);
    }

    settle(): Promise<void> {
        const question = ++this.#asked;
        return new Promise((resolve) => {
            this.#waiting.set(question, resolve);
            process.stdout.write(`? ${question}\n`);
        });
    }
}
