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

/* Batch norm in parts, as groups have it, is the same as in one piece. */
START_TEST(norm_parts)
{
    const struct ps_nn_kernels *const tables[] = {&ps_nn_ref, &ps_nn_ref64, &ps_nn_cpu};
    const struct layer l = {.kind = BATCH, .batch = {7, 33, 1e-3, PS_NN_RELU}, .name = "batch norm"};
    enum { SAMPLES = 9, C = 33, ROWS = 7 * SAMPLES };
    for (int t = 0; t < 6; t++) {
        const struct ps_nn_kernels *k = tables[t / 2];
        struct run whole = begin(k, &l, SAMPLES), r = begin(k, &l, SAMPLES);
        void *variance = poisoned(k, C), *s = poisoned(k, C), *p = poisoned(k, C), *q = poisoned(k, C);
        double moments[2 * C], sums[2 * C];
        whole.pass.dx_add = r.pass.dx_add = t % 2;
        whole.pass.dw_add = false;
        go(&whole, &l);
        r.pass.moments = moments, r.pass.sums = sums, r.pass.dy_read = (struct ps_nn_gradient_read){s, p, q};
        k->batch_norm_moments(&l.batch, &r.pass);
        for (int c = 0; c < C; c++) {
            set(k, variance, c, moments[C + c] / ROWS);
            set(k, r.kept, c, moments[c]);
            set(k, r.kept, C + c, 1 / sqrt(moments[C + c] / ROWS + 1e-3));
        }
        compare(&whole, &r, whole.kept, r.kept, 2 * C, CLOSE, l.name, "moments");
        k->batch_norm_evaluate(&l.batch, &r.pass, r.kept, variance);
        compare(&whole, &r, whole.y, r.y, r.out, CLOSE, l.name, "output");
        memcpy(r.y, whole.y, (size_t)r.out * k->real); /* on the same side of the kink */
        k->batch_norm_sums(&l.batch, &r.pass);
        compare(&whole, &r, whole.dy, r.dy, r.out, CLOSE, l.name, "gradient of the sum");
        for (int c = 0; c < C; c++) {
            const double mean = get(k, r.kept, c), scale = get(k, r.kept, C + c);
            const double to_x = get(k, r.w, c) * scale, slope = -to_x * scale * scale * sums[C + c] / ROWS;
            set(k, r.dw, c, sums[C + c] * scale);
            set(k, r.dw, C + c, sums[c]);
            set(k, s, c, to_x);
            set(k, p, c, slope);
            set(k, q, c, -to_x * sums[c] / ROWS - slope * mean);
        }
        compare(&whole, &r, whole.dw, r.dw, 2 * C, CLOSE, l.name, "gradient of weights");
        k->batch_norm_gradient(&l.batch, &r.pass);
        compare(&whole, &r, whole.dx, r.dx, r.in, CLOSE, l.name, "gradient of x");
        free(variance), free(s), free(p), free(q);
        end(&whole), end(&r);
    }
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {dense, lstm, carried, norms, evaluation, norm_parts, NULL};
    return mck_main(argc, argv, "nn_layers", tests);
}
