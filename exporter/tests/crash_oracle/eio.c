/*
 * A disk that fails now and then: preloaded into the process that is killed.
 *
 * Of the calls that touch files below TARE_CRASH_EIO, one in RATE fails with EIO, by chance; of the writes
 * among them half first write a part. Everything else goes to the C library untouched. This is how a real
 * process meets a real error in the middle of its work without a device that has them.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#define RATE 48

static atomic_uint state;

/* xorshift; which call fails need not be repeatable, the moment of the kill is not either. */
static unsigned chance(void)
{
    unsigned x = atomic_load(&state);
    if (x == 0) {
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        x = (unsigned)now.tv_nsec ^ ((unsigned)getpid() << 16) ^ 1u;
    }
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    atomic_store(&state, x);
    return x;
}

static int below(const char *path)
{
    const char *folder = getenv("TARE_CRASH_EIO");
    return folder != NULL && path != NULL && strncmp(path, folder, strlen(folder)) == 0;
}

static int ours(int fd)
{
    char link[32], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0)
        return 0;
    path[length] = '\0';
    return below(path);
}

static int fails(void)
{
    if (chance() % RATE != 0)
        return 0;
    errno = EIO;
    return 1;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int fd, const void *data, size_t length)
{
    if (ours(fd)) {
        /* A short write is no error to the caller, who goes on and meets it then, or does not. */
        if (length > 1 && chance() % RATE == 1)
            return REAL(write)(fd, data, length / 2);
        if (fails())
            return -1;
    }
    return REAL(write)(fd, data, length);
}

ssize_t read(int fd, void *data, size_t length)
{
    return ours(fd) && fails() ? -1 : REAL(read)(fd, data, length);
}

int fdatasync(int fd)
{
    return ours(fd) && fails() ? -1 : REAL(fdatasync)(fd);
}

int fsync(int fd)
{
    return ours(fd) && fails() ? -1 : REAL(fsync)(fd);
}

int ftruncate(int fd, off_t length)
{
    return ours(fd) && fails() ? -1 : REAL(ftruncate)(fd, length);
}

int ftruncate64(int fd, off64_t length)
{
    return ours(fd) && fails() ? -1 : REAL(ftruncate64)(fd, length);
}

int rename(const char *from, const char *to)
{
    return below(from) && fails() ? -1 : REAL(rename)(from, to);
}

int unlink(const char *path)
{
    return below(path) && fails() ? -1 : REAL(unlink)(path);
}
