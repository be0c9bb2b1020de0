/* Sizes, overflow, errno: what malloc, calloc, realloc and free promise. */
#define _GNU_SOURCE
#include "promise.h"
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static int is_enomem(void *block)
{
    int good = block == NULL && errno == ENOMEM;
    free(block);
    return good;
}

/* Several blocks at once: one that is freed and allocated again is the same each time. */
static void malloc_aligns_every_size_to_16(void)
{
    enum { BLOCKS = 4 };
    for (size_t size = 0; size <= 4096; size++) {
        void *blocks[BLOCKS];
        for (int i = 0; i < BLOCKS; i++) {
            blocks[i] = malloc(size);
            expect(blocks[i] && (uintptr_t)blocks[i] % 16 == 0, "malloc(%zu) is %p", size, blocks[i]);
        }
        for (int i = 0; i < BLOCKS; i++)
            free(blocks[i]);
    }
}

static void malloc_0_is_a_block(void)
{
    void *first = malloc(0), *second = malloc(0);
    expect(first && second && first != second, "malloc(0) is %p, then %p", first, second);
    free(first);
    free(second);
}

static void more_than_ptrdiff_max_is_enomem(void)
{
    size_t sizes[] = {(size_t)PTRDIFF_MAX + 1, SIZE_MAX, SIZE_MAX - 4096, SIZE_MAX - 15};
    for (int i = 0; i < 4; i++) {
        errno = 0;
        void *block = malloc(opaque(sizes[i]));
        expect(!block && errno == ENOMEM, "malloc(%#zx) is %p, errno %d", sizes[i], block, errno);
        errno = 0;
        block = calloc(1, opaque(sizes[i]));
        expect(!block && errno == ENOMEM, "calloc(1, %#zx) is %p, errno %d", sizes[i], block, errno);
    }
}

static void calloc_overflow_is_enomem(void)
{
    errno = 0;
    expect(is_enomem(calloc(opaque(SIZE_MAX / 2), 3)), "a product above SIZE_MAX: errno %d", errno);
    errno = 0;
    /* The product is 0 where it is not checked. */
    expect(is_enomem(calloc(opaque((size_t)1 << 32), (size_t)1 << 32)), "a product of 2 to the 64: errno %d", errno);
}

static void calloc_zeroes_reused_memory(void)
{
    for (size_t size = 1; size < (8 << 20); size = size * 3 / 2 + 1) {
        for (int round = 0; round < 3; round++) {
            unsigned char *dirty = malloc(size);
            memset(dirty, 0xff, malloc_usable_size(dirty));
            free(dirty);
            unsigned char *block = calloc(size, 1);
            for (size_t i = 0; i < size; i++)
                expect(block[i] == 0, "byte %zu of %zu is %d", i, size, block[i]);
            memset(block, 0xff, size);
            free(block);
        }
    }
}

static void realloc_to_0_frees(void)
{
    errno = 7;
    void *block = realloc(malloc(100), 0);
    expect(block == NULL && errno == 7, "realloc(block, 0) is %p, errno %d instead of 7", block, errno);
}

static void realloc_null_0_is_a_block(void)
{
    void *block = realloc(NULL, 0);
    expect(block != NULL, "it is NULL");
    free(block);
}

static void realloc_failure_keeps_the_block(void)
{
    char *text = malloc(100);
    strcpy(text, "kept");
    errno = 0;
    void *grown = realloc(text, opaque(SIZE_MAX));
    expect(!grown && errno == ENOMEM && !strcmp(text, "kept"), "realloc(block, SIZE_MAX) is %p, errno %d", grown, errno);
    free(text);
}

static void reallocarray_overflow_keeps_the_block(void)
{
    char *text = malloc(100);
    strcpy(text, "kept");
    errno = 0;
    void *grown = reallocarray(text, opaque(SIZE_MAX / 2), 3);
    expect(!grown && errno == ENOMEM && !strcmp(text, "kept"), "it returns %p, errno %d", grown, errno);
    free(text);
}

static void realloc_copies_what_was_usable(void)
{
    size_t sizes[] = {16, 100, 5000, 33000, 40000, 1 << 20, 3 << 20, 64 << 20, 4 << 20, 70000, 33000, 2000, 40, 1};
    unsigned char *data = malloc(16);
    memset(data, 1, 16);
    size_t known = 16;
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        data = realloc(data, sizes[i]);
        size_t both = known < sizes[i] ? known : sizes[i];
        for (size_t at = 0; at < both; at++)
            expect(data[at] == (unsigned char)(i == 0 ? 1 : i), "byte %zu changed from %zu to %zu bytes", at, known, sizes[i]);
        /* All of the block is the program's, and realloc keeps all of it. */
        known = malloc_usable_size(data);
        memset(data, (int)i + 1, known);
    }
    free(data);
}

static void realloc_of_an_aligned_block_keeps_it(void)
{
    for (size_t align = 32; align <= (1 << 16); align *= 2) {
        unsigned char *aligned = memalign(align, 1000);
        memset(aligned, 9, 1000);
        aligned = realloc(aligned, 200000);
        for (int at = 0; at < 1000; at++)
            expect(aligned[at] == 9, "byte %d of a block aligned to %zu changed", at, align);
        free(aligned);
    }
}

