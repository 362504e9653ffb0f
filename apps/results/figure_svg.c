#include <math.h>
#include <string.h>
#include "apps/results/figure_pen.h"

/* Bytes of the character of UTF-8 that begins here; 0 if none does. */
static int utf8(const char *text)
{
    const unsigned char first = (unsigned char)*text;
    const int n = first < 0x80   ? 1
                  : first < 0xc2 ? 0
                  : first < 0xe0 ? 2
                  : first < 0xf0 ? 3
                  : first < 0xf5 ? 4
                                 : 0;
    for (int i = 1; i < n; i++)
        if (((unsigned char)text[i] & 0xc0) != 0x80) return 0;
    return n;
}

void figure_escape(FILE *to, const char *text)
{
    for (const char *c = text; *c; c++) {
        const int n = utf8(c);
        if (*c == '&')
            fputs("&amp;", to);
        else if (*c == '<')
            fputs("&lt;", to);
        else if (*c == '>')
            fputs("&gt;", to);
        else if (*c == '"')
            fputs("&quot;", to);
        else if (*c == '\'')
            fputs("&#39;", to);
        else if ((unsigned char)*c < ' ' || *c == 127)
            fputc(' ', to);
        else if (n == 0)
            fputc('?', to);
        else {
            fwrite(c, 1, (size_t)n, to);
            c += n - 1;
        }
    }
}

static const char *const ink_name[FIGURE_INKS] = {"c0", "c1",  "c2",   "c3",   "c4",   "c5",
                                                  "c6", "ink", "soft", "grid", "paper"};

static void box(const struct figure_pen *p, double x, double y, double wide, double high, enum figure_ink ink,
                double share, const char *tip)
{
    fprintf(p->to, "<rect class=\"f-%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"", ink_name[ink],
            x, y, fmax(wide, 0), fmax(high, 0));
    if (share < 1) fprintf(p->to, " fill-opacity=\"%.3f\"", share);
    if (!tip) {
        fputs("/>\n", p->to);
        return;
    }
    fputs("><title>", p->to);
    figure_escape(p->to, tip);
    fputs("</title></rect>\n", p->to);
}

static void path(const struct figure_pen *p, const double *x, const double *y, int64_t n, enum figure_ink ink,
                 double width, bool dashed)
{
    fprintf(p->to, "<path class=\"s-%s\" stroke-width=\"%g\"%s d=\"", ink_name[ink], width,
            dashed ? " stroke-dasharray=\"5 4\"" : "");
    for (int64_t i = 0; i < n; i++) fprintf(p->to, "%c%.1f %.1f", i ? 'L' : 'M', x[i], y[i]);
    fputs("\"/>\n", p->to);
}

static void mark(const struct figure_pen *p, double x, double y, int shape, enum figure_ink ink)
{
    const char *name = ink_name[ink];
    if (shape == 0)
        fprintf(p->to, "<circle class=\"f-%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"3.6\"/>\n", name, x, y);
    else if (shape == 1)
        fprintf(p->to, "<rect class=\"f-%s\" x=\"%.1f\" y=\"%.1f\" width=\"6.6\" height=\"6.6\"/>\n", name,
                x - 3.3, y - 3.3);
    else if (shape == 2)
        fprintf(p->to, "<path class=\"f-%s\" d=\"M%.1f %.1fl4.6 4.6l-4.6 4.6l-4.6 -4.6z\"/>\n", name, x,
                y - 4.6);
    else
        fprintf(p->to, "<path class=\"f-%s\" d=\"M%.1f %.1fl4.4 7.8h-8.8z\"/>\n", name, x, y - 4.8);
}

static void text(const struct figure_pen *p, double x, double y, enum figure_anchor anchor,
                 enum figure_ink ink, const char *words)
{
    static const char *const anchors[] = {"start", "middle", "end"};
    if (!words[0]) return;
    fprintf(p->to, "<text class=\"f-%s\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", ink_name[ink], x,
            y + 0.35 * FIGURE_FONT, anchors[anchor]);
    figure_escape(p->to, words);
    fputs("</text>\n", p->to);
}

