/* Figures of one run. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "apps/results/report.h"
#include "common/run/err.h"

enum { NAME = 48 };

static int64_t count(const struct ps_recorded *r, const char *event)
{
    int64_t n = 0;
    for (int64_t i = 0; i < r->events; i++) n += strcmp(r->event[i].name, event) == 0;
    return n;
}

/* A field of all events of a name, in order. */
static int64_t column(const struct ps_recorded *r, const char *event, const char *field, double *out)
{
    int64_t n = 0, there = 0;
    for (int64_t i = 0; i < r->events; i++) {
        if (strcmp(r->event[i].name, event) != 0) continue;
        out[n] = ps_recorded_num(&r->event[i], field, NAN);
        there += !isnan(out[n++]);
    }
    return there;
}

/* A field of training beside the same one of validation, if there is either. */
static void epoch_figure(FILE *to, const struct ps_recorded *r, const char *field, const char *title,
                         double *x, double *y, int64_t n)
{
    char valid[NAME];
    snprintf(valid, sizeof valid, "val_%s", field);
    const int64_t mine = column(r, "epoch", field, y), theirs = column(r, "epoch", valid, y + n);
    if (mine + theirs == 0) return;
    column(r, "epoch", "epoch", x);
    struct figure f = {.kind = FIGURE_CURVES, .title = title, .x_name = "epoch", .y_name = title};
    /* lines would not be seen with a single point, or gaps between points */
    if (mine > 0)
        f.curve[f.curves++] = (struct figure_curve){
            .name = theirs > 0 ? "training" : "", .n = n, .x = x, .y = y, .marks = mine < 3};
    if (theirs > 0)
        f.curve[f.curves++] = (struct figure_curve){.name = "validation",
                                                    .n = n,
                                                    .x = x,
                                                    .y = y + n,
                                                    .marks = theirs < 30,
                                                    .bare = false,
                                                    .colour = 1};
    report_figure(to, &f);
}

enum ps_status report_epochs(FILE *to, const struct ps_recorded *r)
{
    const struct ps_recorded_event *last = ps_recorded_event(r, "epoch", -1);
    const int64_t n = count(r, "epoch");
    const char *name;
    double *x;
    if (n == 0) return PS_OK;
    PS_TRY(ps_alloc(&x, 3 * n, sizeof *x, "the epochs of a run"));
    epoch_figure(to, r, "loss", "loss", x, x + n, n);
    for (int64_t i = 0; (name = ps_recorded_field(last, i)); i++)
        if (strncmp(name, "val_", 4) == 0 && strcmp(name, "val_loss") != 0)
            epoch_figure(to, r, name + 4, name + 4, x, x + n, n);
    double *rate = x + n;
    column(r, "epoch", "epoch", x);
    bool changes = false;
    if (column(r, "epoch", "rate", rate) == n)
        for (int64_t i = 1; i < n; i++) changes = changes || rate[i] != rate[0];
    if (changes) {
        const struct figure f = {.title = "rate of learning",
                                 .x_name = "epoch",
                                 .y_name = "rate",
                                 .curves = 1,
                                 .curve = {{.name = "", .n = n, .x = x, .y = rate, .colour = 2}}};
        report_figure(to, &f);
    }
    if (column(r, "epoch", "samples_per_second", rate) > 1) {
        const struct figure f = {.title = "speed of training",
                                 .x_name = "epoch",
                                 .y_name = "samples per second",
                                 .y_zero = true,
                                 .curves = 1,
                                 .curve = {{.name = "", .n = n, .x = x, .y = rate, .colour = 3}}};
        report_figure(to, &f);
    }
    free(x);
    return PS_OK;
}

static void draw_confusion(FILE *to, int n, double *value, double *shade, const double *label,
                           char (*text)[NAME], const char **name)
{
    for (int i = 0; i < n; i++) {
        double sum = 0;
        for (int j = 0; j < n; j++) sum += value[i * n + j];
        for (int j = 0; j < n; j++) shade[i * n + j] = sum > 0 ? value[i * n + j] / sum : 0;
        snprintf(text[i], NAME, "%g", label[i]);
        name[i] = text[i];
    }
    const struct figure f = {.kind = FIGURE_CELLS,
                             .title = "confusion matrix, in samples",
                             .x_name = "predicted class",
                             .y_name = "true class",
                             .rows = n,
                             .columns = n,
                             .row_name = name,
                             .column_name = name,
                             .value = value,
                             .shade = shade,
                             .cell_format = "%.0f",
                             .most = 1};
    report_figure(to, &f);
}

