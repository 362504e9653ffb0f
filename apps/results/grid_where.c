/* Constraints between parameters: sums and products on both sides of one comparison. */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "apps/results/grid.h"

enum { DEPTH_MAX = 32 };

/* Where the parser stands. */
struct parser {
    const struct grid *g;
    const char *at;
    struct grid_where *out;
    int depth; /* of brackets and signs */
};

static enum ps_status sum(struct parser *p);

static void skip_blanks(struct parser *p)
{
    while (isspace((unsigned char)*p->at)) p->at++;
}

static enum ps_status emit(struct parser *p, struct grid_step step)
{
    PS_CHECK(p->out->steps < GRID_STEPS_MAX, PS_EINPUT, "%s:%d: the constraint is too long", p->g->name,
             p->out->line);
    p->out->step[p->out->steps++] = step;
    return PS_OK;
}

static enum ps_status name(struct parser *p)
{
    size_t len = 0;
    while (isalnum((unsigned char)p->at[len]) || p->at[len] == '_' || p->at[len] == '.') len++;
    const int i = grid_find(p->g, p->at, len);
    PS_CHECK(i >= 0, PS_EINPUT, "%s:%d: no parameter '%.*s' (write _ for a - in a name here)", p->g->name,
             p->out->line, (int)(len < GRID_NAME_MAX ? len : GRID_NAME_MAX), p->at);
    const struct grid_param *param = &p->g->param[i];
    for (int64_t k = 0; k < param->n; k++)
        PS_CHECK(!isnan(param->value[k].number), PS_EINPUT,
                 "%s:%d: a constraint needs numbers, but %s may be '%s'", p->g->name, p->out->line,
                 param->name, param->value[k].text);
    p->at += len;
    return emit(p, (struct grid_step){.op = 'p', .param = i});
}

/* number | name | ( sum ) | - factor */
static enum ps_status factor(struct parser *p)
{
    skip_blanks(p);
    PS_CHECK(p->depth < DEPTH_MAX, PS_EINPUT, "%s:%d: too many brackets", p->g->name, p->out->line);
    enum ps_status rc;
    const char c = *p->at;
    p->depth++;
    if (c == '(') {
        p->at++;
        PS_TRY(sum(p));
        skip_blanks(p);
        PS_CHECK(*p->at == ')', PS_EINPUT, "%s:%d: a bracket is not closed", p->g->name, p->out->line);
        p->at++;
        rc = PS_OK;
    } else if (c == '-') {
        p->at++;
        PS_TRY(factor(p));
        rc = emit(p, (struct grid_step){.op = '~'});
    } else if (isdigit((unsigned char)c) || c == '.') {
        char *end;
        const double number = strtod(p->at, &end);
        PS_CHECK(end > p->at, PS_EINPUT, "%s:%d: '%.16s' is no number", p->g->name, p->out->line, p->at);
        p->at = end;
        rc = emit(p, (struct grid_step){.op = 'n', .number = number});
    } else if (isalpha((unsigned char)c) || c == '_') {
        rc = name(p);
    } else {
        rc = ps_fail(PS_EINPUT, "%s:%d: a number or a parameter is missing before '%.16s'", p->g->name,
                     p->out->line, p->at);
    }
    p->depth--;
    return rc;
}

static enum ps_status product(struct parser *p)
{
    PS_TRY(factor(p));
    for (skip_blanks(p); *p->at == '*' || *p->at == '/'; skip_blanks(p)) {
        const char op = *p->at++;
        PS_TRY(factor(p));
        PS_TRY(emit(p, (struct grid_step){.op = op}));
    }
    return PS_OK;
}

static enum ps_status sum(struct parser *p)
{
    PS_TRY(product(p));
    for (skip_blanks(p); *p->at == '+' || *p->at == '-'; skip_blanks(p)) {
        const char op = *p->at++;
        PS_TRY(product(p));
        PS_TRY(emit(p, (struct grid_step){.op = op}));
    }
    return PS_OK;
}

/* The comparison at p->at as one letter; 0 if there is none. */
static char comparison(struct parser *p)
{
    static const struct {
        const char *text;
        char op;
    } all[] = {{"<=", 'l'}, {">=", 'g'}, {"==", '='}, {"!=", '!'}, {"<", '<'}, {">", '>'}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strncmp(p->at, all[i].text, strlen(all[i].text)) == 0) {
            p->at += strlen(all[i].text);
            return all[i].op;
        }
    return 0;
}

enum ps_status grid_where_parse(const struct grid *g, const char *text, int line, struct grid_where *out)
{
    struct parser p = {.g = g, .at = text, .out = out};
    *out = (struct grid_where){.line = line};
    PS_TRY(sum(&p));
    const char op = comparison(&p);
    PS_CHECK(op, PS_EINPUT, "%s:%d: a constraint compares by < <= > >= == or !=, but here is '%.16s'",
             g->name, line, p.at);
    PS_TRY(sum(&p));
    PS_TRY(emit(&p, (struct grid_step){.op = op}));
    PS_CHECK(!*p.at, PS_EINPUT, "%s:%d: '%.16s' is too much: write one comparison a line", g->name, line,
             p.at);
    return PS_OK;
}

static double apply(char op, double a, double b)
{
    switch (op) {
    case '+':
        return a + b;
    case '-':
        return a - b;
    case '*':
        return a * b;
    case '/':
        return a / b;
    case '<':
        return a < b;
    case '>':
        return a > b;
    case 'l':
        return a <= b;
    case 'g':
        return a >= b;
    case '=':
        return a == b;
    default:
        return a != b;
    }
}

bool grid_where_holds(const struct grid_where *w, const struct grid_value *value)
{
    double stack[GRID_STEPS_MAX];
    int n = 0;
    for (int i = 0; i < w->steps; i++) {
        const struct grid_step *s = &w->step[i];
        if (s->op == 'n' || s->op == 'p') {
            stack[n++] = s->op == 'n' ? s->number : value[s->param].number;
        } else if (s->op == '~') {
            stack[n - 1] = -stack[n - 1];
        } else {
            n--;
            stack[n - 1] = apply(s->op, stack[n - 1], stack[n]);
        }
    }
    return stack[0] != 0;
}
