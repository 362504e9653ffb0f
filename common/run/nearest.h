/** Which known name is meant by an unknown one. */
#ifndef PS_NEAREST_H
#define PS_NEAREST_H

/** Edit distance with swaps of neighbours; case and `-` against `_` count nothing. Names longer than 63 are
 * cut. Local. */
int ps_name_distance(const char *a, const char *b);

/** From this distance on another name is no misspelling of this one. Local. */
int ps_name_too_far(const char *name);

/** The known name that is nearest, the first of several. Local.
 * @param known [n] @return one of them, or NULL where all are too far */
const char *ps_name_nearest(const char *name, const char *const *known, int n);

#endif
