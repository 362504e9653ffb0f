/* ranks: 1 */
#include "iocheck.h"
#include <math.h>
#include "common/io/safetensors.h"

static char text[4096];

/** Make a file of a header and n bytes of data that count up from 0. */
static const char *make_file(const char *header, size_t n)
{
    const char *path = io_path("a.safetensors");
    const uint64_t length = strlen(header);
    memcpy(text, &length, 8);
    memcpy(text + 8, header, length);
    for (size_t i = 0; i < n; i++) text[8 + length + i] = (char)i;
    io_write_file(path, text, 8 + length + n);
    return path;
}

static void refused(const char *path, enum ps_status status, const char *words)
{
    struct ps_safetensors s;
    ps_err_clear();
    enum ps_status rc = ps_safetensors_read(path, &s);
    ck_assert_msg(rc == status && strstr(ps_err_message(), words), "status %d, '%s' lacks '%s'", rc,
                  ps_err_message(), words);
    ck_assert_msg(strstr(ps_err_message(), path) != NULL, "'%s' does not name the file", ps_err_message());
    ck_assert(!s.tensor && !s.memory && s.n == 0);
}

/** The bytes of a file that is written: wide types first, blanks up to a multiple of 8. */
START_TEST(written)
{
    static const char header[] = "{\"__metadata__\":{\"format\":\"pt\",\"a\\\"b\":\"\\\\ \\u000a\"},"
                                 "\"n\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[0,8]},"
                                 "\"fc.weight\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":[8,16]},"
                                 "\"none\":{\"dtype\":\"F32\",\"shape\":[3,0],\"data_offsets\":[16,16]},"
                                 "\"half\":{\"dtype\":\"BF16\",\"shape\":[3],\"data_offsets\":[16,22]}}";
    static const char *const note[] = {"format", "pt", "a\"b", "\\ \n", NULL};
    const float f[] = {1, -2};
    const int64_t n = 7;
    const uint16_t half[] = {0x3f80, 0x4000, 0xc040};
    const struct ps_safe_tensor t[] = {
        {.name = "fc.weight", .type = PS_SAFE_F32, .dims = 2, .dim = {1, 2}, .data = f},
        {.name = "half", .type = PS_SAFE_BF16, .dims = 1, .dim = {3}, .data = half},
        {.name = "none", .type = PS_SAFE_F32, .dims = 2, .dim = {3, 0}, .data = f},
        {.name = "n", .type = PS_SAFE_I64, .data = &n}};
    const char *path = io_path("b.safetensors");
    struct ps_safetensors s;
    const size_t padded = (sizeof header - 1 + 7) / 8 * 8;
    ck_assert_msg(ps_safetensors_write(path, t, 4, note) == PS_OK, "%s", ps_err_message());
    FILE *file = fopen(path, "rb");
    ck_assert_uint_eq(fread(text, 1, sizeof text, file), 8 + padded + 22);
    fclose(file);
    const uint64_t length = padded;
    ck_assert_mem_eq(text, &length, 8);
    ck_assert_mem_eq(text + 8, header, sizeof header - 1);
    for (size_t i = sizeof header - 1; i < padded; i++) ck_assert_int_eq(text[8 + i], ' ');
    ck_assert_mem_eq(text + 8 + padded, &n, 8);
    ck_assert_mem_eq(text + 8 + padded + 8, f, 8);
    ck_assert_mem_eq(text + 8 + padded + 16, half, 6);

    ck_assert_msg(ps_safetensors_read(path, &s) == PS_OK, "%s", ps_err_message());
    static const int order[] = {3, 0, 2, 1};
    ck_assert_int_eq(s.n, 4);
    for (int i = 0; i < 4; i++) {
        const struct ps_safe_tensor *want = &t[order[i]], *got = &s.tensor[i];
        ck_assert_str_eq(got->name, want->name);
        ck_assert(got->type == want->type && got->dims == want->dims);
        ck_assert_mem_eq(got->dim, want->dim, sizeof got->dim);
        ck_assert_int_eq(ps_safe_count(got), ps_safe_count(want));
    }
    ck_assert_mem_eq(s.tensor[0].data, &n, 8);
    ck_assert_mem_eq(s.tensor[1].data, f, 8);
    ck_assert_mem_eq(s.tensor[3].data, half, 6);
    ps_safetensors_free(&s);
}
END_TEST

