/* MQTT 3.1.1 load: a publisher and a subscriber on raw sockets, so that no client library is the
 * limit. Both speak QoS 1 and print one line of JSON.
 *
 *   mqtt_load pub PORT USER PASSWORD CONNECTIONS WINDOW MESSAGES
 *   mqtt_load sub PORT USER PASSWORD FILTER MESSAGES
 *
 * Each connection is a device bench-<n>; each message has 120 bytes with five values, a number and
 * a time of its own. WINDOW is how many messages of a connection may be unacknowledged.
 * Times are seconds since 1970.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { BUFFER = 1 << 18, MAX_CONNECTIONS = 1000 };

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
    long sent, acked, share;
    unsigned char out[BUFFER], in[4096];
    size_t out_from, out_to, in_size;
    char topic[64];
};

static void fill(struct connection *c, long window) {
    if (c->out_from) {
        memmove(c->out, c->out + c->out_from, c->out_to - c->out_from);
        c->out_to -= c->out_from;
        c->out_from = 0;
    }
    while (c->sent < c->share && c->sent - c->acked < window && c->out_to < BUFFER - 512) {
        char payload[160];
        long long ts = 1700000000000LL + c->sent;
        int size = snprintf(payload, sizeof payload,
            "{\"boot\":\"b1\",\"seq\":%ld,\"ts\":%lld,\"m\":{\"temp\":71.2,\"vib\":3.125,"
            "\"speed\":1480.5,\"current\":12.25,\"flow\":%.3f}}",
            1000000 + c->sent, ts, 30 + (c->sent % 1000) / 1000.0);
        unsigned char *body = c->out + c->out_to + 3, *at = put_text(body, c->topic);
        unsigned packet = c->sent % 65535 + 1;
        *at++ = packet >> 8;
        *at++ = packet & 255;
        memcpy(at, payload, size);
        at += size;
        unsigned char *start = put_header(body, 0x32, at - body);
        if (start != c->out + c->out_to) memmove(c->out + c->out_to, start, at - start);
        c->out_to += at - start;
        c->sent++;
    }
}

static int publish(int port, char **given) {
    int count = atoi(given[2]);
    long window = atol(given[3]), messages = atol(given[4]), acked = 0;
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
    double began = now();
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
                    if (c->in[from] == 0x40) c->acked++, acked++;
                    from += size;
                }
                memmove(c->in, c->in + from, c->in_size -= from);
            }
        }
    }
    printf("{\"began\": %.6f, \"ended\": %.6f, \"messages\": %ld}\n", began, now(), messages);
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

int main(int count, char **given) {
    if (count == 8 && !strcmp(given[1], "pub")) return publish(atoi(given[2]), given + 3);
    if (count == 7 && !strcmp(given[1], "sub")) return subscribe(atoi(given[2]), given + 3);
    fprintf(stderr, "see the comment at the top of mqtt_load.c\n");
    return 2;
}
