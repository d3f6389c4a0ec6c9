/* An engine stub and a client for measuring proxies, one thread each, so that neither is the limit.
 *
 *   load stub PORT
 *       answers POST .../completions with a stream of events; the body's "max_tokens" is the number of
 *       events and its "seed" the microseconds between them. Each event's text is 'T' and the
 *       nanoseconds of CLOCK_MONOTONIC at which it was sent. Any other POST is answered 200, any GET 404.
 *   load client PORT PATH CONNECTIONS REQUESTS EVENTS GAP_US OUT [RAMP_US]
 *       REQUESTS streams over CONNECTIONS kept-alive connections, closed loop; connections begin
 *       RAMP_US apart. Writes to OUT pairs of int64: (nanoseconds from request to first event, -1), and
 *       for each event (nanoseconds from its sending to its arrival, its number in the stream). Prints
 *       "requests failed seconds".
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_PEERS 4096
#define MAX_REQUEST 65536

static int64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void die(const char *what) {
    perror(what);
    exit(1);
}

static void allow_many_files(void) {
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static void set_up(int fd) {
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

static void watch(int epoll, int fd, void *data) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = data};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0) die("epoll_ctl");
}

static void send_all(int fd, const char *data, size_t size) {
    while (size) {
        ssize_t sent = send(fd, data, size, MSG_NOSIGNAL);
        if (sent < 0 && (errno == EAGAIN || errno == EINTR)) continue;
        if (sent <= 0) return; /* the peer left: its close is seen by recv */
        data += sent;
        size -= (size_t)sent;
    }
}

/* ---- the engine */

struct peer {
    int fd;
    char buffer[MAX_REQUEST];
    size_t filled;
    int events_left;
    int64_t gap_ns, next_ns;
};

static struct peer *streams[MAX_PEERS];
static int stream_count;

static long number_after(const char *text, const char *name) {
    const char *place = strstr(text, name);
    if (!place) return 0;
    place += strlen(name);
    while (*place == ' ' || *place == ':' || *place == '"') place++;
    return atol(place);
}

static void send_chunk(int fd, const char *data, size_t size) {
    char framed[1024];
    int length = snprintf(framed, sizeof framed, "%zx\r\n%.*s\r\n", size, (int)size, data);
    send_all(fd, framed, (size_t)length);
}

static void send_event(struct peer *peer) {
    char event[512];
    int length = snprintf(
        event, sizeof event,
        "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,"
        "\"model\":\"stub\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":"
        "\"T%019lld\"},\"finish_reason\":null}]}\n\n",
        (long long)now_ns());
    send_chunk(peer->fd, event, (size_t)length);
    if (--peer->events_left > 0) {
        peer->next_ns += peer->gap_ns;
        return;
    }
    const char *last =
        "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,"
        "\"model\":\"stub\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
        "data: [DONE]\n\n";
    send_chunk(peer->fd, last, strlen(last));
    send_all(peer->fd, "0\r\n\r\n", 5);
}

static void end_stream(int index) { streams[index] = streams[--stream_count]; }

static void answer(struct peer *peer, const char *head, const char *body) {
    if (!strncmp(head, "POST", 4) && strstr(head, "completions") && stream_count < MAX_PEERS) {
        const char *start =
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
        send_all(peer->fd, start, strlen(start));
        peer->events_left = (int)number_after(body, "\"max_tokens\"");
        peer->gap_ns = number_after(body, "\"seed\"") * 1000;
        peer->next_ns = now_ns() + peer->gap_ns;
        if (peer->gap_ns == 0) {
            while (peer->events_left > 0) send_event(peer);
        } else if (peer->events_left > 0) {
            streams[stream_count++] = peer;
        }
        return;
    }
    const char *plain = !strncmp(head, "POST", 4)
                            ? "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
                            : "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
    send_all(peer->fd, plain, strlen(plain));
}

