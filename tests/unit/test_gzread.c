/* ranks: 1 */
#include "iocheck.h"
#include "common/io/gzread.h"
#ifdef PS_HAVE_ZLIB
#    include <zlib.h>

enum { BYTES = 5000000, SPARE = 3 }; /* several times the first room */

static char at(int64_t i)
{
    return (char)(i * 2654435761u >> 13);
}

static void pack(const char *path, int64_t n)
{
    gzFile f = gzopen(path, "wb1");
    for (int64_t i = 0; i < n; i++) {
        char c = at(i);
        gzwrite(f, &c, 1);
    }
    gzclose(f);
}

START_TEST(all)
{
    const char *path = io_path("a.gz");
    for (int64_t n = 0; n <= BYTES; n += BYTES / 2) {
        char *text;
        int64_t got;
        pack(path, n);
        ck_assert_msg(ps_gz_read_all(path, SPARE, &text, &got) == PS_OK, "%s", ps_err_message());
        ck_assert(got == n);
        for (int64_t i = 0; i < n; i++) ck_assert(text[i] == at(i));
        memset(text + n, 'x', SPARE);
        free(text);
    }
}
END_TEST

START_TEST(part)
{
    const char *path = io_path("b.gz");
    unsigned char head[4096], plain[16];
    char some[1000];
    pack(path, BYTES);
    ck_assert(ps_gz_read(path, some, sizeof some, BYTES - 1000) == PS_OK);
    for (int i = 0; i < 1000; i++) ck_assert(some[i] == at(BYTES - 1000 + i));
    FILE *f = fopen(path, "rb");
    ck_assert(fread(head, 1, sizeof head, f) == sizeof head);
    fclose(f);
    ck_assert(ps_gz_is(head, sizeof head) && !ps_gz_is(head, 1) && !ps_gz_is(head + 1, 60));
    ck_assert(ps_gz_head(head, sizeof head, plain, sizeof plain) == sizeof plain);
    for (int i = 0; i < 16; i++) ck_assert((char)plain[i] == at(i));
}
END_TEST

START_TEST(torn)
{
    const char *path = io_path("c.gz");
    char *text, some[10];
    int64_t n;
    pack(path, BYTES);
    io_truncate(path, -1000);
    ck_assert(ps_gz_read_all(path, SPARE, &text, &n) == PS_EINPUT && !text);
    ck_assert(strstr(ps_err_message(), "c.gz: truncated or damaged"));
    ps_err_clear();
    ck_assert(ps_gz_read(path, some, sizeof some, BYTES - 10) == PS_EINPUT);
    ps_err_clear();
    ck_assert(ps_gz_read_all(io_path("none.gz"), SPARE, &text, &n) == PS_EIO);
    ps_err_clear();
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {all, part, torn, NULL};
    return mck_main(argc, argv, "gzread", tests);
}
#else
START_TEST(none)
{
    char *text;
    int64_t n;
    ck_assert(ps_gz_read_all(io_path("a.gz"), 0, &text, &n) == PS_EBACKEND);
    ps_err_clear();
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {none, NULL};
    return mck_main(argc, argv, "gzread", tests);
}
#endif
