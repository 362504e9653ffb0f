/** Parameters that all programs that train have. */
#ifndef PS_TRAIN_PARAMS_H
#define PS_TRAIN_PARAMS_H

#include "common/nn/optimizer.h"
#include "common/nn/schedule.h"
#include "common/par/network.h"
#include "common/run/param.h"
#include "kernels/nn/nn_kernels.h"

struct ps_train_params {
    int64_t epochs, batch, accumulate, validate_every, patience, every, keep, warm_up, rate_every, history,
        slow_nodes, pause_epoch;
    int64_t norm_group; /**< in the tables of some programs only; 0 and 1: none */
    double rate, last_rate, rate_factor, rate_power, momentum, beta1, beta2, eps, decay, trust, clip,
        min_delta, minutes;
    bool nesterov, eval_only;
    bool spare_norms;          /**< likewise */
    struct ps_list milestones; /**< likewise; epochs */
    ps_str optimizer, schedule, init, precision, reduce, compress, network, weights, save, best, trace;
    int node_ranks;
};

/** A row of a member of a member. */
#define PS_TRAIN_ROW(type, m, x, ...)                                                                \
    {                                                                                                \
        .name = #x, .kind = PS_KIND_OF(((type *)0)->m.x), .offset = offsetof(type, m.x), __VA_ARGS__ \
    }

/** All rows for member m of struct type, with a program's own defaults of four. */
#define PS_TRAIN_ROWS(type, m, epochs_, batch_, optimizer_, rate_)                                          \
    PS_TRAIN_ROW(type, m, epochs, .letter = 'e', .def = epochs_, .range = "[1,inf)",                        \
                 .help = "times that all samples are seen; of lbfgs, steps at most"),                       \
        PS_TRAIN_ROW(type, m, batch, .letter = 'b', .def = batch_, .range = "[1,inf)", .unit = "samples",   \
                     .help = "of a step, over all ranks"),                                                  \
        PS_TRAIN_ROW(type, m, accumulate, .def = "1", .range = "[1,inf)", .unit = "batches",                \
                     .help = "whose gradients are added up for one update"),                                \
        PS_TRAIN_ROW(type, m, optimizer, .def = optimizer_,                                                 \
                     .choices = "sgd|adam|adamw|rmsprop|lars|lamb|lbfgs", .help = "rule of the updates"),   \
        PS_TRAIN_ROW(type, m, rate, .letter = 'r', .def = rate_, .range = "(0,inf)",                        \
                     .help = "of learning, after the warm-up"),                                             \
        PS_TRAIN_ROW(type, m, schedule, .def = "constant",                                                  \
                     .choices = "constant|step|cosine|polynomial|inverse", .help = "of the rate"),          \
        PS_TRAIN_ROW(type, m, warm_up, .def = "0", .range = "[0,inf)", .unit = "steps",                     \
                     .help = "in which the rate grows linearly"),                                           \
        PS_TRAIN_ROW(type, m, last_rate, .def = "0", .range = "[0,inf)",                                    \
                     .help = "at the end of a cosine or polynomial schedule"),                              \
        PS_TRAIN_ROW(type, m, rate_factor, .def = "0.1", .range = "(0,inf)",                                \
                     .help =                                                                                \
                         "of a step schedule; of an inverse one, the rate is divided by 1 + factor step"),  \
        PS_TRAIN_ROW(type, m, rate_every, .def = "1000", .range = "[1,inf)", .unit = "steps",               \
                     .help = "from step to step of a step schedule"),                                       \
        PS_TRAIN_ROW(type, m, rate_power, .def = "1", .range = "(0,inf)",                                   \
                     .help = "of a polynomial schedule"),                                                   \
        PS_TRAIN_ROW(type, m, momentum, .def = "0", .range = "[0,1)", .help = "of sgd, rmsprop and lars"),  \
        PS_TRAIN_ROW(type, m, nesterov, .flag = true, .def = "no", .help = "momentum as Nesterov's"),       \
        PS_TRAIN_ROW(type, m, beta1, .def = "0.9", .range = "[0,1)", .help = "of adam, adamw and lamb"),    \
        PS_TRAIN_ROW(type, m, beta2, .def = "0.999", .range = "[0,1)",                                      \
                     .help = "of adam, adamw, lamb; of rmsprop, where it is called alpha"),                 \
        PS_TRAIN_ROW(type, m, eps, .def = "1e-8", .range = "(0,inf)", .help = "of adam and its kin"),       \
        PS_TRAIN_ROW(type, m, decay, .def = "0", .range = "[0,inf)", .help = "of weights"),                 \
        PS_TRAIN_ROW(type, m, trust, .def = "0.001", .range = "(0,inf)", .help = "coefficient of lars"),    \
        PS_TRAIN_ROW(type, m, history, .def = "10", .range = "[1,100]", .unit = "steps",                    \
                     .help = "that lbfgs remembers"),                                                       \
        PS_TRAIN_ROW(type, m, clip, .def = "0", .range = "[0,inf)",                                         \
                     .help = "largest norm of the gradient; 0: any"),                                       \
        PS_TRAIN_ROW(type, m, init, .def = "torch", .choices = "torch|glorot", .help = "first weights"),    \
        PS_TRAIN_ROW(type, m, precision, .def = "fp32", .choices = "fp32|tf32|bf16",                        \
                     .help = "of products, tf32 on GPUs alone; weights and sums are fp32"),                 \
        PS_TRAIN_ROW(                                                                                       \
            type, m, reduce, .def = "exact", .choices = "exact|fast",                                       \
            .help =                                                                                         \
                "sum of gradients: with the same bits on any number of ranks and threads, or overlapped"),  \
        PS_TRAIN_ROW(type, m, compress, .def = "none", .choices = "none|bf16",                              \
                     .help = "gradients between nodes, with reduce = fast"),                                \
        PS_TRAIN_ROW(type, m, node_ranks, .def = "0", .range = "[0,1000000]", .unit = "ranks",              \
                     .help = "that share memory; 0: all of a node"),                                        \
        PS_TRAIN_ROW(type, m, network, .def = "",                                                           \
                     .help = "microseconds of a message and GB/s between nodes, such as 2,12.5, by which "  \
                             "more nodes are judged; empty: as measured between ranks"),                    \
        PS_TRAIN_ROW(type, m, slow_nodes, .def = "0", .range = "[0,1000000]", .unit = "nodes",              \
                     .help = "in a ring of that network: the sum of gradients takes as long as over them"), \
        PS_TRAIN_ROW(type, m, validate_every, .def = "1", .range = "[1,inf)", .unit = "epochs",             \
                     .help = "from validation to validation"),                                              \
        PS_TRAIN_ROW(type, m, patience, .def = "0", .range = "[0,inf)", .unit = "validations",              \
                     .help = "without gain, after which training ends; 0: all epochs"),                     \
        PS_TRAIN_ROW(type, m, min_delta, .def = "0", .range = "[0,inf)", .help = "what counts as a gain"),  \
        PS_TRAIN_ROW(type, m, weights, .letter = 'w', .def = "",                                            \
                     .help = "safetensors file to begin with instead of random weights"),                   \
        PS_TRAIN_ROW(type, m, save, .letter = 'o', .def = "",                                               \
                     .help = "safetensors file for the last weights"),                                      \
        PS_TRAIN_ROW(type, m, best, .def = "", .help = "safetensors file for the best weights"),            \
        PS_TRAIN_ROW(type, m, eval_only, .flag = true, .def = "no",                                         \
                     .help = "no training: figures of --weights"),                                          \
        PS_TRAIN_ROW(type, m, pause_epoch, .def = "0", .range = "[0,inf)", .unit = "epochs",                \
                     .help = "after which training pauses with a checkpoint, from which --resume goes on "  \
                             "as if there had been no pause; 0: none"),                                     \
        PS_TRAIN_ROW(type, m, every, .def = "0", .range = "[0,inf)", .unit = "steps",                       \
                     .help = "from checkpoint to checkpoint; 0: none by steps"),                            \
        PS_TRAIN_ROW(type, m, minutes, .def = "10", .range = "[0,inf)", .unit = "min",                      \
                     .help = "from checkpoint to checkpoint; 0: none by time"),                             \
        PS_TRAIN_ROW(type, m, keep, .def = "2", .range = "[1,100]", .unit = "checkpoints",                  \
                     .help = "that stay"),                                                                  \
        PS_TRAIN_ROW(type, m, trace, .def = "",                                                             \
                     .help = "JSON file for a timeline (chrome://tracing, Perfetto)")