/* One whole request in the buffer? Answer it. Chunked bodies are read to their last chunk. */
static int take_request(struct peer *peer) {
    peer->buffer[peer->filled] = 0;
    char *end = memmem(peer->buffer, peer->filled, "\r\n\r\n", 4);
    if (!end) return 0;
    *end = 0;
    char *body = end + 4;
    size_t have = peer->filled - (size_t)(body - peer->buffer), length = 0;
    char *field = strcasestr(peer->buffer, "content-length:");
    if (field) {
        length = (size_t)atol(field + 15);
    } else if (strcasestr(peer->buffer, "transfer-encoding: chunked")) {
        char *last = memmem(body, have, "0\r\n\r\n", 5);
        length = last ? (size_t)(last - body) + 5 : have + 1;
    }
    if (have < length) {
        *end = '\r';
        return 0;
    }
    char kept = body[length];
    body[length] = 0;
    answer(peer, peer->buffer, body);
    body[length] = kept;
    memmove(peer->buffer, body + length, have - length);
    peer->filled = have - length;
    return 1;
}

static void drop_peer(struct peer *peer) {
    for (int index = 0; index < stream_count; index++)
        if (streams[index] == peer) end_stream(index--);
    close(peer->fd);
    free(peer);
}

static void serve(int port) {
    int listener = socket(AF_INET, SOCK_STREAM, 0), one = 1, epoll = epoll_create1(0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0) die("bind");
    listen(listener, 4096);
    set_up(listener);
    watch(epoll, listener, NULL);
    puts("ready");
    fflush(stdout);
    for (;;) {
        int64_t now = now_ns(), next = now + 1000000000;
        for (int index = 0; index < stream_count; index++) {
            struct peer *peer = streams[index];
            while (peer->events_left > 0 && peer->next_ns <= now) send_event(peer);
            if (peer->events_left <= 0) end_stream(index--);
            else if (peer->next_ns < next) next = peer->next_ns;
        }
        struct timespec wait = {0, next > now ? next - now : 0};
        if (wait.tv_nsec >= 1000000000) wait = (struct timespec){1, 0};
        struct epoll_event events[256];
        int count = epoll_pwait2(epoll, events, 256, &wait, NULL);
        for (int index = 0; index < count; index++) {
            struct peer *peer = events[index].data.ptr;
            if (!peer) {
                int fd;
                while ((fd = accept(listener, NULL, NULL)) >= 0) {
                    set_up(fd);
                    struct peer *made = calloc(1, sizeof *made);
                    made->fd = fd;
                    watch(epoll, fd, made);
                }
                continue;
            }
            ssize_t got = recv(peer->fd, peer->buffer + peer->filled, MAX_REQUEST - 1 - peer->filled, 0);
            if (got <= 0) {
                if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
                drop_peer(peer);
                continue;
            }
            peer->filled += (size_t)got;
            while (take_request(peer)) continue;
        }
    }
}

/* ---- the client */

struct caller {
    int fd;
    char tail[64]; /* the end of what was read, so that a stamp may span two reads */
    size_t tail_size;
    int64_t asked_ns, begins_ns;
    int event_count;
    int is_busy;
};

static FILE *out;

static void record(int64_t value, int64_t number) {
    int64_t pair[2] = {value, number};
    fwrite(pair, sizeof pair, 1, out);
}

static int connect_to(int port) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0) die("connect");
    set_up(fd);
    return fd;
}

/* Take what arrived; 1 when the answer is over. */
static int read_answer(struct caller *caller, const char *data, size_t size, int64_t now) {
    static char joined[128 + 262144];
    memcpy(joined, caller->tail, caller->tail_size);
    memcpy(joined + caller->tail_size, data, size);
    size_t whole = caller->tail_size + size, place = 0;
    for (size_t index = 0; index + 20 <= whole; index++) {
        if (joined[index] != 'T') continue;
        int64_t sent = 0;
        int digits = 0;
        while (digits < 19 && joined[index + 1 + digits] >= '0' && joined[index + 1 + digits] <= '9')
            sent = sent * 10 + (joined[index + 1 + digits++] - '0');
        if (digits < 19) continue;
        if (caller->event_count == 0) record(now - caller->asked_ns, -1);
        record(now - sent, caller->event_count++);
        place = index + 20;
    }
    size_t rest = whole - place, kept = rest < 63 ? rest : 63;
    memcpy(caller->tail, joined + whole - kept, kept);
    caller->tail_size = kept;
    return whole >= 5 && !memcmp(joined + whole - 5, "0\r\n\r\n", 5);
}

