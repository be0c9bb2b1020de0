/* xalloc: a heap beside the system's malloc. Link with libxalloc.a.
 *
 * Every function does what C's, POSIX's or glibc's function of the name without `xalloc_` does, errno included. A block
 * belongs to this heap: it is freed by xalloc_free, not by free, and blocks of malloc are not freed here; a mistake is one
 * line on stderr and SIGABRT. Blocks are aligned to 16 bytes. Any thread may free any block.
 *
 * A module that the library is linked into stays loaded: dlclose does not unload it, because libc has pointers into it.
 *
 * The prefix is chosen when the library is built: `scripts/static-library --prefix my` makes libmy.a and my.h. Several
 * copies with different prefixes may be linked into one program; each is a heap of its own.
 *
 * The options in the environment and in /etc/xalloc.conf are for the preloaded library only: nothing here reads them.
 *
 * The preloaded library, libxalloc.so, has of these functions only xalloc_version, xalloc_stats, xalloc_recycle, xalloc_prefork,
 * xalloc_postfork_parent and xalloc_postfork_child: a program that may run without it looks them up with dlsym. */
#ifndef XALLOC_H
#define XALLOC_H

#include <stddef.h>

/* The version of this header. The library's may be another one: xalloc_version() says which. The number is
 * major * 10000 + minor * 100 + patch. */
#define XALLOC_VERSION "0.1.0"
#define XALLOC_VERSION_NUMBER 100

#if defined(__GNUC__) || defined(__clang__)
#define XALLOC_NODISCARD __attribute__((__warn_unused_result__))
#define XALLOC_SIZED(size) __attribute__((__malloc__, __alloc_size__ size, __warn_unused_result__))
#else
#define XALLOC_NODISCARD
#define XALLOC_SIZED(size)
#endif

#if defined(__cplusplus) && __cplusplus >= 201103L
#define XALLOC_NOTHROW noexcept
#elif defined(__cplusplus)
#define XALLOC_NOTHROW throw()
#else
#define XALLOC_NOTHROW
#endif

