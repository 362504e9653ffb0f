/* Grid files, line by line. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "apps/results/grid.h"

enum { FILE_MAX_BYTES = 4 << 20 };

/* What is kept while a file is read: constraints may come before the parameters they name. */
struct reading {
    struct grid *g;
    int line, trials_line, seed_line;
    char *where[GRID_WHERE_MAX]; /* into the text */
    int where_line[GRID_WHERE_MAX];
};

static char *trim(char *s)
{
    while (isspace((unsigned char)*s)) s++;
    char *end = s + strlen(s);
    while (end > s && isspace((unsigned char)end[-1])) end--;
    *end = '\0';
    return s;
}

/* A comment begins at `#` at the start or after a blank, outside of quotes. */
static void cut_comment(char *s)
{
    bool quoted = false;
    for (char *c = s; *c; c++) {
        if (*c == '"') quoted = !quoted;
        if (*c == '#' && !quoted && (c == s || isspace((unsigned char)c[-1]))) {
            *c = '\0';
            return;
        }
    }
}

static bool is_name(const char *text)
{
    if (!isalpha((unsigned char)*text) && *text != '_') return false;
    for (; *text; text++)
        if (!isalnum((unsigned char)*text) && !strchr("_-.", *text)) return false;
    return true;
}

static enum ps_status take_param(struct reading *r, char *name, char *values)
{
    struct grid *g = r->g;
    PS_CHECK(is_name(name) && strlen(name) < GRID_NAME_MAX, PS_EINPUT,
             "%s:%d: '%.64s' is no name of a parameter", g->name, r->line, name);
    const int before = grid_find(g, name, strlen(name));
    PS_CHECK(before < 0, PS_EINPUT, "%s:%d: %s is there twice, first in line %d", g->name, r->line, name,
             before < 0 ? 0 : g->param[before].line);
    PS_CHECK(g->params < GRID_PARAMS_MAX, PS_EINPUT, "%s:%d: more than %d parameters", g->name, r->line,
             GRID_PARAMS_MAX);
    struct grid_param *p = &g->param[g->params++];
    *p = (struct grid_param){.line = r->line};
    snprintf(p->name, sizeof p->name, "%s", name);
    return grid_values_parse(g, values, p);
}

/* `trials N` and `seed S`. */
static enum ps_status take_number(struct reading *r, const char *word, const char *text, int64_t lo,
                                  int64_t hi, int *line, int64_t *out)
{
    char *end;
    PS_CHECK(!*line, PS_EINPUT, "%s:%d: %s is there twice, first in line %d", r->g->name, r->line, word,
             *line);
    errno = 0;
    const long long n = strtoll(text, &end, 10);
    PS_CHECK(end != text && !*end && !errno && n >= lo && n <= hi, PS_EINPUT,
             "%s:%d: %s needs a whole number from %lld to %lld (%s = ... would be a parameter)", r->g->name,
             r->line, word, (long long)lo, (long long)hi, word);
    *line = r->line;
    *out = n;
    return PS_OK;
}

/* A line `where`, `trials` or `seed`: is it one? */
static bool is_word(const char *line, const char *word)
{
    const size_t len = strlen(word);
    return strncmp(line, word, len) == 0 && (isspace((unsigned char)line[len]) || !line[len]);
}

static enum ps_status take_line(struct reading *r, char *line)
{
    struct grid *g = r->g;
    for (const char *c = line; *c; c++)
        PS_CHECK((unsigned char)*c >= 32 || isspace((unsigned char)*c), PS_EINPUT,
                 "%s:%d: this is not a text file", g->name, r->line);
    cut_comment(line);
    line = trim(line);
    if (!*line) return PS_OK;
    char *equals = strchr(line, '=');
    const char *after = line + strcspn(line, " \t=");
    while (isspace((unsigned char)*after)) after++;
    const bool is_param = equals == after && equals && after[1] != '='; /* the = follows the first word */
    if (is_param) {
        *equals = '\0';
        return take_param(r, trim(line), trim(equals + 1));
    }
    if (is_word(line, "where")) {
        PS_CHECK(g->wheres < GRID_WHERE_MAX, PS_EINPUT, "%s:%d: more than %d constraints", g->name, r->line,
                 GRID_WHERE_MAX);
        r->where_line[g->wheres] = r->line;
        r->where[g->wheres++] = trim(line + 5);
        return PS_OK;
    }
    if (is_word(line, "trials"))
        return take_number(r, "trials", trim(line + 6), 1, GRID_TRIALS_MAX, &r->trials_line, &g->trials);
    if (is_word(line, "seed"))
        return take_number(r, "seed", trim(line + 4), 0, INT64_MAX, &r->seed_line, &g->seed);
    return ps_fail(PS_EINPUT, "%s:%d: '%.64s' is neither name = values nor where, trials or seed", g->name,
                   r->line, line);
}

