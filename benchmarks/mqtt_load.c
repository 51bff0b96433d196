/* MQTT 3.1.1 load on raw sockets, so that no client library is the limit. QoS 1 throughout; every
 * mode prints one line of JSON, pub after a line when it is connected. Times are seconds since 1970, latencies are milliseconds.
 *
 *   mqtt_load pub  PORT USER PASSWORD CONNECTIONS WINDOW MESSAGES MOMENTS POISON
 *   mqtt_load sub  PORT USER PASSWORD FILTER MESSAGES
 *   mqtt_load sink PORT FILE
 *
 * pub: each connection is a device bench-<n>; each message has MOMENTS times with five values, and
 * 120 bytes with one. WINDOW is how many messages of a connection may be unacknowledged. Every
 * hundredth message is one of the lines (in hex) of the file POISON instead, unless that is "".
 * sink: the least that a server can do for the same promise: appends the bytes to FILE and
 * acknowledges after one fdatasync for all that came together. Ends when it is killed.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum { BUFFER = 1 << 18, MAX_CONNECTIONS = 1000, MAX_PAYLOAD = 1 << 14, MAX_POISONS = 64 };

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static void die(const char *what) {
    perror(what);
    exit(1);
}

static unsigned char *put_text(unsigned char *at, const char *text) {
    size_t size = strlen(text);
    *at++ = size >> 8;
    *at++ = size & 255;
    memcpy(at, text, size);
    return at + size;
}

/* Writes the fixed header of a packet whose body begins at `body`; returns where it starts. */
static unsigned char *put_header(unsigned char *body, unsigned char type, size_t size) {
    unsigned char length[4];
    int digits = 0;
    do {
        length[digits++] = (size & 127) | (size > 127 ? 128 : 0);
        size >>= 7;
    } while (size);
    unsigned char *start = body - digits - 1;
    start[0] = type;
    memcpy(start + 1, length, digits);
    return start;
}

static void send_all(int fd, const unsigned char *data, size_t size) {
    while (size) {
        ssize_t sent = send(fd, data, size, MSG_NOSIGNAL);
        if (sent < 0) die("send");
        data += sent;
        size -= sent;
    }
}

static int mqtt_connect(int port, const char *user, const char *password, const char *id) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address)) die("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    unsigned char packet[512], *body = packet + 8, *at = put_text(body, "MQTT");
    *at++ = 4;
    *at++ = 2 | (*user ? 0xC0 : 0);
    *at++ = 0;
    *at++ = 60;
    at = put_text(at, id);
    if (*user) at = put_text(put_text(at, user), password);
    unsigned char *start = put_header(body, 0x10, at - body);
    send_all(fd, start, at - start);
    unsigned char answer[4];
    if (recv(fd, answer, 4, MSG_WAITALL) != 4 || answer[0] != 0x20 || answer[3]) {
        fprintf(stderr, "the broker refuses the connection\n");
        exit(1);
    }
    return fd;
}

/* The packet at `data`: its whole size, or 0 when more bytes are needed; its body in `body`. */
static size_t packet_size(const unsigned char *data, size_t have, size_t *body) {
    size_t length = 0, at = 1;
    for (int shift = 0; at < have; shift += 7) {
        length |= (size_t)(data[at] & 127) << shift;
        if (!(data[at++] & 128)) {
            *body = at;
            return at + length <= have ? at + length : 0;
        }
    }
    return 0;
}

struct connection {
    int fd;
    long sent, good, acked, share;
    unsigned char out[BUFFER], in[4096];
    size_t out_from, out_to, in_size;
    char topic[64];
    uint32_t sent_at[65536]; /* microseconds since the start, by packet id */
};

static struct {
    double began;
    long long first_ms;
    int moments, poisons;
    unsigned char poison[MAX_POISONS][4096];
    int poison_size[MAX_POISONS];
} load;

static int write_payload(char *at, long number) {
    static const char *form = "{\"temp\":71.2,\"vib\":3.125,\"speed\":1480.5,\"current\":12.25,"
                              "\"flow\":%.3f}";
    char *start = at;
    at += sprintf(at, "{\"boot\":\"b1\",\"seq\":%ld,", 1 + number);
    long long ms = load.first_ms + (long long)number * load.moments;
    if (load.moments == 1) {
        at += sprintf(at, "\"ts\":%lld,\"m\":", ms);
        at += sprintf(at, form, 30 + number % 1000 / 1000.0);
    } else {
        for (int i = 0; i < load.moments; i++) {
            at += sprintf(at, "%s[%lld,", i ? "," : "\"r\":[", ms + i);
            at += sprintf(at, form, 30 + (ms + i) % 1000 / 1000.0);
            *at++ = ']';
        }
        *at++ = ']';
    }
    *at++ = '}';
    return at - start;
}

