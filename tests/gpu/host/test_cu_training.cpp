/* Losses and optimizers. */
#include "cucheck.h"

static const char *const losses[] = {"softmax", "shares", "squares", "absolute", "sigmoid"};

/** The loss and its gradient by a table of the host. */
static double loss_of(const struct ps_nn_kernels *k, const struct ps_nn_loss *l, int64_t n, const void *x,
                      const void *target, double scale, void *dx)
{
    const struct ps_nn_softmax s = {l->out, l->smoothing};
    switch (l->kind) {
    case PS_NN_LOSS_SOFTMAX:
        return k->softmax_loss(&s, n, x, (const int32_t *)target, scale, dx);
    case PS_NN_LOSS_SHARES:
        return k->shares_loss(&s, n, x, target, scale, dx);
    case PS_NN_LOSS_SQUARES:
        return k->square_loss(n * l->out, x, target, scale, dx);
    case PS_NN_LOSS_ABSOLUTE:
        return k->absolute_loss(n * l->out, x, target, scale, dx);
    default:
        return k->sigmoid_loss(n * l->out, x, target, scale, dx);
    }
}

/* Each term of a loss errs by some roundings of up to 8, gradients by some of at most `scale` times 4. */
static void one_loss(const struct ps_nn_loss *l, int64_t n, bool add, bool gradient)
{
    const int64_t all = n * l->out;
    char what[100];
    snprintf(what, sizeof what, "%s of %lld x %lld", losses[l->kind], (long long)n, (long long)l->out);
    agree(what, [&](run &r) {
        const double before = 3.5, scale = 0.125;
        std::vector<int32_t> label((size_t)n);
        for (int64_t i = 0; i < n; i++) label[(size_t)i] = (int32_t)(i * 7 % l->out);
        const void *const x = r.give(random_numbers(all, 1, -4, 4));
        const void *const target = l->kind == PS_NN_LOSS_SOFTMAX
                                       ? r.bytes((size_t)n, sizeof(int32_t), label.data())
                                       : r.give(random_numbers(all, 2, 0, 1));
        void *const dx = gradient ? r.poisoned(all) : NULL;
        double *const sum = (double *)r.bytes(1, sizeof(double), add ? &before : NULL);
        if (r.k->device)
            r.k->device->loss(l, n, x, target, scale, dx, sum, add);
        else
            *sum = (add ? before : 0) + loss_of(r.k, l, n, x, target, scale, dx);
        std::vector<output> out = {{"loss", r.take_doubles(sum, 1), 64 * SINGLE}};
        if (gradient) out.push_back({"dx", r.take(dx), 32 * SINGLE});
        return out;
    });
}

static void all_losses()
{
    static const int64_t shapes[][2] = {{1, 1}, {3, 10}, {300, 7}, {70, 1000}, {5, 2100}};
    for (int kind = 0; kind < 5; kind++)
        for (const int64_t *s : shapes)
            for (const double smoothing : {0.0, 0.1}) {
                const struct ps_nn_loss l = {(enum ps_nn_loss_kind)kind, s[1], kind < 2 ? smoothing : 0};
                one_loss(&l, s[0], smoothing > 0, true);
                one_loss(&l, s[0], smoothing == 0, false);
            }
}

static void checks()
{
    static const double sums[] = {1, INFINITY, -INFINITY, NAN};
    for (const double sum : sums)
        for (const double was : {0.0, 1.0}) {
            run r(cuda);
            float *const bad = (float *)r.give({was});
            r.k->device->check((const double *)r.bytes(1, sizeof sum, &sum), bad);
            expect(r.take(bad)[0] == (isfinite(sum) ? was : 1), "a loss of %g beside a mark of %g", sum, was);
        }
}

/** Tensors of a net: of several dimensions, of one, longer than a piece, shorter than a vector. */
static const struct ps_nn_tensor tensors[] = {{0, 700, true},      {700, 707, false},
                                              {707, 9000, true},   {9000, 9064, false},
                                              {9064, 13160, true}, {13160, 13161, false}};
enum { TENSORS = sizeof tensors / sizeof *tensors, WEIGHTS = 13161, STEPS = 5 };

static struct ps_nn_update update_of(enum ps_nn_rule rule, double momentum, bool nesterov, double decay)
{
    struct ps_nn_update u = {};
    u.rule = rule;
    u.decay = decay;
    u.momentum = momentum;
    u.nesterov = nesterov;
    u.beta1 = 0.9;
    u.beta2 = 0.99;
    u.eps = 1e-6;
    return u;
}

/** What the plan's rule does on the host with one table's kernels: as common/nn/optimizer. */
struct host_optimizer {
    const struct ps_nn_kernels *k;
    const struct ps_nn_optimizer_plan *plan;
    void *w, *g, *state[2];

    void *at(void *p, int64_t i) const
    {
        return (char *)p + (size_t)i * k->real;
    }

    double norm(void *p, int64_t lo, int64_t hi) const
    {
        return sqrt(k->squares(hi - lo, at(p, lo)));
    }

