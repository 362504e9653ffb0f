/* ranks: 1 3 */
#include "traincheck.h"
#include <math.h>
#include <stdlib.h>
#include "common/io/safetensors.h"
#include "common/nn/weights.h"

/* Convolution, running means, a dense layer that reads an image, one that reads features. */
static void images(struct ps_net *net)
{
    ps_net_begin(net, &ps_nn_cpu, (struct ps_shape){5, 4, 2, false}, PS_INIT_TORCH, 5);
    int a = ps_net_conv(net, 0, "conv", 3, 3, 1, 1, PS_NN_LINEAR);
    a = ps_net_batch_norm(net, a, "norm", 1e-5, 0.1, PS_NN_RELU);
    a = ps_net_dense(net, a, "fc1", 6, PS_NN_RELU);
    ps_net_dense(net, a, "fc2", 2, PS_NN_LINEAR);
    mck_assert(ps_net_end(net) == PS_OK, "%s", ps_err_message());
}

static void series(struct ps_net *net)
{
    ps_net_begin(net, &ps_nn_cpu, (struct ps_shape){6, 1, 3, true}, PS_INIT_TORCH, 5);
    int a = ps_net_lstm(net, 0, "lstm", 0, 5);
    a = ps_net_last_step(net, a);
    ps_net_dense(net, a, "out", 2, PS_NN_LINEAR);
    mck_assert(ps_net_end(net) == PS_OK, "%s", ps_err_message());
}

/* A dense layer that reads an image of 2 channels and makes one of 3, which grows. */
static void decoder(struct ps_net *net)
{
    ps_net_begin(net, &ps_nn_cpu, (struct ps_shape){3, 2, 2, false}, PS_INIT_TORCH, 5);
    int a = ps_net_dense_image(net, 0, "fc", (struct ps_shape){4, 5, 3, false}, PS_NN_RELU);
    a = ps_net_upsample(net, a, 8, 9);
    ps_net_conv(net, a, "conv", 2, 3, 1, 1, PS_NN_LINEAR);
    mck_assert(ps_net_end(net) == PS_OK, "%s", ps_err_message());
}

static float *numbers(const struct ps_net *net)
{
    const int64_t n = net->weights + net->buffers;
    float *w = malloc((size_t)n * sizeof *w);
    for (int64_t i = 0; i < n; i++) w[i] = (float)ps_rng_uniform((struct ps_rng){9, 2}, i, 0) + (float)i;
    return w;
}

START_TEST(round_trip)
{
    void (*const builders[])(struct ps_net *) = {images, series, decoder};
    const struct ps_run run = run_on(MPI_COMM_WORLD, 1);
    for (int b = 0; b < 3; b++) {
        const char *path = file_name("trip.safetensors");
        struct ps_net net;
        builders[b](&net);
        const int64_t n = net.weights + net.buffers;
        float *w = numbers(&net), *back = calloc((size_t)n, sizeof *back);
        mck_assert(ps_weights_write(&run, path, &net, w) == PS_OK, "%s", ps_err_message());
        mck_assert(ps_weights_read(&run, path, &net, back) == PS_OK, "%s", ps_err_message());
        mck_assert(memcmp(w, back, (size_t)n * sizeof *w) == 0, "other weights came back");
        MPI_Barrier(MPI_COMM_WORLD);
        if (world_rank() == 0) unlink(path);
        free(w), free(back);
        ps_net_free(&net);
    }
}
END_TEST

static const struct ps_safe_tensor *find(const struct ps_safetensors *file, const char *name)
{
    for (int i = 0; i < file->n; i++)
        if (strcmp(file->tensor[i].name, name) == 0) return &file->tensor[i];
    return NULL;
}

