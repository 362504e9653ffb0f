/* From images that were found to a list: parts, classes, order. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "common/io/imagelist_sources.h"
#include "common/run/err.h"

/* Room for n more elements. */
static enum ps_status grow(void *array, int64_t *room, int64_t wanted, size_t size)
{
    void **a = array;
    if (wanted <= *room) return PS_OK;
    const int64_t more = 2 * *room > wanted ? 2 * *room : wanted + 1024;
    void *bigger = realloc(*a, (size_t)more * size);
    PS_CHECK(bigger, PS_ENOMEM, "no memory for a list of %lld images", (long long)more);
    *a = bigger;
    *room = more;
    return PS_OK;
}

enum ps_status ps_finds_add(struct ps_finds *f, struct ps_found image)
{
    PS_TRY(grow(&f->image, &f->room, f->n + 1, sizeof *f->image));
    f->image[f->n++] = image;
    return PS_OK;
}

enum ps_status ps_finds_text(struct ps_finds *f, const char *text, int64_t n, int64_t *place)
{
    PS_TRY(grow(&f->text, &f->text_room, f->text_n + n + 1, 1));
    *place = f->text_n;
    memcpy(f->text + f->text_n, text, (size_t)n);
    f->text[f->text_n + n] = '\0';
    f->text_n += n + 1;
    return PS_OK;
}

enum ps_status ps_finds_file(struct ps_finds *f, const char *path)
{
    int64_t place;
    PS_CHECK(f->files < INT32_MAX, PS_EINPUT, "more than 2147483647 files");
    PS_TRY(ps_finds_text(f, path, (int64_t)strlen(path), &place));
    PS_TRY(grow(&f->file, &f->file_room, f->files + 1, sizeof *f->file));
    f->file[f->files++] = place;
    return PS_OK;
}

void ps_finds_free(struct ps_finds *f)
{
    free(f->image);
    free(f->text);
    free(f->file);
    *f = (struct ps_finds){.n = 0};
}

