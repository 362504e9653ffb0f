#include "common/io/imagestack.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include "common/run/err.h"

enum { BANDS_MAX = 256 };

/** A band's name, in the text of all of them. */
struct band {
    const char *name;
    size_t n;
};

/** A file that is a band of an image. */
struct member {
    int part, band;
    int64_t label, file; /* 0 where there are several labels; number in the list */
    const char *stem;
    size_t n; /* of the stem, which ends with a letter or digit */
};

void ps_stack_band(const char *names, int b, char *out, int room)
{
    for (; b > 0; b--) names += strcspn(names, ",") + 1;
    const int n = (int)strcspn(names, ",") < room - 1 ? (int)strcspn(names, ",") : room - 1;
    memcpy(out, names, (size_t)n);
    out[n] = '\0';
}

static bool is_sign(char c)
{
    return !isalnum((unsigned char)c);
}

static enum ps_status parse(const char *names, struct band *band, int *bands)
{
    *bands = 0;
    for (const char *at = names;; at++) {
        const struct band b = {at, strcspn(at, ",")};
        PS_CHECK(b.n > 0 && !is_sign(at[0]), PS_EUSAGE,
                 "bands: '%s': names of bands with commas between them are wanted, B02,B03,B04", names);
        PS_CHECK(*bands < BANDS_MAX, PS_EUSAGE, "bands: more than %d", BANDS_MAX);
        for (int k = 0; k < *bands; k++)
            PS_CHECK(band[k].n != b.n || memcmp(band[k].name, b.name, b.n) != 0, PS_EUSAGE,
                     "bands: %.*s stands there twice", (int)b.n, b.name);
        band[(*bands)++] = b;
        at += b.n;
        if (!*at) return PS_OK;
    }
}

/* Which band a file is, and of which image. @return -1: it is none of them */
static int band_of(const char *name, const struct band *band, int bands, size_t *stem)
{
    const char *dot = strrchr(name, '.');
    const size_t n = dot ? (size_t)(dot - name) : strlen(name);
    for (int b = 0; b < bands; b++) {
        if (n <= band[b].n || memcmp(name + n - band[b].n, band[b].name, band[b].n) != 0) continue;
        size_t left = n - band[b].n;
        if (!is_sign(name[left - 1])) continue;
        while (left > 0 && is_sign(name[left - 1])) left--;
        *stem = left;
        if (left > 0) return b;
    }
    return -1;
}

static int by_image(const struct member *x, const struct member *y)
{
    if (x->part != y->part) return x->part - y->part;
    if (x->label != y->label) return x->label < y->label ? -1 : 1;
    const int c = memcmp(x->stem, y->stem, x->n < y->n ? x->n : y->n);
    return c != 0 ? c : x->n < y->n ? -1 : x->n > y->n;
}

static int by_band(const void *a, const void *b)
{
    const struct member *x = a, *y = b;
    const int c = by_image(x, y);
    return c != 0 ? c : x->band != y->band ? x->band - y->band : x->file < y->file ? -1 : x->file > y->file;
}

/* Files that are bands, image after image. @param n, images out */
static enum ps_status collect(const struct ps_images *l, const struct band *band, int bands,
                              struct member *member, int64_t *n, int64_t *images)
{
    *n = *images = 0;
    for (int p = 0; p < PS_IMAGES_PARTS; p++)
        for (int64_t i = l->head.part[p].lo; i < l->head.part[p].hi; i++) {
            struct member m = {.part = p, .label = l->head.several ? 0 : l->label[i], .file = i};
            m.stem = ps_images_name(l, i);
            m.band = band_of(m.stem, band, bands, &m.n);
            if (m.band >= 0) member[(*n)++] = m;
        }
    PS_CHECK(*n > 0, PS_EINPUT, "no file is one of the bands: names are looked for such as patch_%.*s.tif",
             (int)band[0].n, band[0].name);
    qsort(member, (size_t)*n, sizeof *member, by_band);
    for (int64_t i = 0; i < *n; i++) {
        const bool same = i > 0 && by_image(&member[i - 1], &member[i]) == 0;
        PS_CHECK(!same || member[i].band != member[i - 1].band, PS_EINPUT, "%s and %s are the same band",
                 ps_images_name(l, member[i - 1].file), ps_images_name(l, member[i].file));
        *images += !same;
    }
    return PS_OK;
}