static void usable_size_of_null_is_0(void)
{
    expect(malloc_usable_size(NULL) == 0, "it is %zu", malloc_usable_size(NULL));
}

static void usable_size_is_constant_and_writable(void)
{
    for (size_t size = 0; size < (5 << 20); size = size * 5 / 4 + 1) {
        char *block = malloc(size);
        size_t usable = malloc_usable_size(block);
        memset(block, 1, usable);
        free(malloc(size));
        expect(usable >= size, "%zu of a block of %zu bytes", usable, size);
        expect(malloc_usable_size(block) == usable, "first %zu, then %zu", usable, malloc_usable_size(block));
        free(block);
    }
}

/* Makes `rounds` calls of every kind, with errno set to a value that none of them may change. Returns how many did. */
static int errno_changes(int rounds)
{
    static void *blocks[512];
    unsigned random = 1;
    int changes = 0;
    for (int i = 0; i < rounds; i++) {
        random = random * 1103515245 + 12345;
        void **slot = &blocks[random >> 8 & 511];
        size_t size = random >> 4 & ((random >> 20 & 63) == 0 ? 0x3fffff : 0xfff);
        errno = 77;
        void *result = *slot;
        switch (random >> 28) {
        case 0: case 1: case 2: case 3: case 4: case 5:
            free(*slot);
            *slot = NULL;
            changes += errno != 77;
            continue;
        case 6: case 7:
            result = realloc(*slot, size + 1);
            break;
        case 8:
            free(*slot);
            result = memalign(64 << (random & 7), size);
            break;
        case 9:
            free(*slot);
            result = calloc(1, size);
            break;
        default:
            free(*slot);
            result = malloc(size);
        }
        /* A failed call may set errno; only realloc keeps the old block then. */
        changes += result != NULL && errno != 77;
        *slot = result || (random >> 28 != 6 && random >> 28 != 7) ? result : *slot;
    }
    for (int i = 0; i < 512; i++) {
        errno = 77;
        free(blocks[i]);
        changes += errno != 77;
        blocks[i] = NULL;
    }
    return changes;
}

static void success_and_free_leave_errno_alone(void)
{
    int changes = errno_changes(1000000);
    expect(changes == 0, "%d calls changed it", changes);
}

static void free_null_leaves_errno_alone(void)
{
    errno = 77;
    free(NULL);
    expect(errno == 77, "errno is %d", errno);
}

static void errno_is_left_alone_when_memory_is_short(void)
{
    static void *hog[4096];
    limit_addresses(600 << 20);
    int count = 0;
    while (count < 4096 && (hog[count] = malloc(1 << 20)) != NULL)
        count++;
    int changes = errno_changes(200000);
    for (int i = 0; i < count; i++)
        free(hog[i]);
    if (count == 4096)
        not_here("the limit of address space limits nothing: there are %d MiB", count);
    expect(changes == 0, "%d calls changed it", changes);
}

const struct promise size_promises[] = {
    PROMISE(malloc_aligns_every_size_to_16, "Blocks of every size, also below 16 bytes, are aligned to 16 bytes"),
    PROMISE(malloc_0_is_a_block, "malloc(0) returns a block of its own each time"),
    PROMISE(more_than_ptrdiff_max_is_enomem, "A size above PTRDIFF_MAX is NULL with ENOMEM"),
    PROMISE(calloc_overflow_is_enomem, "calloc checks its product: NULL with ENOMEM"),
    PROMISE(calloc_zeroes_reused_memory, "calloc's memory is zero, also where a block was freed before"),
    PROMISE(realloc_to_0_frees, "realloc(block, 0) frees the block and returns NULL, as glibc's does; errno stays"),
    PROMISE(realloc_null_0_is_a_block, "realloc(NULL, 0) returns a block, as malloc(0) does"),
    PROMISE(realloc_failure_keeps_the_block, "Where realloc fails, the old block stays as it was, and errno is ENOMEM"),
    PROMISE(reallocarray_overflow_keeps_the_block, "reallocarray checks its product, and the old block stays as it was"),
    PROMISE(realloc_copies_what_was_usable, "realloc keeps all bytes that malloc_usable_size promised"),
    PROMISE(realloc_of_an_aligned_block_keeps_it, "realloc takes blocks of memalign and keeps their contents"),
    PROMISE(usable_size_of_null_is_0, "malloc_usable_size(NULL) is 0"),
    PROMISE(usable_size_is_constant_and_writable, "malloc_usable_size is at least the size, stays, and can be written to"),
    PROMISE(success_and_free_leave_errno_alone, "Calls that succeed, and free, leave errno alone"),
    PROMISE(free_null_leaves_errno_alone, "free(NULL) does nothing, and leaves errno alone"),
    PROMISE(errno_is_left_alone_when_memory_is_short, "The same where memory is short, but for calls that fail"),
    {0},
};
