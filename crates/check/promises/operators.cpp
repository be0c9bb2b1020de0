// The twenty operators, and what operator new does when there is no memory.
#include "promise.h"
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>

using Size = std::size_t;
static const Size too_much = (Size)1 << 62;

static int handler_calls;
static void give_up_after_three()
{
    if (++handler_calls == 3)
        std::set_new_handler(nullptr);
}

struct Derived : std::bad_alloc {};
static void throw_derived() { throw Derived(); }

enum Outcome { NULL_POINTER, BLOCK, DERIVED, BAD_ALLOC };
static const char *const outcomes[] = {"returns NULL", "returns a block", "throws what the handler threw", "throws bad_alloc"};

static Outcome outcome(void *(*allocate)(Size))
{
    try {
        return allocate(opaque(too_much)) == nullptr ? NULL_POINTER : BLOCK;
    } catch (Derived &) {
        return DERIVED;
    } catch (std::bad_alloc &) {
        return BAD_ALLOC;
    }
}

static void *plain(Size size) { return ::operator new(size); }
static void *array(Size size) { return ::operator new[](size); }
static void *aligned(Size size) { return ::operator new(size, std::align_val_t(256)); }
static void *array_aligned(Size size) { return ::operator new[](size, std::align_val_t(256)); }
static void *nothrow(Size size) { return ::operator new(size, std::nothrow); }
static void *array_nothrow(Size size) { return ::operator new[](size, std::nothrow); }
static void *aligned_nothrow(Size size) { return ::operator new(size, std::align_val_t(256), std::nothrow); }
static void *array_aligned_nothrow(Size size) { return ::operator new[](size, std::align_val_t(256), std::nothrow); }

struct Named { const char *name; void *(*allocate)(Size); };
static const Named throwing[] = {{"new", plain}, {"new[]", array}, {"aligned new", aligned}, {"aligned new[]", array_aligned}};
static const Named silent[] = {{"nothrow new", nothrow}, {"nothrow new[]", array_nothrow},
                               {"aligned nothrow new", aligned_nothrow}, {"aligned nothrow new[]", array_aligned_nothrow}};

static void every_new_meets_its_delete()
{
    for (Size size = 0; size < (3 << 20); size += size < 600 ? 1 : size) {
        void *blocks[] = {plain(size), array(size), nothrow(size), array_nothrow(size)};
        for (void *block : blocks) {
            expect(block != nullptr, "a block of %zu bytes is NULL", size);
            std::memset(block, 1, size);
        }
        ::operator delete(blocks[0], size);
        ::operator delete[](blocks[1], size);
        ::operator delete(blocks[2], std::nothrow);
        ::operator delete[](blocks[3], std::nothrow);
        ::operator delete(plain(size));
        ::operator delete[](array(size));
    }
}

// Several blocks at once: one that is freed and allocated again is the same each time.
static void new_aligns_every_size_to_16()
{
    for (Size size = 0; size <= 4096; size++) {
        void *blocks[] = {plain(size), plain(size), plain(size), plain(size)};
        for (void *block : blocks)
            expect((std::uintptr_t)block % 16 == 0, "a block of %zu bytes is %p", size, block);
        for (void *block : blocks)
            ::operator delete(block);
    }
}

static void every_aligned_new_is_aligned()
{
    for (Size align = 1; align <= 8192; align *= 2) {
        for (Size size = 0; size < 100000; size = size * 2 + 1) {
            std::align_val_t value{align};
            void *blocks[] = {::operator new(size, value), ::operator new[](size, value),
                              ::operator new(size, value, std::nothrow), ::operator new[](size, value, std::nothrow),
                              ::operator new(size, value), ::operator new[](size, value)};
            for (void *block : blocks) {
                bool good = block != nullptr && (std::uintptr_t)block % align == 0;
                expect(good, "a block of %zu bytes, aligned to %zu, is %p", size, align, block);
                std::memset(block, 1, size);
            }
            ::operator delete(blocks[0], value);
            ::operator delete[](blocks[1], value);
            ::operator delete(blocks[2], value, std::nothrow);
            ::operator delete[](blocks[3], value, std::nothrow);
            ::operator delete(blocks[4], size, value);
            ::operator delete[](blocks[5], size, value);
        }
    }
}

static void new_of_0_is_a_block()
{
    void *first = plain(0), *second = plain(0);
    expect(first && second && first != second, "it is %p, then %p", first, second);
    ::operator delete(first);
    ::operator delete(second);
}

// Each of the operators without memory must have this outcome, after so many calls of the handler.
template <Size COUNT> static void without_memory(const Named (&all)[COUNT], std::new_handler handler, Outcome wanted, int calls)
{
    for (const Named &operation : all) {
        handler_calls = 0;
        std::set_new_handler(handler);
        Outcome result = outcome(operation.allocate);
        std::set_new_handler(nullptr);
        expect(result == wanted, "%s %s", operation.name, outcomes[result]);
        expect(handler_calls == calls, "%s calls the handler %d times instead of %d", operation.name, handler_calls, calls);
    }
}

static void new_throws_bad_alloc() { without_memory(throwing, nullptr, BAD_ALLOC, 0); }
static void new_runs_the_handler() { without_memory(throwing, give_up_after_three, BAD_ALLOC, 3); }
static void new_lets_the_handler_throw() { without_memory(throwing, throw_derived, DERIVED, 0); }
static void nothrow_new_returns_null() { without_memory(silent, nullptr, NULL_POINTER, 0); }
static void nothrow_new_runs_the_handler() { without_memory(silent, give_up_after_three, NULL_POINTER, 3); }
static void nothrow_new_swallows_what_the_handler_throws() { without_memory(silent, throw_derived, NULL_POINTER, 0); }

const struct promise operator_promises[] = {
    PROMISE(every_new_meets_its_delete, "What each form of new returns, each form of its delete takes"),
    PROMISE(new_aligns_every_size_to_16, "What new returns is aligned to 16 bytes, also below 16 bytes"),
    PROMISE(every_aligned_new_is_aligned, "Aligned new aligns every size, up to 8 KiB, and its delete takes it"),
    PROMISE(new_of_0_is_a_block, "new of 0 bytes is a block of its own each time"),
    PROMISE(new_throws_bad_alloc, "new without memory throws std::bad_alloc"),
    PROMISE(new_runs_the_handler, "new without memory calls the new_handler until there is none"),
    PROMISE(new_lets_the_handler_throw, "What a new_handler throws comes out of new"),
    PROMISE(nothrow_new_returns_null, "new (std::nothrow) without memory returns NULL"),
    PROMISE(nothrow_new_runs_the_handler, "new (std::nothrow) calls the new_handler too"),
    PROMISE(nothrow_new_swallows_what_the_handler_throws, "new (std::nothrow) returns NULL where the new_handler throws"),
    {},
};
