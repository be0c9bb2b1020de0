/* Alignment, and sized deallocation. */
#define _GNU_SOURCE
#include "promise.h"
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* In C23 and glibc 2.43. */
__attribute__((weak)) void free_sized(void *block, size_t size);
__attribute__((weak)) void free_aligned_sized(void *block, size_t align, size_t size);

static int is_aligned(const void *block, size_t align) { return block != NULL && (uintptr_t)block % align == 0; }

static void every_size_at_every_alignment(void)
{
    static const char *const names[] = {"aligned_alloc", "memalign", "posix_memalign"};
    for (size_t align = 16; align <= (64 << 10); align *= 2) {
        for (size_t size = 0; size <= 4096; size += size < 128 ? 1 : 61) {
            void *blocks[3] = {aligned_alloc(align, size), memalign(align, size), NULL};
            expect(posix_memalign(&blocks[2], align, size) == 0, "posix_memalign(%zu, %zu) fails", align, size);
            for (int i = 0; i < 3; i++) {
                expect(is_aligned(blocks[i], align), "%s(%zu, %zu) is %p", names[i], align, size, blocks[i]);
                size_t usable = malloc_usable_size(blocks[i]);
                expect(usable >= size, "malloc_usable_size of %s(%zu, %zu) is %zu", names[i], align, size, usable);
                memset(blocks[i], 1, size);
                free(blocks[i]);
            }
        }
    }
}

static void alignments_up_to_a_gigabyte(void)
{
    for (size_t align = 1 << 17; align <= ((size_t)1 << 30); align *= 2) {
        char *block = aligned_alloc(align, 100);
        expect(is_aligned(block, align), "aligned_alloc(%zu, 100) is %p", align, (void *)block);
        memset(block, 1, 100);
        free(block);
    }
}

static void posix_memalign_refuses_bad_alignments(void)
{
    size_t wrong[] = {0, 1, 2, 3, 4, 7, 12, 24, 100};
    for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        void *block = wrong;
        errno = 77;
        int result = posix_memalign(&block, opaque(wrong[i]), 10);
        expect(result == EINVAL, "an alignment of %zu: it returns %d instead of EINVAL", wrong[i], result);
        expect(block == wrong && errno == 77, "an alignment of %zu: the pointer is %p, errno %d", wrong[i], block, errno);
    }
}

static void posix_memalign_failure_keeps_the_pointer(void)
{
    void *block = &block;
    int result = posix_memalign(&block, 64, opaque(SIZE_MAX - 200));
    expect(result == ENOMEM && block == &block, "it returns %d, the pointer is %p", result, block);
}

static void posix_memalign_without_memory_sets_errno(void)
{
    void *block = &block;
    size_t aligns[] = {8, 16, 64, 4096, (size_t)1 << 30};
    size_t sizes[] = {PTRDIFF_MAX - 4096, PTRDIFF_MAX, (size_t)PTRDIFF_MAX + 1, SIZE_MAX - 200, SIZE_MAX};
    for (unsigned i = 0; i < sizeof aligns / sizeof *aligns * 5; i++) {
        errno = 77;
        int result = posix_memalign(&block, opaque(aligns[i / 5]), opaque(sizes[i % 5]));
        expect(result == ENOMEM && errno == ENOMEM, "posix_memalign(%zu, %#zx) returns %d, errno %d", aligns[i / 5],
               sizes[i % 5], result, errno);
    }
}

static void posix_memalign_0_is_a_block(void)
{
    void *block = NULL;
    int result = posix_memalign(&block, 64, 0);
    expect(result == 0 && block != NULL, "it returns %d, the block is %p", result, block);
    free(block);
}

static void aligned_alloc_takes_any_size(void)
{
    errno = 77;
    void *block = aligned_alloc(64, 65);
    expect(is_aligned(block, 64) && errno == 77, "aligned_alloc(64, 65) is %p, errno %d", block, errno);
    free(block);
}

static void aligned_alloc_0_is_a_block(void)
{
    void *block = aligned_alloc(64, 0);
    expect(block != NULL, "it is NULL");
    free(block);
}

/* glibc does so from 2.38 on. */
static void aligned_alloc_refuses_bad_alignments(void)
{
    errno = 0;
    void *block = aligned_alloc(opaque(24), 100);
    expect(block == NULL && errno == EINVAL, "aligned_alloc(24, 100) is %p, errno %d", block, errno);
}

static void aligned_alloc_overflow_is_enomem(void)
{
    errno = 0;
    void *block = aligned_alloc(1 << 12, opaque(SIZE_MAX - 100));
    expect(block == NULL && errno == ENOMEM, "it returns %p, errno %d", block, errno);
}

static void memalign_of_half_the_address_space_fails(void)
{
    errno = 0;
    void *block = memalign(opaque((size_t)1 << 63), 1);
    expect(block == NULL && errno != 0, "it returns %p, errno %d", block, errno);
}

