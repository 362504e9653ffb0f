#include "common/run/words.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Take a word, which is the list's from now on. */
static enum ps_status take(struct ps_words *w, char *word)
{
    if (word && w->n + 1 >= w->room) {
        const int room = w->room ? 2 * w->room : 16;
        char **more = realloc(w->word, (size_t)room * sizeof *more);
        if (!more) {
            free(word);
            word = NULL;
        } else {
            w->word = more;
            w->room = room;
        }
    }
    PS_CHECK(word, PS_ENOMEM, "no memory for a list of words");
    w->word[w->n++] = word;
    w->word[w->n] = NULL;
    return PS_OK;
}

enum ps_status ps_words_add(struct ps_words *w, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    const int len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    char *word = malloc((size_t)len + 1);
    if (word) {
        va_start(args, fmt);
        vsnprintf(word, (size_t)len + 1, fmt, args);
        va_end(args);
    }
    return take(w, word);
}

enum ps_status ps_words_split(struct ps_words *w, const char *line)
{
    for (const char *at = line;;) {
        while (isspace((unsigned char)*at)) at++;
        if (!*at) return PS_OK;
        char *word = malloc(strlen(at) + 1), quote = 0;
        size_t n = 0;
        PS_CHECK(word, PS_ENOMEM, "no memory for a list of words");
        for (; *at && (quote || !isspace((unsigned char)*at)); at++) {
            if (*at == quote)
                quote = 0;
            else if (!quote && (*at == '"' || *at == '\''))
                quote = *at;
            else if (*at == '\\' && quote != '\'' && at[1])
                word[n++] = *++at;
            else
                word[n++] = *at;
        }
        word[n] = '\0';
        if (quote) {
            free(word);
            return ps_fail(PS_EINPUT, "a quote is not closed in: %.200s", line);
        }
        PS_TRY(take(w, word));
    }
}

/* One character after another, as long as there is room. */
static void put(char **to, const char *end, char c)
{
    if (*to < end) *(*to)++ = c;
}

static void join_one(const char *word, char **to, const char *end)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=.,/:@%";
    if (*word && word[strspn(word, plain)] == '\0') {
        while (*word) put(to, end, *word++);
        return;
    }
    put(to, end, '\'');
    for (; *word; word++) {
        if (*word == '\'')
            for (const char *c = "'\\'"; *c; c++) put(to, end, *c); /* ends, a plain one, begins again */
        put(to, end, *word);
    }
    put(to, end, '\'');
}

void ps_words_join(const struct ps_words *w, char *out, size_t room)
{
    const char *end = out + room - 1;
    for (int i = 0; i < w->n; i++) {
        if (i) put(&out, end, ' ');
        join_one(w->word[i], &out, end);
    }
    *out = '\0';
}

void ps_words_free(struct ps_words *w)
{
    for (int i = 0; i < w->n; i++) free(w->word[i]);
    free(w->word);
    *w = (struct ps_words){.n = 0};
}