static void fill(struct connection *c, long window) {
    if (c->out_from) {
        memmove(c->out, c->out + c->out_from, c->out_to - c->out_from);
        c->out_to -= c->out_from;
        c->out_from = 0;
    }
    while (c->sent < c->share && c->sent - c->acked < window &&
           c->out_to < BUFFER - MAX_PAYLOAD - 512) {
        static char own[MAX_PAYLOAD];
        const void *payload = own;
        int size;
        if (load.poisons && c->sent % 100 == 99) {
            int which = c->sent / 100 % load.poisons;
            payload = load.poison[which];
            size = load.poison_size[which];
        } else {
            size = write_payload(own, c->good++);
        }
        unsigned char *body = c->out + c->out_to + 4, *at = put_text(body, c->topic);
        unsigned packet = c->sent % 65535 + 1;
        *at++ = packet >> 8;
        *at++ = packet & 255;
        memcpy(at, payload, size);
        at += size;
        unsigned char *start = put_header(body, 0x32, at - body);
        if (start != c->out + c->out_to) memmove(c->out + c->out_to, start, at - start);
        c->out_to += at - start;
        c->sent_at[packet] = (now() - load.began) * 1e6;
        c->sent++;
    }
}

static void read_poison(const char *path) {
    static char line[8300];
    FILE *file = fopen(path, "r");
    if (!file) die(path);
    while (load.poisons < MAX_POISONS && fgets(line, sizeof line, file)) {
        int size = strlen(line) / 2;
        for (int i = 0; i < size; i++) {
            unsigned byte;
            if (sscanf(line + 2 * i, "%2x", &byte) != 1) die("poison");
            load.poison[load.poisons][i] = byte;
        }
        load.poison_size[load.poisons++] = size;
    }
    fclose(file);
}

static int by_size(const void *one, const void *other) {
    uint32_t a = *(const uint32_t *)one, b = *(const uint32_t *)other;
    return a < b ? -1 : a > b;
}

static int publish(int port, char **given) {
    int count = atoi(given[2]);
    long window = atol(given[3]), messages = atol(given[4]), acked = 0;
    load.moments = atoi(given[5]);
    if (*given[6]) read_poison(given[6]);
    uint32_t *latency = malloc(messages * sizeof *latency);
    static struct connection connections[MAX_CONNECTIONS];
    static struct pollfd polled[MAX_CONNECTIONS];
    if (count < 1 || count > MAX_CONNECTIONS || window > 65000) return 2;
    for (int i = 0; i < count; i++) {
        struct connection *c = &connections[i];
        snprintf(c->topic, sizeof c->topic, "bench-%d", i);
        c->fd = mqtt_connect(port, given[0], given[1], c->topic);
        snprintf(c->topic, sizeof c->topic, "purna/v1/bench-%d/telemetry", i);
        fcntl(c->fd, F_SETFL, O_NONBLOCK);
        c->share = messages / count;
    }
    messages = messages / count * count;
    printf("connected\n");
    fflush(stdout);
    load.began = now();
    load.first_ms = load.began * 1000 - (double)(messages / count) * load.moments;
    while (acked < messages) {
        for (int i = 0; i < count; i++) {
            struct connection *c = &connections[i];
            fill(c, window);
            polled[i] = (struct pollfd){c->fd, POLLIN | (c->out_to > c->out_from ? POLLOUT : 0), 0};
        }
        if (poll(polled, count, 10000) <= 0) die("no acknowledgement within 10 s");
        for (int i = 0; i < count; i++) {
            struct connection *c = &connections[i];
            if (polled[i].revents & POLLOUT) {
                ssize_t n = send(c->fd, c->out + c->out_from, c->out_to - c->out_from, MSG_NOSIGNAL);
                if (n < 0 && errno != EAGAIN) die("send");
                if (n > 0) c->out_from += n;
            }
            if (polled[i].revents & POLLIN) {
                ssize_t n = recv(c->fd, c->in + c->in_size, sizeof c->in - c->in_size, 0);
                if (n <= 0) die("recv");
                c->in_size += n;
                size_t from = 0, size, body;
                while ((size = packet_size(c->in + from, c->in_size - from, &body))) {
                    if (c->in[from] == 0x40) {
                        int packet = c->in[from + body] << 8 | c->in[from + body + 1];
                        latency[acked++] = (now() - load.began) * 1e6 - c->sent_at[packet];
                        c->acked++;
                    }
                    from += size;
                }
                memmove(c->in, c->in + from, c->in_size -= from);
            }
        }
    }
    double ended = now();
    qsort(latency, messages, sizeof *latency, by_size);
    printf("{\"began\": %.6f, \"ended\": %.6f, \"messages\": %ld, \"p50\": %.3f, \"p99\": %.3f}\n",
           load.began, ended, messages, latency[messages / 2] / 1e3,
           latency[messages * 99 / 100] / 1e3);
    return 0;
}

