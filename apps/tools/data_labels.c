#include "apps/tools/data_labels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "apps/tools/data_values.h"
#include "common/par/window.h"
#include "common/run/err.h"

void data_labels_free(struct data_labels *l)
{
    free(l->of), free(l->pixel);
    *l = (struct data_labels){0};
}

/** A label and the element of the ground truth that it came from. */
struct mark {
    double label;
    int64_t at;
};

/** Find file and data set of the labels. Collective over comm. */
static enum ps_status locate(MPI_Comm comm, const struct data_label_source *from, const char **path,
                             const char **dataset)
{
    bool apart = from->labels[0];
    const char *format;
    *path = apart ? from->labels : from->input;
    PS_TRY(ps_shard_format(comm, *path, &format));
    bool named = !strcmp(format, "HDF5") || !strcmp(format, "netCDF") || !strcmp(format, "MATLAB"),
         libsvm = !strcmp(format, "LIBSVM");
    PS_CHECK(apart || named || libsvm, PS_EUSAGE,
             "%s: a %s file holds no labels beside the rows; name a file of labels (--labels FILE)", *path,
             format);
    *dataset = from->dataset[0] ? from->dataset : libsvm || !apart ? "GT" : "";
    return PS_OK;
}

/** Own elements of the ground truth or list; those without a label are left out if `only`. Local. */
static enum ps_status collect(const char *path, const struct ps_shard *y, bool only, struct mark *out,
                              int64_t *n)
{
    int64_t width = y->cols ? y->cols : 1;
    *n = 0;
    for (int64_t i = y->mine.lo * width; i < y->mine.hi * width; i++) {
        double v = (double)data_get(y->data, i - y->mine.lo * width, y->type);
        PS_CHECK(isfinite(v), PS_EINPUT, "%s: the label of row %lld, column %lld is not finite", path,
                 (long long)(i / width), (long long)(i % width));
        if (!only || v < 0 || v > 0) out[(*n)++] = (struct mark){v, i};
    }
    return PS_OK;
}

/** Choose which elements label the rows, and bring each rank those of its rows. Collective over comm. */
static enum ps_status assign(MPI_Comm comm, const char *path, const struct ps_shard *y, int64_t rows,
                             struct ps_range mine, struct data_labels *out)
{
    int64_t width = y->cols ? y->cols : 1, elements = y->rows * width, n = 0, own = mine.hi - mine.lo;
    int64_t total;
    bool only = elements != rows && width > 1;
    struct mark *marks = NULL, *got = NULL;
    enum ps_status rc = ps_alloc(&marks, (y->mine.hi - y->mine.lo) * width, sizeof *marks, "labels");
    if (rc == PS_OK) rc = ps_alloc(&got, own, sizeof *got, "labels");
    if (rc == PS_OK) rc = ps_alloc(&out->of, own, sizeof *out->of, "labels");
    if (rc == PS_OK && width > 1) rc = ps_alloc(&out->pixel, own, sizeof *out->pixel, "pixels");
    if (rc == PS_OK) rc = collect(path, y, only, marks, &n);
    PS_TRY_DONE(ps_agree(comm, rc));
    struct ps_range have = ps_window_place(comm, n, &total);
    PS_CHECK_DONE(total == rows, PS_EINPUT, "%s: there are %lld rows, but %lld %s", path, (long long)rows,
                  (long long)(only ? elements : total),
                  only ? "pixels, of which another number is labelled" : "labels");
    PS_TRY_DONE(ps_window_fetch(comm, have, marks, sizeof *marks, mine, got));
    for (int64_t i = 0; i < own; i++) {
        out->of[i] = got[i].label;
        if (out->pixel) out->pixel[i] = got[i].at;
    }
done:
    free(marks), free(got);
    return rc;
}

