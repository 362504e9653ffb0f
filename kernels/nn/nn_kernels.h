/** Node-local kernels of nets: functions on one micro-batch, for one thread. Several threads may call them at
 * once, with arrays of their own.
 *
 * Arrays are row-major: samples first, channels last ([n][features], [n][height][width][channels],
 * [n][steps][features]), and start at multiples of 64 bytes. Elements are those of the table: `float`, or
 * `double` in ps_nn_ref64, against whose differences gradients are checked; they are passed as void *. */
#ifndef PS_NN_KERNELS_H
#define PS_NN_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** What becomes of a sum z: y = act(z). */
enum ps_nn_act { PS_NN_LINEAR, PS_NN_RELU, PS_NN_TANH, PS_NN_SIGMOID };

/** A normalisation that is never written out: whoever reads the array reads act(a[k] x + b[k]) of channel k
 * instead of x. All are [channels]; a NULL: the array is read as it is. Floats, also where images are bf16.
 */
struct ps_nn_read {
    const void *a, *b;
    const void *mean;   /**< of x, for sums in the backward pass */
    enum ps_nn_act act; /**< PS_NN_LINEAR or PS_NN_RELU */
};

/** The gradient of such an array, before it: s[k] dy + p[k] y + q[k] of channel k, y the array. s NULL: dy.
 */
struct ps_nn_gradient_read {
    const void *s, *p, *q;
};

/** One pass of a micro-batch through a layer, forward or backward. Backward sees what forward saw and wrote.
 */
struct ps_nn_pass {
    int64_t n;            /**< samples */
    const void *x;        /**< input */
    void *y;              /**< output */
    const void *w;        /**< the layer's weights, then its biases */
    const void *prepared; /**< the same, as ..._prepare wrote them */
    void *kept;           /**< what backward needs besides x and y */
    void *work;           /**< scratch */
    void *dy;             /**< backward: gradient of y; destroyed, but see conv_keeps */
    void *dx;             /**< backward: gradient of x; NULL: not wanted */
    bool dx_add;          /**< dx is added to; else what is there is lost */
    void *dw;             /**< backward: gradient of w */
    bool dw_add;          /**< dw is added to; else what is there is lost */
    const void *begin;    /**< recurrent layers: state before the first step; NULL: zero */
    void *end;            /**< forward: state after the last step; NULL: not wanted */

    /* convolutions whose neighbours are normalised; `read` and `sums` also of pools and sums */
    struct ps_nn_read read;             /**< of x */
    struct ps_nn_gradient_read dy_read; /**< backward: of dy */
    double *moments; /**< forward: out: mean of y, then sum of squared differences from it, [2][out]; NULL:
                        not wanted */
    double *sums;    /**< backward, where read.a: dx is what reaches a x + b, that is act' is in it; out: sums
                        of dx and of dx (x - read.mean), [2][channels] */
    const struct ps_nn_joined *joined; /**< the sum that x is, which is not there yet; NULL: it is */

    /* sums of two inputs */
    const void *also;            /**< the second input */
    struct ps_nn_read also_read; /**< of it */
    void *dalso;                 /**< backward: its gradient; NULL: not wanted */
    bool dalso_add;              /**< dalso is added to; else what is there is lost */
    double *also_sums;           /**< backward, where also_read.a: as sums */
};

/** Elements that a layer's arrays have for n samples. */
struct ps_nn_size {
    int64_t weights, prepared, kept, work;
};

/** y = act(x w' + b). x [n][in], w [out][in], b [out], y [n][out]. */
struct ps_nn_dense {
    int64_t in, out;
    enum ps_nn_act act;
    bool data; /**< backward wants dx */
};

/** A square window that goes over images: [n][height][width][channels] to [n][rows][cols][.], where
 * rows = (height + 2 pad - kernel) / stride + 1. */
struct ps_nn_window {
    int64_t height, width, channels, rows, cols;
    int kernel, stride, pad;
};

/** y = act(convolution of x and w + b). w [out][kernel][kernel][channels], b [out]; beyond its borders x is
 * 0, also where it is read through a normalisation. */
struct ps_nn_conv {
    struct ps_nn_window at;
    int64_t out;
    enum ps_nn_act act; /**< linear where y is normalised */
    bool data;          /**< backward wants dx */
    bool plain;         /**< without b */
    bool half_x;        /**< x and dx are bf16; only in tables that have them */
    bool half_y;        /**< y and dy are */
    bool reads;         /**< x is read through a normalisation */
};

/** Largest value or mean of a window. A mean counts places beyond the borders, as 0; of equal values the
 * first is the largest. */
struct ps_nn_pool {
    struct ps_nn_window at;
    bool mean;
    bool half_x, half_y; /**< as those of convolutions */
};

