/* Cut a file of LIBSVM's text form into the parts that pisvm-train's cross-validation trains on and leaves
 * out: PREFIX.0.train, PREFIX.0.test, PREFIX.1.train ... Lines are copied as they are. usage: svm-folds FILE
 * FOLDS SEED classes|values PREFIX */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "apps/pisvm/svm_fold.h"

struct line {
    char *text;
    int cls; /* in the order of first appearance; -1 with values */
    int64_t position;
};

struct classes {
    int n;
    double *label;
    int64_t *count;
};

static void fail(const char *what)
{
    fprintf(stderr, "svm-folds: %s\n", what);
    exit(1);
}

static void *more(void *p, int64_t n, size_t size)
{
    void *q = realloc(p, (size_t)n * size);
    if (!q) fail("no memory");
    return q;
}

static int class_of(struct classes *c, double label)
{
    for (int i = 0; i < c->n; i++)
        if (c->label[i] == label) return i;
    c->label = more(c->label, c->n + 1, sizeof *c->label);
    c->count = more(c->count, c->n + 1, sizeof *c->count);
    c->label[c->n] = label;
    c->count[c->n] = 0;
    return c->n++;
}

static int64_t read_lines(const char *path, int values, struct line **out, struct classes *c)
{
    struct line *lines = NULL;
    char *text = NULL;
    size_t room = 0;
    int64_t n = 0;
    FILE *f = fopen(path, "r");
    if (!f) fail("the file cannot be opened");
    while (getline(&text, &room, f) >= 0) {
        char *end;
        const double label = strtod(text, &end);
        if (end == text) continue;
        lines = more(lines, n + 1, sizeof *lines);
        const int cls = values ? -1 : class_of(c, label);
        lines[n] = (struct line){strdup(text), cls, values ? n : c->count[cls]++};
        n++;
    }
    free(text);
    fclose(f);
    *out = lines;
    return n;
}

static void write_part(const struct line *lines, int64_t n, const struct classes *c, uint64_t seed, int folds,
                       int fold, int test, const char *prefix)
{
    char path[4096];
    snprintf(path, sizeof path, "%s.%d.%s", prefix, fold, test ? "test" : "train");
    FILE *f = fopen(path, "w");
    if (!f) fail("a part cannot be written");
    for (int64_t i = 0; i < n; i++) {
        const struct line *l = &lines[i];
        const int64_t count = l->cls < 0 ? n : c->count[l->cls];
        if ((svm_fold(seed, l->cls, l->position, count, folds) == fold) == test)
            fprintf(f, "%s%s", l->text, strchr(l->text, '\n') ? "" : "\n");
    }
    if (fclose(f)) fail("a part cannot be written");
}

int main(int argc, char **argv)
{
    struct classes c = {0};
    struct line *lines;
    if (argc != 6) fail("usage: svm-folds FILE FOLDS SEED classes|values PREFIX");
    const int folds = atoi(argv[2]);
    const int64_t n = read_lines(argv[1], strcmp(argv[4], "values") == 0, &lines, &c);
    for (int f = 0; f < folds; f++)
        for (int test = 0; test < 2; test++)
            write_part(lines, n, &c, strtoull(argv[3], NULL, 10), folds, f, test, argv[5]);
    return 0;
}