static void text_up(const struct figure_pen *p, double x, double y, enum figure_ink ink, const char *words)
{
    if (!words[0]) return;
    fprintf(p->to,
            "<text class=\"f-%s\" transform=\"translate(%.1f %.1f) rotate(-90)\" text-anchor=\"middle\">",
            ink_name[ink], x + 0.35 * FIGURE_FONT, y);
    figure_escape(p->to, words);
    fputs("</text>\n", p->to);
}

static void style(FILE *to)
{
    fputs("<style>text{font:14px sans-serif}", to);
    for (int i = 0; i < FIGURE_INKS; i++)
        fprintf(to, ".f-%s{fill:#%06x}.s-%s{stroke:#%06x;fill:none}", ink_name[i], (unsigned)figure_light[i],
                ink_name[i], (unsigned)figure_light[i]);
    fputs("</style>\n", to);
}

void figure_svg(const struct figure *f, int wide, int high, bool inside, FILE *to)
{
    const struct figure_pen pen = {.to = to,
                                   .wide = wide,
                                   .high = high,
                                   .letter = figure_letter,
                                   .line = figure_line,
                                   .box = box,
                                   .path = path,
                                   .mark = mark,
                                   .text = text,
                                   .text_up = text_up};
    fprintf(to, "<svg%s viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"",
            inside ? "" : " xmlns=\"http://www.w3.org/2000/svg\"", wide, high);
    figure_escape(to, f->title);
    if (inside)
        fputs("\" class=\"figure\">\n", to);
    else
        fprintf(to, "\" width=\"%d\" height=\"%d\">\n", wide, high);
    if (!inside) {
        style(to);
        fputs("<rect class=\"f-paper\" width=\"100%\" height=\"100%\"/>\n", to);
    }
    figure_draw(f, &pen);
    fputs("</svg>\n", to);
}

const char *figure_style(void)
{
    return ":root{--c0:#0072b2;--c1:#d55e00;--c2:#009e73;--c3:#a8508a;--c4:#8a6d00;--c5:#3a8fc4;--c6:#6b6b6b;"
           "--ink:#1c1c1c;--soft:#6b6b6b;--grid:#e2e2e2;--paper:#ffffff}\n"
           "@media screen and "
           "(prefers-color-scheme:dark){:root{--c0:#56b4e9;--c1:#f28e3c;--c2:#35c99a;--c3:#dc9cc4;"
           "--c4:#e0c341;--c5:#8fb8ff;--c6:#a8a8a8;--ink:#ececec;--soft:#a8a8a8;--grid:#3a3d42;--paper:#"
           "16181b}}\n"
           "svg.figure{display:block;width:100%;height:auto}svg.figure text{font:14px sans-serif}"
           "[class^=s-]{fill:none}\n"
           ".f-c0{fill:var(--c0)}.f-c1{fill:var(--c1)}.f-c2{fill:var(--c2)}.f-c3{fill:var(--c3)}"
           ".f-c4{fill:var(--c4)}.f-c5{fill:var(--c5)}.f-c6{fill:var(--c6)}"
           ".f-ink{fill:var(--ink)}.f-soft{fill:var(--soft)}.f-grid{fill:var(--grid)}.f-paper{fill:var(--"
           "paper)}\n"
           ".s-c0{stroke:var(--c0)}.s-c1{stroke:var(--c1)}.s-c2{stroke:var(--c2)}.s-c3{stroke:var(--c3)}"
           ".s-c4{stroke:var(--c4)}.s-c5{stroke:var(--c5)}.s-c6{stroke:var(--c6)}"
           ".s-ink{stroke:var(--ink)}.s-soft{stroke:var(--soft)}.s-grid{stroke:var(--grid)}\n";
}
