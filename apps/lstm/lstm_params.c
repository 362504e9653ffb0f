#include "apps/lstm/lstm_params.h"

#include <stdio.h>
#include <string.h>
#include "apps/lstm/series_columns.h"
#include "common/run/err.h"

#define ROW(member, ...) PS_PARAM(struct lstm_params, member, __VA_ARGS__)

const struct ps_param lstm_rows[] = {
    ROW(input, .letter = 'i', .positional = 1,
        .help = "series: text with columns (.csv, .txt, packed by gzip or not), netCDF, HDF5, .npy"),
    ROW(dataset, .def = "",
        .help = "matrix inside an HDF5 or netCDF file; empty: the only one, or one data set for each column"),
    ROW(time, .def = "auto",
        .help = "column of times, name or number from 0; auto: a column of dates, or year, month, day, hour, "
                "or one called time; none: rows are steps"),
    ROW(columns, .def = "", .help = "inputs: names or numbers, with commas between; empty: all of numbers"),
    ROW(target, .def = "", .help = "columns to be forecast; empty: the only one; they are inputs too"),
    ROW(missing, .def = "refuse", .choices = "refuse|previous|linear",
        .help =
            "values that are not there (empty, NA, NaN): an error, the one before, or between neighbours"),
    ROW(gaps, .def = "split", .choices = "split|fill",
        .help = "steps that are not there: no window crosses them, or they are filled like missing values"),
    ROW(split, .def = "0.7,0.1,0.2", .values = 3, .range = "[0,1]",
        .help = "shares of training, validation and test, in order of time"),
    ROW(scaling, .def = "standard", .choices = "standard|minmax|none",
        .help = "of the inputs, by the training part: mean 0 and variance 1, or 0 to 1"),
    ROW(window, .def = "48", .range = "[1,1000000]", .unit = "steps", .help = "that a forecast sees"),
    ROW(horizon, .def = "1", .range = "[1,100000]", .unit = "steps",
        .help = "ahead that it tells, all at once"),
    ROW(stride, .def = "1", .range = "[1,inf)", .unit = "steps",
        .help = "from training window to the next; where state is carried, that is a window"),
    ROW(test_stride, .def = "1", .range = "[1,inf)", .unit = "steps",
        .help = "from window to window of validation and test"),
    ROW(season, .def = "0", .range = "[0,1000000]", .unit = "steps",
        .help = "of the seasonal naive forecast; 0: those of a day, or 7 where a step is a day"),
    ROW(residual, .def = "none", .choices = "none|last|season",
        .help = "what the net tells: values, or differences to the last value or to that of a season ago"),
    ROW(calendar, .def = "none",
        .help = "further inputs, sine and cosine: none, or day, week, year, with commas between"),
    ROW(state, .def = "reset", .choices = "reset|carried",
        .help = "of LSTM at the beginning of a window: zero, or what it was at the end of the window before"),
    ROW(run_up, .def = "4", .range = "[0,1000000]", .unit = "windows",
        .help = "before each one of validation and test, from which carried state comes"),
    ROW(layers, .letter = 'l', .def = "1", .range = "[1,64]", .help = "of LSTM"),
    ROW(hidden, .letter = 'n', .def = "64", .range = "[1,65536]", .unit = "units", .help = "of each layer"),
    ROW(dropout, .def = "0", .range = "[0,1)",
        .help = "share dropped between layers and before the last one"),
    ROW(loss, .def = "squares", .choices = "squares|absolute",
        .help = "what training makes small: mean squared or mean absolute errors of what the net tells"),
    ROW(forecast, .letter = 'f', .def = "", .help = "CSV file for all forecasts of the test part"),
    ROW(plot, .letter = 'p', .def = "", .help = "PNG file for a picture of the end of the test part"),
    ROW(plot_steps, .def = "336", .range = "[2,100000]", .unit = "steps", .help = "that the picture shows"),
    PS_TRAIN_ROWS(struct lstm_params, train, "20", "64", "adam", "0.001"),
};
const int lstm_nrows = sizeof lstm_rows / sizeof *lstm_rows;

static enum ps_status take_calendar(const char *list, struct series_plan *plan)
{
    const char *at = strcmp(list, "none") ? list : NULL, *word;
    while (at) {
        int n = series_list_next(&at, &word);
        bool *flag = n == 3 && !strncmp(word, "day", 3)    ? &plan->day
                     : n == 4 && !strncmp(word, "week", 4) ? &plan->week
                     : n == 4 && !strncmp(word, "year", 4) ? &plan->year
                                                           : NULL;
        PS_CHECK(flag, PS_EUSAGE, "calendar = %s: write none, or some of day,week,year", list);
        *flag = true;
    }
    return PS_OK;
}

enum ps_status lstm_params_plan(const struct lstm_params *p, struct series_wish *wish,
                                struct series_plan *plan)
{
    *wish = (struct series_wish){.path = p->input,
                                 .dataset = p->dataset,
                                 .time = p->time,
                                 .columns = p->columns,
                                 .target = p->target,
                                 .refuse = p->missing == SERIES_MISSING_REFUSE};
    *plan = (struct series_plan){.missing = (enum series_missing)p->missing,
                                 .fill = p->gaps == 1,
                                 .scaling = (enum series_scaling)p->scaling,
                                 .base = (enum series_base)p->residual,
                                 .window = p->window,
                                 .horizon = p->horizon,
                                 .season = p->season};
    for (int k = 0; k < SERIES_PARTS; k++) plan->share[k] = p->split.value[k];
    return take_calendar(p->calendar, plan);
}

void lstm_params_describe(const struct lstm_params *p, const struct series *s, char *text, int room)
{
    const struct series_plan *n = &s->plan;
    snprintf(text, (size_t)room,
             "lstm-train series %016llx inputs %d targets %d train %lld window %lld horizon %lld stride %lld "
             "scaling %d residual %d season %lld calendar %d%d%d layers %d hidden %lld dropout %.17g "
             "state %s",
             (unsigned long long)s->mark, s->inputs, s->targets, (long long)s->part[SERIES_TRAIN].hi,
             (long long)n->window, (long long)n->horizon, (long long)p->stride, (int)n->scaling, (int)n->base,
             (long long)n->season, n->day, n->week, n->year, p->layers, (long long)p->hidden, p->dropout,
             p->state == LSTM_STATE_CARRIED ? "carried" : "reset");
}
