/* ranks: 1 2 3 */
#include "iocheck.h"
#include "apps/mnist/mnist_data.h"
#include "apps/mnist/mnist_model.h"
#include "apps/mnist/mnist_score.h"
#include "apps/mnist/mnist_wrong.h"

static struct ps_common common = {.seed = 3};

static struct ps_run run_here(void)
{
    struct ps_run run = {.comm = MPI_COMM_WORLD, .name = "test", .threads = 1, .common = &common};
    MPI_Comm_rank(run.comm, &run.rank);
    MPI_Comm_size(run.comm, &run.size);
    return run;
}

/* The numbers that the lectures print, and the names that PyTorch's modules give. */
START_TEST(models)
{
    static const struct {
        const char *name, *last;
        int64_t weights;
        int tensors;
    } want[] = {
        {"perceptron", "fc.bias", 7850, 2}, {"ann", "fc3.bias", 118282, 6}, {"cnn", "fc2.bias", 1256080, 8}};
    for (int i = 0; i < 3; i++) {
        struct ps_net net;
        struct ps_tensor tensor[64];
        const enum ps_status rc = mnist_model(want[i].name, &ps_nn_ref, 28, 28, 10, PS_INIT_TORCH, 1, &net);
        mck_assert(rc == PS_OK && net.weights == want[i].weights, "%s: %lld weights", want[i].name,
                   (long long)net.weights);
        const int n = ps_net_tensors(&net, tensor);
        mck_assert(n == want[i].tensors && strcmp(tensor[n - 1].name, want[i].last) == 0,
                   "%s: %d tensors, %s", want[i].name, n, tensor[n - 1].name);
        ps_net_free(&net);
    }
    struct ps_net small;
    mck_assert(mnist_model("cnn", &ps_nn_ref, 3, 3, 10, PS_INIT_TORCH, 1, &small) == PS_EUSAGE,
               "two halves of 3 are less than 1");
    ps_net_free(&small);
}
END_TEST

enum { TRAIN = 20, TEST = 5, HEIGHT = 2, WIDTH = 3, SIZE = HEIGHT * WIDTH };

/* Pixel k of sample i is 10 i + k, and its label is i modulo 4. */
static void write_idx(const char *name, int n, bool images)
{
    unsigned char file[16 + TRAIN * SIZE] = {0, 0, 8, images ? 3 : 1, 0, 0, 0, (unsigned char)n,
                                             0, 0, 0, HEIGHT,         0, 0, 0, WIDTH};
    const int begin = images ? 16 : 8, each = images ? SIZE : 1;
    for (int i = 0; i < n; i++)
        for (int k = 0; k < each; k++)
            file[begin + i * each + k] = (unsigned char)(images ? 10 * i + k : i % 4);
    io_write_file(io_path(name), file, (size_t)(begin + n * each));
}

static void write_files(struct mnist_choice *choice)
{
    memset(choice, 0, sizeof *choice);
    write_idx("x", TRAIN, true), write_idx("y", TRAIN, false);
    write_idx("u", TEST, true), write_idx("v", TEST, false);
    snprintf(choice->train_images, sizeof choice->train_images, "%s", io_path("x"));
    snprintf(choice->train_labels, sizeof choice->train_labels, "%s", io_path("y"));
    snprintf(choice->test_images, sizeof choice->test_images, "%s", io_path("u"));
    snprintf(choice->test_labels, sizeof choice->test_labels, "%s", io_path("v"));
    choice->height = HEIGHT;
}

/* Load sample i of a source: which sample of the file it is; -1 if anything in it is wrong. */
static int number_of(const struct ps_source *s, int64_t i)
{
    const struct ps_draw draw = {.training = true};
    float x[SIZE];
    int32_t label;
    if (s->load(s, i, &draw, x, &label) != PS_OK) return -1;
    const int number = (int)lrintf(x[0] * 255) / 10;
    for (int k = 0; k < SIZE; k++)
        if (lrintf(x[k] * 255) != 10 * number + k || x[k] > 1) return -1;
    return label == number % 4 ? number : -1;
}