enum ps_status report_confusion(FILE *to, const struct ps_recorded *r)
{
    enum { CLASSES_MOST = 60 }; /* more cells are no picture any more */
    static const char *const events[] = {"report", "result"};
    for (size_t k = 0; k < sizeof events / sizeof *events; k++) {
        const struct ps_recorded_event *e = ps_recorded_event(r, events[k], -1);
        if (!e) continue;
        const int64_t cells = ps_recorded_nums(e, "confusion", NULL, 0);
        const int n = (int)lround(sqrt((double)cells));
        if (cells == 0 || (int64_t)n * n != cells || n > CLASSES_MOST) continue;
        double *value;
        struct {
            char text[CLASSES_MOST][NAME];
            const char *name[CLASSES_MOST];
            double label[CLASSES_MOST];
        } * words;
        PS_TRY(ps_alloc(&value, 2 * cells, sizeof *value, "a confusion matrix"));
        enum ps_status rc = ps_alloc(&words, 1, sizeof *words, "the names of classes");
        if (rc == PS_OK) {
            ps_recorded_nums(e, "confusion", value, cells);
            for (int i = 0; i < n; i++) words->label[i] = i;
            if (ps_recorded_nums(e, "labels", NULL, 0) == n) ps_recorded_nums(e, "labels", words->label, n);
            draw_confusion(to, n, value, value + cells, words->label, words->text, words->name);
            free(words);
        }
        free(value);
        return rc;
    }
    return PS_OK;
}

/* The place of a value in a list that grows by it. */
static int place_of(double v, double *list, int *n)
{
    int i = 0;
    while (i < *n && list[i] != v) i++;
    if (i == *n) list[(*n)++] = v;
    return i;
}

enum ps_status report_grid(FILE *to, const struct ps_recorded *r)
{
    enum { SIDE = 40 };
    struct {
        double gamma[SIDE], c[SIDE], value[SIDE * SIDE];
        char text[2][SIDE][NAME];
        const char *name[2][SIDE];
    } * t;
    const int64_t n = count(r, "grid_point");
    int gammas = 0, cs = 0;
    double least = INFINITY, most = -INFINITY;
    if (n == 0) return PS_OK;
    PS_TRY(ps_zalloc(&t, 1, sizeof *t, "a table of a grid"));
    const char *field = "accuracy";
    for (int pass = 0; pass < 2; pass++) { /* sides first, as the table's width follows from them */
        for (int i = 0; pass == 1 && i < gammas * cs; i++) t->value[i] = NAN;
        const int columns = cs;
        for (int64_t i = 0; i < r->events; i++) {
            const struct ps_recorded_event *e = &r->event[i];
            if (strcmp(e->name, "grid_point") != 0) continue;
            if (gammas == SIDE || cs == SIDE) continue;
            const int row = place_of(ps_recorded_num(e, "gamma", 0), t->gamma, &gammas);
            const int col = place_of(ps_recorded_num(e, "c", 0), t->c, &cs);
            if (isnan(ps_recorded_num(e, "accuracy", NAN))) field = "mse";
            const double v = ps_recorded_num(e, field, NAN);
            least = fmin(least, v), most = fmax(most, v);
            if (pass == 1 && col < columns) t->value[row * columns + col] = v;
        }
    }
    for (int i = 0; i < gammas; i++) {
        snprintf(t->text[0][i], NAME, "%g", t->gamma[i]);
        t->name[0][i] = t->text[0][i];
    }
    for (int i = 0; i < cs; i++) {
        snprintf(t->text[1][i], NAME, "%g", t->c[i]);
        t->name[1][i] = t->text[1][i];
    }
    const bool accuracy = strcmp(field, "accuracy") == 0;
    const struct figure f = {.kind = FIGURE_CELLS,
                             .title = accuracy ? "accuracy in % of cross-validation" : "mean squared error",
                             .x_name = "C",
                             .y_name = "gamma",
                             .rows = gammas,
                             .columns = cs,
                             .row_name = t->name[0],
                             .column_name = t->name[1],
                             .value = t->value,
                             .cell_format = accuracy ? "%.1f" : "%.3g",
                             .least = least,
                             .most = most};
    report_figure(to, &f);
    free(t);
    return PS_OK;
}

