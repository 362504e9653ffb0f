#include "apps/pisvm/svm_modelparse.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/io/number.h"

enum key {
    KEY_SVM_TYPE,
    KEY_KERNEL_TYPE,
    KEY_DEGREE,
    KEY_GAMMA,
    KEY_COEF0,
    KEY_NR_CLASS,
    KEY_TOTAL_SV,
    KEY_RHO,
    KEY_LABEL,
    KEY_PROBA,
    KEY_PROBB,
    KEY_NR_SV,
    KEY_MARKS,
    KEYS
};
static const char
    *const key_name[KEYS] = {"svm_type",          "kernel_type", "degree", "gamma", "coef0", "nr_class",
                             "total_sv",          "rho",         "label",  "probA", "probB", "nr_sv",
                             "prob_density_marks"}; /* of one-class models; not needed here */
static const char *const type_name[] = {"c_svc", "nu_svc", "one_class", "epsilon_svr", "nu_svr", NULL};
static const char *const kernel_name[] = {"linear", "polynomial", "rbf", "sigmoid", NULL};

/** A part of the text. */
struct span {
    const char *at, *end;
    int64_t line; /**< from 1; 0: none */
};

/** The head while it is read: the values of its keys. */
struct lines {
    struct span value[KEYS];
    struct svm_parse_error *error;
};

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

__attribute__((format(printf, 3, 4), cold)) static bool wrong(struct svm_parse_error *e, int64_t line,
                                                              const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    e->line = line;
    vsnprintf(e->text, sizeof e->text, fmt, args);
    va_end(args);
    return false;
}

/** Copy a word for a message, shortened and printable. */
static const char *word_text(const char *at, const char *end, char text[32])
{
    size_t n = (size_t)(end - at), max = 31;
    bool cut = n > max;
    if (cut) n = max - 3;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)at[i];
        text[i] = c < ' ' || c >= 127 ? '?' : (char)c;
    }
    strcpy(text + n, cut ? "..." : "");
    return text;
}

/** The next word of a span, and go behind it. */
static struct span next_word(struct span *s)
{
    while (s->at < s->end && blank(*s->at)) s->at++;
    struct span w = {s->at, s->at, s->line};
    while (w.end < s->end && !blank(*w.end)) w.end++;
    s->at = w.end;
    return w;
}

static int64_t count_words(struct span s)
{
    int64_t n = 0;
    for (struct span w = next_word(&s); w.at < w.end; w = next_word(&s)) n++;
    return n;
}

static bool is_word(struct span w, const char *text)
{
    size_t n = strlen(text);
    return (size_t)(w.end - w.at) == n && !memcmp(w.at, text, n);
}

/** Cut the head into keys and their values. */
static enum svm_parsed find_keys(const char *text, int64_t n, bool complete, struct lines *l,
                                 struct svm_head *head)
{
    const char *end = text + n;
    char seen[32];
    *head = (struct svm_head){0, 0};
    for (const char *at = text; at < end;) {
        const char *lf = memchr(at, '\n', (size_t)(end - at));
        if (!lf && !complete) return SVM_PARSE_MORE;
        struct span line = {at, lf ? lf : end, ++head->lines}, key = next_word(&line);
        at = lf ? lf + 1 : end;
        if (key.at == key.end) continue;
        head->bytes = at - text;
        if (is_word(key, "SV")) return SVM_PARSED;
        int k = 0;
        while (k < KEYS && !is_word(key, key_name[k])) k++;
        word_text(key.at, key.end, seen);
        if (k == KEYS)
            wrong(l->error, key.line, "'%s' is no key of a model of LIBSVM or piSVM%s", seen,
                  l->value[KEY_SVM_TYPE].line ? "" : "; is this a model file?");
        else if (l->value[k].line)
            wrong(l->error, key.line, "%s stands in line %lld already", seen, (long long)l->value[k].line);
        if (l->error->text[0]) return SVM_PARSE_WRONG;
        l->value[k] = line;
    }
    if (!complete) return SVM_PARSE_MORE;
    wrong(l->error, 0, n == 0 ? "the file is empty" : "no line 'SV' ends the head: no model, or truncated");
    return SVM_PARSE_WRONG;
}

