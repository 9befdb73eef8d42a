/** A queue: first in, first out, without moving what stays. */
export class Fifo<T> {
    #items: (T | undefined)[] = [];
    #head = 0;

    get length(): number {
        return this.#items.length - this.#head;
    }

    get first(): T | undefined {
        return this.#items[this.#head];
    }

    push(item: T): void {
        this.#items.push(item);
    }

    shift(): T | undefined {
        const item = this.#items[this.#head];
        if (this.#head < this.#items.length) {
            this.#items[this.#head++] = undefined;
            if (this.#head === this.#items.length) {
                this.clear();
            } else if (this.#head >= 1024 && 2 * this.#head > this.#items.length) {
                this.#items.splice(0, this.#head);
                this.#head = 0;
            }
        }
        return item;
    }

    clear(): void {
        this.#items.length = this.#head = 0;
    }

    toArray(): T[] {
        return this.#items.slice(this.#head) as T[];
    }
}