/** Blanks, escapes, members and places in any order, notes anywhere. */
START_TEST(spellings)
{
    struct ps_safetensors s;
    const char *path =
        make_file("{ \"second\" :\t{ \"shape\" : [ 2 , 1 ] , \"data_offsets\":[4,12],\n\"dtype\":\"F32\" },"
                  "\"__metadata__\":{},\r\"\\u00e4\\/\\\"\\ud83d\\ude00\\u20ac\\t\":"
                  "{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}}   ",
                  12);
    ck_assert_msg(ps_safetensors_read(path, &s) == PS_OK, "%s", ps_err_message());
    ck_assert_int_eq(s.n, 2);
    ck_assert_str_eq(s.tensor[0].name, "\xc3\xa4/\"\xf0\x9f\x98\x80\xe2\x82\xac\t");
    ck_assert(s.tensor[0].type == PS_SAFE_OTHER && s.tensor[0].dims == 1 && s.tensor[0].dim[0] == 4);
    ck_assert_str_eq(s.tensor[1].name, "second");
    ck_assert(s.tensor[1].type == PS_SAFE_F32 && s.tensor[1].dims == 2 && s.tensor[1].dim[0] == 2);
    ck_assert_mem_eq(s.tensor[0].data, "\0\1\2\3", 4);
    ck_assert_mem_eq(s.tensor[1].data, "\4\5\6\7\10\11\12\13", 8);
    ps_safetensors_free(&s);
    path = make_file("{}", 0);
    ck_assert_msg(ps_safetensors_read(path, &s) == PS_OK && s.n == 0, "%s", ps_err_message());
    ps_safetensors_free(&s);
}
END_TEST

#define F32(name, dim, lo, hi) \
    "\"" name "\":{\"dtype\":\"F32\",\"shape\":[" dim "],\"data_offsets\":[" lo "," hi "]}"

START_TEST(damaged)
{
    static const struct {
        const char *header;
        int bytes;
        const char *words;
    } list[] = {
        {"{" F32("a", "2", "0", "8") "}", 7, "tensor 'a' lies at bytes 0 to 8 of 7"},
        {"{" F32("a", "2", "0", "8") "}", 9, "1 bytes behind the last tensor"},
        {"{" F32("a", "2", "0", "8") "," F32("b", "1", "4", "8") "}", 8, "tensor 'b' overlaps"},
        {"{" F32("a", "1", "0", "4") "," F32("b", "1", "8", "12") "}", 12, "tensor 'b' has a gap"},
        {"{" F32("a", "1", "4", "8") "}", 8, "tensor 'a' has a gap"},
        {"{" F32("a", "1", "0", "4") "," F32("a", "1", "4", "8") "}", 8, "tensor 'a' is there twice"},
        {"{" F32("a", "3", "0", "8") "}", 8, "tensor 'a': its shape"},
        {"{" F32("a", "4294967296,4294967296,4", "0", "8") "}", 8, "tensor 'a': its shape"},
        {"{" F32("a", "2", "8", "0") "}", 8, "tensor 'a' lies at bytes 8 to 0"},
        {"{" F32("a", "99999999999999999999", "0", "8") "}", 8, "byte 37"},
        {"{" F32("a", "-2", "0", "8") "}", 8, "byte 37"},
        {"{" F32("a", "02", "0", "8") "}", 8, "byte 37"},
        {"{" F32("a", "2.0", "0", "8") "}", 8, "byte 38"},
        {"{" F32("a", "1,1,1,1,1,1,1,1,2", "0", "8") "}", 8, "tensor 'a' has more than 8 dimensions"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}}", 8, "tensor 'a' lacks"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8]}}", 8, "tensor 'a' lacks"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"shape\":[2],\"data_offsets\":[0,8]}}", 8, "byte 40"},
        {"{\"a\":{\"dtype\":\"F32\",\"strides\":[2]}}", 8, "byte 28"},
        {"{" F32("a", "2", "0", "8") ",}", 8, "byte 62"},
        {"{" F32("a", "2", "0", "8") "} x", 8, "byte 63"},
        {"{" F32("a", "2", "0", "8"), 8, "byte 61"},
        {" {" F32("a", "2", "0", "8") "}", 8, "byte 8 "},
        {"{\"a", 0, "byte 11"},
        {"{\"a\\", 0, "byte 11"},
        {"{\"\\x\":1}", 0, "byte 10"},
        {"{\"\\u00g0\":1}", 0, "byte 10"},
        {"{\"\\u0000\":1}", 0, "byte 10"},
        {"{\"\\ud83d\":1}", 0, "byte 10"},
        {"{\"\\ud83d\\u0041\":1}", 0, "byte 10"},
        {"{\"\\ude00\":1}", 0, "byte 10"},
        {"{\"a\nb\":1}", 0, "byte 11"},
        {"{\"__metadata__\":{\"a\":1}}", 0, "byte 29"},
        {"{\"__metadata__\":{},\"__metadata__\":{}}", 0, "byte 27"},
        {"[]", 0, "byte 8 "},
        {"", 0, "byte 8 "},
    };
    char longer[400];
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        refused(make_file(list[i].header, (size_t)list[i].bytes), PS_EINPUT, list[i].words);
    snprintf(longer, sizeof longer, "{\"%0256d\":{}}", 1);
    refused(make_file(longer, 0), PS_EINPUT, "more than 255 bytes");
}
END_TEST

