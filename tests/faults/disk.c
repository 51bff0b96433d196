/* A disk that loses power, fails, fills up and hangs, for one process.
 *
 * Loaded with LD_PRELOAD, it stands between a process and the files directly in one folder
 * (FAULT_FOLDER). What was synced is copied to FAULT_SHADOW, one file per inode, together with the
 * folder's entries as of its last sync: after a kill that is all a power cut would have left for
 * sure (disk.py puts it back). FAULT_CONTROL is a block of numbers shared with the harness.
 *
 * Left out on purpose: lock files, and SQLite's -shm, which is memory and made anew.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define FILES 64
#define PAGE 4096L
#define PAGES (1L << 18) /* files up to 1 GiB */

struct control {           /* the same order stands in disk.py */
    long operations;       /* writes, truncations, syncs, renames, removals so far */
    long die_at;           /* SIGKILL instead of this operation; 0 = never */
    long sync_us;          /* how long a sync takes */
    long hang;             /* while it is not 0, no sync comes to an end */
    long failing_syncs;    /* so many syncs from now on fail */
    long spare_logs;       /* while it is not 0, those of write-ahead logs don't */
    long failed_syncs;     /* so many have */
    long room;             /* bytes that the files may still grow by; -1 = no limit */
};

struct file {
    ino_t inode;
    int is_log;
    unsigned char *unsynced; /* a bit for each page; shared, as the system's page cache is */
};

static char folder[4096], shadow[4096];
static dev_t device;
static struct control *control;
static struct file *files[FILES];
static int known;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

#define REAL(name) ((__typeof__(&name))real(#name))
static void *real(const char *name) { return dlsym(RTLD_NEXT, name); }

__attribute__((constructor)) static void begin(void) {
    const char *block = getenv("FAULT_CONTROL");
    if (!block || !realpath(getenv("FAULT_FOLDER"), folder) || !realpath(getenv("FAULT_SHADOW"), shadow))
        abort();
    int fd = REAL(open)(block, O_RDWR);
    control = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (control == MAP_FAILED)
        abort();
    REAL(close)(fd);
    struct stat about;
    stat(folder, &about);
    device = about.st_dev;
}

static int ends(const char *text, const char *with) {
    size_t all = strlen(text), end = strlen(with);
    return all >= end && !strcmp(text + all - end, with);
}

/* Whether a file of this name, directly in the folder, is one of those we look after. */
static int ours(const char *name) { return !ends(name, "-shm") && !ends(name, ".lock"); }

/* The name in the folder of the file at an absolute path, or NULL when it is none of ours. */
static const char *name_of(const char *path) {
    size_t length = strlen(folder);
    if (strncmp(path, folder, length) || path[length] != '/' || strchr(path + length + 1, '/'))
        return NULL;
    return ours(path + length + 1) ? path + length + 1 : NULL;
}

static void shadow_path(char *path, ino_t inode) {
    snprintf(path, 4200, "%s/%lu", shadow, (unsigned long)inode);
}

static struct file *find(int fd) {
    struct stat about;
    if (!control || fstat(fd, &about) || !S_ISREG(about.st_mode) || about.st_dev != device)
        return NULL;
    for (int i = 0; i < known; i++)
        if (files[i]->inode == about.st_ino)
            return files[i];
    return NULL;
}

/* What is unsynced of a file, whoever wrote it: also a process that is dead. */
static unsigned char *shared_bits(ino_t inode) {
    char path[4300];
    snprintf(path, sizeof path, "%s/%lu.unsynced", shadow, (unsigned long)inode);
    int fd = REAL(open)(path, O_RDWR | O_CREAT, 0600);
    if (REAL(ftruncate)(fd, PAGES / 8))
        abort();
    void *bits = mmap(NULL, PAGES / 8, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (bits == MAP_FAILED)
        abort();
    REAL(close)(fd);
    return bits;
}

/* Called with every newly opened file. */
static int look_after(int fd) {
    char link[64], path[4200];
    struct stat about;
    int saved = errno;
    if (fd < 0 || !control)
        return fd;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length > 0 && (path[length] = 0, name_of(path)) && !fstat(fd, &about) && S_ISREG(about.st_mode)) {
        pthread_mutex_lock(&lock);
        if (!find(fd)) {
            int slot = 0;
            while (slot < known && files[slot]->inode)
                slot++;
            if (slot == FILES)
                abort();
            if (slot == known)
                files[known++] = calloc(1, sizeof **files);
            files[slot]->is_log = ends(path, "-wal");
            files[slot]->inode = about.st_ino;
            if (files[slot]->unsynced)
                munmap(files[slot]->unsynced, PAGES / 8);
            files[slot]->unsynced = shared_bits(about.st_ino);
            shadow_path(path, about.st_ino);
            REAL(close)(REAL(open)(path, O_WRONLY | O_CREAT, 0600)); /* a new file: empty, if at all */
        }
        pthread_mutex_unlock(&lock);
    }
    errno = saved;
    return fd;
}

