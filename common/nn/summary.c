#include "common/nn/summary.h"
#include <stdio.h>
#include <string.h>
#include "common/nn/op.h"
#include "common/run/log.h"

enum { NUMBER_MAX = 32, TEXT_MAX = 96 };

static const char line[] = "_________________________________________________________________";
static const char double_line[] = "=================================================================";

/* 1,256,080 */
static const char *thousands(int64_t n, char text[NUMBER_MAX])
{
    char digits[NUMBER_MAX];
    const int len = snprintf(digits, sizeof digits, "%lld", (long long)n);
    int at = 0;
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0) text[at++] = ',';
        text[at++] = digits[i];
    }
    text[at] = '\0';
    return text;
}

/* (None, height, width, channels), (None, steps, features) or (None, features): None stands for the batch. */
static const char *shape_text(struct ps_shape s, char text[TEXT_MAX])
{
    const long long h = (long long)s.height, w = (long long)s.width, c = (long long)s.channels;
    if (s.series)
        snprintf(text, TEXT_MAX, "(None, %lld, %lld)", h, c);
    else if (h * w > 1)
        snprintf(text, TEXT_MAX, "(None, %lld, %lld, %lld)", h, w, c);
    else
        snprintf(text, TEXT_MAX, "(None, %lld)", c);
    return text;
}

void ps_net_summary(const struct ps_run *run, const struct ps_net *net, const char *title)
{
    char name[TEXT_MAX], shape[TEXT_MAX], number[NUMBER_MAX];
    ps_print(run, "Model: \"%s\"\n%s\n %-28s%-26s%s\n%s\n", title, line, "Layer (type)", "Output Shape",
             "Param #", double_line);
    int64_t fixed = net->buffers;
    for (int i = 1; i < net->nodes; i++) {
        const struct ps_node *node = &net->node[i];
        if (node->op->fixed) fixed += node->weights;
        if (node->name[0])
            snprintf(name, sizeof name, "%s (%s)", node->name, node->op->kind);
        else
            snprintf(name, sizeof name, "(%s)", node->op->kind);
        ps_print(run, " %-28s%-26s%s\n", name, shape_text(node->out, shape),
                 thousands(node->weights + node->buffers, number));
    }
    ps_print(run, "%s\n", double_line);
    ps_print(run, "Total params: %s\n", thousands(net->weights + net->buffers, number));
    ps_print(run, "Trainable params: %s\n", thousands(net->weights + net->buffers - fixed, number));
    ps_print(run, "Non-trainable params: %s\n%s\n", thousands(fixed, number), line);
}
