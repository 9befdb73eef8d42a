// floor PORT: the least that any hub can do for this wire format (docs/protocol.md, section 4).
//
// Why it exists: to tell how much of a hub's cost is the kernel's and the format's, and how much its own. What a hub costs
// above this is what its guarantees cost; below this it can only come by having the kernel do less.
//
// One thread and epoll. A turn receives from every connection that is ready into one block of memory, turns each RELAY into
// the DELIVERY in place, and then makes one send for each receiver that anything came for. Relays in a row to the same
// receivers become one piece of memory, which all of them are sent. What a socket does not take is queued by reference.
//
// What it leaves out, and no real hub can: checks of what clients send (a wrong frame crashes it), limits of any kind on
// memory, queues, frames and connections, back-pressure, time limits and heartbeats, receipts, errors, LIST, ECHO and
// IDENTITY, the text protocol, fairness among senders, a log, metrics, and more than one core.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { HELLO = 0x01, RELAY = 0x05, WELCOME = 0x81, DELIVERY = 0x85 };
enum {
    HEADER_BYTES = 8, DELIVERY_HEAD_BYTES = 16, WELCOME_BYTES = 24, MOST_RECEIVERS = 255, MOST_USERS = 1 << 16,
    RECEIVE_BYTES = 256 << 10, BLOCK_BYTES = 1 << 20, LARGE_FRAME_BYTES = 16 << 10, MOST_EVENTS = 512, MOST_VECTORS = 256,
};

// Memory that frames are received into. Whoever may still read it holds a reference.
struct block { int references; size_t used; uint8_t bytes[]; };

// A piece of a block that waits to be sent.
struct segment { struct block *block; uint8_t *start; size_t length; };

struct connection {
    int fd, is_closed, is_full, wants_flush;
    uint64_t id;
    size_t first, last, capacity; // the queue's segments are queue[first] up to, but not with, queue[last]
    struct segment *queue;
    size_t begun_bytes, large_bytes; // of an unfinished small frame; of the large frame that is being gathered
    uint8_t *begun;
    struct block *large;
};

// Relays in a row from one sender to the same receivers, as deliveries that touch each other.
struct run { uint8_t *start, *end; size_t receiver_count; uint64_t receivers[MOST_RECEIVERS]; };

static struct connection *users[MOST_USERS];
static struct connection *to_flush[MOST_USERS];
static size_t user_count, to_flush_count;
static struct block *shared;

static struct block *new_block(size_t bytes) {
    struct block *block = malloc(sizeof *block + bytes);
    block->references = 1;
    block->used = 0;
    return block;
}

static void release(struct block *block) {
    if (--block->references == 0) free(block);
}

static void append(struct connection *receiver, struct block *block, uint8_t *start, size_t length) {
    if (!receiver->wants_flush) {
        receiver->wants_flush = 1;
        to_flush[to_flush_count++] = receiver;
    }
    struct segment *end = receiver->queue + receiver->last - 1;
    if (receiver->last > receiver->first && end->start + end->length == start && end->block == block) {
        end->length += length;
        return;
    }
    if (receiver->last == receiver->capacity) {
        receiver->capacity = receiver->capacity ? 2 * receiver->capacity : 16;
        receiver->queue = realloc(receiver->queue, receiver->capacity * sizeof *receiver->queue);
    }
    block->references++;
    receiver->queue[receiver->last++] = (struct segment){ block, start, length };
}

// Sends until the queue is empty or the socket full; the next EPOLLOUT goes on.
static void flush(struct connection *receiver) {
    while (receiver->first < receiver->last) {
        struct segment *head = receiver->queue + receiver->first;
        struct iovec vectors[MOST_VECTORS];
        size_t count = 0;
        for (; count < MOST_VECTORS && receiver->first + count < receiver->last; count++)
            vectors[count] = (struct iovec){ head[count].start, head[count].length };
        ssize_t sent = count == 1 ? send(receiver->fd, head->start, head->length, 0) : writev(receiver->fd, vectors, (int)count);
        if (sent < 0) {
            receiver->is_full = 1;
            return;
        }
        for (; sent > 0 && (size_t)sent >= head->length; head++, receiver->first++) {
            sent -= head->length;
            release(head->block);
        }
        if (sent > 0) {
            head->start += sent;
            head->length -= sent;
        }
    }
    receiver->first = receiver->last = 0;
    receiver->is_full = 0;
}

static void flush_all(void) {
    for (size_t i = 0; i < to_flush_count; i++) {
        to_flush[i]->wants_flush = 0;
        if (!to_flush[i]->is_full && !to_flush[i]->is_closed) flush(to_flush[i]);
    }
    to_flush_count = 0;
    if (shared->references == 1) shared->used = 0; // nobody waits for it: start over, in memory that is still in the cache
}

static void end_run(struct run *run, struct block *block) {
    for (size_t i = 0; i < run->receiver_count; i++) {
        uint64_t id = run->receivers[i];
        if (id < MOST_USERS && users[id]) append(users[id], block, run->start, run->end - run->start);
    }
    run->receiver_count = 0;
}