START_TEST(data)
{
    struct ps_run run = run_here();
    struct mnist_choice choice;
    struct mnist_data d;
    write_files(&choice);
    const enum ps_status rc = mnist_data_read(&run, &choice, &d);
    mck_assert(rc == PS_OK, "%s", ps_err_message());
    mck_assert(d.train.n == TRAIN && d.test.n == TEST && d.valid.n == TEST && d.classes == 4, "%lld samples",
               (long long)d.train.n);
    for (int i = 0; i < TRAIN; i++) mck_assert(number_of(&d.train, i) == i, "training sample %d", i);
    for (int i = 0; i < TEST; i++) mck_assert(number_of(&d.valid, i) == i, "test sample %d", i);
    mnist_data_free(&d);
}
END_TEST

/* Every sample is in one of both parts, once. */
START_TEST(held_back)
{
    struct ps_run run = run_here();
    struct mnist_choice choice;
    struct mnist_data d;
    int seen[TRAIN] = {0}, in_order = 0;
    write_files(&choice);
    choice.validation = 0.3;
    mck_assert(mnist_data_read(&run, &choice, &d) == PS_OK, "%s", ps_err_message());
    mck_assert(d.valid.n == 6 && d.train.n == 14, "%lld samples for validation", (long long)d.valid.n);
    for (int i = 0; i < TRAIN; i++) {
        const int number = i < 6 ? number_of(&d.valid, i) : number_of(&d.train, i - 6);
        mck_assert(number >= 0, "sample %d", i);
        seen[number]++;
        in_order += number == i;
    }
    for (int i = 0; i < TRAIN; i++) mck_assert(seen[i] == 1, "sample %d is taken %d times", i, seen[i]);
    mck_assert(in_order < TRAIN / 2, "the order is random");
    mnist_data_free(&d);
}
END_TEST

/* Answers of 300 samples in three classes, of which rank r saw every size-th: 198 are wrong, some of them
 * with equal certainty. */
START_TEST(mistakes)
{
    enum { N = 300, CLASSES = 3 };
    struct ps_run run = run_here();
    struct mnist_wrong wrong[MNIST_WRONG_MOST];
    int32_t label[N];
    struct mnist_answer answer[N];
    int64_t count[2], confusion[CLASSES * CLASSES];
    for (int i = 0; i < N; i++) {
        label[i] = i / 100;
        answer[i] = (struct mnist_answer){i % run.size == run.rank ? i % 3 : -1, (float)(i % 10) / 10};
    }
    mnist_confusion(run.comm, CLASSES, N, label, answer, confusion);
    static const int64_t want[] = {34, 33, 33, 33, 34, 33, 33, 33, 34};
    for (int k = 0; k < CLASSES * CLASSES; k++)
        mck_assert(confusion[k] == want[k], "confusion[%d] = %lld", k, (long long)confusion[k]);
    mck_assert(mnist_wrong_find(run.comm, N, label, answer, wrong, count) == PS_OK, "%s", ps_err_message());
    if (run.rank != 0) return;
    ck_assert(count[0] == MNIST_WRONG_MOST && count[1] == 198);
    for (int i = 0; i < MNIST_WRONG_MOST; i++) {
        const int64_t s = wrong[i].sample;
        ck_assert(wrong[i].answer.label == s % 3 && s % 3 != s / 100);
        ck_assert(i == 0 || s % 10 < wrong[i - 1].sample % 10 ||
                  (s % 10 == wrong[i - 1].sample % 10 && s > wrong[i - 1].sample));
    }
    ck_assert(wrong[0].sample % 10 == 9);
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {models, data, held_back, mistakes, NULL};
    return mck_main(argc, argv, "mnist", tests);
}
