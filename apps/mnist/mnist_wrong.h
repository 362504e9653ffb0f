/** A sheet of the images that were not recognised. */
#ifndef MNIST_WRONG_H
#define MNIST_WRONG_H

#include "apps/mnist/mnist_data.h"
#include "apps/mnist/mnist_score.h"

enum { MNIST_WRONG_MOST = 100 };

/** An image that was taken for another class. */
struct mnist_wrong {
    int64_t sample;
    struct mnist_answer answer;
};

/** The mistakes that were made with most certainty, those of the smaller numbers first among equals.
 * Collective over comm.
 * @param label, answer [n] @param wrong out [MNIST_WRONG_MOST], @param count out: how many there are and how
 * many mistakes were made; both on rank 0 alone
 * @return (agreed) PS_OK; PS_ENOMEM */
enum ps_status mnist_wrong_find(MPI_Comm comm, int64_t n, const int32_t *label,
                                const struct mnist_answer *answer, struct mnist_wrong *wrong,
                                int64_t count[2]);

/** Draw them with their labels and answers, and write a PNG file. Collective over run->comm.
 * @return (agreed) PS_OK; PS_EIO; PS_ENOMEM; PS_EBACKEND (built without libpng) */
enum ps_status mnist_wrong_write(const struct ps_run *run, const char *path, const struct mnist_set *set,
                                 const struct mnist_answer *answer);

#endif