enum ps_status data_labels_read(MPI_Comm comm, const struct data_label_source *from, int64_t rows,
                                struct ps_range mine, struct data_labels *out)
{
    const char *path = "", *dataset = "";
    struct ps_shard y = {0};
    *out = (struct data_labels){0};
    PS_TRY(locate(comm, from, &path, &dataset));
    PS_TRY(ps_shard_read(comm, path, dataset, &y));
    enum ps_status rc = assign(comm, path, &y, rows, mine, out);
    out->width = y.cols > 1 ? y.cols : 0;
    out->zero_is_none =
        !strcmp(from->unlabelled, "auto") ? out->width > 0 : !strcmp(from->unlabelled, "zero");
    ps_shard_free(&y);
    if (rc != PS_OK) data_labels_free(out);
    return rc;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/** Place of a label in an ascending list: its own, or where it would stand. */
static int place_of(const double *list, int n, double label)
{
    int lo = 0, hi = n;
    while (lo < hi) {
        int mid = (lo + hi) / 2;
        if (list[mid] < label)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/** The labels of own rows, ascending, each once, into list[DATA_MAX_CLASSES]. @return how many; -1: too many
 */
static int own_labels(const struct data_labels *l, int64_t n, double *list)
{
    int count = 0;
    for (int64_t i = 0; i < n; i++) {
        if (l->zero_is_none && !(l->of[i] < 0 || l->of[i] > 0)) continue;
        int at = place_of(list, count, l->of[i]);
        if (at < count && !(list[at] > l->of[i])) continue;
        if (count == DATA_MAX_CLASSES) return -1;
        memmove(list + at + 1, list + at, (size_t)(count - at) * sizeof *list);
        list[at] = l->of[i];
        count++;
    }
    return count;
}

/** Join all ranks' lists in c->label. Collective over comm. */
static enum ps_status join(MPI_Comm comm, const double *list, int count, struct data_classes *c)
{
    int size, *counts = NULL, *starts = NULL, total = 0;
    double *all = NULL;
    MPI_Comm_size(comm, &size);
    enum ps_status rc = ps_alloc(&counts, size, sizeof *counts, "counts of classes");
    if (rc == PS_OK) rc = ps_alloc(&starts, size, sizeof *starts, "counts of classes");
    PS_TRY_DONE(ps_agree(comm, rc));
    MPI_Allgather(&count, 1, MPI_INT, counts, 1, MPI_INT, comm);
    for (int r = 0; r < size; r++) {
        starts[r] = total;
        total += counts[r];
    }
    rc = ps_alloc(&all, total, sizeof *all, "classes");
    PS_TRY_DONE(ps_agree(comm, rc));
    MPI_Allgatherv(list, count, MPI_DOUBLE, all, counts, starts, MPI_DOUBLE, comm);
    qsort(all, (size_t)total, sizeof *all, ascending);
    c->n = 0;
    for (int i = 0; i < total; i++)
        if (!c->n || all[i] > all[c->n - 1]) all[c->n++] = all[i];
    c->label = all;
    all = NULL;
done:
    free(counts), free(starts), free(all);
    return rc;
}

enum ps_status data_classes_find(MPI_Comm comm, const struct data_labels *l, int64_t n,
                                 struct data_classes *out)
{
    double *list;
    int count = 0;
    *out = (struct data_classes){0};
    enum ps_status rc = ps_alloc(&list, DATA_MAX_CLASSES, sizeof *list, "classes");
    if (rc == PS_OK && (count = own_labels(l, n, list)) < 0)
        rc = ps_fail(PS_EINPUT, "there are more than %d different labels: are they classes?",
                     DATA_MAX_CLASSES);
    rc = ps_agree(comm, rc);
    if (rc == PS_OK) rc = join(comm, list, count, out);
    free(list);
    if (rc == PS_OK)
        rc = ps_agree(comm, ps_zalloc(&out->count, out->n, sizeof *out->count, "counts of classes"));
    if (rc == PS_OK) {
        for (int64_t i = 0; i < n; i++) {
            int c = data_class_of(out, l, l->of[i]);
            if (c >= 0) out->count[c]++;
        }
        MPI_Allreduce(MPI_IN_PLACE, out->count, out->n, MPI_INT64_T, MPI_SUM, comm);
    } else {
        data_classes_free(out);
    }
    return rc;
}

void data_classes_free(struct data_classes *c)
{
    free(c->label), free(c->count);
    *c = (struct data_classes){0};
}

int data_class_of(const struct data_classes *c, const struct data_labels *l, double label)
{
    if (l->zero_is_none && !(label < 0 || label > 0)) return -1;
    return place_of(c->label, c->n, label);
}