/** y = act(x + also), act linear or ReLU; inputs are read linearly. Backward: dy becomes the gradient of both
 * inputs, in place, and goes to dx and dalso where these are other arrays. */
struct ps_nn_sum {
    int64_t places, channels;
    enum ps_nn_act act;
    bool half_x, half_also, half_y; /**< as those of convolutions */
};

/** A sum that a convolution makes as it reads it, block by block, while a block is in cache; only where
 * conv_joins. Its y is the convolution's x, its dy the convolution's dx. Backward: this becomes what
 * sum_backward makes of it, when the convolution has written it or added to it. */
struct ps_nn_joined {
    const struct ps_nn_sum *sum;
    const struct ps_nn_pass *pass;
};

/** Images of rows x cols from smaller ones of height x width: each place is a copy of the one
 * that ps_nn_upsample_from finds (nn.Upsample, mode = nearest). */
struct ps_nn_upsample {
    int64_t height, width, channels, rows, cols;
};

/** Line `o` of `out` is a copy of which line of `in`? */
static inline int64_t ps_nn_upsample_from(int64_t o, int64_t in, int64_t out)
{
    return o * in / out;
}

/** Long short-term memory (Hochreiter, Schmidhuber 1997, with forget gates: Gers, Schmidhuber, Cummins 2000):
 *   i, f, o = sigmoid, g = tanh of their rows of w_ih x_t + b_ih + w_hh h_(t-1) + b_hh;
 *   c_t = f c_(t-1) + i g;  h_t = o tanh(c_t).
 * x [n][steps][in], y [n][steps][hidden] = h. Weights as in PyTorch: w_ih [4 hidden][in], w_hh
 * [4 hidden][hidden], b_ih, b_hh [4 hidden], gates in the order i f g o. States, begin and end, are [n][2
 * hidden]: h, then c; they may start anywhere, and be one array where no backward pass follows. No gradient
 * goes back through them. */
struct ps_nn_lstm {
    int64_t steps, in, hidden;
    bool data; /**< backward wants dx */
};

/** Normalisation of each channel over all samples and places (Ioffe, Szegedy 2015):
 * y = act(gamma (x - mean) / sqrt(variance + eps) + beta), the variance over rows. x, y [rows][channels],
 * rows = n places. Weights: gamma, beta [channels]. Kept: mean, 1 / sqrt(variance + eps) [channels]. In
 * evaluation mean and variance are given. */
struct ps_nn_batch_norm {
    int64_t places, channels;
    double eps;
    enum ps_nn_act act;
};

/** What a batch norm that is never written out is made of: arrays of [channels]. */
struct ps_nn_norm {
    size_t real; /**< bytes of an element */
    int64_t channels;
    double eps;
    double rows;        /**< that moments and sums are of */
    const void *w;      /**< gamma, then beta */
    void *mean, *scale; /**< scale = 1 / sqrt(variance + eps) */
    void *a, *b;        /**< act(a x + b) is what is read */
    void *s, *p, *q;    /**< s dy + p x + q is the gradient of x */
    double *sums;       /**< [2][channels]: moments, as of ps_nn_pass, then sums, as there */
};

/** The same of each row over its features (Ba, Kiros, Hinton 2016), without act. Kept: mean, 1 /
 * sqrt(variance + eps) of each row, [rows][2]. */
struct ps_nn_layer_norm {
    int64_t places, features;
    double eps;
};

/** The last step of a series: x [n][steps][features], y [n][features]. */
struct ps_nn_last_step {
    int64_t steps, features;
    size_t real; /**< bytes of an element */
};

/** y is x of those samples whose `also` [n][features] is within +-w [features] in each element, else 0. Its
 * gradient goes to x alone; that of w is 0. x, y [n][out]. */
struct ps_nn_gate {
    int64_t features, out;
    size_t real; /**< bytes of an element */
};

/** Elements are dropped with probability `rate`, others grow by 1 / (1 - rate) (Srivastava et al. 2014). What
 * is dropped is a function of seed, stream, step and the sample's number. */
struct ps_nn_dropout {
    int64_t features;
    double rate;
    uint64_t seed;
    uint32_t stream;
};

/** Cross-entropy of softmax(x) and targets: 1 - smoothing + smoothing / classes at the label, smoothing /
 * classes elsewhere (Szegedy et al. 2016). x [n][classes]. */
struct ps_nn_softmax {
    int64_t classes;
    double smoothing;
};

