/* Pictures that runs wrote, inside the page. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "apps/results/report.h"
#include "common/run/err.h"
#include "common/run/param.h"

enum { LARGEST = 8 << 20 }; /* bytes */

static void base64(FILE *to, const unsigned char *data, size_t n)
{
    static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < n; i += 3) {
        const unsigned long v = (unsigned long)data[i] << 16 |
                                (i + 1 < n ? (unsigned long)data[i + 1] << 8 : 0) |
                                (i + 2 < n ? data[i + 2] : 0);
        fputc(digit[v >> 18 & 63], to);
        fputc(digit[v >> 12 & 63], to);
        fputc(i + 1 < n ? digit[v >> 6 & 63] : '=', to);
        fputc(i + 2 < n ? digit[v & 63] : '=', to);
    }
}

/* As the run named it, or in the folder of the record. */
static FILE *open_beside(const struct ps_recorded *r, const char *name)
{
    FILE *f = fopen(name, "rb");
    const char *slash = strrchr(r->file, '/');
    if (f || !slash || name[0] == '/') return f;
    char path[PS_TEXT_MAX + sizeof(ps_str)];
    snprintf(path, sizeof path, "%.*s%.4000s", (int)(slash + 1 - r->file < 1000 ? slash + 1 - r->file : 0),
             r->file, name);
    return fopen(path, "rb");
}

static enum ps_status picture(FILE *to, const struct ps_recorded *r, const char *param, const char *name)
{
    static const unsigned char png[] = {0x89, 'P', 'N', 'G'};
    unsigned char *data = NULL;
    FILE *f = open_beside(r, name);
    if (!f) return PS_OK;
    enum ps_status rc = ps_alloc(&data, LARGEST + 1, 1, "a picture");
    const size_t n = rc == PS_OK ? fread(data, 1, LARGEST + 1, f) : 0;
    fclose(f);
    if (n > sizeof png && n <= LARGEST && memcmp(data, png, sizeof png) == 0) {
        fputs("<figure class=\"picture\"><img alt=\"", to);
        report_text(to, param);
        fputs("\" src=\"data:image/png;base64,", to);
        base64(to, data, n);
        fputs("\"><figcaption>", to);
        report_text(to, name);
        fputs("</figcaption></figure>\n", to);
    }
    free(data);
    return rc;
}

enum ps_status report_pictures(FILE *to, const struct ps_recorded *r)
{
    static const char *const params[] = {"plot", "wrong"};
    char name[PS_TEXT_MAX];
    for (size_t i = 0; i < sizeof params / sizeof *params; i++) {
        if (ps_recorded_param(r, params[i], name, sizeof name) != PS_OK) {
            ps_err_clear();
            continue;
        }
        if (name[0]) PS_TRY(picture(to, r, params[i], name));
    }
    return PS_OK;
}
