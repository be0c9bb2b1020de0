// The start of a process and its end: what allocates before any constructor, and after nearly every destructor.
#include "promise.h"
#include <cstdlib>
#include <cstring>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

// One block of each kind, written to and freed.
static void allocate_some()
{
    for (size_t size = 1; size < (4 << 20); size = size * 3 + 1) {
        auto *block = static_cast<unsigned char *>(std::malloc(size));
        expect(block != nullptr, "malloc(%zu) is NULL", size);
        std::memset(block, 1, size);
        block = static_cast<unsigned char *>(std::realloc(block, 2 * size));
        expect(block != nullptr && block[size - 1] == 1, "realloc lost contents");
        std::free(block);
    }
    std::string text(1000, 'x');
    text.append(1000, 'y');
}

// What is left to the end of the process.
static std::vector<unsigned char *> *left;

static void leave_some()
{
    left = new std::vector<unsigned char *>;
    for (size_t size = 1; size < 100000; size = size * 3 / 2 + 1) {
        auto *block = static_cast<unsigned char *>(std::malloc(size));
        *block = static_cast<unsigned char>(size);
        left->push_back(block);
    }
}

static void free_what_was_left()
{
    size_t size = 1;
    for (unsigned char *block : *left) {
        expect(*block == static_cast<unsigned char>(size), "a block of %zu bytes changed", size);
        std::free(block);
        size = size * 3 / 2 + 1;
    }
    delete left;
}

static void at_the_end()
{
    free_what_was_left();
    allocate_some();
}

static void atexit_handlers_allocate()
{
    leave_some();
    expect(std::atexit(at_the_end) == 0, "atexit fails");
}

// In a process of its own: what comes after the check would not be reached. The first handler comes last, and shows that they
// ran.
static void quick_exit_handlers_allocate()
{
    enum { RAN = 7 };
    pid_t child = fork();
    if (child == 0) {
        leave_some();
        std::at_quick_exit([] { std::_Exit(RAN); });
        std::at_quick_exit(at_the_end);
        std::quick_exit(0);
    }
    int status = 0;
    expect(child > 0 && waitpid(child, &status, 0) == child, "a process cannot be started, or waited for");
    expect(!WIFSIGNALED(status), "the process ended by SIG%s", sigabbrev_np(WTERMSIG(status)));
    expect(WEXITSTATUS(status) == RAN, "the process ended with exit code %d", WEXITSTATUS(status));
}

// At the end of a process that checks another promise, they do nothing.
static bool is_promise(const char *name) { return !std::strcmp(checked, name); }

struct AtEnd {
    ~AtEnd()
    {
        if (is_promise("static_destructors_allocate") || is_promise("thread_local_destructors_allocate"))
            at_the_end();
    }
};

static void static_destructors_allocate()
{
    static AtEnd here;
    leave_some();
}

static void thread_local_destructors_allocate()
{
    thread_local AtEnd here;
    (void)&here;
    leave_some();
}

__attribute__((destructor)) static void of_the_program()
{
    if (is_promise("the_last_destructors_allocate"))
        at_the_end();
}

static void the_last_destructors_allocate() { leave_some(); }

// Before the constructors of all libraries, the allocator's too.
static bool was_early;
static void before_constructors(int count, char **arguments, char **)
{
    if (count < 3 || std::strcmp(arguments[2], "allocates_before_constructors"))
        return;
    checked = "allocates_before_constructors";
    allocate_some();
    leave_some();
    was_early = true;
}
__attribute__((section(".preinit_array"), used)) static void (*const early)(int, char **, char **) = before_constructors;

static void allocates_before_constructors()
{
    if (!was_early)
        not_here("the loader did not call .preinit_array");
    at_the_end();
}

const struct promise late_promises[] = {
    PROMISE(allocates_before_constructors, "The program's .preinit_array allocates before the library's constructors ran"),
    PROMISE(atexit_handlers_allocate, "Handlers of atexit allocate, and free what is left"),
    PROMISE(quick_exit_handlers_allocate, "Handlers of at_quick_exit allocate, and free what is left"),
    PROMISE(static_destructors_allocate, "C++ static destructors allocate, and free what is left"),
    PROMISE(thread_local_destructors_allocate, "Destructors of the main thread's thread_local variables do the same"),
    PROMISE(the_last_destructors_allocate, "The program's destructor functions, which come after all handlers, do the same"),
    {},
};