static enum ps_status all_combinations(struct grid *g)
{
    int64_t all = 1, n = 0;
    struct grid_trial t;
    for (int i = 0; i < g->params; i++) {
        PS_CHECK(!g->param[i].random, PS_EINPUT,
                 "%s:%d: %s is drawn at random: say how often by a line such as 'trials 60'", g->name,
                 g->param[i].line, g->param[i].name);
        PS_CHECK(all <= GRID_TRIALS_MAX / g->param[i].n, PS_EINPUT,
                 "%s: more than %d combinations: a random search ('trials 60') is the better way", g->name,
                 GRID_TRIALS_MAX);
        all *= g->param[i].n;
    }
    g->trials = all;
    if (g->wheres == 0) return PS_OK;
    int64_t *point;
    PS_TRY(ps_alloc(&point, all, sizeof *point, "the trials of a grid"));
    for (int64_t i = 0; i < all; i++) {
        bool good = true;
        PS_TRY(grid_trial(g, i, &t)); /* without g->point, trial i is combination i */
        for (int w = 0; good && w < g->wheres; w++) good = grid_where_holds(&g->where[w], t.value);
        if (good) point[n++] = i;
    }
    g->point = point;
    g->trials = n;
    PS_CHECK(n > 0, PS_EINPUT, "%s: no combination meets the constraints", g->name);
    return PS_OK;
}

/* What can only be said when all lines are known. */
static enum ps_status finish(struct reading *r)
{
    struct grid *g = r->g;
    PS_CHECK(g->params > 0, PS_EINPUT, "%s: there is no parameter: write lines such as rate = 0.1, 0.01",
             g->name);
    for (int i = 0; i < g->wheres; i++)
        PS_TRY(grid_where_parse(g, r->where[i], r->where_line[i], &g->where[i]));
    g->random = r->trials_line > 0;
    PS_CHECK(g->random || !r->seed_line, PS_EINPUT, "%s:%d: a seed is for a random search: add 'trials 60'",
             g->name, r->seed_line);
    return g->random ? PS_OK : all_combinations(g);
}

enum ps_status grid_parse(const char *text, const char *name, struct grid *out)
{
    struct reading r = {.g = out};
    enum ps_status rc = PS_OK;
    char *copy = strdup(text), *line = copy;
    PS_CHECK(copy, PS_ENOMEM, "no memory for a grid file");
    memset(out, 0, sizeof *out);
    snprintf(out->name, sizeof out->name, "%s", name);
    if (strncmp(line, "\xEF\xBB\xBF", 3) == 0) line += 3; /* byte-order mark */
    while (line && rc == PS_OK) {
        char *next = strchr(line, '\n');
        if (next) *next++ = '\0';
        r.line++;
        rc = take_line(&r, line);
        line = next;
    }
    if (rc == PS_OK) rc = finish(&r);
    if (rc != PS_OK) grid_free(out);
    free(copy);
    return rc;
}

enum ps_status grid_read(const char *path, struct grid *out)
{
    char *text = NULL;
    enum ps_status rc;
    FILE *f = fopen(path, "rb");
    PS_CHECK(f, PS_EIO, "the grid file %s cannot be opened: %s", path, strerror(errno));
    PS_TRY_DONE(ps_alloc(&text, FILE_MAX_BYTES + 1, 1, "a grid file"));
    const size_t n = fread(text, 1, FILE_MAX_BYTES + 1, f);
    PS_CHECK_DONE(!ferror(f), PS_EIO, "the grid file %s cannot be read: %s", path, strerror(errno));
    PS_CHECK_DONE(n <= FILE_MAX_BYTES, PS_EINPUT, "%s: too large for a grid file", path);
    PS_CHECK_DONE(!memchr(text, '\0', n), PS_EINPUT, "%s: this is not a text file", path);
    text[n] = '\0';
    rc = grid_parse(text, path, out);
done:
    free(text);
    fclose(f);
    return rc;
}

void grid_free(struct grid *g)
{
    for (int i = 0; i < g->params; i++) free(g->param[i].value);
    free(g->point);
    memset(g, 0, sizeof *g);
}
