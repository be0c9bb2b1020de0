/* Allocations of every kind that take NULL with ENOMEM for an answer, and find out whether a block is handed out twice or loses
 * its contents. The file that includes this says what fail(text) does: it does not return. */
#ifndef PRESSURE_H
#define PRESSURE_H

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 6000 };
static __thread struct { unsigned char *start; size_t size; } blocks[MOST];
static __thread int held;
static int nulls;

static unsigned char mark(const void *start, size_t size) { return (unsigned char)((uintptr_t)start >> 4 ^ size ^ 0x5a); }

/* Takes a block under its own mark, or counts a NULL, which must come with ENOMEM. */
static void take(void *start, size_t size, int error)
{
    if (start == NULL) {
        if (error != ENOMEM)
            fail("NULL without ENOMEM");
        __atomic_add_fetch(&nulls, 1, __ATOMIC_RELAXED);
        return;
    }
    memset(start, mark(start, size), size);
    blocks[held].start = start;
    blocks[held++].size = size;
}

static void check(int index)
{
    unsigned char *start = blocks[index].start, wanted = mark(start, blocks[index].size);
    for (size_t at = 0; at < blocks[index].size; at++)
        if (start[at] != wanted)
            fail("a block was overwritten: it was handed out twice");
}

static void release_all(void)
{
    for (int i = 0; i < held; i++)
        check(i);
    while (held > 0)
        free(blocks[--held].start);
}

static void small_ones(void)
{
    for (size_t size = 1; size < 40000; size += size / 16 + 7) {
        for (int i = 0; i < 8; i++) {
            errno = 0;
            void *start = malloc(size);
            take(start, size, errno);
        }
    }
}

static void *thread(void *unused)
{
    small_ones();
    release_all();
    return unused;
}

static void large_ones(void)
{
    for (size_t size = 50000; size < (12 << 20); size += size / 3) {
        errno = 0;
        void *start = malloc(size);
        take(start, size, errno);
        errno = 0;
        start = calloc(1, size);
        for (size_t at = 0; start && at < size; at++)
            if (((char *)start)[at])
                fail("calloc did not zero");
        take(start, size, errno);
        errno = 0;
        start = memalign(size > (1 << 20) ? 4 << 20 : 1 << 15, size);
        take(start, size, errno);
    }
}

static void growing_one(void)
{
    size_t size = 1000;
    unsigned char *start = malloc(size);
    if (!start)
        return take(NULL, 0, errno);
    memset(start, 3, size);
    while (size < (64 << 20)) {
        errno = 0;
        unsigned char *grown = realloc(start, size * 2);
        if (!grown) {
            take(NULL, 0, errno);
            break;
        }
        start = grown;
        if (start[0] != 3 || start[size - 1] != 3)
            fail("realloc lost contents");
        memset(start, 3, size *= 2);
    }
    free(start);
}

static void one_round(void)
{
    small_ones();
    large_ones();
    growing_one();
    pthread_t threads[3];
    int running = 0;
    while (running < 3 && pthread_create(&threads[running], NULL, thread, NULL) == 0)
        running++;
    nulls += 3 - running;
    while (running > 0)
        pthread_join(threads[--running], NULL);
    release_all();
}

/* Fills what there is with blocks of `size`, frees every other one, and must be able to allocate as many again. */
static void fill(size_t size)
{
    static void *all[1 << 20];
    int count = 0, again = 0;
    errno = 0;
    while (count < 1 << 20 && (all[count] = malloc(size)) != NULL)
        memset(all[count++], 1, size < 64 ? size : 64);
    if (count < 1 << 20 && errno != ENOMEM)
        fail("NULL without ENOMEM");
    for (int i = 0; i < count; i += 2)
        free(all[i]);
    for (int i = 0; i < count; i += 2)
        again += (all[i] = malloc(size)) != NULL;
    /* Cached blocks of other sizes may keep the last few from being allocated. */
    if (again < (count / 2) * 99 / 100)
        fail("what was freed cannot be allocated again");
    for (int i = 0; i < count; i++)
        free(all[i]);
}

#endif
