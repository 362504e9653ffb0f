/** Labelled grey images, held once on each node, as sources of samples. */
#ifndef MNIST_DATA_H
#define MNIST_DATA_H

#include "apps/mnist/mnist_files.h"
#include "common/nn/source.h"
#include "common/par/shared.h"
#include "common/run/run.h"

enum { MNIST_CLASSES_MAX = 1024 };

/** Images of one size with labels 0, 1, ... */
struct mnist_set {
    int64_t n, height, width;
    const uint8_t *pixel; /**< [n][height][width] */
    const int32_t *label; /**< [n] */
    struct ps_shared pixels, labels;
};

/** Samples of a set that serve one purpose. */
struct mnist_part {
    const struct mnist_set *set; /**< borrowed */
    bool mixed;                  /**< taken from the set in a random order */
    uint64_t seed;               /**< of that order */
    int64_t first;               /**< place in it */
};

/** All zero: nothing was read. It must stay where it was read: sources point into it. */
struct mnist_data {
    MPI_Comm node; /**< ranks that share memory; owned */
    bool has_node;
    struct mnist_files files;
    struct mnist_set train_set, test_set;
    int64_t classes;
    struct mnist_part train_part, valid_part, test_part;
    struct ps_source train, test;
    struct ps_source valid; /**< a part of the training set, or the test set */
};

/** Read both sets, once on each node, and cut off the samples for validation. Collective over run->comm.
 * A sample's input is [height][width], pixel values over 255; its target is its label.
 * @return (agreed) PS_OK; what reading returns; PS_EINPUT (no samples; images of several sizes; as many
 * labels as images there are not; a pixel or label is no such number: file and sample are named); PS_ENOMEM;
 * PS_EMPI */
enum ps_status mnist_data_read(struct ps_run *run, const struct mnist_choice *choice, struct mnist_data *out);
void mnist_data_free(struct mnist_data *d); /**< Collective over the communicator it was read with. */

#endif
