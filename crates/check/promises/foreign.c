/* Blocks that another allocator of the process made, libc's in most cases: freed, resized and measured as if nothing were
 * special. */
#define _GNU_SOURCE
#include "promise.h"
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define CHECK(condition) expect(condition, "not true of a block of %zu bytes: %s", size, #condition)
#include "handles.h"

/* The module is in this program, so that there is nothing else to install. */
__asm__(".section .rodata\nmodule_start: .incbin " "\"" FOREIGN_MODULE "\"" "\nmodule_end:\n.previous");
extern const char module_start[], module_end[];

static struct {
    char *(*allocate)(size_t), *(*allocate_from_libc)(size_t);
    void *(*resize)(void *, size_t);
    void (*free)(void *);
} module;

/* A file that is in memory only; its name is good as long as it is open. */
static const char *module_path(void)
{
    static char path[40];
    int file = memfd_create("xalloc-check-module", 0);
    size_t size = (size_t)(module_end - module_start);
    if (file < 0 || write(file, module_start, size) != (ssize_t)size)
        not_here("a file in memory (memfd_create) cannot be made");
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    return path;
}

static void take_module(void *opened)
{
    if (!opened)
        not_here("the module cannot be opened: %s", dlerror());
    *(void **)&module.allocate = dlsym(opened, "module_allocate");
    *(void **)&module.allocate_from_libc = dlsym(opened, "module_allocate_from_libc");
    *(void **)&module.resize = dlsym(opened, "module_resize");
    *(void **)&module.free = dlsym(opened, "module_free");
}

/* The program measures, resizes and frees blocks of `allocate`. */
static void take_blocks(char *(*allocate)(size_t))
{
    enum { BLOCKS = 1000 };
    static char *blocks[BLOCKS];
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < BLOCKS; i++) {
            size_t size = i % 10 == 9 ? 100000 + (size_t)i * 1000 : 24 + (size_t)i * 8;
            blocks[i] = allocate(size);
            size_t usable = malloc_usable_size(blocks[i]);
            expect(usable >= size && usable <= 2 * size + 8192, "the usable size of a block of %zu bytes is %zu", size, usable);
        }
        for (int i = 0; i < BLOCKS; i++) {
            if (i % 3 == 0) {
                blocks[i] = realloc(blocks[i], 24 + (size_t)i * 20);
                for (int at = 0; at < 24; at++)
                    expect(blocks[i][at] == 7, "realloc lost contents");
            }
            free(blocks[i]);
        }
        free(malloc(100));
    }
}

static void frees_blocks_of_a_deepbind_module(void)
{
    take_module(dlopen(module_path(), RTLD_NOW | RTLD_DEEPBIND));
    take_blocks(module.allocate);
}

static void deepbind_module_frees_blocks_of_the_program(void)
{
    take_module(dlopen(module_path(), RTLD_NOW | RTLD_DEEPBIND));
    for (size_t size = 1; size < 10000000; size = size * 3 / 2 + 1) {
        char *block = module.resize(memset(malloc(size), 9, size), size * 2);
        CHECK(block[0] == 9 && block[size - 1] == 9);
        module.free(block);
    }
}

static void frees_blocks_of_another_namespace(void)
{
    take_module(dlmopen(LM_ID_NEWLM, module_path(), RTLD_NOW));
    take_blocks(module.allocate);
}

static void frees_blocks_of_libc_malloc(void)
{
    take_module(dlopen(module_path(), RTLD_NOW));
    take_blocks(module.allocate_from_libc);
}

/* libc's own functions, as ctypes gets them. */
static struct functions of_libc(void)
{
    void *handle = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
    if (!handle)
        not_here("there is no handle of libc.so.6: %s", dlerror());
    return of_handle(handle);
}

static const struct functions own = {malloc, calloc, realloc, memalign, strdup, malloc_usable_size, free};

static void frees_blocks_of_libcs_handle(void)
{
    mix(of_libc(), own);
}

static void libcs_handle_frees_blocks_of_the_program(void)
{
    mix(own, of_libc());
}

const struct promise foreign_promises[] = {
    PROMISE(frees_blocks_of_a_deepbind_module, "Blocks of a module that was opened with RTLD_DEEPBIND are taken"),
    PROMISE(deepbind_module_frees_blocks_of_the_program,
            "A module that was opened with RTLD_DEEPBIND frees the program's blocks"),
    PROMISE(frees_blocks_of_another_namespace, "Blocks of a second libc (dlmopen) are taken"),
    PROMISE(frees_blocks_of_libc_malloc, "Blocks of __libc_malloc are taken"),
    PROMISE(frees_blocks_of_libcs_handle, "Blocks of malloc from libc's own handle (ctypes) are taken"),
    PROMISE(libcs_handle_frees_blocks_of_the_program, "free from libc's own handle (ctypes) takes the program's blocks"),
    {0},
};
