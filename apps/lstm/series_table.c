#include "apps/lstm/series_table.h"

#include <stdlib.h>
#include <string.h>
#include "apps/lstm/series_arrays.h"
#include "apps/lstm/series_text.h"
#include "common/io/gzread.h"
#include "common/io/infile.h"
#include "common/io/shard.h"
#include "common/run/err.h"

/** Is the file text, perhaps packed? */
static enum ps_status is_text(const char *path, bool *packed, bool *text)
{
    struct ps_infile f;
    unsigned char head[2] = {0};
    PS_TRY(ps_infile_open(path, &f));
    int64_t n = ps_pread_all(f.fd, head, sizeof head, 0);
    ps_infile_close(&f);
    const char *format = ps_shard_format_named(path);
    *packed = ps_gz_is(head, n);
    *text = *packed || !format[0] || !strcmp(format, "text");
    return PS_OK;
}

static enum ps_status load_text(const char *path, bool packed, char **text, int64_t *n)
{
    struct ps_infile f;
    if (packed) return ps_gz_read_all(path, SERIES_TEXT_PAD, text, n);
    PS_TRY(ps_infile_open(path, &f));
    *n = f.bytes;
    enum ps_status rc = ps_alloc(text, f.bytes + SERIES_TEXT_PAD, 1, "the text");
    if (rc == PS_OK) rc = ps_infile_read(&f, *text, f.bytes, 0);
    ps_infile_close(&f);
    return rc;
}

static enum ps_status read_text(const struct series_wish *wish, bool packed, struct series_table *out)
{
    char *text = NULL;
    int64_t n;
    enum ps_status rc = load_text(wish->path, packed, &text, &n);
    if (rc == PS_OK) rc = series_text_parse(text, n, wish, out);
    free(text);
    return rc;
}

enum ps_status series_table_read(const struct series_wish *wish, struct series_table *out)
{
    bool packed, text;
    *out = (struct series_table){.rows = 0};
    PS_TRY(is_text(wish->path, &packed, &text));
    return text ? read_text(wish, packed, out) : series_arrays_read(wish, out);
}

void series_table_free(struct series_table *t)
{
    free(t->name), free(t->target), free(t->time), free(t->value);
    *t = (struct series_table){.rows = 0};
}
