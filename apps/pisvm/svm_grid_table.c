#include "apps/pisvm/svm_grid_table.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/io/number.h"
#include "common/io/outfile.h"
#include "common/run/log.h"

enum { CELL = 48 };

static const struct svm_worth *point(const struct svm_grid_table *t, int gamma, int c)
{
    return &t->worth[(int64_t)gamma * t->grid->nc + c];
}

/* NaN and infinity, what an overflow leaves of an error, are worse than any number. */
static bool better(const struct svm_grid_table *t, const struct svm_worth *a, const struct svm_worth *b)
{
    if (!t->regression) return a->accuracy > b->accuracy;
    return isfinite(a->mse) && (!isfinite(b->mse) || a->mse < b->mse);
}

void svm_grid_best(const struct svm_grid_table *t, int best[2])
{
    best[0] = best[1] = 0;
    for (int c = 0; c < t->grid->nc; c++)
        for (int g = 0; g < t->grid->ngamma; g++)
            if (better(t, point(t, g, c), point(t, best[1], best[0]))) {
                best[0] = c;
                best[1] = g;
            }
}

static void show(const struct svm_grid_table *t, const struct svm_worth *w, char *text, size_t len)
{
    if (t->regression)
        snprintf(text, len, "%.6g (%.2f)", w->mse, w->seconds / 60);
    else
        snprintf(text, len, "%.2f (%.2f)", w->accuracy, w->seconds / 60);
}

void svm_grid_tell(const struct ps_run *run, const struct svm_grid_table *t, int gamma)
{
    int best = 0;
    double seconds = 0;
    char text[CELL];
    for (int c = 0; c < t->grid->nc; c++) {
        if (better(t, point(t, gamma, c), point(t, gamma, best))) best = c;
        seconds += point(t, gamma, c)->seconds;
    }
    const struct svm_worth *w = point(t, gamma, best);
    snprintf(text, sizeof text, t->regression ? "%.6g" : "%.2f %%", t->regression ? w->mse : w->accuracy);
    ps_info(run, "gamma = %g (%d of %d): at best %s, with C = %g; %.2f s\n", t->grid->gamma[gamma], gamma + 1,
            t->grid->ngamma, text, t->grid->c[best], seconds);
}

enum ps_status svm_grid_print(const struct ps_run *run, const struct svm_grid_table *t, const int best[2])
{
    static const char head[] = "gamma \\ C";
    const struct svm_grid *grid = t->grid;
    char cell[CELL];
    size_t *width = NULL;
    PS_TRY(ps_alloc(&width, grid->nc, sizeof *width, "the table of the grid"));
    for (int c = 0; c < grid->nc; c++) {
        width[c] = (size_t)snprintf(cell, sizeof cell, "%g", grid->c[c]);
        for (int g = 0; g < grid->ngamma; g++) {
            show(t, point(t, g, c), cell, sizeof cell);
            if (strlen(cell) > width[c]) width[c] = strlen(cell);
        }
    }
    ps_print(run, "%s (minutes), %d folds:\n%s", t->regression ? "mean squared error" : "accuracy in percent",
             grid->folds, head);
    for (int c = 0; c < grid->nc; c++) ps_print(run, " | %*g", (int)width[c], grid->c[c]);
    for (int g = 0; g < grid->ngamma; g++) {
        ps_print(run, "\n%*g", (int)sizeof head - 1, grid->gamma[g]);
        for (int c = 0; c < grid->nc; c++) {
            show(t, point(t, g, c), cell, sizeof cell);
            ps_print(run, " | %*s", (int)width[c], cell);
        }
    }
    const struct svm_worth *w = point(t, best[1], best[0]);
    ps_print(run, "\nbest: C = %g, gamma = %g, ", grid->c[best[0]], grid->gamma[best[1]]);
    if (t->regression)
        ps_print(run, "mean squared error = %g\n", w->mse);
    else
        ps_print(run, "accuracy = %.2f%%\n", w->accuracy);
    free(width);
    return PS_OK;
}

static void print_lines(FILE *f, const struct svm_grid_table *t)
{
    char gamma[PS_NUMBER_TEXT], c[PS_NUMBER_TEXT];
    fprintf(f, "gamma,c,%s,minutes\n", t->regression ? "mse,correlation2" : "accuracy");
    for (int i = 0; i < t->grid->ngamma; i++)
        for (int k = 0; k < t->grid->nc; k++) {
            const struct svm_worth *w = point(t, i, k);
            ps_number_format(t->grid->gamma[i], gamma);
            ps_number_format(t->grid->c[k], c);
            fprintf(f, "%s,%s,", gamma, c);
            if (t->regression)
                fprintf(f, "%.9g,%.9g", w->mse, w->correlation2);
            else
                fprintf(f, "%.6f", w->accuracy);
            fprintf(f, ",%.4f\n", w->seconds / 60);
        }
}

enum ps_status svm_grid_write(MPI_Comm comm, const struct svm_grid_table *t)
{
    struct ps_outfile file;
    char *text = NULL;
    size_t bytes = 0;
    int rank;
    MPI_Comm_rank(comm, &rank);
    FILE *f = open_memstream(&text, &bytes);
    bool failed = !f;
    if (f) {
        if (rank == 0) print_lines(f, t);
        failed = ferror(f);
        failed = fclose(f) != 0 || failed;
    }
    enum ps_status rc = failed ? ps_fail(PS_ENOMEM, "no memory for the lines of %s", t->grid->csv) : PS_OK;
    rc = ps_agree(comm, rc);
    if (rc == PS_OK) rc = ps_outfile_open(comm, t->grid->csv, false, &file);
    if (rc == PS_OK) rc = ps_outfile_close(&file, ps_outfile_write(&file, text, (int64_t)bytes, 0));
    free(text);
    return rc;
}
