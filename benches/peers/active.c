// Run by scripts/peers on a preloaded allocator: is it really the one that serves this program, and does it work?
//
// usage: LD_PRELOAD=LIBRARY active LIBRARY

#define _GNU_SOURCE
#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LARGEST = 4 << 20, ROUNDS = 3, SLOTS = 256 };

static pthread_barrier_t barrier;
static unsigned char *blocks[2][SLOTS];
static size_t sizes[SLOTS];
static int count;

static void fail(const char *what, const char *detail) {
  fprintf(stderr, "%s: %s\n", what, detail);
  exit(1);
}

static void require(int condition, const char *what) {
  if (!condition) fail("wrong", what);
}

// A function that stays libc's would get the library's blocks, or give it its own: one stranger is enough to be inactive.
static void expect_from(const char *library, const char *function) {
  Dl_info info;
  // Looked up and not `&malloc`, which may be a stub of this program.
  void *address = dlsym(RTLD_DEFAULT, function);
  if (!address || !dladdr(address, &info)) fail(function, "not found");
  // Not allocated, for nothing is known of the allocator yet.
  static char path[1 << 16];
  if (!realpath(info.dli_fname, path) || strcmp(path, library) != 0) fail(function, info.dli_fname);
}

static void *work(void *argument) {
  int me = argument != NULL;
  for (int round = 0; round < ROUNDS; round++) {
    for (int i = 0; i < count; i++) {
      size_t size = sizes[i];
      // Volatile, or the compiler sees that nobody needs the first block.
      unsigned char *volatile block = malloc(size);
      require(block && malloc_usable_size(block) >= size, "malloc");
      block[0] = (unsigned char)i;
      block[size - 1] = (unsigned char)i;
      unsigned char *larger = realloc(block, size + size / 2 + 1);
      require(larger && larger[0] == (unsigned char)i && larger[size - 1] == (unsigned char)i, "realloc");
      blocks[me][i] = larger;
    }
    pthread_barrier_wait(&barrier);
    for (int i = 0; i < count; i++) {
      require(blocks[!me][i][0] == (unsigned char)i, "a block of the other thread");
      free(blocks[!me][i]);
    }
    pthread_barrier_wait(&barrier);
  }
  return NULL;
}

int main(int argc, char **argv) {
  if (argc != 2) fail("usage", "active LIBRARY");
  const char *functions[] = {"malloc", "free", "calloc", "realloc", "posix_memalign", "aligned_alloc", "malloc_usable_size"};
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) expect_from(argv[1], functions[i]);

  for (size_t size = 1; size <= LARGEST; size += size / 8 + 1) sizes[count++] = size;
  sizes[count++] = LARGEST;
  require(count <= SLOTS, "the number of sizes");

  // To a page and no further: rpmalloc refuses alignments of 64 KiB and more.
  for (size_t alignment = sizeof(void *); alignment <= 4096; alignment *= 2) {
    void *block = NULL;
    require(posix_memalign(&block, alignment, 100) == 0 && (uintptr_t)block % alignment == 0, "posix_memalign");
    free(block);
  }

  pthread_t other;
  require(pthread_barrier_init(&barrier, NULL, 2) == 0, "pthread_barrier_init");
  require(pthread_create(&other, NULL, work, (void *)1) == 0, "pthread_create");
  work(NULL);
  require(pthread_join(other, NULL) == 0, "pthread_join");

  // After all the memory above was freed and is dirty.
  for (int i = 0; i < count; i++) {
    unsigned char *block = calloc(1, sizes[i]);
    require(block && block[0] == 0 && memcmp(block, block + 1, sizes[i] - 1) == 0, "calloc");
    free(block);
  }
  return 0;
}
