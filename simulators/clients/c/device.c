/* A device in C: what it has kept in its file reaches the platform, whatever dies meanwhile.
 *
 *   cc -std=c99 -O2 -Wall -Wextra -Werror -pedantic -o device device.c
 *   DEVICE_PASSWORD=... ./device HOST PORT DEVICE STATE_FILE [RESEND_SECONDS] < measurements
 *
 * Each line of input is a telemetry message without its number, {"ts": ..., "m": {...}}. A line on
 * standard output says "kept BOOT SEQ" once it is on disk. MQTT 3.1.1 without a library; all memory
 * is static. On a board, flash replaces the file and your sensors replace standard input.
 * The file is a ring of slots, written in full before first use, so that the disk can't be full
 * later. A full ring takes nothing new: an old message dropped would leave a hole in the numbers,
 * and the platform's ack would stop at it. Only that ack frees a slot; PUBACK may mean "in memory".
 */
#define _XOPEN_SOURCE 700
#include <fcntl.h>
#include <libgen.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#ifndef SLOTS
#define SLOTS 1024
#endif
enum { BODY = 464, WINDOW = 32, PACKET = 1024, KEEP_ALIVE = 30, LONGEST_PAUSE = 60 };
enum { CONNECT = 0x10, CONNACK = 0x20, PUBLISH = 0x32, RETAIN = 1, DUP = 8, PUBACK = 0x40,
       SUBSCRIBE = 0x82, PING = 0xC0, DISCONNECT = 0xE0 };

#define OFFLINE "{\"online\":false}"
/* A message in the file, 512 bytes. The n-th message ever kept stands in slot n % SLOTS. */
static struct slot { uint32_t freed, check, n, seq, size; char boot[24], body[BODY + 4]; } slot;
static uint32_t head, next, tail, seq, reached; /* oldest, next to send, next to keep; ever sent */
static int file, online = -1, ready;            /* online: the socket; ready: we are let in */
static char boot[24], gone[SLOTS];              /* gone: which slots are freed */
static unsigned char out[PACKET + 64], in[PACKET];
static size_t filled, have, skip;
static time_t moved, heard, spoke, resend, first_resend; /* resend: after so long without ack */
static const char *device, *password;

static void must(int good, const char *what) {
    if (!good) perror(what), exit(1); /* a disk that has failed is not trusted before a restart */
}

static time_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec;
}

static off_t place(uint32_t n) { return (off_t)(n % SLOTS) * (off_t)sizeof slot; }
static uint32_t checksum(void) { /* FNV-1a, to find a torn write; never 0, as in a fresh file */
    const unsigned char *at = (unsigned char *)&slot.n, *end = (unsigned char *)(&slot + 1);
    uint32_t sum = 2166136261u;
    while (at < end) sum = (sum ^ *at++) * 16777619u;
    return sum | 1;
}

static int read_slot(uint32_t n) {
    return pread(file, &slot, sizeof slot, place(n)) == (ssize_t)sizeof slot
        && slot.check == checksum() && slot.n % SLOTS == n % SLOTS;
}

static void write_slot(uint32_t n) {
    must(pwrite(file, &slot, sizeof slot, place(n)) == (ssize_t)sizeof slot, "write");
}

/* Finds what earlier runs have left. Our boot is later than theirs as a text, and no other's. */
static void open_ring(char *path) {
    uint32_t i;
    must((file = open(path, O_RDWR | O_CREAT, 0600)) >= 0, path);
    if (lseek(file, 0, SEEK_END) < place(SLOTS - 1) + (off_t)sizeof slot) {
        for (i = 0; i < SLOTS; i++) write_slot(i);
        must(fsync(file) == 0 && fsync(open(dirname(path), O_RDONLY)) == 0, path);
    }
    for (i = 0; i < SLOTS; i++)
        if (read_slot(i) && slot.n >= tail) tail = slot.n + 1;
    for (i = head = tail > SLOTS ? tail - SLOTS : 0; i < tail; i++)
        gone[i % SLOTS] = !read_slot(i) || slot.n != i || slot.freed;
    while (head < tail && gone[head % SLOTS]) head++;
    next = head;
    sprintf(boot, "b%08lx-%08lx", (unsigned long)tail, (unsigned long)time(NULL) & 0xffffffffUL);
}

/* Puts a message on disk; false when it is none, or too long. */
static int keep(const char *body, size_t size) {
    if (size < 2 || size > BODY || *body != '{') return 0;
    memset(&slot, 0, sizeof slot), slot.n = tail, slot.seq = seq + 1, slot.size = (uint32_t)size;
    memcpy(slot.boot, boot, sizeof boot), memcpy(slot.body, body, size);
    slot.check = checksum(), write_slot(tail), must(fdatasync(file) == 0, "fdatasync");
    gone[tail++ % SLOTS] = 0, seq++;
    printf("kept %s %lu\n", boot, (unsigned long)seq);
    return 1;
}

