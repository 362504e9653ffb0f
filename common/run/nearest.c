#include "common/run/nearest.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

static char plain(char c)
{
    return c == '-' ? '_' : (char)tolower((unsigned char)c);
}

int ps_name_distance(const char *a, const char *b)
{
    enum { MAX = 64 };
    int d[3][MAX + 1];
    int n = (int)strnlen(a, MAX - 1), m = (int)strnlen(b, MAX - 1);
    int *before = d[0], *above = d[1], *line = d[2];
    for (int j = 0; j <= m; j++) before[j] = above[j] = j;
    char last = 0;
    for (int i = 1; i <= n; i++) {
        char x = plain(a[i - 1]), left = 0;
        line[0] = i;
        for (int j = 1; j <= m; j++) {
            char y = plain(b[j - 1]);
            int best = above[j - 1] + (x != y);
            if (above[j] + 1 < best) best = above[j] + 1;
            if (line[j - 1] + 1 < best) best = line[j - 1] + 1;
            if (i > 1 && j > 1 && x == left && y == last && before[j - 2] + 1 < best)
                best = before[j - 2] + 1;
            line[j] = best;
            left = y;
        }
        last = x;
        int *free_line = before;
        before = above;
        above = line;
        line = free_line;
    }
    return above[m];
}

int ps_name_too_far(const char *name)
{
    int n = (int)strlen(name), least = 2 + n / 4;
    return least < n ? least : n;
}

const char *ps_name_nearest(const char *name, const char *const *known, int n)
{
    const char *best = NULL;
    int least = ps_name_too_far(name);
    for (int i = 0; i < n; i++) {
        int d = ps_name_distance(name, known[i]);
        if (d < least) best = known[i], least = d;
    }
    return best;
}