    void step(int64_t number, double rate) const
    {
        const bool lamb = plan->update.rule == PS_NN_LAMB, layered = lamb || plan->update.rule == PS_NN_LARS;
        struct ps_nn_update all = plan->update;
        all.rate = rate;
        all.step = number;
        all.scale = all.trust = 1;
        if (plan->clip > 0) all.scale = fmin(1, plan->clip / (norm(g, plan->first, plan->weights) + 1e-6));
        for (int i = 0; i < plan->tensors; i++) {
            const int64_t lo = plan->tensor[i].lo, hi = plan->tensor[i].hi;
            struct ps_nn_update u = all;
            if (hi <= plan->first) continue;
            if (!plan->tensor[i].several && (layered || plan->spare)) u.decay = 0;
            if (lamb) k->direction(&u, hi - lo, at(w, lo), at(g, lo), at(state[0], lo), at(state[1], lo));
            const double d = norm(g, lo, hi), weights = norm(w, lo, hi);
            if (plan->tensor[i].several && layered && d > 0 && weights > 0)
                u.trust = lamb ? weights / d : plan->trust * weights / (u.scale * d + u.decay * weights);
            k->update(&u, hi - lo, at(w, lo), at(g, lo), at(state[0], lo), at(state[1], lo));
        }
    }
};

/* Gradients of a step: small where clipping should not take place. */
static numbers gradients(int step)
{
    return random_numbers(WEIGHTS, 100 + (uint32_t)step, -1, 1);
}

static void steps_there(run &r, const struct ps_nn_optimizer_plan *plan, void *w, std::vector<output> *out)
{
    struct ps_nn_optimizer *o = NULL;
    const struct ps_nn_device *d = r.k->device;
    float *state[2];
    if (d->optimizer_open(plan, &o) != PS_OK) {
        expect(false, "an optimizer on the device: %s", d->memory->error());
        return;
    }
    for (int i = 0; i < STEPS; i++) {
        const struct ps_nn_step step = {.step = i, .rate = 0.02 / (1 + i)};
        d->set_step(&step);
        d->optimizer_step(o, (float *)r.give(gradients(i)), (float *)w);
    }
    expect(d->memory->wait() == PS_OK, "the device: %s", d->memory->error());
    const int states = d->optimizer_state(o, state);
    for (int i = 0; i < states; i++) {
        std::vector<float> here(WEIGHTS);
        r.get(here.data(), state[i], WEIGHTS * sizeof(float));
        out->push_back({i ? "second state" : "first state", {here.begin(), here.end()}, 64 * SINGLE});
    }
    d->optimizer_close(o);
}

static void steps_here(run &r, const struct ps_nn_optimizer_plan *plan, void *w, int states,
                       std::vector<output> *out)
{
    host_optimizer o = {r.k, plan, w, NULL, {r.give(numbers(WEIGHTS)), r.give(numbers(WEIGHTS))}};
    for (int i = 0; i < STEPS; i++) {
        o.g = r.give(gradients(i));
        o.step(i + 1, 0.02 / (1 + i));
    }
    for (int i = 0; i < states; i++) out->push_back({"", r.take(o.state[i]), 0});
}

/* Numbers of a step are rounded to single precision, and a weight moves by at most some 0.1 in all: errors
 * are of some roundings a step of weights up to 1. Adam's quotient of means that nearly vanish is as far off
 * as these are of their terms. */
static void one_optimizer(const char *what, const struct ps_nn_update &u, double clip, bool spare,
                          int64_t first)
{
    const struct ps_nn_optimizer_plan plan = {.update = u,
                                              .clip = clip,
                                              .trust = 0.5,
                                              .spare = spare,
                                              .first = first,
                                              .weights = WEIGHTS,
                                              .tensor = tensors,
                                              .tensors = TENSORS};
    const int states = u.rule == PS_NN_LARS ? 1
                       : u.rule == PS_NN_SGD || u.rule == PS_NN_RMSPROP
                           ? (u.momentum > 0) + (u.rule == PS_NN_RMSPROP)
                           : 2;
    agree(what, [&](run &r) {
        std::vector<output> out;
        void *const w = r.give(random_numbers(WEIGHTS, 1, -1, 1));
        if (r.k->device)
            steps_there(r, &plan, w, &out);
        else
            steps_here(r, &plan, w, states, &out);
        expect((int)out.size() == states, "%s: %zu states, not %d", what, out.size(), states);
        out.push_back({"weights", r.take(w), 64 * SINGLE});
        return out;
    });
}

static void optimizers()
{
    static const struct {
        const char *name;
        struct ps_nn_update u;
    } rules[] = {{"SGD", update_of(PS_NN_SGD, 0, false, 0.01)},
                 {"SGD with momentum", update_of(PS_NN_SGD, 0.9, false, 0)},
                 {"Nesterov", update_of(PS_NN_SGD, 0.9, true, 0.01)},
                 {"Adam", update_of(PS_NN_ADAM, 0, false, 0.01)},
                 {"AdamW", update_of(PS_NN_ADAMW, 0, false, 0.01)},
                 {"RMSprop", update_of(PS_NN_RMSPROP, 0, false, 0.01)},
                 {"RMSprop with momentum", update_of(PS_NN_RMSPROP, 0.9, false, 0)},
                 {"LARS", update_of(PS_NN_LARS, 0.9, false, 0.01)},
                 {"LAMB", update_of(PS_NN_LAMB, 0, false, 0.01)}};
    for (const auto &r : rules)
        for (const double clip : {0.0, 10.0, 1000.0})
            for (const bool spare : {false, true}) one_optimizer(r.name, r.u, clip, spare, spare ? 707 : 0);
}

int main()
{
    return cu_main("training", {all_losses, checks, optimizers});
}
