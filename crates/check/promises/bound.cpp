// Whose functions the program gets. The library is the file that malloc is from.
#include "promise.h"
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <malloc.h>
#include <new>

// In C23 and glibc 2.43.
extern "C" __attribute__((weak)) void free_sized(void *block, std::size_t size);
extern "C" __attribute__((weak)) void free_aligned_sized(void *block, std::size_t align, std::size_t size);

using Size = std::size_t;
using Align = std::align_val_t;

struct Function { const char *name; const void *address; };

// The address, as this program's reference to it is bound.
template <class Return, class... Arguments> static const void *address(Return (*function)(Arguments...))
{
    return reinterpret_cast<const void *>(function);
}
template <class... Arguments> static const void *address_of_new(void *(*function)(Arguments...)) { return address(function); }
template <class... Arguments> static const void *address_of_delete(void (*function)(Arguments...)) { return address(function); }

static const char *library() { return file_of(address(malloc)); }

// The functions that are not the library's, with the files that they are from. Empty if there are none.
template <Size COUNT> static const char *others(const Function (&functions)[COUNT], Size &count)
{
    static char text[3000];
    text[0] = 0;
    count = 0;
    for (const Function &function : functions) {
        const char *file = file_of(function.address);
        if (!std::strcmp(file, library()))
            continue;
        Size length = std::strlen(text);
        std::snprintf(text + length, sizeof text - length, "%s%s (%s)", length ? ", " : "", function.name, file);
        count++;
    }
    return text;
}

// All must be the library's.
template <Size COUNT> static void bound(const Function (&functions)[COUNT])
{
    Size count;
    const char *elsewhere = others(functions, count);
    expect(count == 0, "not of %s: %s", library(), elsewhere);
}

// All, or none: then they are another library's, which does it by those that are.
template <Size COUNT> static void bound_or_not(const Function (&functions)[COUNT], const char *instead)
{
    Size count;
    const char *elsewhere = others(functions, count);
    if (count == COUNT)
        not_here("%s has none; %s", library(), instead);
    expect(count == 0, "not of %s, as the others are: %s", library(), elsewhere);
}

static void malloc_and_free_are_bound()
{
    const char *preloaded = std::getenv("LD_PRELOAD");
    if (preloaded && *preloaded)
        expect(std::strstr(preloaded, library()), "malloc is of %s, and preloaded is %s", library(), preloaded);
    bound({{"calloc", address(calloc)}, {"realloc", address(realloc)}, {"free", address(free)}});
}

static void aligned_functions_are_bound()
{
    bound({{"aligned_alloc", address(aligned_alloc)}, {"posix_memalign", address(posix_memalign)},
           {"memalign", address(memalign)}, {"valloc", address(valloc)}, {"pvalloc", address(pvalloc)}});
}

static void malloc_usable_size_is_bound()
{
    bound({{"malloc_usable_size", address(malloc_usable_size)}});
}

static void reallocarray_is_bound()
{
    bound_or_not({{"reallocarray", address(reallocarray)}}, "libc's calls realloc");
}

static void sized_free_is_bound()
{
    if (!free_sized && !free_aligned_sized)
        not_here("neither the library nor this libc has free_sized");
    bound_or_not({{"free_sized", address(free_sized)}, {"free_aligned_sized", address(free_aligned_sized)}},
                 "libc's call free");
}

static void statistics_are_bound()
{
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    bound({{"mallinfo", reinterpret_cast<const void *>(mallinfo)}, {"mallinfo2", address(mallinfo2)},
           {"malloc_info", address(malloc_info)}, {"malloc_stats", address(malloc_stats)},
           {"malloc_trim", address(malloc_trim)}, {"mallopt", address(mallopt)}});
}

// The other forms come to these four, also those of the C++ runtime.
static void operators_are_bound()
{
    bound_or_not({{"new", address_of_new<Size>(::operator new)}, {"delete", address_of_delete<void *>(::operator delete)},
                  {"aligned new", address_of_new<Size, Align>(::operator new)},
                  {"aligned delete", address_of_delete<void *, Align>(::operator delete)}},
                 "the C++ runtime's call malloc and free");
}

const struct promise bound_promises[] = {
    PROMISE(malloc_and_free_are_bound, "malloc, calloc, realloc and free are the library's"),
    PROMISE(aligned_functions_are_bound, "aligned_alloc, posix_memalign, memalign, valloc and pvalloc are the library's"),
    PROMISE(malloc_usable_size_is_bound, "malloc_usable_size is the library's"),
    PROMISE(reallocarray_is_bound, "reallocarray is the library's, or libc's, which calls realloc"),
    PROMISE(sized_free_is_bound, "free_sized and free_aligned_sized are the library's, or libc's, which call free"),
    PROMISE(statistics_are_bound, "mallinfo, mallinfo2, malloc_info, malloc_stats, malloc_trim and mallopt are the library's"),
    PROMISE(operators_are_bound, "new, delete and their aligned forms are all the library's, or all the C++ runtime's"),
    {},
};
