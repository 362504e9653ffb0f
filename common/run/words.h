/** Lists of words, as a shell cuts a line into them. Local; needs no MPI. */
#ifndef PS_WORDS_H
#define PS_WORDS_H

#include "common/run/err.h"

/** Begins zeroed. */
struct ps_words {
    int n, room;
    char **word; /**< [n], then NULL; owned, as are the words */
};

/** Add one, in printf form. @return PS_OK; PS_ENOMEM */
enum ps_status ps_words_add(struct ps_words *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** Add the words of a line: between blanks; '...' and "..." hold blanks, a backslash outside of '...' makes
 * the next character plain. @return PS_OK; PS_EINPUT (a quote is not closed); PS_ENOMEM */
enum ps_status ps_words_split(struct ps_words *w, const char *line);

/** The words in one line, which ps_words_split and a shell cut into the same words.
 * @param out [room], cut to room */
void ps_words_join(const struct ps_words *w, char *out, size_t room);

void ps_words_free(struct ps_words *w);

#endif