/* Frees a boot's messages up to a number. Where a power cut undoes it, they go twice: harmless. */
static void release(const char *of, unsigned long up_to) {
    uint32_t i, yes = 1, old = head;
    for (i = head; i < tail; i++) {
        if (gone[i % SLOTS] || !read_slot(i) || strcmp(slot.boot, of) != 0) continue;
        if (slot.seq > up_to) break;
        must(pwrite(file, &yes, sizeof yes, place(i)) == (ssize_t)sizeof yes, "write");
        gone[i % SLOTS] = 1;
    }
    while (head < tail && gone[head % SLOTS]) head++;
    if (next < head) next = head;
    if (head > old) printf("freed %s %lu\n", of, up_to), moved = now(), resend = first_resend;
}

static void drop(const char *why) {
    printf("no connection: %s\n", why);
    if (online >= 0) close(online);
    online = -1, ready = 0;
}

static void byte(int value) { out[filled++] = (unsigned char)value; }
static void number(unsigned value) { byte((int)(value >> 8)), byte((int)(value & 255)); }
static void bytes(const char *data, size_t n) { memcpy(out + filled, data, n), filled += n; }
static void text(const char *t) { number((unsigned)strlen(t)), bytes(t, strlen(t)); }
static void begin(void) { filled = 5; } /* room for the header, which needs the length */

static void topic(const char *kind) {
    char name[128];
    snprintf(name, sizeof name, "purna/v1/%s/%s", device, kind), text(name);
}

static void finish(int type) {
    size_t length = filled - 5, at = length > 127 ? 2 : 3; /* so that it ends at the body */
    out[at] = (unsigned char)type;
    out[at + 1] = (unsigned char)(length > 127 ? (length & 127) | 128 : length);
    if (length > 127) out[at + 2] = (unsigned char)(length >> 7);
    while (at < filled && online >= 0) {
        ssize_t done = send(online, out + at, filled - at, MSG_NOSIGNAL);
        if (done <= 0) drop("send");
        else at += (size_t)done;
    }
    spoke = now();
}

static void publish(const char *kind, unsigned packet, const char *payload, int flags) {
    begin(), topic(kind), number(packet), bytes(payload, strlen(payload)), finish(PUBLISH | flags);
}

