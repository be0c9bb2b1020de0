/* mallinfo2, malloc_info, malloc_trim, mallopt, malloc_stats: they must tell the truth, in the words that programs know. */
#define _GNU_SOURCE
#include "promise.h"
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SMALL = 200000, SMALL_SIZE = 1000 };
static void *small[SMALL];

static size_t in_use(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

/* What libc counts is libc's heap. */
static void is_the_librarys(const void *function, const char *name)
{
    if (strcmp(file_of(function), file_of((const void *)malloc)))
        not_here("%s is of %s, and counts another heap", name, file_of(function));
}

static void *large;
/* How many bytes can be used of what fill() allocates: a library rounds sizes up as it likes. */
static size_t wanted;

static void fill(void)
{
    wanted = 0;
    for (int i = 0; i < SMALL; i++) {
        small[i] = memset(malloc(SMALL_SIZE), 1, SMALL_SIZE);
        wanted += malloc_usable_size(small[i]);
    }
    large = malloc(50 << 20);
    wanted += malloc_usable_size(large);
}

static void empty(void)
{
    free(large);
    for (int i = 0; i < SMALL; i++)
        free(small[i]);
}

static void mallinfo2_counts_what_is_allocated(void)
{
    is_the_librarys((const void *)mallinfo2, "mallinfo2");
    size_t before = in_use();
    fill();
    size_t grown = in_use() - before;
    expect(grown >= wanted && grown < wanted + wanted / 8, "of %zu bytes it counts %zu", wanted, grown);
    empty();
    size_t after = in_use();
    expect(after < before + wanted / 100 + (64 << 10), "%zu bytes before, %zu after all is freed", before, after);
}

static void mallinfo2_parts_add_up(void)
{
    is_the_librarys((const void *)mallinfo2, "mallinfo2");
    fill();
    struct mallinfo2 info = mallinfo2();
    expect(info.arena >= info.uordblks && info.arena == info.uordblks + info.fordblks,
           "arena %zu, uordblks %zu, fordblks %zu", info.arena, info.uordblks, info.fordblks);
}

static void malloc_trim_returns_memory(void)
{
    is_the_librarys((const void *)malloc_trim, "malloc_trim");
    fill();
    long peak = resident();
    empty();
    int trimmed = malloc_trim(0);
    long left = resident();
    expect(trimmed == 1 && left < peak - (150 << 10), "it returns %d, and %ld of %ld KiB are left", trimmed, left, peak);
    int again = malloc_trim(0);
    expect(again == 0 || again == 1, "it returns %d", again);
    void *block = malloc(100000);
    expect(block != NULL, "malloc fails after it");
    memset(block, 1, 100000);
    free(block);
}

static void mallinfo_counts_too(void)
{
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    is_the_librarys((const void *)mallinfo, "mallinfo");
    void *block = malloc(3 << 20);
    struct mallinfo info = mallinfo();
    expect(info.uordblks + info.hblkhd >= 3 << 20, "uordblks %d, hblkhd %d", info.uordblks, info.hblkhd);
    free(block);
}

static void mallopt_takes_known_options(void)
{
    int result = mallopt(M_MMAP_THRESHOLD, 1 << 20);
    expect(result == 1, "mallopt(M_MMAP_THRESHOLD, 1 MiB) returns %d", result);
}

/* Free memory of all kinds, and blocks that have mappings of their own: larger than what is free in the heap. */
static void make_all_kinds(void)
{
    static void *blocks[1000];
    fill();
    empty();
    void *mapped = malloc(300 << 20), *other = malloc(350 << 20), *run = malloc(100000);
    expect(mapped && other && run, "malloc fails");
    for (int i = 0; i < 1000; i++)
        blocks[i] = malloc((size_t)i * 10);
    for (int i = 0; i < 1000; i += 2)
        free(blocks[i]);
    free(other);
}

static void mallinfo2_counts_free_chunks(void)
{
    is_the_librarys((const void *)mallinfo2, "mallinfo2");
    make_all_kinds();
    struct mallinfo2 info = mallinfo2();
    int good = info.fordblks > 0 && info.ordblks > 0 && info.fordblks / info.ordblks > 0 && info.hblks >= 1;
    expect(good, "%zu bytes in %zu chunks, %zu mappings", info.fordblks, info.ordblks, info.hblks);
}

/* What `write` wrote to the standard output or the standard error. */
static char *captured(int descriptor, void (*write)(void))
{
    FILE *file = tmpfile();
    if (!file)
        not_here("there is no room for a temporary file");
    int before = dup(descriptor);
    dup2(fileno(file), descriptor);
    write();
    fflush(NULL);
    dup2(before, descriptor);
    close(before);
    long length = lseek(fileno(file), 0, SEEK_CUR);
    char *text = calloc(1, (size_t)length + 1);
    if (pread(fileno(file), text, (size_t)length, 0) != length)
        text[0] = 0;
    fclose(file);
    return text;
}

/* Moves `*text` behind what `format` reads there: one value, and %n at the end. 0 if it reads something else. */
static int take(const char **text, const char *format, size_t *value)
{
    int end = 0;
    sscanf(*text, format, value, &end);
    *text += end;
    return end > 0;
}

static void malloc_stats_writes_to_stderr_only(void)
{
    is_the_librarys((const void *)malloc_stats, "malloc_stats");
    char *said = captured(STDOUT_FILENO, malloc_stats);
    expect(!*said, "it writes to the standard output: %s", said);
    free(said);
    said = captured(STDERR_FILENO, malloc_stats);
    expect(strstr(said, "in use bytes"), "it writes to the standard error: %s", said);
    free(said);
}

/* As programs do that log malloc_stats: the lines are glibc's, in their order. */
static void malloc_stats_speaks_as_glibc(void)
{
    is_the_librarys((const void *)malloc_stats, "malloc_stats");
    make_all_kinds();
    char *all = captured(STDERR_FILENO, malloc_stats);
    const char *text = all;
    size_t number, system = 0, in_use = 0, arenas = 0, used = 0, regions = 0, bytes = 0;
    int good = 1, adds_up = 1;
    while (take(&text, "Arena %zu:\n%n", &number)) {
        good &= take(&text, "system bytes     = %zu\n%n", &system) && take(&text, "in use bytes     = %zu\n%n", &in_use);
        adds_up &= in_use <= system;
        arenas += system;
        used += in_use;
    }
    int end = 0;
    good &= arenas > 0 && sscanf(text, "Total (incl. mmap):\n%n", &end) == 0 && end > 0;
    text += end;
    good &= take(&text, "system bytes     = %zu\n%n", &system) && take(&text, "in use bytes     = %zu\n%n", &in_use);
    good &= take(&text, "max mmap regions = %zu\n%n", &regions) && take(&text, "max mmap bytes   = %zu\n%n", &bytes);
    expect(good && *text == 0, "its lines are other ones: %s", all);
    adds_up &= system - arenas == in_use - used && bytes >= system - arenas && regions >= 2 && bytes >= 650 << 20;
    expect(adds_up, "the parts are not the whole: %s", all);
    free(all);
}

/* A heap's totals, or those of all heaps. */
struct totals {
    size_t fast, rest, mapped, current, most, total, accessible;
    size_t fast_count, rest_count, mapped_count;
};

static int take_totals(const char **text, struct totals *t, int all)
{
    int good = take(text, " <total type=\"fast\" count=\"%zu\"%n", &t->fast_count) && take(text, " size=\"%zu\"/>\n%n", &t->fast) &&
               take(text, "<total type=\"rest\" count=\"%zu\"%n", &t->rest_count) && take(text, " size=\"%zu\"/>\n%n", &t->rest);
    if (all)
        good = good && take(text, "<total type=\"mmap\" count=\"%zu\"%n", &t->mapped_count) &&
               take(text, " size=\"%zu\"/>\n%n", &t->mapped);
    return good && take(text, "<system type=\"current\" size=\"%zu\"/>\n%n", &t->current) &&
           take(text, "<system type=\"max\" size=\"%zu\"/>\n%n", &t->most) &&
           take(text, "<aspace type=\"total\" size=\"%zu\"/>\n%n", &t->total) &&
           take(text, "<aspace type=\"mprotect\" size=\"%zu\"/>\n%n", &t->accessible);
}

static int is_whole(const struct totals *t)
{
    return t->fast + t->rest <= t->current && t->current <= t->most && t->current <= t->total &&
           t->accessible <= t->total && (t->rest == 0) == (t->rest_count == 0);
}

static char *malloc_info_text(void)
{
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    int result = malloc_info(0, stream);
    fclose(stream);
    expect(result == 0, "malloc_info returns %d", result);
    return text;
}

/* As programs do that read malloc_info without a library for XML: element after element. */
static void malloc_info_speaks_as_glibc(void)
{
    is_the_librarys((const void *)malloc_info, "malloc_info");
    make_all_kinds();
    char *all = malloc_info_text();
    const char *text = strstr(all, "<malloc version=\"1\">\n"), *next;
    size_t number, system = 0;
    int good = text == all, adds_up = 1;
    struct totals totals = {0};
    text += good ? strlen("<malloc version=\"1\">\n") : 0;
    while (good && take(&text, "<heap nr=\"%zu\">\n%n", &number)) {
        good = !strncmp(text, "<sizes>\n", 8) && (next = strstr(text, "</sizes>\n")) != NULL;
        text = good ? next + strlen("</sizes>\n") : text;
        good = good && take_totals(&text, &totals, 0) && (next = strstr(text, "</heap>\n")) != NULL;
        text = good ? next + strlen("</heap>\n") : text;
        adds_up &= is_whole(&totals);
        system += totals.current;
    }
    good = good && take_totals(&text, &totals, 1) && !strcmp(text, "</malloc>\n");
    expect(good, "its elements are other ones: %s", all);
    struct mallinfo2 info = mallinfo2();
    adds_up &= is_whole(&totals) && totals.current == system;
    adds_up &= totals.mapped_count == info.hblks && totals.mapped == info.hblkhd;
    adds_up &= totals.most >= (size_t)SMALL * SMALL_SIZE;
    expect(adds_up, "the parts are not the whole: %s", all);
    free(all);
}

/* Writes the document where the variable XML says, for a test that has a parser. */
static void malloc_info_writes_xml(void)
{
    is_the_librarys((const void *)malloc_info, "malloc_info");
    make_all_kinds();
    char *text = malloc_info_text();
    expect(strstr(text, "<malloc version="), "it writes: %s", text);
    const char *path = getenv("XML");
    FILE *file = path ? fopen(path, "w") : NULL;
    if (file) {
        fputs(text, file);
        fclose(file);
    }
    free(text);
}

static void malloc_info_refuses_options(void)
{
    is_the_librarys((const void *)malloc_info, "malloc_info");
    errno = 0;
    int result = malloc_info(1, stderr);
    /* glibc returns the error number instead of setting it. */
    expect((result == -1 && errno == EINVAL) || result == EINVAL, "malloc_info(1, …) returns %d, errno %d", result, errno);
}

const struct promise introspection_promises[] = {
    PROMISE(mallinfo2_counts_what_is_allocated, "mallinfo2 counts what is allocated, and not what is freed"),
    PROMISE(mallinfo2_parts_add_up, "Of mallinfo2, uordblks and fordblks are arena"),
    PROMISE(mallinfo2_counts_free_chunks, "mallinfo2 counts free chunks and mappings"),
    PROMISE(mallinfo_counts_too, "mallinfo, the old one, counts too"),
    PROMISE(malloc_trim_returns_memory, "malloc_trim returns the memory of freed blocks to the kernel, and says so"),
    PROMISE(mallopt_takes_known_options, "mallopt takes M_MMAP_THRESHOLD"),
    PROMISE(malloc_stats_writes_to_stderr_only, "malloc_stats writes to the standard error, and to nothing else"),
    PROMISE(malloc_stats_speaks_as_glibc, "malloc_stats writes glibc's lines, and its numbers add up"),
    PROMISE(malloc_info_writes_xml, "malloc_info writes an XML document"),
    PROMISE(malloc_info_speaks_as_glibc, "malloc_info writes glibc's elements, and its numbers add up"),
    PROMISE(malloc_info_refuses_options, "malloc_info refuses options that there are not"),
    {0},
};