START_TEST(lengths)
{
    const char *path = make_file("{" F32("a", "2", "0", "8") "}", 8);
    io_truncate(path, -1);
    refused(path, PS_EINPUT, "truncated or damaged");
    io_truncate(path, 30);
    refused(path, PS_EINPUT, "truncated: its header has 54 bytes, the file 30");
    io_truncate(path, 7);
    refused(path, PS_EINPUT, "only 7 bytes");
    io_write_file(path, "\1\xe1\xf5\5\0\0\0\0{}", 10); /* 100 000 001 */
    refused(path, PS_EINPUT, "100000001 bytes");
    io_write_file(path, "\xff\xff\xff\xff\xff\xff\xff\xff{}", 10);
    refused(path, PS_EINPUT, "18446744073709551615 bytes");
    refused(io_path("none.safetensors"), PS_EIO, "no such file");
    refused("/tmp", PS_EIO, "directory");
}
END_TEST

START_TEST(refused_to_write)
{
    const float x[2] = {0};
    struct ps_safe_tensor t[] = {{.name = "a", .type = PS_SAFE_F32, .dims = 1, .dim = {2}, .data = x},
                                 {.name = "a", .type = PS_SAFE_F32, .dims = 1, .dim = {2}, .data = x}};
    ps_err_clear();
    ck_assert(ps_safetensors_write("/nonexistent/x.safetensors", t, 1, NULL) == PS_EIO);
    ck_assert(strstr(ps_err_message(), "/nonexistent/x.safetensors"));
    ps_err_clear();
    ck_assert(ps_safetensors_write(io_path("c.safetensors"), t, 2, NULL) == PS_EINTERNAL);
    ck_assert(strstr(ps_err_message(), "tensor 'a' is there twice"));
    ps_err_clear();
    t[1].type = PS_SAFE_OTHER;
    ck_assert(ps_safetensors_write(io_path("c.safetensors"), t, 2, NULL) == PS_EINTERNAL);
    ck_assert(access(io_path("c.safetensors"), F_OK) != 0);
}
END_TEST

/** Every type to float, from an address that fits none. */
START_TEST(floats)
{
    static const uint16_t half[] = {0x3c00, 0xc000, 0x0001, 0x83ff, 0x8000, 0x7bff, 0x7c00, 0xfc00, 0x7e00};
    static const float want[] = {1, -2, 0x1p-24f, -0x3ffp-24f, -0.0f, 65504, INFINITY, -INFINITY, NAN};
    static const uint16_t brain[] = {0x3f80, 0xc049, 0x0001, 0x7f80};
    static const float wanted[] = {1, -3.140625f, 0x1p-133f, INFINITY};
    static const double wide[] = {0.1, 1 + 0x1p-24, 1e300};
    static const float rounded[] = {0.1f, 1, INFINITY};
    char odd[100];
    float out[9];
    struct ps_safe_tensor t = {.type = PS_SAFE_F16, .data = odd + 1};
    memcpy(odd + 1, half, sizeof half);
    ps_safe_floats(&t, 0, 9, out);
    for (int i = 0; i < 8; i++) ck_assert(out[i] == want[i] && !signbit(out[i]) == !signbit(want[i]));
    ck_assert(isnan(out[8]));
    ps_safe_floats(&t, 5, 1, out);
    ck_assert(out[0] == 65504);
    t.type = PS_SAFE_BF16;
    memcpy(odd + 1, brain, sizeof brain);
    ps_safe_floats(&t, 0, 4, out);
    for (int i = 0; i < 4; i++) ck_assert(out[i] == wanted[i]);
    t.type = PS_SAFE_F64;
    memcpy(odd + 1, wide, sizeof wide);
    ps_safe_floats(&t, 0, 3, out);
    for (int i = 0; i < 3; i++) ck_assert(out[i] == rounded[i]);
    t.type = PS_SAFE_F32;
    memcpy(odd + 1, want, sizeof want);
    ps_safe_floats(&t, 1, 2, out);
    ck_assert(out[0] == -2 && out[1] == 0x1p-24f);
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {written, spellings, damaged, lengths, refused_to_write, floats, NULL};
    return mck_main(argc, argv, "safetensors", tests);
}