#ifdef __cplusplus
extern "C" {
#endif

XALLOC_SIZED((1)) void *xalloc_malloc(size_t size) XALLOC_NOTHROW;
XALLOC_SIZED((1, 2)) void *xalloc_calloc(size_t count, size_t size) XALLOC_NOTHROW;
XALLOC_NODISCARD void *xalloc_realloc(void *block, size_t size) XALLOC_NOTHROW;
XALLOC_NODISCARD void *xalloc_reallocarray(void *block, size_t count, size_t size) XALLOC_NOTHROW;
XALLOC_SIZED((2)) void *xalloc_memalign(size_t align, size_t size) XALLOC_NOTHROW;
XALLOC_SIZED((2)) void *xalloc_aligned_alloc(size_t align, size_t size) XALLOC_NOTHROW;
/* Returns an error number; ENOMEM is in errno as well, EINVAL is not, as in glibc. */
XALLOC_NODISCARD int xalloc_posix_memalign(void **result, size_t align, size_t size) XALLOC_NOTHROW;
XALLOC_SIZED((1)) void *xalloc_valloc(size_t size) XALLOC_NOTHROW;
XALLOC_NODISCARD void *xalloc_pvalloc(size_t size) XALLOC_NOTHROW;
XALLOC_NODISCARD char *xalloc_strdup(const char *text) XALLOC_NOTHROW;
XALLOC_NODISCARD char *xalloc_strndup(const char *text, size_t most) XALLOC_NOTHROW;

void xalloc_free(void *block) XALLOC_NOTHROW;
/* C23: `size` is that of the request, `align` too. */
void xalloc_free_sized(void *block, size_t size) XALLOC_NOTHROW;
void xalloc_free_aligned_sized(void *block, size_t align, size_t size) XALLOC_NOTHROW;

/* How many bytes of a block may be used: at least those asked for, and the same as long as it lives. */
size_t xalloc_malloc_usable_size(void *block) XALLOC_NOTHROW;

/* Purges free memory, but for about `keep` bytes, and as much of what heaps of the program's own have left. Returns 1 if any was
 * purged, otherwise 0. */
int xalloc_trim(size_t keep) XALLOC_NOTHROW;
/* Purges all free memory: xalloc_trim(0). */
void xalloc_recycle(void) XALLOC_NOTHROW;
/* Prints the lines of glibc's malloc_stats on stderr: bytes held and in use, the most blocks with a mapping of their own. */
void xalloc_stats_print(void) XALLOC_NOTHROW;

/* What the heap holds, without the heaps of the program's own, in bytes where nothing else is said. Exact while no other thread uses the heap. Later versions add
 * fields at the end. docs/statistics.md explains each. */
struct xalloc_stats {
  size_t allocated;      /* in blocks that the program holds, as malloc_usable_size counts them */
  size_t active;         /* in slabs, runs and huge blocks that are in use: allocated, and what is free inside of them */
  size_t dirty;          /* in free pages that were not purged yet: what xalloc_trim(0) would purge */
  size_t metadata;       /* in the heap's own records */
  size_t resident;       /* active + dirty + metadata: at most so much is in memory */
  size_t retained;       /* in addresses that are kept without pages */
  size_t mapped;         /* resident + retained */
  size_t thread_cache;   /* in free blocks in the caches of threads: a part of active */
  size_t remote_frees;   /* in blocks that one thread freed and another one has not taken back: a part of allocated */
  size_t huge_blocks;    /* the number of blocks with a mapping of their own */
  size_t huge_allocated; /* in them: a part of allocated */
  size_t refused;        /* the number of requests for memory that the kernel refused */
};
/* Writes that to *out, of which the caller has `size` bytes: sizeof *out. Returns how many bytes the library knew; the rest
 * is set to 0, if the program's header is newer than the library. Returns 0 if the heap does not count (heap:system). */
size_t xalloc_stats(struct xalloc_stats *out, size_t size) XALLOC_NOTHROW;

/* Heaps of the program's own, as many as it wants: for a request, a document, a thread. A heap is for one thread at a time, which
 * may be another one each time. Its blocks belong to it: they are freed by xalloc_heap_free with this heap, and not elsewhere.
 * xalloc_heap_destroy frees all that are left at once; null is fine. A heap that was destroyed may not be used or destroyed again: one
 * line on stderr and SIGABRT, as for a block that is not the heap's. Without memory, the result is null and errno ENOMEM; for an
 * alignment that is no power of two EINVAL. */
typedef struct xalloc_heap xalloc_heap;
XALLOC_NODISCARD xalloc_heap *xalloc_heap_new(void) XALLOC_NOTHROW;
XALLOC_SIZED((2)) void *xalloc_heap_malloc(xalloc_heap *heap, size_t size) XALLOC_NOTHROW;
XALLOC_SIZED((2, 3)) void *xalloc_heap_calloc(xalloc_heap *heap, size_t count, size_t size) XALLOC_NOTHROW;
XALLOC_SIZED((3)) void *xalloc_heap_memalign(xalloc_heap *heap, size_t align, size_t size) XALLOC_NOTHROW;
XALLOC_NODISCARD void *xalloc_heap_realloc(xalloc_heap *heap, void *block, size_t size) XALLOC_NOTHROW;
size_t xalloc_heap_usable_size(xalloc_heap *heap, void *block) XALLOC_NOTHROW;
void xalloc_heap_free(xalloc_heap *heap, void *block) XALLOC_NOTHROW;
void xalloc_heap_destroy(xalloc_heap *heap) XALLOC_NOTHROW;

/* The library's version, as "1.2.3". */
const char *xalloc_version(void) XALLOC_NOTHROW;

/* A thread is known to the heap from its first allocation, and leaves it by itself when it ends. A program with threads
 * that libc does not know of, or that wants to choose the moment, calls these. After the exit a thread may still use the
 * heap, on a slower way. */
void xalloc_thread_init(void) XALLOC_NOTHROW;
void xalloc_thread_exit(void) XALLOC_NOTHROW;

/* fork() needs nothing. A program that forks behind libc's back (a raw clone) calls these around it, from the thread
 * that forks. */
void xalloc_prefork(void) XALLOC_NOTHROW;
void xalloc_postfork_parent(void) XALLOC_NOTHROW;
void xalloc_postfork_child(void) XALLOC_NOTHROW;

#ifdef __cplusplus
}
#endif

#if defined(__cplusplus) && __cplusplus >= 201103L
/* Also where this header stands inside extern "C". */
extern "C++" {
#include <cstdlib>
#include <limits>
#include <new>

#if defined(__cpp_exceptions) || defined(__EXCEPTIONS)
#define XALLOC_THROW(what) throw what
#else
#define XALLOC_THROW(what) std::abort()
#endif

/* For containers: std::vector<int, xalloc_allocator<int>>. Without exceptions, what has no memory ends the program. */
template <class T> struct xalloc_allocator {
  using value_type = T;

  xalloc_allocator() noexcept = default;
  template <class U> xalloc_allocator(const xalloc_allocator<U> &) noexcept {}

  T *allocate(std::size_t count) {
    if (count > std::numeric_limits<std::size_t>::max() / sizeof(T))
      XALLOC_THROW(std::bad_array_new_length());
    void *block = alignof(T) <= 16 ? xalloc_malloc(count * sizeof(T)) : xalloc_aligned_alloc(alignof(T), count * sizeof(T));
    if (!block)
      XALLOC_THROW(std::bad_alloc());
    return static_cast<T *>(block);
  }

  void deallocate(T *block, std::size_t) noexcept { xalloc_free(block); }
};

template <class T, class U> bool operator==(const xalloc_allocator<T> &, const xalloc_allocator<U> &) noexcept {
  return true;
}
template <class T, class U> bool operator!=(const xalloc_allocator<T> &, const xalloc_allocator<U> &) noexcept {
  return false;
}
}
#undef XALLOC_THROW
#endif

#undef XALLOC_NODISCARD
#undef XALLOC_SIZED
#undef XALLOC_NOTHROW
#endif