static void call(const char *host, const char *port) {
    static struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
    struct timeval patience = {10, 0};
    int on = 1;
    if (getaddrinfo(host, port, &hints, &found) != 0) { drop("no address"); return; }
    online = socket(found->ai_family, SOCK_STREAM, 0);
    setsockopt(online, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience); /* connect, too */
    setsockopt(online, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    have = skip = 0, heard = now();
    if (connect(online, found->ai_addr, found->ai_addrlen) != 0) drop("connect");
    freeaddrinfo(found);
    begin(), text("MQTT"), byte(4), byte(0xEC); /* with a will and a name; keep the session */
    number(KEEP_ALIVE), text(device), topic("status"), text(OFFLINE), text(device), text(password);
    finish(CONNECT);
}

/* The text or number of an outermost key in a JSON object; empty when it is not there. */
static void find(const char *json, size_t size, const char *key, char *value, size_t room) {
    size_t i, from, depth = 0, used = 0, key_size = strlen(key);
    int wanted = 0; /* the key is read: what comes now is its value */
    for (i = 0; i < size && used + 1 < room; i++) {
        char c = json[i];
        if (c == '"') {
            for (from = ++i; i < size && json[i] != '"'; i++) i += json[i] == '\\';
            if (!wanted) {
                wanted = depth == 1 && i == from + key_size && !memcmp(json + from, key, key_size);
                continue;
            }
            while (from < i && from < size && used + 1 < room) value[used++] = json[from++];
            break;
        }
        if (wanted && (c == ',' || c == '}')) break;
        if (c == '{' || c == '[') depth++;
        else if (c == '}' || c == ']') depth--;
        else if (wanted && !strchr(": \t\r\n", c)) value[used++] = c;
    }
    value[used] = 0;
}

static void obey(const char *json, size_t size) {
    static char last[64]; /* A command that comes again is answered again, not done again. */
    char id[64], name[64], answer[256];
    find(json, size, "id", id, sizeof id), find(json, size, "name", name, sizeof name);
    if (strcmp(id, last) != 0) strcpy(last, id), printf("command %s %s\n", id, name);
    snprintf(answer, sizeof answer, strcmp(name, "ping") == 0
        ? "{\"id\":\"%s\",\"state\":\"ok\",\"text\":\"pong\"}"
        : "{\"id\":\"%s\",\"state\":\"failed\",\"text\":\"no such command\"}", id);
    publish("command/result", 65533, answer, 0);
}

static void take(const unsigned char *packet, size_t body, size_t size) {
    size_t end = body + 2 + (size_t)(packet[body] << 8 | packet[body + 1]), at;
    const char *json = (const char *)packet + end + 2;
    char first[64], second[320];
    if (packet[0] == CONNACK && packet[3] != 0) drop("refused");
    else if (packet[0] == CONNACK) {
        ready = 1, next = head, moved = now(), printf("connected\n");
        begin(), number(65535), topic("ack"), byte(1), topic("reject"), byte(1);
        topic("command"), byte(1), finish(SUBSCRIBE);
        snprintf(second, sizeof second, "{\"online\":true,\"boot\":\"%s\",\"fw\":\"1.0\"}", boot);
        publish("status", 65534, second, RETAIN);
    }
    if ((packet[0] & 0xF6) != PUBLISH || end + 2 > size) return; /* we subscribe at QoS 1 only */
    begin(), byte(packet[end]), byte(packet[end + 1]), finish(PUBACK);
    for (at = end; at > body + 2 && packet[at - 1] != '/'; at--) continue;
    size -= end + 2;
    if (packet[at] == 'a') { /* ack */
        find(json, size, "boot", first, sizeof first), find(json, size, "seq", second, 16);
        if (*second) release(first, strtoul(second, NULL, 10));
    } else if (packet[at] == 'r') { /* reject: ack goes on over it, but somebody should read it */
        find(json, size, "code", first, sizeof first), find(json, size, "hint", second, 320);
        printf("reject %s %s\n", first, second);
    } else obey(json, size);
}

static void receive(void) {
    ssize_t got = recv(online, in + have, sizeof in - have, 0);
    if (got <= 0) { drop("closed"); return; }
    heard = now(), have += (size_t)got;
    while (online >= 0) {
        size_t length = 0, at = 1, total, gap = skip < have ? skip : have;
        memmove(in, in + gap, have -= gap), skip -= gap;
        for (; at < have && at < 5; at++) {
            length |= (size_t)(in[at] & 127) << 7 * (at - 1);
            if (!(in[at] & 128)) break;
        }
        total = at + 1 + length;
        /* What is too long for us is read as far as it goes, and the rest skipped. */
        if (skip || at >= have || (have < total && have < sizeof in)) return;
        take(in, at + 1, total < have ? total : have);
        skip = total;
    }
}

/* The packet id follows from the message, so that what is sent again has the same again. */
static void send_telemetry(void) {
    char start[64];
    for (; ready && next < tail && next - head < WINDOW; next++) {
        if (gone[next % SLOTS] || !read_slot(next)) continue;
        sprintf(start, "{\"boot\":\"%s\",\"seq\":%lu,", slot.boot, (unsigned long)slot.seq);
        begin(), topic("telemetry"), number(next % 60000 + 1), bytes(start, strlen(start));
        bytes(slot.body + 1, slot.size - 1), finish(PUBLISH | (next < reached ? DUP : 0));
        if (next >= reached) reached = next + 1;
    }
}

/* Keeps measurements, a line each, while there is room; false when there will be no more. */
static int measure(int readable) {
    static char line[4 * BODY], *end;
    static size_t used, ended;
    if (readable && used == sizeof line) used = 0;
    ssize_t got = readable ? read(0, line + used, sizeof line - used) : 0;
    ended |= readable && got <= 0, used += got > 0 ? (size_t)got : 0;
    while (tail - head < SLOTS && (end = memchr(line, '\n', used)) != NULL) {
        if (!keep(line, (size_t)(end - line))) printf("not kept: no object, or too long\n");
        used -= (size_t)(end + 1 - line), memmove(line, end + 1, used);
    }
    return !ended || memchr(line, '\n', used) != NULL;
}

int main(int count, char **given) {
    time_t pause = 1, again = 0;
    int measuring = 1;
    device = given[count > 4 ? 3 : 0], password = getenv("DEVICE_PASSWORD");
    if (count < 5 || !password || strlen(device) > 64 || strlen(password) > 256)
        return fputs("DEVICE_PASSWORD=... device HOST PORT DEVICE FILE [RESEND_SECONDS]\n", stderr);
    first_resend = resend = count > 5 ? atol(given[5]) : 20;
    setvbuf(stdout, NULL, _IOLBF, 4096), srand((unsigned)time(NULL) ^ (unsigned)getpid());
    open_ring(given[4]);
    while (measuring || head < tail) {
        if (online < 0 && now() >= again) {
            call(given[1], given[2]);
            again = now() + pause + rand() % (pause + 1); /* not all devices at once */
            pause = pause < LONGEST_PAUSE ? pause * 2 : pause;
        }
        send_telemetry();
        int input = measuring && tail - head < SLOTS ? 0 : -1;
        struct pollfd wait[2] = {{input, POLLIN, 0}, {online, POLLIN, 0}};
        poll(wait, 2, 200);
        measuring = measuring && measure(wait[0].revents);
        if (wait[1].revents && online >= 0) receive();
        if (ready) pause = 1;
        if (online >= 0 && now() - spoke >= KEEP_ALIVE / 2) begin(), finish(PING);
        if (online >= 0 && now() - heard > KEEP_ALIVE * 3 / 2) drop("silent");
        if (ready && head < next && now() - moved > resend) /* ever more rarely */
            next = head, moved = now(), resend *= resend < 600 ? 2 : 1, printf("resend\n");
    }
    if (ready) publish("status", 65532, OFFLINE, RETAIN), begin(), finish(DISCONNECT);
    return 0;
}
