/* Records read back, line by line, into cJSON objects that the events borrow. */
#include "common/run/recordfile.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/run/err.h"

struct ps_recorded_memory {
    char **file;
    cJSON **line;
    int64_t files, lines;
    int64_t room_files, room_lines, room_runs;
};

/* Make room for one more of what `*array` holds; `*room` doubles. */
static enum ps_status grow(void *array, int64_t n, int64_t *room, size_t each)
{
    enum { FIRST = 16 };
    void *old, *more;
    if (n < *room) return PS_OK;
    const int64_t wanted = *room > 0 ? 2 * *room : FIRST;
    memcpy(&old, array, sizeof old);
    more = realloc(old, (size_t)wanted * each);
    PS_CHECK(more, PS_ENOMEM, "no memory for the lines of the records");
    memcpy(array, &more, sizeof more);
    *room = wanted;
    return PS_OK;
}

static const char *text_of(const cJSON *line, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(line, name));
    return text ? text : "";
}

/* The run of that id among those from `first` on, which are of one file. Lines of a run mostly follow each
 * other: the last run is looked at first. */
static struct ps_recorded *find(struct ps_records *r, int64_t first, const char *id)
{
    for (int64_t i = r->runs - 1; i >= first; i--)
        if (strcmp(r->run[i].id, id) == 0) return &r->run[i];
    return NULL;
}

static enum ps_status add_run(struct ps_records *r, const char *id, const char *file,
                              struct ps_recorded **out)
{
    PS_TRY(grow(&r->run, r->runs, &r->memory->room_runs, sizeof *r->run));
    *out = &r->run[r->runs++];
    **out = (struct ps_recorded){.id = id, .file = file};
    return PS_OK;
}

static enum ps_status add_event(struct ps_recorded *run, const cJSON *line)
{
    const cJSON *time = cJSON_GetObjectItemCaseSensitive(line, "time");
    /* room is a power of two from 16 on, and so follows from the number of events */
    int64_t room = 0;
    if (run->events > 0)
        for (room = 16; room < run->events; room *= 2) {
        }
    PS_TRY(grow(&run->event, run->events, &room, sizeof *run->event));
    run->event[run->events++] =
        (struct ps_recorded_event){.name = text_of(line, "event"),
                                   .time = cJSON_IsNumber(time) ? time->valuedouble : NAN,
                                   .fields = line};
    return PS_OK;
}

static enum ps_status add_line(struct ps_records *r, int64_t first, const char *file, const char *text,
                               bool *good)
{
    struct ps_recorded_memory *m = r->memory;
    PS_TRY(grow(&m->line, m->lines, &m->room_lines, sizeof *m->line));
    cJSON *line = cJSON_Parse(text);
    *good = cJSON_IsObject(line) && text_of(line, "run")[0];
    if (!*good) {
        cJSON_Delete(line);
        return PS_OK;
    }
    m->line[m->lines++] = line;
    struct ps_recorded *run = find(r, first, text_of(line, "run"));
    if (!run) PS_TRY(add_run(r, text_of(line, "run"), file, &run));
    return add_event(run, line);
}

static enum ps_status add_file(struct ps_records *r, const char *path)
{
    if (!r->memory) PS_TRY(ps_zalloc(&r->memory, 1, sizeof *r->memory, "the records"));
    struct ps_recorded_memory *m = r->memory;
    PS_TRY(grow(&m->file, m->files, &m->room_files, sizeof *m->file));
    m->file[m->files] = strdup(path);
    PS_CHECK(m->file[m->files], PS_ENOMEM, "no memory for the lines of the records");
    m->files++;
    return PS_OK;
}