/** What an optimizer does to each weight. Formulas and names as in PyTorch, where it has them. */
enum ps_nn_rule {
    PS_NN_SGD,     /**< momentum (Polyak 1964), as Nesterov's where `nesterov`; state: 1 where momentum > 0 */
    PS_NN_ADAM,    /**< Kingma, Ba 2015; state: 2 */
    PS_NN_ADAMW,   /**< Loshchilov, Hutter 2019: decay apart from the gradient; state: 2 */
    PS_NN_RMSPROP, /**< Tieleman, Hinton 2012; state: 1, and 1 where momentum > 0 */
    PS_NN_LARS,    /**< You, Gitman, Ginsburg 2017: SGD with a rate for each layer; state: 1 */
    PS_NN_LAMB,    /**< You et al. 2020: Adam with a rate for each layer; state: 2 */
};

struct ps_nn_update {
    enum ps_nn_rule rule;
    double rate;  /**< of learning, in this step */
    double scale; /**< of gradients: clipping */
    double decay; /**< of weights */
    double momentum;
    bool nesterov;
    double beta1, beta2; /**< of Adam and its kin; beta2 of RMSprop */
    double eps;
    int64_t step; /**< from 1 */
    double trust; /**< of LARS and LAMB: what the layer's rate is multiplied by */
};

/** State vectors that a rule keeps, 0 to 2. */
static inline int ps_nn_update_states(const struct ps_nn_update *u)
{
    switch (u->rule) {
    case PS_NN_SGD:
        return u->momentum > 0;
    case PS_NN_LARS:
        return 1;
    case PS_NN_RMSPROP:
        return 1 + (u->momentum > 0);
    default:
        return 2;
    }
}

/** Has each layer a rate of its own? */
static inline bool ps_nn_update_is_layered(const struct ps_nn_update *u)
{
    return u->rule == PS_NN_LARS || u->rule == PS_NN_LAMB;
}

struct ps_nn_device;

struct ps_nn_kernels {
    const char *name;
    size_t real;      /**< bytes of an element */
    bool half_images; /**< convolutions, sums and pooling take half_x, half_y */
    /** Whose memory holds all arrays, and who computes, in the order of calls but later. Losses and what
     * optimizers call are its own, not the table's. NULL: the host. */
    const struct ps_nn_device *device;

    /* layers with weights: sizes for n samples; bring part `part` of `parts` of the weights into the order in
     * which products read them (all parts before the first pass); forward; backward */
    struct ps_nn_size (*dense_size)(const struct ps_nn_dense *l, int64_t n);
    void (*dense_prepare)(const struct ps_nn_dense *l, const void *w, void *prepared, int part, int parts);
    void (*dense_forward)(const struct ps_nn_dense *l, const struct ps_nn_pass *p);
    void (*dense_backward)(const struct ps_nn_dense *l, const struct ps_nn_pass *p);
    struct ps_nn_size (*conv_size)(const struct ps_nn_conv *l, int64_t n);
    void (*conv_prepare)(const struct ps_nn_conv *l, const void *w, void *prepared, int part, int parts);
    void (*conv_forward)(const struct ps_nn_conv *l, const struct ps_nn_pass *p);
    void (*conv_backward)(const struct ps_nn_conv *l, const struct ps_nn_pass *p);
    bool (*conv_keeps)(const struct ps_nn_conv *l); /**< does conv_backward leave dy as it is? */
    bool (*conv_joins)(const struct ps_nn_conv *l); /**< can it make the sum that it reads? */
    struct ps_nn_size (*lstm_size)(const struct ps_nn_lstm *l, int64_t n);
    void (*lstm_prepare)(const struct ps_nn_lstm *l, const void *w, void *prepared, int part, int parts);
    void (*lstm_forward)(const struct ps_nn_lstm *l, const struct ps_nn_pass *p);
    void (*lstm_backward)(const struct ps_nn_lstm *l, const struct ps_nn_pass *p);

    /* layers without preparation, whose pools, sums and norms have room for sums of columns */
    int64_t (*columns_work)(int64_t rows, int64_t channels); /**< elements of work; NULL: batch norms need 8 a
                                                                channel, others none */
    void (*pool_forward)(const struct ps_nn_pool *l, const struct ps_nn_pass *p);
    void (*pool_backward)(const struct ps_nn_pool *l, const struct ps_nn_pass *p);
    void (*sum_forward)(const struct ps_nn_sum *l, const struct ps_nn_pass *p);
    void (*sum_backward)(const struct ps_nn_sum *l, const struct ps_nn_pass *p);
    void (*upsample_forward)(const struct ps_nn_upsample *l, const struct ps_nn_pass *p);
    void (*upsample_backward)(const struct ps_nn_upsample *l, const struct ps_nn_pass *p);
    void (*batch_norm_forward)(const struct ps_nn_batch_norm *l, const struct ps_nn_pass *p);
    void (*batch_norm_backward)(const struct ps_nn_batch_norm *l, const struct ps_nn_pass *p);
    void (*layer_norm_forward)(const struct ps_nn_layer_norm *l, const struct ps_nn_pass *p);
    void (*layer_norm_backward)(const struct ps_nn_layer_norm *l, const struct ps_nn_pass *p);

