/* ranks: 1 */
#include "iocheck.h"
#include "common/io/tarfile.h"

/* A head with its checksum. */
static void put_head(unsigned char *block, const char *name, const char *prefix, int64_t bytes, char type)
{
    unsigned sum = 0;
    memset(block, 0, PS_TAR_BLOCK);
    snprintf((char *)block, 100, "%s", name);
    memcpy(block + 100, "0000644", 7);
    snprintf((char *)block + 124, 12, "%011llo", (unsigned long long)bytes);
    memset(block + 148, ' ', 8);
    block[156] = (unsigned char)type;
    memcpy(block + 257, "ustar\00000", 8);
    snprintf((char *)block + 345, 155, "%s", prefix);
    for (int i = 0; i < PS_TAR_BLOCK; i++) sum += block[i];
    snprintf((char *)block + 148, 8, "%06o", sum);
}

static unsigned char file[64 * PS_TAR_BLOCK];
static int blocks;

static void put(const char *name, const char *prefix, const char *content, int64_t bytes, char type)
{
    put_head(file + blocks++ * PS_TAR_BLOCK, name, prefix, bytes, type);
    memcpy(file + blocks * PS_TAR_BLOCK, content, (size_t)bytes);
    blocks += (int)((bytes + PS_TAR_BLOCK - 1) / PS_TAR_BLOCK);
}

static int next(const char *path, struct ps_infile *f, struct ps_tar *tar, struct ps_tar_member *m,
                bool begin)
{
    if (begin) ck_assert(ps_infile_open(path, f) == PS_OK && ps_tar_open(f, tar) == PS_OK);
    return ps_tar_next(tar, m);
}

START_TEST(names)
{
    struct ps_infile f;
    struct ps_tar tar;
    struct ps_tar_member m;
    char longer[301], record[400];
    const char *path = io_path("names.tar");
    memset(file, 0, sizeof file);
    blocks = 0;
    memset(longer, 'l', 300);
    longer[300] = '\0';
    put("./folder/", "", "", 0, '5');
    put("plain.jpg", "", "abc", 3, '0');
    put("name.jpg", "a/prefix", "", 0, '0');
    put("././@LongLink", "", longer, 301, 'L');
    put("short", "", "d", 1, '0');
    const int n = snprintf(record, sizeof record, "%d path=%s/x\n", 5 + 5 + 300 + 2, longer);
    ck_assert_int_eq(n, 312);
    snprintf(record, sizeof record, "%d path=%s/x\n", n, longer);
    put("pax", "", record, n, 'x');
    put("short", "", "ef", 2, '0');
    put("link", "", "", 0, '2');
    put("after", "", "g", 1, '0');
    io_write_file(path, file, (size_t)(blocks + 2) * PS_TAR_BLOCK);
    static const char *const want[] = {"plain.jpg", "a/prefix/name.jpg", NULL, NULL, "after"};
    static const int64_t bytes[] = {3, 0, 1, 2, 1};
    static const char content[] = "a\0deg";
    for (int i = 0; i < 5; i++) {
        char first = 0;
        ck_assert_int_eq(next(path, &f, &tar, &m, i == 0), 1);
        if (want[i]) ck_assert_str_eq(m.name, want[i]);
        if (i == 2) ck_assert_str_eq(m.name, longer);
        if (i == 3) ck_assert(strlen(m.name) == 302 && strcmp(m.name + 300, "/x") == 0);
        ck_assert(m.bytes == bytes[i]);
        ck_assert(m.bytes == 0 || (ps_pread_all(f.fd, &first, 1, m.at) == 1 && first == content[i]));
    }
    ck_assert_int_eq(next(path, &f, &tar, &m, false), 0);
    ps_tar_close(&tar);
    ps_infile_close(&f);
}
END_TEST

/* What is cut or changed is refused, with the reason. */
START_TEST(broken)
{
    struct ps_infile f;
    struct ps_tar tar;
    struct ps_tar_member m;
    const char *path = io_path("broken.tar");
    memset(file, 0, sizeof file);
    blocks = 0;
    put("one", "", "abc", 3, '0');
    io_write_file(path, file, PS_TAR_BLOCK + 2);
    ck_assert_int_eq(next(path, &f, &tar, &m, true), -1);
    ck_assert_msg(strstr(tar.why, "truncated"), "%s", tar.why);
    ps_tar_close(&tar), ps_infile_close(&f);
    file[0] = 'x';
    io_write_file(path, file, 2 * PS_TAR_BLOCK);
    ck_assert_int_eq(next(path, &f, &tar, &m, true), -1);
    ck_assert_msg(strstr(tar.why, "no tar file"), "%s", tar.why);
    ps_tar_close(&tar), ps_infile_close(&f);
    blocks = 0;
    put("pax", "", "9 path=a\nx", 10, 'x');
    put("one", "", "abc", 3, '0');
    io_write_file(path, file, sizeof file);
    ck_assert_int_eq(next(path, &f, &tar, &m, true), -1);
    ck_assert_msg(strstr(tar.why, "damaged record"), "%s", tar.why);
    ps_tar_close(&tar), ps_infile_close(&f);
}
END_TEST

/* Numbers of more than 33 bits, as GNU and as pax write them. */
START_TEST(large)
{
    unsigned char block[PS_TAR_BLOCK];
    struct ps_tar_head head;
    char path[PS_TAR_NAME];
    int64_t bytes;
    put_head(block, "large", "", 0, '0');
    memset(block + 124, 0, 12);
    block[124] = 0x80, block[130] = 1; /* 2^40 */
    memset(block + 148, ' ', 8);
    unsigned sum = 0;
    for (int i = 0; i < PS_TAR_BLOCK; i++) sum += block[i];
    snprintf((char *)block + 148, 8, "%06o", sum);
    ck_assert_int_eq(ps_tar_head(block, &head), 1);
    ck_assert(head.bytes == (int64_t)1 << 40);
    ck_assert(ps_tar_pax("22 size=1099511627776\n", 22, path, &bytes) && bytes == (int64_t)1 << 40 &&
              !path[0]);
    ck_assert(!ps_tar_pax("22 size=109951162777x\n", 22, path, &bytes));
    memset(block, 0, sizeof block);
    ck_assert_int_eq(ps_tar_head(block, &head), 0);
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {names, broken, large, NULL};
    return mck_main(argc, argv, "tarfile", tests);
}