/* In the file channels come before rows and columns; a dense layer after an image reads it in that order. */
START_TEST(layouts)
{
    const char *path = file_name("layout.safetensors");
    const struct ps_run run = run_on(MPI_COMM_WORLD, 1);
    struct ps_net net;
    images(&net);
    float *w = numbers(&net);
    mck_assert(ps_weights_write(&run, path, &net, w) == PS_OK, "%s", ps_err_message());
    struct ps_safetensors file;
    mck_assert(ps_safetensors_read(path, &file) == PS_OK, "%s", ps_err_message());
    const struct ps_safe_tensor *conv = find(&file, "conv.weight"), *fc = find(&file, "fc1.weight");
    mck_assert(file.n == 10 && conv && fc && find(&file, "norm.running_var"), "%d tensors", file.n);
    mck_assert(conv->dims == 4 && conv->dim[0] == 3 && conv->dim[1] == 2 && conv->dim[2] == 3, "conv");
    mck_assert(fc->dims == 2 && fc->dim[0] == 6 && fc->dim[1] == 60, "fc1 is %lld wide",
               (long long)fc->dim[1]);
    /* output 2, channel 1, row 0, column 2 of the convolution */
    float value;
    memcpy(&value, (const float *)conv->data + ((2 * 2 + 1) * 3 + 0) * 3 + 2, sizeof value);
    mck_assert(value == w[((2 * 3 + 0) * 3 + 2) * 2 + 1], "%g", value);
    /* output 4, channel 2, row 3, column 1 of the 5 x 4 image that fc1 reads */
    memcpy(&value, (const float *)fc->data + 4 * 60 + (2 * 5 + 3) * 4 + 1, sizeof value);
    mck_assert(value == w[net.node[3].weights_at + 4 * 60 + (3 * 4 + 1) * 3 + 2], "%g", value);
    ps_safetensors_free(&file);
    MPI_Barrier(MPI_COMM_WORLD);
    if (world_rank() == 0) unlink(path);
    free(w);
    ps_net_free(&net);
}
END_TEST

/* A dense layer that makes an image has its rows and biases in that order too. */
START_TEST(image_rows)
{
    const char *path = file_name("rows.safetensors");
    const struct ps_run run = run_on(MPI_COMM_WORLD, 1);
    struct ps_net net;
    struct ps_safetensors file;
    decoder(&net);
    float *w = numbers(&net), value;
    mck_assert(ps_weights_write(&run, path, &net, w) == PS_OK, "%s", ps_err_message());
    mck_assert(ps_safetensors_read(path, &file) == PS_OK, "%s", ps_err_message());
    const struct ps_safe_tensor *fc = find(&file, "fc.weight"), *bias = find(&file, "fc.bias");
    mck_assert(fc && bias && fc->dims == 2 && fc->dim[0] == 60 && fc->dim[1] == 12, "fc");
    /* channel 2, row 3, column 1 of the 4 x 5 image that it makes; channel 1, row 2, column 0 of the 3 x 2
     * one that it reads */
    memcpy(&value, (const float *)fc->data + ((2 * 4 + 3) * 5 + 1) * 12 + (1 * 3 + 2) * 2, sizeof value);
    mck_assert(value == w[((3 * 5 + 1) * 3 + 2) * 12 + (2 * 2) * 2 + 1], "%g", value);
    memcpy(&value, (const float *)bias->data + (2 * 4 + 3) * 5 + 1, sizeof value);
    mck_assert(value == w[60 * 12 + (3 * 5 + 1) * 3 + 2], "%g", value);
    ps_safetensors_free(&file);
    MPI_Barrier(MPI_COMM_WORLD);
    if (world_rank() == 0) unlink(path);
    free(w);
    ps_net_free(&net);
}
END_TEST

/* Write the net's tensors after a change, and read them. */
static void refused(void (*change)(struct ps_safe_tensor *t, int *n), const char *message)
{
    const char *path = file_name("changed.safetensors");
    const struct ps_run run = run_on(MPI_COMM_WORLD, 1);
    struct ps_net net;
    images(&net);
    float *w = numbers(&net), *back = calloc((size_t)(net.weights + net.buffers), sizeof *back);
    mck_assert(ps_weights_write(&run, path, &net, w) == PS_OK, "%s", ps_err_message());
    if (world_rank() == 0) {
        struct ps_safetensors file;
        struct ps_safe_tensor t[16];
        ck_assert(ps_safetensors_read(path, &file) == PS_OK);
        int n = file.n;
        memcpy(t, file.tensor, (size_t)n * sizeof *t);
        change(t, &n);
        ck_assert_msg(ps_safetensors_write(path, t, n, NULL) == PS_OK, "%s", ps_err_message());
        ps_safetensors_free(&file);
    }
    MPI_Barrier(MPI_COMM_WORLD);
    const enum ps_status rc = ps_weights_read(&run, path, &net, back);
    if (message)
        mck_assert(rc == PS_EINPUT && strstr(ps_err_message(), message), "status %d: %s", rc,
                   ps_err_message());
    else
        mck_assert(rc == PS_OK, "%s", ps_err_message());
    ps_err_clear();
    MPI_Barrier(MPI_COMM_WORLD);
    if (world_rank() == 0) unlink(path);
    free(w), free(back);
    ps_net_free(&net);
}