static void memalign_rounds_alignments_up(void)
{
    void *block = memalign(opaque(3), 100);
    expect(block != NULL, "memalign(3, 100) is NULL");
    free(block);
    block = memalign(opaque(48), 100);
    expect(is_aligned(block, 64), "memalign(48, 100) is %p", block);
    free(block);
    block = memalign(0, 100);
    expect(block != NULL, "memalign(0, 100) is NULL");
    free(block);
}

static void valloc_aligns_to_a_page(void)
{
    void *block = valloc(10);
    expect(is_aligned(block, (size_t)sysconf(_SC_PAGESIZE)), "valloc(10) is %p", block);
    free(block);
}

static void pvalloc_gives_whole_pages(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    void *block = pvalloc(page + 1);
    expect(is_aligned(block, page), "it is %p", block);
    expect(malloc_usable_size(block) >= 2 * page, "its usable size is %zu", malloc_usable_size(block));
    free(block);
    block = pvalloc(0);
    expect(is_aligned(block, page), "pvalloc(0) is %p", block);
    free(block);
}

static void pvalloc_overflow_is_enomem(void)
{
    errno = 0;
    void *block = pvalloc(opaque(SIZE_MAX));
    expect(block == NULL && errno == ENOMEM, "it returns %p, errno %d", block, errno);
}

static void free_sized_takes_null(void)
{
    if (!free_sized || !free_aligned_sized)
        not_here("neither the library nor this libc has free_sized and free_aligned_sized");
    size_t sizes[] = {0, 100, 1000};
    for (int i = 0; i < 3; i++) {
        free_sized(NULL, sizes[i]);
        free_aligned_sized(NULL, 64, sizes[i]);
        /* NULL may have become a block that is free. */
        void *blocks[] = {malloc(sizes[i]), malloc(sizes[i]), aligned_alloc(64, sizes[i])};
        for (int block = 0; block < 3; block++) {
            expect(blocks[block], "the next block of %zu bytes is NULL", sizes[i]);
            free(blocks[block]);
        }
    }
}

static void free_sized_takes_every_size(void)
{
    if (!free_sized)
        not_here("neither the library nor this libc has free_sized");
    errno = 77;
    for (size_t size = 0; size < (6 << 20); size += size < 5000 ? 1 : size) {
        free_sized(malloc(size), size);
        free_sized(calloc(1, size), size);
        free_sized(realloc(malloc(1), size + 1), size + 1);
        expect(errno == 77, "errno is %d after a block of %zu bytes", errno, size);
    }
}

static void free_aligned_sized_takes_every_size(void)
{
    if (!free_aligned_sized)
        not_here("neither the library nor this libc has free_aligned_sized");
    errno = 77;
    for (size_t align = 16; align <= (1 << 17); align *= 2)
        for (size_t size = 0; size < (4 << 20); size = size * 2 + 1)
            free_aligned_sized(aligned_alloc(align, size), align, size);
    expect(errno == 77, "errno is %d", errno);
}

const struct promise aligned_promises[] = {
    PROMISE(every_size_at_every_alignment, "aligned_alloc, memalign and posix_memalign align every size, up to 64 KiB"),
    PROMISE(alignments_up_to_a_gigabyte, "aligned_alloc aligns up to 1 GiB"),
    PROMISE(posix_memalign_refuses_bad_alignments, "posix_memalign returns EINVAL, and leaves the pointer and errno alone"),
    PROMISE(posix_memalign_failure_keeps_the_pointer, "posix_memalign without memory leaves the pointer alone"),
    PROMISE(posix_memalign_without_memory_sets_errno, "posix_memalign without memory sets errno too, as glibc's does"),
    PROMISE(posix_memalign_0_is_a_block, "posix_memalign of 0 bytes is a block"),
    PROMISE(aligned_alloc_takes_any_size, "aligned_alloc takes sizes that are no multiples of the alignment"),
    PROMISE(aligned_alloc_0_is_a_block, "aligned_alloc of 0 bytes is a block"),
    PROMISE(aligned_alloc_refuses_bad_alignments, "aligned_alloc with no power of two is NULL with EINVAL"),
    PROMISE(aligned_alloc_overflow_is_enomem, "aligned_alloc of nearly SIZE_MAX is NULL with ENOMEM"),
    PROMISE(memalign_of_half_the_address_space_fails, "memalign with an alignment that there cannot be is NULL"),
    PROMISE(memalign_rounds_alignments_up, "memalign takes any alignment and rounds it up, as glibc's does"),
    PROMISE(valloc_aligns_to_a_page, "valloc aligns to a page"),
    PROMISE(pvalloc_gives_whole_pages, "pvalloc aligns to a page and rounds the size up to whole pages"),
    PROMISE(pvalloc_overflow_is_enomem, "pvalloc of SIZE_MAX is NULL with ENOMEM"),
    PROMISE(free_sized_takes_null, "free_sized and free_aligned_sized (C23) of NULL do nothing"),
    PROMISE(free_sized_takes_every_size, "free_sized (C23) frees blocks of every size"),
    PROMISE(free_aligned_sized_takes_every_size, "free_aligned_sized (C23) frees aligned blocks of every size"),
    {0},
};
