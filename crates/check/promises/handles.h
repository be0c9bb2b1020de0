/* Libc's functions from a handle, as what calls C from another language gets them, mixed with the program's own. The file that
 * includes this says what CHECK(condition) does. */
#ifndef HANDLES_H
#define HANDLES_H

#include <dlfcn.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

struct functions {
    void *(*malloc)(size_t);
    void *(*calloc)(size_t, size_t);
    void *(*realloc)(void *, size_t);
    void *(*memalign)(size_t, size_t);
    char *(*strdup)(const char *);
    size_t (*usable_size)(void *);
    void (*free)(void *);
};

static struct functions of_handle(void *handle)
{
    return (struct functions){
        (void *(*)(size_t))dlsym(handle, "malloc"),
        (void *(*)(size_t, size_t))dlsym(handle, "calloc"),
        (void *(*)(void *, size_t))dlsym(handle, "realloc"),
        (void *(*)(size_t, size_t))dlsym(handle, "memalign"),
        (char *(*)(const char *))dlsym(handle, "strdup"),
        (size_t (*)(void *))dlsym(handle, "malloc_usable_size"),
        (void (*)(void *))dlsym(handle, "free"),
    };
}

/* Blocks that one side makes and the other one measures, resizes and frees. */
static void mix(struct functions maker, struct functions other)
{
    for (size_t size = 1; size < 20000000; size = size * 3 / 2 + 1) {
        other.free(memset(maker.malloc(size), 1, size));
        other.free(memset(maker.memalign(64, size), 1, size));
        other.free(other.realloc(maker.calloc(1, size), size + 100));
        char *block = memset(maker.malloc(size), 7, size);
        CHECK(other.usable_size(block) >= size);
        block = other.realloc(block, 2 * size);
        CHECK(block[0] == 7 && block[size - 1] == 7);
        maker.free(block);
    }
    other.free(maker.strdup("text"));
}

#endif