/* With the lock held: count an operation, or die instead of it. */
static void step(void) {
    if (++control->operations == control->die_at)
        for (raise(SIGKILL);;)
            ;
}

static void touch(struct file *file, long start, long end) {
    if (end > PAGE * PAGES)
        abort();
    for (long page = start / PAGE; page * PAGE < end; page++)
        __atomic_fetch_or(&file->unsynced[page / 8], 1 << page % 8, __ATOMIC_SEQ_CST);
}

static ssize_t put(int fd, const void *data, size_t size, off_t at, int moves) {
    struct file *file = find(fd);
    if (!file)
        return moves ? REAL(write)(fd, data, size) : REAL(pwrite)(fd, data, size, at);
    struct stat about;
    ssize_t done = -1;
    pthread_mutex_lock(&lock);
    step();
    fstat(fd, &about);
    if (moves)
        at = REAL(fcntl)(fd, F_GETFL) & O_APPEND ? about.st_size : lseek(fd, 0, SEEK_CUR);
    long growth = at + (long)size - about.st_size;
    if (growth > 0 && control->room >= 0 && growth > control->room) {
        errno = ENOSPC;
    } else {
        if (growth > 0 && control->room >= 0)
            control->room -= growth;
        touch(file, at, at + size);
        done = moves ? REAL(write)(fd, data, size) : REAL(pwrite)(fd, data, size, at);
    }
    pthread_mutex_unlock(&lock);
    return done;
}

static int cut_to(int fd, off_t size) {
    struct file *file = find(fd);
    if (!file)
        return REAL(ftruncate)(fd, size);
    struct stat about;
    pthread_mutex_lock(&lock);
    step();
    fstat(fd, &about);
    if (control->room >= 0 && size < about.st_size)
        control->room += about.st_size - size;
    if (size > about.st_size)
        touch(file, about.st_size, size);
    int result = REAL(ftruncate)(fd, size);
    pthread_mutex_unlock(&lock);
    return result;
}

/* What was written to a file is now safe. */
static void keep_pages(int fd, struct file *file) {
    char path[4200], page[PAGE];
    struct stat about;
    shadow_path(path, file->inode);
    int copy = REAL(open)(path, O_WRONLY | O_CREAT, 0600);
    fstat(fd, &about);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int original = REAL(open)(path, O_RDONLY); /* fd may be open for writing only */
    for (long number = 0; number * PAGE < about.st_size; number++) {
        unsigned char bit = 1 << number % 8;
        if (!(__atomic_fetch_and(&file->unsynced[number / 8], ~bit, __ATOMIC_SEQ_CST) & bit))
            continue;
        ssize_t size = pread(original, page, PAGE, number * PAGE);
        if (size > 0 && REAL(pwrite)(copy, page, size, number * PAGE) != size)
            abort();
    }
    if (REAL(ftruncate)(copy, about.st_size))
        abort();
    REAL(close)(original);
    REAL(close)(copy);
}

/* The folder's entries are now safe. */
static void keep_entries(void) {
    char draft[4200], path[4200];
    snprintf(draft, sizeof draft, "%s/entries.new", shadow);
    snprintf(path, sizeof path, "%s/entries", shadow);
    FILE *out = fopen(draft, "w");
    DIR *listing = opendir(folder);
    for (struct dirent *entry; (entry = readdir(listing));)
        if (entry->d_type == DT_REG && ours(entry->d_name))
            fprintf(out, "%lu %s\n", (unsigned long)entry->d_ino, entry->d_name);
    closedir(listing);
    fclose(out);
    REAL(rename)(draft, path);
}