/** More, where nets have batch norms. */
#define PS_TRAIN_NORM_ROWS(type, m)                                                                  \
    PS_TRAIN_ROW(type, m, norm_group, .def = "1", .range = "[1,inf)", .unit = "grains",              \
                 .help = "whose batch norms have statistics in common, those of all their samples"), \
        PS_TRAIN_ROW(type, m, spare_norms, .flag = true, .def = "no",                                \
                     .help = "biases and weights of norms are not decayed")

/** Another one, for runs that are planned in epochs. */
#define PS_TRAIN_MILESTONES_ROW(type, m)                                                                  \
    PS_TRAIN_ROW(type, m, milestones, .def = "", .range = "(0,inf)", .unit = "epochs",                    \
                 .help =                                                                                  \
                     "after which a step schedule multiplies the rate by rate_factor, from the start of " \
                     "the run, such as 30,60,80; none: rate_every")

/** How the first weights are drawn. Local. */
enum ps_init ps_train_init(const struct ps_train_params *p);

/** Rule and numbers of the updates. Local. */
struct ps_optimizer_plan ps_train_optimizer(const struct ps_train_params *p);

/** The rate over the `steps` updates of all epochs. Local. */
struct ps_schedule ps_train_schedule(const struct ps_train_params *p, int64_t steps);

/** The network that parameters name. Local. @return PS_OK; PS_EUSAGE (not two positive numbers) */
enum ps_status ps_train_network(const struct ps_train_params *p, struct ps_network *out);

/** Do parameters fit each other? Local. @return PS_OK; PS_EUSAGE, with a message */
enum ps_status ps_train_params_check(const struct ps_train_params *p);

#endif
