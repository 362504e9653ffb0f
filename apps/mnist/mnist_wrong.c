#include "apps/mnist/mnist_wrong.h"

#include <stdio.h>
#include <stdlib.h>
#include "common/io/canvas.h"
#include "common/io/pngfile.h"

enum { COLUMNS = 10, SIDE = 56, GAP = 6, LETTER = 6, LINE = 10, TITLE = 24 };

static const uint32_t BLACK = 0x000000, RED = 0xc00000;

static int by_certainty(const void *a, const void *b)
{
    const struct mnist_wrong *x = a, *y = b;
    if (x->answer.probability > y->answer.probability) return -1;
    if (x->answer.probability < y->answer.probability) return 1;
    return (x->sample > y->sample) - (x->sample < y->sample);
}

/* Own mistakes, sorted; the first MNIST_WRONG_MOST of them to `first`, and how many there are. Local. */
static enum ps_status list(int64_t n, const int32_t *label, const struct mnist_answer *answer,
                           struct mnist_wrong *first, int64_t *count)
{
    struct mnist_wrong *all;
    PS_TRY(ps_alloc(&all, n, sizeof *all, "the list of mistakes"));
    *count = 0;
    for (int64_t i = 0; i < n; i++)
        if (answer[i].label >= 0 && answer[i].label != label[i])
            all[(*count)++] = (struct mnist_wrong){i, answer[i]};
    qsort(all, (size_t)*count, sizeof *all, by_certainty);
    for (int64_t i = 0; i < MNIST_WRONG_MOST; i++) /* a label of -1 comes last: there is no more */
        first[i] = i < *count ? all[i] : (struct mnist_wrong){-1, {-1, -1}};
    free(all);
    return PS_OK;
}

enum ps_status mnist_wrong_find(MPI_Comm comm, int64_t n, const int32_t *label,
                                const struct mnist_answer *answer, struct mnist_wrong *wrong,
                                int64_t count[2])
{
    struct mnist_wrong mine[MNIST_WRONG_MOST], *all = NULL;
    int64_t own = 0;
    int rank, size;
    MPI_Comm_rank(comm, &rank);
    MPI_Comm_size(comm, &size);
    enum ps_status rc = list(n, label, answer, mine, &own);
    if (rc == PS_OK && rank == 0)
        rc = ps_alloc(&all, (int64_t)size * MNIST_WRONG_MOST, sizeof *all, "mistakes of all ranks");
    PS_TRY_DONE(ps_agree(comm, rc));
    MPI_Reduce(&own, &count[1], 1, MPI_INT64_T, MPI_SUM, 0, comm);
    MPI_Gather(mine, sizeof mine, MPI_BYTE, all, sizeof mine, MPI_BYTE, 0, comm);
    if (rank == 0) {
        qsort(all, (size_t)size * MNIST_WRONG_MOST, sizeof *all, by_certainty);
        count[0] = count[1] < MNIST_WRONG_MOST ? count[1] : MNIST_WRONG_MOST;
        for (int64_t i = 0; i < count[0]; i++) wrong[i] = all[i];
    }
done:
    free(all);
    return rc;
}

/* One image and what was said of it. */
static enum ps_status draw_one(struct ps_canvas *c, int x, int y, int magnify, const struct mnist_set *set,
                               const struct mnist_wrong *wrong)
{
    const int64_t size = set->height * set->width;
    const uint8_t *pixel = set->pixel + wrong->sample * size;
    char text[64];
    float *value;
    PS_TRY(ps_alloc(&value, size, sizeof *value, "an image"));
    for (int64_t k = 0; k < size; k++) value[k] = pixel[k];
    ps_canvas_grey(c, x, y, (int)set->width, (int)set->height, magnify, value, 0, UINT8_MAX);
    free(value);
    y += (int)set->height * magnify + 2;
    snprintf(text, sizeof text, "%d ", set->label[wrong->sample]);
    x += ps_canvas_text(c, x, y, 1, BLACK, text);
    snprintf(text, sizeof text, "%d %.0f%%", wrong->answer.label, 100 * (double)wrong->answer.probability);
    ps_canvas_text(c, x, y, 1, RED, text);
    return PS_OK;
}

/* Local. */
static enum ps_status draw(const char *path, const struct mnist_set *set, const struct mnist_wrong *wrong,
                           const int64_t count[2])
{
    enum { WORDS = 12 }; /* letters below an image */
    const int64_t side = set->width > set->height ? set->width : set->height;
    const int magnify = side < SIDE ? (int)(SIDE / side) : 1;
    const int wide = (int)set->width * magnify, width = (wide > WORDS * LETTER ? wide : WORDS * LETTER) + GAP,
              height = (int)set->height * magnify + LINE + GAP,
              lines = (int)(count[0] + COLUMNS - 1) / COLUMNS;
    struct ps_canvas c;
    char title[160];
    enum ps_status rc = PS_OK;
    PS_TRY(ps_canvas_make(COLUMNS * width + GAP, TITLE + lines * height + GAP, &c));
    snprintf(title, sizeof title,
             "%lld of %lld images not recognised; %lld shown: label, answer, probability",
             (long long)count[1], (long long)set->n, (long long)count[0]);
    ps_canvas_text(&c, GAP, GAP, 1, BLACK, title);
    for (int i = 0; i < count[0] && rc == PS_OK; i++)
        rc = draw_one(&c, GAP + i % COLUMNS * width, TITLE + i / COLUMNS * height, magnify, set, &wrong[i]);
    if (rc == PS_OK) rc = ps_png_write(path, c.width, c.height, c.rgb);
    ps_canvas_free(&c);
    return rc;
}

enum ps_status mnist_wrong_write(const struct ps_run *run, const char *path, const struct mnist_set *set,
                                 const struct mnist_answer *answer)
{
    struct mnist_wrong wrong[MNIST_WRONG_MOST];
    int64_t count[2];
    PS_TRY(mnist_wrong_find(run->comm, set->n, set->label, answer, wrong, count));
    return ps_agree(run->comm, run->rank == 0 ? draw(path, set, wrong, count) : PS_OK);
}