static int subscribe(int port, char **given) {
    long messages = atol(given[3]), received = 0;
    int fd = mqtt_connect(port, given[0], given[1], "bench-subscriber");
    unsigned char packet[512], *body = packet + 8, *at = body;
    *at++ = 0;
    *at++ = 1;
    at = put_text(at, given[2]);
    *at++ = 1;
    unsigned char *start = put_header(body, 0x82, at - body);
    send_all(fd, start, at - start);
    static unsigned char in[BUFFER], acks[BUFFER];
    size_t have = 0;
    while (received < messages) {
        ssize_t n = recv(fd, in + have, sizeof in - have, 0);
        if (n <= 0) die("recv");
        have += n;
        size_t from = 0, size, at_body, answer = 0;
        while ((size = packet_size(in + from, have - from, &at_body))) {
            unsigned char *data = in + from;
            if (data[0] == 0x90) {
                printf("subscribed\n");
                fflush(stdout);
            } else if ((data[0] & 0xF0) == 0x30) {
                received++;
                if (data[0] & 6) {
                    size_t topic = (size_t)data[at_body] << 8 | data[at_body + 1];
                    acks[answer++] = 0x40;
                    acks[answer++] = 2;
                    acks[answer++] = data[at_body + 2 + topic];
                    acks[answer++] = data[at_body + 3 + topic];
                }
            }
            from += size;
        }
        memmove(in, in + from, have -= from);
        if (answer) send_all(fd, acks, answer);
    }
    printf("{\"ended\": %.6f, \"messages\": %ld}\n", now(), received);
    return 0;
}

/* One client of the sink: what came and was not yet taken apart, and what is to be answered. */
struct client {
    int fd;
    size_t have, answers;
    unsigned char in[BUFFER], answer[BUFFER];
};

/* Whether the client is still there. */
static int serve(struct client *c, FILE *file, int *to_sync) {
    ssize_t n = recv(c->fd, c->in + c->have, sizeof c->in - c->have, 0);
    if (n <= 0) {
        close(c->fd);
        free(c);
        return 0;
    }
    c->have += n;
    size_t from = 0, size, body;
    while ((size = packet_size(c->in + from, c->have - from, &body))) {
        unsigned char *data = c->in + from;
        if (data[0] == 0x10) {
            send_all(c->fd, (const unsigned char *)"\x20\x02\x00\x00", 4);
        } else if ((data[0] & 0xF6) == 0x32) {
            size_t topic = (size_t)data[body] << 8 | data[body + 1];
            fwrite(data, 1, size, file);
            memcpy(c->answer + c->answers, "\x40\x02", 2);
            memcpy(c->answer + c->answers + 2, data + body + 2 + topic, 2);
            c->answers += 4;
            *to_sync = 1;
        }
        from += size;
    }
    memmove(c->in, c->in + from, c->have -= from);
    return 1;
}

static void sink(int port, const char *path) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1, poller = epoll_create1(0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&address, sizeof address)) die("bind");
    if (listen(listener, 1024)) die("listen");
    FILE *file = fopen(path, "a");
    if (!file) die(path);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL}, ready[MAX_CONNECTIONS];
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
    printf("listening\n");
    fflush(stdout);
    for (;;) {
        int count = epoll_wait(poller, ready, MAX_CONNECTIONS, -1), to_sync = 0;
        for (int i = 0; i < count; i++) {
            if (ready[i].data.ptr) {
                if (!serve(ready[i].data.ptr, file, &to_sync)) ready[i].data.ptr = NULL;
                continue;
            }
            struct client *c = calloc(1, sizeof *c);
            c->fd = accept(listener, NULL, NULL);
            setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            event.data.ptr = c;
            epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &event);
        }
        if (!to_sync) continue;
        if (fflush(file) || fdatasync(fileno(file))) die("fdatasync");
        for (int i = 0; i < count; i++) {
            struct client *c = ready[i].data.ptr;
            if (!c || !c->answers) continue;
            send_all(c->fd, c->answer, c->answers);
            c->answers = 0;
        }
    }
}

int main(int count, char **given) {
    if (count == 10 && !strcmp(given[1], "pub")) return publish(atoi(given[2]), given + 3);
    if (count == 7 && !strcmp(given[1], "sub")) return subscribe(atoi(given[2]), given + 3);
    if (count == 4 && !strcmp(given[1], "sink")) sink(atoi(given[2]), given[3]);
    fprintf(stderr, "see the comment at the top of mqtt_load.c\n");
    return 2;
}
