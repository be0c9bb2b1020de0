/* xalloc-check list: all promises, a line each: its group, its name, what it is, with tabs between them.
 *
 * xalloc-check run PROMISE [TIMES]: finds out whether the malloc of this process keeps the promise. Says `holds`, `broken: why`
 * or `not here: why`; the exit code is 0, 1 or 3. A promise that crashes or hangs is broken: each has a process of its own. */
#define _GNU_SOURCE
#include "promise.h"
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { BROKEN = 1, WRONG_USAGE = 2, NOT_HERE = 3 };

static const struct group groups[] = {
    {"symbols", bound_promises},       {"malloc", size_promises},
    {"alignment", aligned_promises},   {"operators", operator_promises},
    {"statistics", introspection_promises}, {"threads", thread_promises},
    {"forks", fork_promises},          {"memory", memory_promises},
    {"foreign", foreign_promises},     {"start-and-end", late_promises},
};
enum { GROUPS = sizeof groups / sizeof *groups };

int times;
const char *checked = "";

/* By dprintf: it does not allocate. */
__attribute__((noreturn)) static void end(int code, const char *verdict, const char *format, va_list arguments)
{
    char text[4000];
    vsnprintf(text, sizeof text, format, arguments);
    dprintf(STDOUT_FILENO, "%s: %s\n", verdict, text);
    _exit(code);
}

void broken(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    end(BROKEN, "broken", format, arguments);
}

void not_here(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    end(NOT_HERE, "not here", format, arguments);
}

size_t opaque(size_t size)
{
    static volatile size_t hidden;
    hidden = size;
    return hidden;
}

const char *file_of(const void *function)
{
    Dl_info info;
    if (!function || !dladdr(function, &info))
        return "nothing";
    const char *slash = strrchr(info.dli_fname, '/');
    return slash ? slash + 1 : info.dli_fname;
}

/* What the kernel says of this process in bytes: its address space, its resident set, what it may write to. */
struct memory {
    size_t addresses, resident, data;
};

static struct memory measured(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    struct memory memory = {0};
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%zu %zu %*s %*s %*s %zu", &memory.addresses, &memory.resident, &memory.data) != 3)
        not_here("/proc/self/statm cannot be read");
    fclose(file);
    return (struct memory){memory.addresses * page, memory.resident * page, memory.data * page};
}

long resident(void)
{
    return (long)(measured().resident / 1024);
}

static void limit(__rlimit_resource_t what, size_t bytes)
{
    struct rlimit limit = {bytes, RLIM_INFINITY};
    if (setrlimit(what, &limit))
        not_here("the limit cannot be set: %s", strerror(errno));
}

void limit_addresses(size_t more)
{
    limit(RLIMIT_AS, measured().addresses + more);
}

void limit_data(size_t more)
{
    limit(RLIMIT_DATA, measured().data + more);
}

static const struct promise *find(const char *name)
{
    for (int group = 0; group < GROUPS; group++)
        for (const struct promise *promise = groups[group].promises; promise->name; promise++)
            if (!strcmp(promise->name, name))
                return promise;
    return NULL;
}

static int list(void)
{
    for (int group = 0; group < GROUPS; group++)
        for (const struct promise *promise = groups[group].promises; promise->name; promise++)
            printf("%s\t%s\t%s\n", groups[group].name, promise->name, promise->about);
    return fflush(stdout) != 0;
}

int main(int count, char **arguments)
{
    if (count == 2 && !strcmp(arguments[1], "list"))
        return list();
    const struct promise *promise = (count == 3 || count == 4) && !strcmp(arguments[1], "run") ? find(arguments[2]) : NULL;
    if (!promise) {
        fprintf(stderr, "usage: xalloc-check list, or xalloc-check run PROMISE [TIMES]\n");
        return WRONG_USAGE;
    }
    times = count == 4 ? atoi(arguments[3]) : promise->times;
    checked = promise->name;
    promise->check();
    dprintf(STDOUT_FILENO, "holds\n");
    return 0;
}