static int at(const struct ps_safe_tensor *t, int n, const char *name)
{
    int i = 0;
    while (i < n - 1 && strcmp(t[i].name, name) != 0) i++;
    return i;
}

static void drop(struct ps_safe_tensor *t, int *n)
{
    t[at(t, *n, "fc2.bias")] = t[*n - 1];
    (*n)--;
}

static void turn(struct ps_safe_tensor *t, int *n)
{
    struct ps_safe_tensor *fc = &t[at(t, *n, "fc1.weight")];
    fc->dim[0] = 60, fc->dim[1] = 6;
}

static void stranger(struct ps_safe_tensor *t, int *n)
{
    static const float zero[4] = {0};
    t[*n] = (struct ps_safe_tensor){.name = "fc3.bias", .dims = 1, .dim = {4}, .data = zero};
    (*n)++;
}

static void counter(struct ps_safe_tensor *t, int *n)
{
    static const int64_t count[1] = {12};
    t[*n] = (struct ps_safe_tensor){.name = "norm.num_batches_tracked", .type = PS_SAFE_I64, .data = count};
    (*n)++;
}

static void spoil(struct ps_safe_tensor *t, int *n)
{
    static float bias[6];
    bias[4] = NAN;
    t[at(t, *n, "fc1.bias")].data = bias;
}

static void integers(struct ps_safe_tensor *t, int *n)
{
    static const int64_t bias[6];
    struct ps_safe_tensor *b = &t[at(t, *n, "fc1.bias")];
    b->type = PS_SAFE_I64, b->data = bias;
}

START_TEST(refusals)
{
    refused(drop, "the net's tensor 'fc2.bias' (2) is not in the file");
    refused(turn, "tensor 'fc1.weight' is 60 x 6, that of the net is 6 x 60");
    refused(stranger, "tensor 'fc3.bias' is of no layer of the net");
    refused(counter, NULL);
    refused(spoil, "element 4 of tensor 'fc1.bias' is not a finite number");
    refused(integers, "tensor 'fc1.bias' is not of floating-point numbers");
}
END_TEST

START_TEST(missing)
{
    const struct ps_run run = run_on(MPI_COMM_WORLD, 1);
    struct ps_net net;
    images(&net);
    float *w = numbers(&net);
    mck_assert(ps_weights_read(&run, file_name("none.safetensors"), &net, w) == PS_EIO &&
                   strstr(ps_err_message(), "none.safetensors"),
               "%s", ps_err_message());
    ps_err_clear();
    free(w);
    ps_net_free(&net);
}
END_TEST

/* All but a layer, which has another shape in the file, and stays. */
START_TEST(but_one)
{
    const char *path = file_name("but.safetensors");
    const struct ps_run run = run_on(MPI_COMM_WORLD, 1);
    struct ps_net net, other;
    series(&net);
    ps_net_begin(&other, &ps_nn_cpu, (struct ps_shape){6, 1, 3, true}, PS_INIT_TORCH, 5);
    int a = ps_net_last_step(&other, ps_net_lstm(&other, 0, "lstm", 0, 5));
    ps_net_dense(&other, a, "out", 7, PS_NN_LINEAR);
    mck_assert(ps_net_end(&other) == PS_OK, "%s", ps_err_message());
    float *theirs = numbers(&other), *w = calloc((size_t)net.weights, sizeof *w);
    mck_assert(ps_weights_write(&run, path, &other, theirs) == PS_OK, "%s", ps_err_message());
    for (int64_t i = 0; i < net.weights; i++) w[i] = -1;
    mck_assert(ps_weights_read(&run, path, &net, w) == PS_EINPUT, "the shape is another");
    mck_assert(ps_weights_read_but(&run, path, &net, "ou", w) == PS_EINPUT, "not that layer");
    for (int64_t i = 0; i < net.weights; i++) w[i] = -1;
    mck_assert(ps_weights_read_but(&run, path, &net, "out", w) == PS_OK, "%s", ps_err_message());
    const int64_t head = net.node[net.nodes - 1].weights_at;
    mck_assert(memcmp(w, theirs, (size_t)head * sizeof *w) == 0, "others were read");
    for (int64_t i = head; i < net.weights; i++) mck_assert(w[i] == -1, "element %lld", (long long)i);
    MPI_Barrier(MPI_COMM_WORLD);
    if (world_rank() == 0) unlink(path);
    free(theirs), free(w);
    ps_net_free(&net), ps_net_free(&other);
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {round_trip, layouts, image_rows, refusals, missing, but_one, NULL};
    return mck_main(argc, argv, "nn_weights", tests);
}