static void relay(struct connection *sender, struct run *run, struct block *block, uint8_t *frame, size_t frame_bytes) {
    size_t count = frame[2];
    uint8_t *body = frame + HEADER_BYTES + 8 * count;
    size_t body_bytes = frame + frame_bytes - body;
    int joins = run->receiver_count == count && memcmp(run->receivers, frame + HEADER_BYTES, 8 * count) == 0;
    if (!joins) {
        end_run(run, block);
        memcpy(run->receivers, frame + HEADER_BYTES, 8 * count);
        run->receiver_count = count;
        run->start = run->end = body - DELIVERY_HEAD_BYTES;
    }
    if (run->end != body - DELIVERY_HEAD_BYTES) memmove(run->end + DELIVERY_HEAD_BYTES, body, body_bytes); // several receivers
    uint32_t header[2] = { DELIVERY, (uint32_t)(8 + body_bytes) };
    memcpy(run->end, header, sizeof header);
    memcpy(run->end + HEADER_BYTES, &sender->id, 8);
    run->end += DELIVERY_HEAD_BYTES + body_bytes;
}

static void welcome(struct connection *connection) {
    uint32_t frame[WELCOME_BYTES / 4] = { WELCOME | 1 << 16, WELCOME_BYTES - HEADER_BYTES, 0, 0, 1 << 20, MOST_RECEIVERS };
    memcpy(&frame[2], &connection->id, 8);
    if (send(connection->fd, frame, sizeof frame, 0) < 0) perror("floor: WELCOME");
}

static size_t frame_bytes_at(const uint8_t *frame) {
    uint32_t length;
    memcpy(&length, frame + 4, sizeof length);
    return HEADER_BYTES + (size_t)length;
}

// Carries out the frames from `at` to `end`; where the first unfinished one begins.
static uint8_t *carry_out(struct connection *connection, struct block *block, uint8_t *at, uint8_t *end) {
    struct run run = { .receiver_count = 0 };
    while (end - at >= HEADER_BYTES && (size_t)(end - at) >= frame_bytes_at(at)) {
        size_t frame_bytes = frame_bytes_at(at);
        if (at[0] == RELAY) relay(connection, &run, block, at, frame_bytes);
        else if (at[0] == HELLO) welcome(connection);
        at += frame_bytes;
    }
    end_run(&run, block);
    return at;
}

// Keeps an unfinished frame: a large one in a block of its own, that the rest is received into.
static void keep(struct connection *connection, uint8_t *begun, size_t bytes) {
    connection->large_bytes = bytes >= HEADER_BYTES ? frame_bytes_at(begun) : 0;
    if (connection->large_bytes > LARGE_FRAME_BYTES) {
        connection->large = new_block(connection->large_bytes);
        memcpy(connection->large->bytes, begun, bytes);
        connection->large->used = bytes;
    } else if (bytes > 0) {
        if (!connection->begun) connection->begun = malloc(LARGE_FRAME_BYTES);
        memcpy(connection->begun, begun, bytes);
        connection->begun_bytes = bytes;
    }
}

// Receives once; whether there may be more.
static int receive(struct connection *connection) {
    struct block *large = connection->large;
    if (large) {
        size_t room = connection->large_bytes - large->used;
        ssize_t received = recv(connection->fd, large->bytes + large->used, room, 0);
        if (received <= 0) return 0;
        large->used += received;
        if ((size_t)received < room) return 0;
        carry_out(connection, large, large->bytes, large->bytes + large->used);
        connection->large = NULL;
        release(large);
        return 1;
    }
    if (shared->used + LARGE_FRAME_BYTES + RECEIVE_BYTES > BLOCK_BYTES) {
        release(shared);
        shared = new_block(BLOCK_BYTES);
    }
    uint8_t *start = shared->bytes + shared->used;
    ssize_t received = recv(connection->fd, start + connection->begun_bytes, RECEIVE_BYTES, 0);
    if (received <= 0) return 0;
    if (connection->begun_bytes > 0) memcpy(start, connection->begun, connection->begun_bytes);
    uint8_t *end = start + connection->begun_bytes + received;
    connection->begun_bytes = 0;
    shared->used = end - shared->bytes;
    uint8_t *rest = carry_out(connection, shared, start, end);
    keep(connection, rest, end - rest);
    return received == RECEIVE_BYTES;
}

static void join(int epoll, int fd) {
    struct connection *connection = calloc(1, sizeof *connection);
    struct epoll_event event = { EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, { .ptr = connection } };
    int yes = 1;
    connection->fd = fd;
    connection->id = ++user_count;
    users[connection->id] = connection;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

static void leave(struct connection *connection) {
    connection->is_closed = 1; // its few bytes stay: a turn may still know it
    users[connection->id] = NULL;
    for (; connection->first < connection->last; connection->first++) release(connection->queue[connection->first].block);
    close(connection->fd);
}

int main(int argc, char **argv) {
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    address.sin_port = htons(argc == 2 ? (uint16_t)atoi(argv[1]) : 0);
    int listener = socket(AF_INET, SOCK_STREAM, 0), epoll = epoll_create1(0), yes = 1;
    struct epoll_event event = { EPOLLIN, { .ptr = NULL } }, events[MOST_EVENTS];
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (address.sin_port == 0 || bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, SOMAXCONN)) {
        fprintf(stderr, "floor: usage: floor PORT, a free one\n");
        return 1;
    }
    signal(SIGPIPE, SIG_IGN);
    shared = new_block(BLOCK_BYTES);
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int count = epoll_wait(epoll, events, MOST_EVENTS, -1);
        for (int i = 0; i < count; i++) {
            struct connection *connection = events[i].data.ptr;
            if (!connection) {
                join(epoll, accept4(listener, NULL, NULL, SOCK_NONBLOCK));
                continue;
            }
            if (events[i].events & EPOLLOUT && connection->is_full) flush(connection);
            while (events[i].events & EPOLLIN && receive(connection)) flush_all();
            if (events[i].events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) leave(connection);
        }
        flush_all();
    }
}