/* Files and classes are those of the list they are from. */
static void copy_names(const struct ps_images *from, struct ps_images *to)
{
    memcpy(to->text, from->text, (size_t)from->head.text);
    memcpy(to->class_name, from->class_name, (size_t)from->head.classes * sizeof *to->class_name);
    memcpy(to->file_name, from->file_name, (size_t)from->head.files * sizeof *to->file_name);
}

/* Bands that have no file keep the empty name at the end of the text. */
static void fill_files(const struct ps_images *l, const struct member *member, int64_t n, int bands,
                       struct ps_images *files)
{
    copy_names(l, files);
    for (int64_t i = 0; i < files->head.n; i++)
        files->name[i] = files->head.text - 1, files->file[i] = -1, files->label[i] = -1;
    for (int64_t i = 0, image = -1; i < n; i++) {
        image += i == 0 || by_image(&member[i - 1], &member[i]) != 0;
        const int64_t to = image * bands + member[i].band, from = member[i].file;
        files->at[to] = l->at[from], files->bytes[to] = l->bytes[from];
        files->name[to] = l->name[from], files->file[to] = l->file[from];
        files->label[to] = l->label[from];
    }
}

/* An image's name takes the place of its first file's, which nobody asks for in this list. */
static void fill_images(const struct ps_images *l, const struct member *member, int64_t n, int bands,
                        struct ps_images *images)
{
    struct ps_images_head *h = &images->head;
    int64_t image = -1;
    copy_names(l, images);
    for (int64_t i = 0; i < n; i++) {
        const struct member *m = &member[i];
        if (i == 0 || by_image(&member[i - 1], m) != 0) {
            image++;
            images->at[image] = image * bands;
            images->name[image] = l->name[m->file];
            images->text[l->name[m->file] + (int64_t)m->n] = '\0';
            images->file[image] = -1;
            images->label[image] = l->label[m->file];
            if (h->several)
                memcpy(images->labels + image * h->classes, l->labels + m->file * h->classes,
                       (size_t)h->classes);
            h->part[m->part].hi++;
            if ((int64_t)m->n <= h->strip) h->strip = 0; /* the folder of the only image */
        }
        images->bytes[image] += l->bytes[m->file];
    }
    for (int p = 1; p < PS_IMAGES_PARTS; p++) { /* from counts to ranges */
        h->part[p].lo = h->part[p - 1].hi;
        h->part[p].hi += h->part[p].lo;
    }
}

/** Both lists, as rank 0 makes them. */
struct made {
    struct ps_images images, files;
    void *images_block, *files_block;
};

static enum ps_status make(const struct ps_images *l, const struct band *band, int bands, struct made *out)
{
    struct member *member = NULL;
    int64_t n, images;
    enum ps_status rc;
    PS_TRY_DONE(ps_alloc(&member, l->head.n, sizeof *member, "files of bands"));
    PS_TRY_DONE(collect(l, band, bands, member, &n, &images));
    out->images.head = out->files.head = l->head;
    memset(out->images.head.part, 0, sizeof out->images.head.part);
    out->images.head.n = images;
    out->files.head.n = images * bands;
    out->files.head.several = false;
    out->files.head.text = l->head.text + 1;
    PS_TRY_DONE(ps_zalloc(&out->images_block, ps_images_block(&out->images.head), 1, "the list of images"));
    PS_TRY_DONE(ps_zalloc(&out->files_block, ps_images_block(&out->files.head), 1, "the list of bands"));
    ps_images_lay_out(&out->images, out->images_block);
    ps_images_lay_out(&out->files, out->files_block);
    fill_images(l, member, n, bands, &out->images);
    fill_files(l, member, n, bands, &out->files);
done:
    if (rc != PS_OK) free(out->images_block);
    free(member);
    return rc;
}

enum ps_status ps_stack_join(MPI_Comm comm, const char *names, struct ps_images *list,
                             struct ps_images *files, int *bands)
{
    int rank;
    struct band band[BANDS_MAX];
    struct made made = {.images_block = NULL};
    struct ps_images images;
    MPI_Comm_rank(comm, &rank);
    *files = (struct ps_images){.node = MPI_COMM_NULL};
    PS_TRY(ps_agree(comm, parse(names, band, bands)));
    PS_TRY(ps_agree(comm, rank == 0 ? make(list, band, *bands, &made) : PS_OK));
    PS_TRY(ps_images_share(comm, &made.files, made.files_block, PS_OK, files));
    PS_TRY(ps_images_share(comm, &made.images, made.images_block, PS_OK, &images));
    ps_images_free(list);
    *list = images;
    return PS_OK;
}
