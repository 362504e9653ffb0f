/* Any bytes as a model file: taken, or refused with a sentence and a line that exists; no reading or writing
 * out of bounds; the same support vectors whether their text is parsed whole or in two pieces; and a head
 * that was taken has all that its type and kernel need. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "apps/pisvm/svm_modelparse.h"

#define REQUIRE(cond)                                                  \
    do {                                                               \
        if (!(cond)) {                                                 \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond); \
            abort();                                                   \
        }                                                              \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** Support vectors of a text, in arrays of exactly the size that was counted. */
struct parsed {
    struct svm_vector_count count;
    struct svm_vectors v;
    struct svm_parse_error error;
    bool fine;
};

/** Parse text[0, n) from a buffer of exactly that size, so that a step beyond its end is seen. */
static struct parsed parse(const char *text, int64_t n, int ncoef)
{
    struct parsed p = {0};
    char *exact = malloc((size_t)n + !n);
    memcpy(exact, text, (size_t)n);
    p.count = svm_vectors_count(exact, n);
    p.v.ncoef = ncoef;
    p.v.coef = malloc((size_t)(p.count.vectors * ncoef) * sizeof(double) + 1);
    p.v.end = malloc((size_t)p.count.vectors * sizeof(int64_t) + 1);
    p.v.index = malloc((size_t)p.count.entries * sizeof(int32_t) + 1);
    p.v.value = malloc((size_t)p.count.entries * sizeof(double) + 1);
    p.fine = svm_vectors_parse(exact, n, &p.v, &p.error);
    free(exact);
    return p;
}

static void parsed_free(struct parsed *p)
{
    free(p->v.coef), free(p->v.end), free(p->v.index), free(p->v.value);
}

static void check_vectors(const struct parsed *p)
{
    int64_t at = 0;
    for (int64_t i = 0; i < p->count.vectors * p->v.ncoef; i++) REQUIRE(isfinite(p->v.coef[i]));
    for (int64_t s = 0; s < p->count.vectors; s++) {
        int32_t last = -1;
        REQUIRE(p->v.end[s] >= at && p->v.end[s] <= p->count.entries);
        for (; at < p->v.end[s]; at++) {
            REQUIRE(p->v.index[at] > last && p->v.index[at] < p->v.cols && isfinite(p->v.value[at]));
            last = p->v.index[at];
        }
    }
    REQUIRE(at == p->count.entries);
}

static void in_two(const char *text, int64_t n, const struct parsed *all)
{
    const char *lf = memchr(text + n / 2, '\n', (size_t)(n - n / 2));
    if (!lf) return;
    int64_t cut = lf + 1 - text;
    struct parsed a = parse(text, cut, all->v.ncoef), b = parse(text + cut, n - cut, all->v.ncoef);
    REQUIRE(a.fine && b.fine);
    REQUIRE(a.count.lines + b.count.lines == all->count.lines);
    REQUIRE(a.count.vectors + b.count.vectors == all->count.vectors);
    REQUIRE(a.count.entries + b.count.entries == all->count.entries);
    REQUIRE(!memcmp(a.v.coef, all->v.coef, sizeof(double) * (size_t)(a.count.vectors * a.v.ncoef)));
    REQUIRE(!memcmp(b.v.coef, all->v.coef + a.count.vectors * a.v.ncoef,
                    sizeof(double) * (size_t)(b.count.vectors * b.v.ncoef)));
    REQUIRE(!memcmp(a.v.value, all->v.value, sizeof(double) * (size_t)a.count.entries));
    REQUIRE(!memcmp(b.v.value, all->v.value + a.count.entries, sizeof(double) * (size_t)b.count.entries));
    parsed_free(&a), parsed_free(&b);
}

static void vectors(const char *text, int64_t n, int ncoef)
{
    struct parsed p = parse(text, n, ncoef);
    REQUIRE(p.count.vectors <= p.count.lines && p.count.lines <= n);
    if (p.fine) {
        check_vectors(&p);
        in_two(text, n, &p);
    } else {
        REQUIRE(p.error.text[0] && p.error.line >= 1 && p.error.line <= p.count.lines);
    }
    parsed_free(&p);
}

static void check_head(const struct svm_model *m, const struct svm_head *h, int64_t n)
{
    int64_t sum = 0;
    REQUIRE(h->bytes > 0 && h->bytes <= n && h->lines >= 1 && m->rho && m->nclass >= 1 && m->sv >= 0);
    REQUIRE(isfinite(m->function.gamma) && isfinite(m->function.coef0) && m->function.degree >= 0);
    REQUIRE((m->type <= SVM_NU_SVC) == (m->label && m->count));
    REQUIRE(m->type > SVM_NU_SVC || !m->prob_a == !m->prob_b);
    for (int64_t p = 0; p < (int64_t)m->nclass * (m->nclass - 1) / 2; p++) REQUIRE(isfinite(m->rho[p]));
    for (int c = 0; m->count && c < m->nclass; c++) sum += m->count[c];
    REQUIRE(!m->count || sum == m->sv);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct svm_model m;
    struct svm_head head;
    struct svm_parse_error error;
    int64_t n = (int64_t)size;
    char *text = malloc(size + !size);
    memcpy(text, data, size);
    enum svm_parsed part = svm_head_parse(text, n / 2, false, &m, &head, &error);
    REQUIRE(part != SVM_PARSE_ENOMEM);
    svm_model_free(&m);
    enum svm_parsed found = svm_head_parse(text, n, true, &m, &head, &error);
    REQUIRE(found == SVM_PARSED || found == SVM_PARSE_WRONG);
    REQUIRE(part == SVM_PARSE_MORE || part == found);
    if (found == SVM_PARSED) {
        check_head(&m, &head, n);
        if (m.nclass <= 64) vectors(text + head.bytes, n - head.bytes, m.nclass - 1);
    } else {
        REQUIRE(error.text[0] && error.line >= 0 && error.line <= n + 1 && !m.rho && !m.label && !m.count);
        vectors(text, n, n % 3);
    }
    svm_model_free(&m);
    free(text);
    return 0;
}