static bool need(const struct lines *l, enum key k)
{
    return l->value[k].line ||
           wrong(l->error, 0, "%s is missing in front of the support vectors", key_name[k]);
}

/** A value that is one of some words. */
static bool get_choice(const struct lines *l, enum key k, const char *const *choices, int *out)
{
    struct span s = l->value[k];
    char seen[32];
    if (!need(l, k)) return false;
    struct span w = next_word(&s);
    for (*out = 0; choices[*out]; ++*out)
        if (is_word(w, choices[*out]) && count_words(s) == 0) return true;
    if (k == KEY_KERNEL_TYPE && is_word(w, "precomputed"))
        return wrong(l->error, s.line, "kernel_type precomputed: rows are needed, not kernel values");
    return wrong(l->error, s.line, "%s '%s' is unknown", key_name[k], word_text(w.at, w.end, seen));
}

/** One finite number. */
static bool get_number(const struct lines *l, enum key k, struct span w, double *out)
{
    char seen[32];
    const char *after = w.at < w.end ? ps_number_parse(w.at, w.end, out) : NULL;
    if (w.at == w.end) return wrong(l->error, w.line, "%s has no value", key_name[k]);
    word_text(w.at, w.end, seen);
    if (after != w.end) return wrong(l->error, w.line, "%s: '%s' is not a number", key_name[k], seen);
    return isfinite(*out) || wrong(l->error, w.line, "%s: '%s' is not a finite number", key_name[k], seen);
}

/** One whole number of [lo, hi]. */
static bool get_whole(const struct lines *l, enum key k, struct span w, int64_t lo, int64_t hi, int64_t *out)
{
    double x;
    char seen[32];
    if (!get_number(l, k, w, &x)) return false;
    if (x != floor(x) || x < (double)lo || x > (double)hi)
        return wrong(l->error, w.line, "%s: '%s' is not a whole number from %lld to %lld", key_name[k],
                     word_text(w.at, w.end, seen), (long long)lo, (long long)hi);
    *out = (int64_t)x;
    return true;
}

/** A key with exactly one word. */
static bool get_single(const struct lines *l, enum key k, struct span *w)
{
    struct span s = l->value[k];
    if (!need(l, k)) return false;
    *w = next_word(&s);
    return count_words(s) == 0 || wrong(l->error, s.line, "%s has more than one value", key_name[k]);
}

static bool get_function(const struct lines *l, struct ps_svm_function *f)
{
    int form;
    int64_t degree = 0;
    struct span w;
    if (!get_choice(l, KEY_KERNEL_TYPE, kernel_name, &form)) return false;
    *f = (struct ps_svm_function){.form = (enum ps_svm_form)form};
    if (f->form == PS_SVM_LINEAR) return true;
    if (f->form == PS_SVM_POLY) {
        if (!get_single(l, KEY_DEGREE, &w) || !get_whole(l, KEY_DEGREE, w, 0, INT32_MAX, &degree))
            return false;
        f->degree = (int)degree;
    }
    if (!get_single(l, KEY_GAMMA, &w) || !get_number(l, KEY_GAMMA, w, &f->gamma)) return false;
    if (f->form == PS_SVM_RBF) return true;
    return get_single(l, KEY_COEF0, &w) && get_number(l, KEY_COEF0, w, &f->coef0);
}

/** Type, kernel function and counts. */
static bool get_counts(const struct lines *l, struct svm_model *m)
{
    int type;
    int64_t nclass = 0;
    struct span w;
    if (!get_choice(l, KEY_SVM_TYPE, type_name, &type) || !get_function(l, &m->function)) return false;
    m->type = (enum svm_type)type;
    if (!get_single(l, KEY_NR_CLASS, &w) || !get_whole(l, KEY_NR_CLASS, w, 1, INT32_MAX, &nclass))
        return false;
    if (m->type > SVM_NU_SVC && nclass != 2)
        return wrong(l->error, w.line, "nr_class of a model of this type is 2, not %lld", (long long)nclass);
    m->nclass = (int)nclass;
    return get_single(l, KEY_TOTAL_SV, &w) && get_whole(l, KEY_TOTAL_SV, w, 0, (int64_t)1 << 52, &m->sv);
}