static int call(int port, const char *path, int connections, long requests, int events, long gap_us,
                long ramp_us) {
    char body[512], request[1024];
    int length = snprintf(body, sizeof body,
                          "{\"model\":\"stub\",\"stream\":true,\"max_tokens\":%d,\"seed\":%ld,"
                          "\"messages\":[{\"role\":\"user\",\"content\":\"Say something.\"}]}",
                          events, gap_us);
    int request_size = snprintf(request, sizeof request,
                                "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\n"
                                "Authorization: Bearer sk-bench\r\nContent-Length: %d\r\n\r\n%s",
                                path, port, length, body);
    int epoll = epoll_create1(0);
    struct caller *callers = calloc((size_t)connections, sizeof *callers);
    int64_t began = now_ns();
    for (int index = 0; index < connections; index++) {
        callers[index].fd = connect_to(port);
        callers[index].begins_ns = began + index * ramp_us * 1000;
        watch(epoll, callers[index].fd, &callers[index]);
    }
    long asked = 0, done = 0, failed = 0;
    int64_t heard = now_ns();
    static char data[262144];
    while (done + failed < requests) {
        int64_t now = now_ns(), next = now + 100000000;
        for (int index = 0; index < connections && asked < requests; index++) {
            struct caller *caller = &callers[index];
            if (caller->is_busy) continue;
            if (caller->begins_ns > now) {
                if (caller->begins_ns < next) next = caller->begins_ns;
                continue;
            }
            caller->is_busy = 1;
            caller->event_count = 0;
            caller->tail_size = 0;
            caller->asked_ns = now_ns();
            asked++;
            send_all(caller->fd, request, (size_t)request_size);
        }
        struct timespec wait = {0, next > now ? next - now : 0};
        struct epoll_event found[256];
        int count = epoll_pwait2(epoll, found, 256, &wait, NULL);
        for (int index = 0; index < count; index++) {
            struct caller *caller = found[index].data.ptr;
            ssize_t got = recv(caller->fd, data, sizeof data, 0);
            int64_t arrived = heard = now_ns();
            if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
            if (got <= 0) {
                failed += caller->is_busy;
                close(caller->fd);
                caller->fd = connect_to(port);
                caller->is_busy = 0;
                watch(epoll, caller->fd, caller);
            } else if (caller->is_busy && read_answer(caller, data, (size_t)got, arrived)) {
                if (caller->event_count == events) done++;
                else failed++;
                caller->is_busy = 0;
            }
        }
        if (now_ns() - heard > 60000000000) {
            fprintf(stderr, "nothing arrived for a minute: %ld of %ld answered\n", done, requests);
            return 1;
        }
    }
    printf("%ld %ld %.6f\n", done, failed, (double)(now_ns() - began) / 1e9);
    return 0;
}

int main(int count, char **words) {
    signal(SIGPIPE, SIG_IGN);
    allow_many_files();
    if (count == 3 && !strcmp(words[1], "stub")) serve(atoi(words[2]));
    if (count >= 9 && !strcmp(words[1], "client")) {
        out = fopen(words[8], "wb");
        if (!out) die(words[8]);
        int status = call(atoi(words[2]), words[3], atoi(words[4]), atol(words[5]), atoi(words[6]),
                          atol(words[7]), count > 9 ? atol(words[9]) : 0);
        fclose(out);
        return status;
    }
    fprintf(stderr, "usage: load stub PORT | load client PORT PATH CONNECTIONS REQUESTS EVENTS GAP_US OUT [RAMP_US]\n");
    return 2;
}