    /** In evaluation. @param mean, variance [channels] */
    void (*batch_norm_evaluate)(const struct ps_nn_batch_norm *l, const struct ps_nn_pass *p,
                                const void *mean, const void *variance);

    /** Parts of a pass whose mean and variance are of more rows than its own: moments of x, from which
     * batch_norm_evaluate goes on; then dy becomes the gradient of gamma z + beta, with p->sums of it and of
     * it times x less the mean that is kept; then dx, from p->dy_read. Weights have no gradient from them. */
    void (*batch_norm_moments)(const struct ps_nn_batch_norm *l, const struct ps_nn_pass *p);
    void (*batch_norm_sums)(const struct ps_nn_batch_norm *l, const struct ps_nn_pass *p);
    void (*batch_norm_gradient)(const struct ps_nn_batch_norm *l, const struct ps_nn_pass *p);

    /** Numbers of a batch norm that is never written out: mean, scale, a and b, from the moments or where
     * they are given from mean and variance [channels]; the variance, from the moments; s, p and q, from the
     * sums; the gradient of w, from the sums and scale; what its rows say of running mean and variance, the
     * latter of the population. */
    void (*norm_factors)(const struct ps_nn_norm *m, const void *mean, const void *variance);
    void (*norm_variance)(const struct ps_nn_norm *m, void *variance);
    void (*norm_gradients)(const struct ps_nn_norm *m);
    void (*norm_weights)(const struct ps_nn_norm *m, void *dw, bool add);
    void (*norm_buffers)(const struct ps_nn_norm *m, void *dbuffers, bool add);

    void (*last_step_forward)(const struct ps_nn_last_step *l, const struct ps_nn_pass *p);
    void (*last_step_backward)(const struct ps_nn_last_step *l, const struct ps_nn_pass *p);
    void (*gate_forward)(const struct ps_nn_gate *l, const struct ps_nn_pass *p);
    void (*gate_backward)(const struct ps_nn_gate *l, const struct ps_nn_pass *p);
    void (*copy)(int64_t bytes, const void *from, void *to);
    void (*clear)(int64_t bytes, void *to);

    /** x becomes y or dy becomes dx, in place. @param sample [n] numbers of the samples @param step of the
     * run */
    void (*dropout)(const struct ps_nn_dropout *l, int64_t n, const int64_t *sample, int64_t step, void *x);

    /** to += from, n elements: sums of layers, and of gradients. */
    void (*add)(int64_t n, const void *from, void *to);

    /** Losses: sums over samples of the cross-entropy, or of the squared or absolute differences over
     * features; gradients of `scale` times that are written (of an absolute difference of 0: 0).
     * @param label [n] in [0, classes) @param dx NULL: not wanted */
    double (*softmax_loss)(const struct ps_nn_softmax *l, int64_t n, const void *x, const int32_t *label,
                           double scale, void *dx);
    double (*square_loss)(int64_t n, const void *x, const void *target, double scale, void *dx);
    double (*absolute_loss)(int64_t n, const void *x, const void *target, double scale, void *dx);
    /** softmax_loss where a sample is of several classes. @param target [n][classes] shares */
    double (*shares_loss)(const struct ps_nn_softmax *l, int64_t n, const void *x, const void *target,
                          double scale, void *dx);
    /** -t log s(x) - (1 - t) log(1 - s(x)), s the sigmoid: each of n outputs is a question of its own. */
    double (*sigmoid_loss)(int64_t n, const void *x, const void *target, double scale, void *dx);

    /** One step of an optimizer on n weights of a layer. LAMB: `direction` first, which writes what the step
     * would be at rate 1 over the gradient; its norm gives `trust`.
     * @param state1, state2 [n] zero before the first step; NULL where the rule has none */
    void (*direction)(const struct ps_nn_update *u, int64_t n, const void *w, void *g, void *state1,
                      void *state2);
    void (*update)(const struct ps_nn_update *u, int64_t n, void *w, const void *g, void *state1,
                   void *state2);

    /** Sum of squares of n elements. */
    double (*squares)(int64_t n, const void *x);
};

/** `ref` in single and double precision; `cpu`; and `cpu-bf16`, where operands of the products of dense,
 * recurrent layers and convolutions are rounded to bf16 (to the nearest, ties to even), and images between
 * layers may be stored in bf16, while sums, weights and everything else stay in single precision. Processors
 * without such products compute the same in single precision; those with them may take numbers below 2^-126
 * for 0. */
extern const struct ps_nn_kernels ps_nn_ref, ps_nn_ref64, ps_nn_cpu, ps_nn_cpu_bf16;

#endif