/** A list of n numbers: as doubles, or whole.
 * @return false with an error, or without one where memory is short */
static bool get_list(const struct lines *l, enum key k, int64_t n, double **numbers, int64_t **whole)
{
    struct span s = l->value[k];
    if (!need(l, k)) return false;
    int64_t there = count_words(s);
    if (there != n)
        return wrong(l->error, s.line, "%s has %lld values; for this nr_class it needs %lld", key_name[k],
                     (long long)there, (long long)n);
    if (numbers && !(*numbers = malloc((size_t)(n + 1) * sizeof **numbers))) return false;
    if (whole && !(*whole = malloc((size_t)(n + 1) * sizeof **whole))) return false;
    for (int64_t i = 0; i < n; i++) {
        struct span w = next_word(&s);
        bool fine = numbers ? get_number(l, k, w, *numbers + i)
                            : get_whole(l, k, w, k == KEY_LABEL ? INT32_MIN : 0,
                                        k == KEY_LABEL ? INT32_MAX : (int64_t)1 << 52, *whole + i);
        if (!fine) return false;
    }
    return true;
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/** Labels, which must differ. */
static bool get_labels(const struct lines *l, struct svm_model *m)
{
    int64_t *label = NULL, same = 0;
    bool fine = get_list(l, KEY_LABEL, m->nclass, NULL, &label);
    if (fine) fine = (m->label = malloc((size_t)(m->nclass + 1) * sizeof *m->label)) != NULL;
    if (fine) {
        for (int i = 0; i < m->nclass; i++) m->label[i] = (int32_t)label[i];
        qsort(label, (size_t)m->nclass, sizeof *label, compare);
        for (int i = 1; i < m->nclass; i++)
            if (label[i] == label[i - 1]) same = i;
        if (same)
            fine =
                wrong(l->error, l->value[KEY_LABEL].line, "label %lld stands twice", (long long)label[same]);
    }
    free(label);
    return fine;
}

/** What a model of classes has beside. */
static bool get_classes(const struct lines *l, struct svm_model *m)
{
    double sum = 0; /* exact below 2^53; larger ones are refused all the same */
    if (!get_labels(l, m) || !get_list(l, KEY_NR_SV, m->nclass, NULL, &m->count)) return false;
    for (int i = 0; i < m->nclass; i++) sum += (double)m->count[i];
    if (sum != (double)m->sv)
        return wrong(l->error, l->value[KEY_NR_SV].line,
                     "the numbers of nr_sv add up to %.0f, but total_sv is %lld", sum, (long long)m->sv);
    return true;
}

static bool get_all(const struct lines *l, struct svm_model *m)
{
    if (!get_counts(l, m)) return false;
    bool classes = m->type <= SVM_NU_SVC;
    int64_t pairs = (int64_t)m->nclass * (m->nclass - 1) / 2;
    if (!get_list(l, KEY_RHO, pairs, &m->rho, NULL) || (classes && !get_classes(l, m))) return false;
    if (l->value[KEY_PROBA].line && !get_list(l, KEY_PROBA, pairs, &m->prob_a, NULL)) return false;
    if (classes && (l->value[KEY_PROBA].line || l->value[KEY_PROBB].line))
        return (m->prob_a || need(l, KEY_PROBA)) && get_list(l, KEY_PROBB, pairs, &m->prob_b, NULL);
    return true;
}

enum svm_parsed svm_head_parse(const char *text, int64_t n, bool complete, struct svm_model *out,
                               struct svm_head *head, struct svm_parse_error *error)
{
    struct lines l = {.error = error};
    *out = (struct svm_model){0};
    *error = (struct svm_parse_error){0};
    enum svm_parsed found = find_keys(text, n, complete, &l, head);
    if (found != SVM_PARSED || get_all(&l, out)) return found;
    svm_model_free(out);
    return error->text[0] ? SVM_PARSE_WRONG : SVM_PARSE_ENOMEM;
}
