/* Memory that is short: under a limit, the program gets NULL and ENOMEM, goes on, and can have again what it has freed. */
#define _GNU_SOURCE
#include "promise.h"

#define fail(what) broken("%s", what)
#include "pressure.h"

static void live_in_what_there_is(void)
{
    static const size_t sizes[] = {64, 1000, 20000, 100000, 4 << 20, 64};
    one_round();
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++)
        fill(sizes[i]);
    one_round();
}

static void lives_in_64_megabytes_of_addresses(void)
{
    limit_addresses(64 << 20);
    live_in_what_there_is();
}

static void lives_in_600_megabytes_of_addresses(void)
{
    limit_addresses(600 << 20);
    live_in_what_there_is();
}

static void lives_in_64_megabytes_of_data(void)
{
    limit_data(64 << 20);
    live_in_what_there_is();
}

const struct promise memory_promises[] = {
    PROMISE(lives_in_64_megabytes_of_addresses,
            "With 64 MiB of address space to be had: NULL and ENOMEM, and freed memory comes back"),
    PROMISE(lives_in_600_megabytes_of_addresses, "The same with 600 MiB"),
    PROMISE(lives_in_64_megabytes_of_data, "The same with 64 MiB that may be written to (RLIMIT_DATA)"),
    {0},
};
