/* A promise is something that a program expects of malloc, with a function that finds out whether it is kept. */
#ifndef PROMISE_H
#define PROMISE_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct promise {
    const char *name;
    /* What is promised, in a sentence. */
    const char *about;
    /* Returns if it is kept. */
    void (*check)(void);
    /* How often, for one that is checked again and again. */
    int times;
};

#define PROMISE(function, about) {#function, about, function, 1}
#define PROMISE_TIMES(function, times, about) {#function, about, function, times}

/* Promises of one kind. The last one has no name. */
struct group {
    const char *name;
    const struct promise *promises;
};

extern const struct promise aligned_promises[], bound_promises[], foreign_promises[], fork_promises[],
    introspection_promises[], late_promises[], memory_promises[], operator_promises[], size_promises[], thread_promises[];

/* How often what is checked now is to be checked: the promise's own number, or what the caller has said. */
extern int times;

/* The name of the promise that is checked. */
extern const char *checked;

/* Ends the process: the promise is not kept, and why. */
__attribute__((noreturn, format(printf, 1, 2))) void broken(const char *format, ...);

/* Ends the process: the promise cannot be checked here, and why. */
__attribute__((noreturn, format(printf, 1, 2))) void not_here(const char *format, ...);

/* Goes on if `condition` is true; otherwise the promise is broken, and the rest says what was found. */
#define expect(condition, ...)      \
    do {                            \
        if (!(condition))           \
            broken(__VA_ARGS__);    \
    } while (0)

/* The size that it is given. The compiler does not know it then, and warns of nothing. */
size_t opaque(size_t size);

/* The name of the file that a function is in, without directories. */
const char *file_of(const void *function);

/* The resident set in KiB. */
long resident(void);

/* From now on the process may have so many more bytes of address space, or of memory to write to. */
void limit_addresses(size_t more);
void limit_data(size_t more);

#ifdef __cplusplus
}
#endif

#endif