enum ps_status ps_records_read(struct ps_records *r, const char *path)
{
    char *text = NULL;
    size_t room = 0;
    int64_t lines = 0, good = 0;
    const int64_t first = r->runs;
    enum ps_status rc;
    FILE *f = fopen(path, "r");
    PS_CHECK(f, PS_EIO, "%s cannot be read: %s", path, strerror(errno));
    PS_TRY_DONE(add_file(r, path));
    while (getline(&text, &room, f) >= 0) {
        bool one;
        if (text[strspn(text, " \t\r\n")] == '\0') continue;
        PS_TRY_DONE(add_line(r, first, r->memory->file[r->memory->files - 1], text, &one));
        lines++;
        good += one;
    }
    PS_CHECK_DONE(!ferror(f), PS_EIO, "%s cannot be read: %s", path, strerror(errno));
    PS_CHECK_DONE(good > 0 || lines == 0, PS_EINPUT,
                  "%s is no record of a run: give files that --record wrote", path);
    r->cut += lines - good;
    rc = PS_OK;
done:
    free(text);
    fclose(f);
    return rc;
}

void ps_records_free(struct ps_records *r)
{
    struct ps_recorded_memory *m = r->memory;
    for (int64_t i = 0; i < r->runs; i++) free(r->run[i].event);
    for (int64_t i = 0; m && i < m->lines; i++) cJSON_Delete(m->line[i]);
    for (int64_t i = 0; m && i < m->files; i++) free(m->file[i]);
    if (m) {
        free(m->line);
        free(m->file);
    }
    free(m);
    free(r->run);
    *r = (struct ps_records){.runs = 0};
}

const struct ps_recorded_event *ps_recorded_event(const struct ps_recorded *run, const char *name,
                                                  int64_t nth)
{
    const int64_t step = nth < 0 ? -1 : 1;
    int64_t left = nth < 0 ? -nth - 1 : nth;
    for (int64_t i = nth < 0 ? run->events - 1 : 0; i >= 0 && i < run->events; i += step)
        if (strcmp(run->event[i].name, name) == 0 && left-- == 0) return &run->event[i];
    return NULL;
}

static const cJSON *field_of(const struct ps_recorded_event *e, const char *field)
{
    return e ? cJSON_GetObjectItemCaseSensitive(e->fields, field) : NULL;
}

double ps_recorded_num(const struct ps_recorded_event *e, const char *field, double otherwise)
{
    const cJSON *item = field_of(e, field);
    if (cJSON_IsNumber(item)) return item->valuedouble;
    return cJSON_IsNull(item) ? NAN : otherwise;
}

const char *ps_recorded_str(const struct ps_recorded_event *e, const char *field, const char *otherwise)
{
    const char *text = cJSON_GetStringValue(field_of(e, field));
    return text ? text : otherwise;
}

int64_t ps_recorded_nums(const struct ps_recorded_event *e, const char *field, double *out, int64_t most)
{
    const cJSON *list = field_of(e, field), *item;
    int64_t n = 0;
    if (!cJSON_IsArray(list)) return 0;
    cJSON_ArrayForEach(item, list)
    {
        if (n < most) out[n] = cJSON_IsNumber(item) ? item->valuedouble : NAN;
        n++;
    }
    return n;
}

const char *ps_recorded_field(const struct ps_recorded_event *e, int64_t i)
{
    const cJSON *item = cJSON_GetArrayItem(e->fields, (int)i);
    return item ? item->string : NULL;
}

static const cJSON *params_of(const struct ps_recorded *run)
{
    return field_of(ps_recorded_event(run, "start", 0), "params");
}

enum ps_status ps_recorded_param(const struct ps_recorded *run, const char *name, char *out, int room)
{
    const cJSON *one = cJSON_GetObjectItemCaseSensitive(params_of(run), name);
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(one, "value");
    PS_CHECK(value, PS_EINPUT, "%s: its run %s has no parameter %s", run->file, run->id, name);
    if (cJSON_IsString(value)) {
        snprintf(out, (size_t)room, "%s", value->valuestring);
        return PS_OK;
    }
    char *text = cJSON_PrintUnformatted(value);
    PS_CHECK(text, PS_ENOMEM, "no memory for a parameter's value");
    snprintf(out, (size_t)room, "%s", text);
    cJSON_free(text);
    return PS_OK;
}

const char *ps_recorded_param_name(const struct ps_recorded *run, int64_t i, const char **origin)
{
    const cJSON *one = cJSON_GetArrayItem(params_of(run), (int)i);
    if (!one) return NULL;
    if (origin) *origin = text_of(one, "origin");
    return one->string;
}