enum ps_status report_forecast(FILE *to, const struct ps_recorded *r)
{
    enum { STEPS_MOST = 400 };
    const int64_t n = count(r, "forecast");
    if (n == 0) return PS_OK;
    double *x;
    PS_TRY(ps_alloc(&x, STEPS_MOST * (FIGURE_COLOURS + 1), sizeof *x, "the steps of a forecast"));
    for (int i = 0; i < STEPS_MOST; i++) x[i] = i + 1;
    const struct ps_recorded_event *e;
    for (int64_t first = 0; (e = ps_recorded_event(r, "forecast", first));) {
        char title[2 * NAME];
        const char *target = ps_recorded_str(e, "target", "");
        snprintf(title, sizeof title, "error of the forecast: %.40s", target);
        struct figure f = {
            .title = title, .x_name = "step ahead", .y_name = "mean absolute error", .y_zero = true};
        for (; (e = ps_recorded_event(r, "forecast", first)) &&
               strcmp(ps_recorded_str(e, "target", ""), target) == 0;
             first++) {
            double *y = x + STEPS_MOST * (f.curves + 1);
            int64_t steps = ps_recorded_nums(e, "mae_of_step", y, STEPS_MOST);
            if (steps > STEPS_MOST) steps = STEPS_MOST;
            if (steps == 0 || f.curves == FIGURE_COLOURS) continue;
            f.curve[f.curves] = (struct figure_curve){.name = ps_recorded_str(e, "method", "?"),
                                                      .n = steps,
                                                      .x = x,
                                                      .y = y,
                                                      .marks = steps < 30,
                                                      .colour = f.curves};
            f.curves++;
        }
        if (f.curves > 0) report_figure(to, &f);
    }
    free(x);
    return PS_OK;
}

enum ps_status report_phases(FILE *to, const struct ps_recorded *r)
{
    enum { PHASES = 64, PARTS = 2 };
    static const char *const split[] = {"useful", "in MPI or waiting"}, *const whole[] = {"", ""};
    struct {
        double value[PHASES * PARTS];
        const char *name[PHASES];
    } * t;
    const int64_t n = count(r, "phase");
    if (n == 0) return PS_OK;
    PS_TRY(ps_zalloc(&t, 1, sizeof *t, "the phases of a run"));
    int rows = 0;
    bool useful = true;
    const struct ps_recorded_event *e;
    for (int64_t i = 0; rows < PHASES && (e = ps_recorded_event(r, "phase", i)); i++) {
        const double mean = ps_recorded_num(e, "mean", 0), u = ps_recorded_num(e, "useful", NAN);
        useful = useful && !isnan(u);
        t->name[rows] = ps_recorded_str(e, "name", "?");
        t->value[PARTS * rows] = isnan(u) ? mean : u;
        t->value[PARTS * rows++ + 1] = isnan(u) ? 0 : fmax(0, mean - u);
    }
    const struct figure f = {.kind = FIGURE_BARS,
                             .title = "time by phase (mean over ranks)",
                             .x_name = "seconds",
                             .y_name = "",
                             .rows = rows,
                             .columns = PARTS,
                             .row_name = t->name,
                             .column_name = useful ? split : whole,
                             .value = t->value};
    report_figure(to, &f);
    free(t);
    return PS_OK;
}

void report_predicted(FILE *to, const struct ps_recorded *r)
{
    const struct ps_recorded_event *s = ps_recorded_event(r, "scaling", -1);
    double ranks[SCALING_PREDICTED_MAX], share[SCALING_PREDICTED_MAX];
    int64_t n = s ? ps_recorded_nums(s, "ranks", ranks, SCALING_PREDICTED_MAX) : 0;
    if (n == 0 || ps_recorded_nums(s, "predicted_efficiency", share, SCALING_PREDICTED_MAX) != n) return;
    if (n > SCALING_PREDICTED_MAX) n = SCALING_PREDICTED_MAX;
    const struct figure f = {
        .title = "predicted efficiency, as much work a rank",
        .x_name = "ranks",
        .y_name = "efficiency",
        .x_log = true,
        .y_zero = true,
        .curves = 1,
        .curve = {{.name = "predicted", .n = n, .x = ranks, .y = share, .marks = true, .dashed = true}}};
    report_figure(to, &f);
}
