/* ranks: 1 */
#include "layercheck.h"

START_TEST(dense)
{
    static const int64_t in[] = {1, 7, 64, 200}, out[] = {1, 10, 64, 129};
    for (int i = 0; i < 4; i++)
        for (int o = 0; o < 4; o++)
            check(&(struct layer){.kind = DENSE,
                                  .dense = {in[i], out[o], (enum ps_nn_act)((i + o) % 4), true},
                                  .name = "dense"});
    check(&(struct layer){.kind = DENSE, .dense = {784, 128, PS_NN_RELU, true}, .name = "dense"});
}
END_TEST

START_TEST(lstm)
{
    static const struct ps_nn_lstm lstms[] = {
        {1, 3, 4, true}, {5, 1, 16, true}, {7, 11, 33, true}, {20, 40, 24, true}, {3, 130, 140, true}};
    for (size_t i = 0; i < sizeof lstms / sizeof *lstms; i++)
        for (int state = 0; state < 2; state++)
            check(&(struct layer){.kind = LSTM,
                                  .lstm = lstms[i],
                                  .state = state,
                                  .name = state ? "LSTM with a state" : "LSTM"});
}
END_TEST

/* A window in two parts, with the state in one array, gives every bit that the whole window gives. */
START_TEST(carried)
{
    enum { N = 5, IN = 7, HIDDEN = 20, STEPS = 8 };
    static const int64_t from[] = {0, 5, STEPS};
    const struct ps_nn_kernels *const tables[] = {&ps_nn_ref, &ps_nn_ref64, &ps_nn_cpu, &ps_nn_cpu_bf16};
    for (int t = 0; t < 4; t++) {
        const struct ps_nn_kernels *k = tables[t];
        const struct layer whole = {.kind = LSTM, .lstm = {STEPS, IN, HIDDEN, true}};
        struct run all = begin(k, &whole, N);
        void *state = poisoned(k, all.states);
        prepare(k, &whole, all.w, all.prepared);
        forward(k, &whole, &all.pass);
        for (int part = 0; part < 2; part++) {
            const int64_t steps = from[part + 1] - from[part];
            const struct layer piece = {.kind = LSTM, .lstm = {steps, IN, HIDDEN, true}};
            struct run r = begin(k, &piece, N);
            for (int64_t i = 0; i < N * steps * IN; i++)
                set(k, r.x, i,
                    get(k, all.x, (i / (steps * IN) * STEPS + from[part]) * IN + i % (steps * IN)));
            r.pass.begin = part ? state : NULL;
            r.pass.end = state;
            prepare(k, &piece, r.w, r.prepared);
            forward(k, &piece, &r.pass);
            for (int64_t i = 0; i < N * steps * HIDDEN; i++) {
                const int64_t at =
                    (i / (steps * HIDDEN) * STEPS + from[part]) * HIDDEN + i % (steps * HIDDEN);
                ck_assert_msg(get(k, r.y, i) == get(k, all.y, at), "%s: part %d, element %lld", k->name, part,
                              (long long)i);
            }
            end(&r);
        }
        for (int64_t i = 0; i < all.states; i++)
            ck_assert_msg(get(k, state, i) == get(k, all.end, i), "%s: state %lld", k->name, (long long)i);
        free(state);
        end(&all);
    }
}
END_TEST

START_TEST(norms)
{
    check(&(struct layer){.kind = BATCH, .batch = {49, 20, 1e-5, PS_NN_RELU}, .name = "batch norm"});
    check(&(struct layer){.kind = BATCH, .batch = {9, 65, 1e-5, PS_NN_LINEAR}, .name = "batch norm"});
    check(&(struct layer){.kind = LAYER, .layer = {1, 70, 1e-5}, .name = "layer norm"});
    check(&(struct layer){.kind = LAYER, .layer = {6, 17, 1e-5}, .name = "layer norm"});
}
END_TEST

/* With the mean and variance of the samples, evaluation gives what training gave. */
START_TEST(evaluation)
{
    const struct ps_nn_kernels *const tables[] = {&ps_nn_ref, &ps_nn_ref64, &ps_nn_cpu};
    const struct layer l = {.kind = BATCH, .batch = {7, 33, 1e-3, PS_NN_RELU}, .name = "batch norm"};
    for (int t = 0; t < 3; t++) {
        const struct ps_nn_kernels *k = tables[t];
        struct run r = begin(k, &l, 9);
        void *mean = poisoned(k, 33), *variance = poisoned(k, 33), *y = poisoned(k, r.out);
        forward(k, &l, &r.pass);
        for (int c = 0; c < 33; c++) {
            const double scale = get(k, r.kept, 33 + c);
            set(k, mean, c, get(k, r.kept, c));
            set(k, variance, c, 1 / (scale * scale) - 1e-3);
        }
        struct ps_nn_pass p = r.pass;
        p.y = y;
        k->batch_norm_evaluate(&l.batch, &p, mean, variance);
        compare(&r, &r, r.y, y, r.out, CLOSE, l.name, "evaluation");
        free(mean), free(variance), free(y);
        end(&r);
    }
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {dense, lstm, carried, norms, evaluation, NULL};
    return mck_main(argc, argv, "nn_layers", tests);
}