int ps_finds_part(const char *word, int64_t n)
{
    static const struct {
        const char *word;
        int part;
    } words[] = {{"train", PS_IMAGES_TRAIN}, {"training", PS_IMAGES_TRAIN},   {"val", PS_IMAGES_VALID},
                 {"valid", PS_IMAGES_VALID}, {"validation", PS_IMAGES_VALID}, {"test", PS_IMAGES_TEST},
                 {"testing", PS_IMAGES_TEST}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if ((int64_t)strlen(words[i].word) == n && strncasecmp(word, words[i].word, (size_t)n) == 0)
            return words[i].part;
    return -1;
}

/* Bytes of the folders that all names have in front, but for the last folder of the first name. */
static int64_t common_folders(const struct ps_finds *f, int64_t skip)
{
    const char *first = f->text + f->image[0].name;
    const char *file = strrchr(first, '/');
    int64_t same = skip;
    if (!file || file - first < skip) return skip;
    for (const char *c = first + skip; c < file; c++) /* the folder of the file itself stays */
        if (*c == '/') same = c - first + 1;
    for (int64_t i = 1; i < f->n; i++) {
        const char *name = f->text + f->image[i].name;
        while (same > skip && strncmp(name, first, (size_t)same) != 0)
            for (same--; same > skip && first[same - 1] != '/'; same--) {
            }
    }
    return same;
}

enum ps_status ps_finds_from_names(struct ps_finds *f, const char *source, int64_t skip)
{
    PS_CHECK(f->n > 0, PS_EINPUT, "%s: no images (.jpg, .jpeg, .png, .tif, .tiff) were found", source);
    const int64_t common = common_folders(f, skip);
    bool parted = true;
    f->strip = common;
    for (int64_t i = 0; i < f->n; i++) {
        const char *name = f->text + f->image[i].name, *at = name + common, *slash = strchr(at, '/');
        PS_CHECK(slash, PS_EINPUT, "%s: %s is in no folder, which would name its class", source, name);
        parted = parted && ps_finds_part(at, slash - at) >= 0 && strchr(slash + 1, '/');
    }
    for (int64_t i = 0; i < f->n; i++) {
        const int64_t name = f->image[i].name;
        const char *at = f->text + name + common, *slash = strchr(at, '/');
        f->image[i].part = -1;
        if (parted) {
            f->image[i].part = (int8_t)ps_finds_part(at, slash - at);
            at = slash + 1;
            slash = strchr(at, '/');
        }
        char folder[NAME_MAX + 1];
        PS_CHECK(slash - at <= NAME_MAX, PS_EINPUT, "%s: %s: the folder's name is too long", source,
                 f->text + name);
        memcpy(folder, at, (size_t)(slash - at));
        PS_TRY(ps_finds_text(f, folder, slash - at, &f->image[i].label));
        f->image[i].labels = 1;
    }
    return PS_OK;
}

/** Names of classes, each once, in order. */
struct classes {
    const char **name; /* [n] */
    int64_t n;
};

static bool is_number(const char *text)
{
    if (!*text || strlen(text) > 18) return false;
    for (; *text; text++)
        if (*text < '0' || *text > '9') return false;
    return true;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int by_number(const void *a, const void *b)
{
    const long long x = atoll(*(const char *const *)a), y = atoll(*(const char *const *)b);
    return x < y ? -1 : x > y;
}

/* Sort and leave out what is there twice. */
static void make_unique(struct classes *c)
{
    int64_t kept = 0;
    qsort(c->name, (size_t)c->n, sizeof *c->name, by_text);
    for (int64_t i = 0; i < c->n; i++)
        if (kept == 0 || strcmp(c->name[i], c->name[kept - 1]) != 0) c->name[kept++] = c->name[i];
    c->n = kept;
}

static enum ps_status collect(const struct ps_finds *f, struct classes *c)
{
    int64_t room = 0;
    for (int64_t i = 0; i < f->n; i++) {
        const char *name = f->text + f->image[i].label;
        for (int32_t k = 0; k < f->image[i].labels; k++, name += strlen(name) + 1) {
            if (c->n > 0 && strcmp(c->name[c->n - 1], name) == 0) continue;
            if (c->n == room && c->n > 65536) make_unique(c);
            PS_TRY(grow(&c->name, &room, c->n + 1, sizeof *c->name));
            c->name[c->n++] = name;
        }
    }
    make_unique(c);
    return PS_OK;
}

static int64_t class_of(const struct classes *c, bool numbers, const char *name)
{
    const char **found =
        bsearch(&name, c->name, (size_t)c->n, sizeof *c->name, numbers ? by_number : by_text);
    return found - c->name;
}

/** What images are sorted by. */
struct key {
    int part;
    int64_t label; /* 0 where there are several */
    const char *name;
    int64_t image;
};

static int by_key(const void *a, const void *b)
{
    const struct key *x = a, *y = b;
    if (x->part != y->part) return x->part - y->part;
    if (x->label != y->label) return x->label < y->label ? -1 : 1;
    const int by_name = strcmp(x->name, y->name);
    return by_name != 0 ? by_name : x->image < y->image ? -1 : x->image > y->image;
}

static enum ps_status sort(const struct ps_finds *f, const char *source, const struct classes *c,
                           bool numbers, struct key *key)
{
    int64_t named = 0;
    for (int64_t i = 0; i < f->n; i++) {
        const struct ps_found *x = &f->image[i];
        named += x->part >= 0;
        key[i] = (struct key){.part = x->part < 0 ? 0 : x->part, .name = f->text + x->name, .image = i};
        if (!f->several) key[i].label = class_of(c, numbers, f->text + x->label);
    }
    PS_CHECK(named == 0 || named == f->n, PS_EINPUT,
             "%s: %lld of %lld images are of no part (train, valid, test)", source, (long long)(f->n - named),
             (long long)f->n);
    qsort(key, (size_t)f->n, sizeof *key, by_key);
    return PS_OK;
}

/* The arrays of images, in order. */
static void fill(const struct ps_finds *f, const struct classes *c, bool numbers, const struct key *key,
                 struct ps_images *out)
{
    for (int64_t i = 0; i < f->n; i++) {
        const struct ps_found *x = &f->image[key[i].image];
        out->at[i] = x->at;
        out->bytes[i] = x->bytes;
        out->name[i] = x->name;
        out->file[i] = x->file;
        out->label[i] = (int32_t)key[i].label;
        out->head.part[key[i].part].hi++;
        const char *name = f->text + x->label;
        for (int32_t k = 0; f->several && k < x->labels; k++, name += strlen(name) + 1)
            out->labels[i * c->n + class_of(c, numbers, name)] = 1;
    }
    for (int k = 1; k < PS_IMAGES_PARTS; k++) { /* from counts to ranges */
        out->head.part[k].lo = out->head.part[k - 1].hi;
        out->head.part[k].hi += out->head.part[k].lo;
    }
    for (int64_t k = 0; k < c->n; k++) out->class_name[k] = c->name[k] - f->text;
    for (int64_t k = 0; k < f->files; k++) out->file_name[k] = f->file[k];
    memcpy(out->text, f->text, (size_t)f->text_n);
}

enum ps_status ps_finds_end(struct ps_finds *f, const char *source, struct ps_images *out, void **block)
{
    struct classes c = {.n = 0};
    struct key *key = NULL;
    enum ps_status rc;
    *block = NULL;
    PS_CHECK_DONE(f->n > 0, PS_EINPUT, "%s: holds no images", source);
    PS_TRY_DONE(collect(f, &c));
    bool numbers = f->numbered;
    for (int64_t i = 0; i < c.n; i++) numbers = numbers && is_number(c.name[i]);
    if (numbers) qsort(c.name, (size_t)c.n, sizeof *c.name, by_number);
    PS_CHECK_DONE(c.n > 0 && c.n < INT32_MAX, PS_EINPUT, "%s: no image has a label", source);
    PS_TRY_DONE(ps_alloc(&key, f->n, sizeof *key, "the order of images"));
    PS_TRY_DONE(sort(f, source, &c, numbers, key));
    out->head = (struct ps_images_head){
        .n = f->n, .classes = c.n, .files = f->files, .text = f->text_n, .several = f->several};
    out->head.parted = f->image[0].part >= 0;
    out->head.strip = f->strip;
    PS_TRY_DONE(ps_zalloc(block, ps_images_block(&out->head), 1, "the list of images"));
    ps_images_lay_out(out, *block);
    fill(f, &c, numbers, key, out);
done:
    free(c.name);
    free(key);
    return rc;
}
