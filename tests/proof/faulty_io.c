/* The disk that fails: preloaded into a process, it makes the k-th call that touches files under one folder fail.
 *
 *   FAULTY_IO_FOLDER  only files whose path begins with this
 *   FAULTY_IO_FROM    number of the first call that fails, from 1; 0: none, only count
 *   FAULTY_IO_TIMES   how many calls in a row fail
 *   FAULTY_IO_ERRNO   what they fail with; 0: the process is killed there, a write is half done
 *   FAULTY_IO_TALLY   file that gets the number of calls when the process ends
 *
 * Calls that count: those that make, change, sync, rename or remove a file. A failing write writes nothing.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static const char *folder, *tally;
static long from, times, code;
static atomic_long calls;

static long number(const char *name) {
    const char *text = getenv(name);
    return text ? atol(text) : 0;
}

__attribute__((constructor)) static void begin(void) {
    folder = getenv("FAULTY_IO_FOLDER");
    tally = getenv("FAULTY_IO_TALLY");
    from = number("FAULTY_IO_FROM");
    times = number("FAULTY_IO_TIMES");
    code = number("FAULTY_IO_ERRNO");
}

__attribute__((destructor)) static void end(void) {
    if (!tally) return;
    const char *where = tally;
    folder = NULL;
    FILE *file = fopen(where, "w");
    if (file) {
        fprintf(file, "%ld\n", atomic_load(&calls));
        fclose(file);
    }
}

/* 1 when this call on this path is one of those that fail; errno is set then. */
static int path_fails(const char *path) {
    if (!folder || !path || strncmp(path, folder, strlen(folder)) != 0) return 0;
    long call = atomic_fetch_add(&calls, 1) + 1;
    if (!from || call < from || call >= from + times) return 0;
    errno = (int)code;
    return 1;
}

static void die_if_deadly(void) {
    if (!code) raise(SIGKILL);
}

static int touches(int fd) {
    if (!folder) return 0;
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, path, sizeof path - 1);
    if (size <= 0) return 0;
    path[size] = 0;
    return path_fails(path);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/* A write that dies has written its first half: a kernel stops between pages when the process is killed. */
#define WRITTEN(fd, HALF, WHOLE)                       \
    if (!touches(fd)) return WHOLE;                    \
    if (!code && (HALF) >= 0) raise(SIGKILL);          \
    return -1;

ssize_t write(int fd, const void *data, size_t size) {
    WRITTEN(fd, REAL(write)(fd, data, size / 2), REAL(write)(fd, data, size))
}
ssize_t writev(int fd, const struct iovec *parts, int count) {
    WRITTEN(fd, REAL(writev)(fd, parts, count / 2), REAL(writev)(fd, parts, count))
}
ssize_t pwrite(int fd, const void *data, size_t size, off_t at) {
    WRITTEN(fd, REAL(pwrite)(fd, data, size / 2, at), REAL(pwrite)(fd, data, size, at))
}
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) {
    WRITTEN(fd, REAL(pwrite64)(fd, data, size / 2, at), REAL(pwrite64)(fd, data, size, at))
}

static int fails(int fd) {
    if (!touches(fd)) return 0;
    die_if_deadly();
    return 1;
}

static int fails_at(const char *path) {
    if (!path_fails(path)) return 0;
    die_if_deadly();
    return 1;
}
int fsync(int fd) { return fails(fd) ? -1 : REAL(fsync)(fd); }
int fdatasync(int fd) { return fails(fd) ? -1 : REAL(fdatasync)(fd); }
int ftruncate(int fd, off_t size) { return fails(fd) ? -1 : REAL(ftruncate)(fd, size); }
int ftruncate64(int fd, off64_t size) { return fails(fd) ? -1 : REAL(ftruncate64)(fd, size); }
int fallocate(int fd, int mode, off_t at, off_t size) { return fails(fd) ? -1 : REAL(fallocate)(fd, mode, at, size); }
int posix_fallocate(int fd, off_t at, off_t size) { return fails(fd) ? (int)code : REAL(posix_fallocate)(fd, at, size); }
int rename(const char *old, const char *new) { return fails_at(new) ? -1 : REAL(rename)(old, new); }
int link(const char *old, const char *new) { return fails_at(new) ? -1 : REAL(link)(old, new); }
int unlink(const char *path) { return fails_at(path) ? -1 : REAL(unlink)(path); }
int mkdir(const char *path, mode_t mode) { return fails_at(path) ? -1 : REAL(mkdir)(path, mode); }

/* Opening for reading does not count: what cannot be read is another test. */
#define OPEN(name, WHERE, ARGUMENTS, ...)                          \
    int name WHERE {                                               \
        mode_t mode = 0;                                           \
        if (flags & (O_CREAT | O_TMPFILE)) {                       \
            va_list rest;                                          \
            va_start(rest, flags);                                 \
            mode = va_arg(rest, mode_t);                           \
            va_end(rest);                                          \
        }                                                          \
        if ((flags & (O_WRONLY | O_RDWR)) && fails_at(path)) return -1; \
        return REAL(name) ARGUMENTS;                               \
    }
OPEN(open, (const char *path, int flags, ...), (path, flags, mode))
OPEN(open64, (const char *path, int flags, ...), (path, flags, mode))
OPEN(openat, (int at, const char *path, int flags, ...), (at, path, flags, mode))
OPEN(openat64, (int at, const char *path, int flags, ...), (at, path, flags, mode))