static int sync_of(int fd, int (*real_sync)(int)) {
    struct stat about, top;
    int is_folder = control && !fstat(fd, &about) && !stat(folder, &top) && about.st_ino == top.st_ino;
    struct file *file = find(fd);
    if (!file && !is_folder)
        return real_sync(fd);
    usleep(control->sync_us);
    while (*(volatile long *)&control->hang)
        usleep(1000);
    int result = 0;
    pthread_mutex_lock(&lock);
    step(); /* at the end: whoever did not wait for the sync has had his time */
    if (control->failing_syncs > 0 && !(control->spare_logs && file && file->is_log)) {
        /* As Linux does: the pages count as written from now on, and are not. */
        control->failing_syncs--;
        control->failed_syncs++;
        if (file)
            memset(file->unsynced, 0, PAGES / 8);
        errno = EIO;
        result = -1;
    } else if (file) {
        keep_pages(fd, file);
    } else {
        keep_entries();
    }
    pthread_mutex_unlock(&lock);
    return result;
}

/* Before a name goes: another name keeps the inode, so that no new file gets its number. What is
 * written to it from now on is of no interest. */
static void leave(const char *path) {
    char whole[4096], limbo[4200];
    struct stat about;
    if (!control || !realpath(path, whole) || !name_of(whole) || stat(whole, &about))
        return;
    pthread_mutex_lock(&lock);
    step();
    if (control->room >= 0)
        control->room += about.st_size;
    snprintf(limbo, sizeof limbo, "%s/limbo-%lu", shadow, (unsigned long)about.st_ino);
    int failed = link(whole, limbo);
    for (int i = 0; i < known; i++)
        if (files[i]->inode == about.st_ino)
            files[i]->inode = 0;
    pthread_mutex_unlock(&lock);
    if (failed && errno != EEXIST)
        abort();
}

/* The libc functions that SQLite and Python call. */

#define OPEN(name, parameters, call)                            \
    int name parameters {                                       \
        mode_t mode = 0;                                        \
        if (flags & (O_CREAT | O_TMPFILE)) {                    \
            va_list rest;                                       \
            va_start(rest, flags);                              \
            mode = va_arg(rest, mode_t);                        \
            va_end(rest);                                       \
        }                                                       \
        return look_after(call);                                \
    }
OPEN(open, (const char *path, int flags, ...), REAL(open)(path, flags, mode))
OPEN(open64, (const char *path, int flags, ...), REAL(open64)(path, flags, mode))
OPEN(openat, (int at, const char *path, int flags, ...), REAL(openat)(at, path, flags, mode))
OPEN(openat64, (int at, const char *path, int flags, ...), REAL(openat64)(at, path, flags, mode))

ssize_t write(int fd, const void *data, size_t size) { return put(fd, data, size, 0, 1); }
ssize_t pwrite(int fd, const void *data, size_t size, off_t at) { return put(fd, data, size, at, 0); }
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) { return put(fd, data, size, at, 0); }
int ftruncate(int fd, off_t size) { return cut_to(fd, size); }
int ftruncate64(int fd, off64_t size) { return cut_to(fd, size); }
int fsync(int fd) { return sync_of(fd, REAL(fsync)); }
int fdatasync(int fd) { return sync_of(fd, REAL(fdatasync)); }

int unlink(const char *path) {
    leave(path);
    return REAL(unlink)(path);
}

int rename(const char *from, const char *to) {
    leave(to);
    return REAL(rename)(from, to);
}

int statvfs(const char *path, struct statvfs *about) {
    int result = REAL(statvfs)(path, about);
    if (!result && control && control->room >= 0)
        about->f_bavail = about->f_bfree = control->room / about->f_frsize;
    return result;
}

int statvfs64(const char *path, struct statvfs64 *about) {
    int result = REAL(statvfs64)(path, about);
    if (!result && control && control->room >= 0)
        about->f_bavail = about->f_bfree = control->room / about->f_frsize;
    return result;
}
